//! Whether GitHub takes our keys.

use std::sync::{Arc, Mutex, PoisonError};

use octo_sts_github::{App, AppFacts, GitHubError, Trace};
use octo_sts_types::AppId;

use crate::{
    error::ExchangeError,
    exchange::{DEADLINE, Exchanger},
};

/// Why an App is not usable.
#[derive(Debug, thiserror::Error)]
pub enum AppFault {
    /// GitHub did not tell.
    #[error("GitHub does not tell which App the key belongs to")]
    GitHub(#[source] GitHubError),
    /// The key belongs to another App.
    #[error("the key belongs to App {actual}, and App {configured} is configured")]
    OtherApp {
        /// The configured id.
        configured: AppId,
        /// The id that GitHub knows the key by.
        actual: AppId,
    },
}

impl Exchanger {
    /// The Apps in force.
    pub fn apps(&self) -> Vec<Arc<App>> {
        self.apps.current().all()
    }

    /// What GitHub said is left of the hourly calls, for each App and installation that was heard of.
    pub fn quotas(&self) -> Vec<(AppId, u64)> {
        self.github.quotas().into_iter().map(|(app, _, reading)| (app, reading.remaining)).collect()
    }

    /// Signs once with the App's key and asks GitHub whose it is.
    pub async fn check_app(&self, app: &App) -> Result<AppFacts, AppFault> {
        let trace = Trace::until(self.clock.monotonic() + DEADLINE);
        let facts = self.github.app(app, &trace).await.map_err(AppFault::GitHub)?;
        if facts.id == app.id { Ok(facts) } else { Err(AppFault::OtherApp { configured: app.id, actual: facts.id }) }
    }

    /// What GitHub said when it last refused a key; `None` while keys work.
    pub fn key_refused(&self) -> Option<String> {
        self.health.key_refused()
    }
}

/// What the last exchanges said of the App's key.
#[derive(Debug, Default)]
pub(crate) struct Health(Mutex<Option<String>>);

impl Health {
    /// A token was minted: the key works.
    pub(crate) fn key_works(&self) {
        let mut refused = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if refused.is_some() {
            *refused = None;
        }
    }

    /// Remembers that GitHub refused the key, or that nothing could be signed.
    pub(crate) fn note(&self, error: &ExchangeError) {
        let ExchangeError::GitHub { source: source @ (GitHubError::KeyRefused { .. } | GitHubError::Sign(_)), .. } = error else { return };
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(source.to_string());
    }

    /// Why the key does not work, if it does not.
    pub(crate) fn key_refused(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
