//! Whether GitHub takes our keys.

use std::sync::Arc;

use octo_sts_github::{App, AppFacts, GitHubError, Trace};
use octo_sts_types::AppId;
use tokio::sync::watch;

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

    /// What is wrong with a key, as the last exchange found it; `None` while keys work.
    pub fn key_trouble(&self) -> Option<String> {
        self.health.key_trouble()
    }

    /// Hears of every change of [`Self::key_trouble`].
    pub fn follow_key_trouble(&self) -> watch::Receiver<Option<String>> {
        self.health.0.subscribe()
    }

    /// Where a key was in trouble, finds out whether all of them work again. Nobody else would: who is not ready is asked for no token.
    pub async fn look_again_at_keys(&self) {
        if self.key_trouble().is_none() {
            return;
        }
        for app in self.apps() {
            if self.check_app(&app).await.is_err() {
                return;
            }
        }
        self.health.key_works();
    }
}

/// What the last exchanges said of the App's key: why it does not work, if it does not.
#[derive(Debug, Default)]
pub(crate) struct Health(watch::Sender<Option<String>>);

impl Health {
    /// A token was minted: the key works.
    pub(crate) fn key_works(&self) {
        self.0.send_if_modified(|trouble| trouble.take().is_some());
    }

    /// Remembers that GitHub refused the key, or that nothing could be signed. Everybody may read this, so it does not say where
    /// the key is.
    pub(crate) fn note(&self, error: &ExchangeError) {
        let ExchangeError::GitHub { source, .. } = error else { return };
        let why = match source {
            GitHubError::KeyRefused { .. } => source.to_string(),
            GitHubError::Sign(_) => "the App's key does not sign: the log says what is wrong with its place".to_owned(),
            _ => return,
        };
        self.0.send_replace(Some(why));
    }

    /// Why the key does not work, if it does not.
    pub(crate) fn key_trouble(&self) -> Option<String> {
        self.0.borrow().clone()
    }
}
