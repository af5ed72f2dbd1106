//! Whether GitHub knows each App by its key: asked at start, and again while a key is in trouble.

use std::{sync::Arc, time::Duration};

use octo_sts_exchange::{AppFault, Exchanger};
use octo_sts_github::{App, GitHubError};
use tracing::{info, warn};

use super::{StartError, readiness::Readiness};

/// How long to wait before GitHub is asked again.
const PAUSE: Duration = Duration::from_secs(3);

/// One line for people on what is served, beside what GitHub says of the Apps.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) domain: String,
    pub(super) address: std::net::SocketAddr,
    pub(super) github: String,
}

/// Signs once with each App's key and asks GitHub whose it is. GitHub that is out of reach is asked again until it
/// answers; a key that belongs to another App, or to none, ends the service.
pub(super) async fn check(exchanger: &Exchanger, readiness: &Readiness, served: &Served) -> Result<(), StartError> {
    let mut apps = Vec::new();
    for app in exchanger.apps() {
        let name = check_app(exchanger, &app, readiness).await?;
        apps.push(format!("App {name} ({})", app.id));
    }
    readiness.set(Vec::new());
    info!("serving {} on {} as {} at {}", served.domain, served.address, apps.join(", "), served.github);
    Ok(())
}

/// Follows keys that got into trouble later, until they work again; never ends.
pub(super) async fn follow(exchanger: Arc<Exchanger>) {
    loop {
        tokio::time::sleep(PAUSE).await;
        exchanger.look_again_at_keys().await;
    }
}

/// The App's name at GitHub.
async fn check_app(exchanger: &Exchanger, app: &Arc<App>, readiness: &Readiness) -> Result<String, StartError> {
    loop {
        let fault = match exchanger.check_app(app).await {
            Ok(facts) => return Ok(facts.name),
            Err(fault) => fault,
        };
        if let Some(why) = fatal(&fault) {
            return Err(StartError::App { app: app.id, why });
        }
        let reason = match &fault {
            AppFault::GitHub(error) => format!("GitHub was not asked about the App {}: {error}", app.id),
            AppFault::OtherApp { .. } => fault.to_string(),
        };
        warn!(app = app.id.0, error = %chain(&fault), "not ready: GitHub does not answer; asked again in {} s", PAUSE.as_secs());
        readiness.set(vec![reason]);
        tokio::time::sleep(PAUSE).await;
    }
}

/// What is wrong with the key, when waiting does not help.
pub(crate) fn fatal(fault: &AppFault) -> Option<String> {
    match fault {
        AppFault::OtherApp { .. } => Some(format!("{fault}: write the id of the App whose key this is, or give the key of the configured App")),
        AppFault::GitHub(GitHubError::KeyRefused { message }) => {
            Some(format!("GitHub refuses its key ({message}): check GITHUB_APP_IDS, and that the key is listed on the App's settings page"))
        }
        AppFault::GitHub(GitHubError::Sign(error)) => Some(format!("its key does not sign: {}", chain(error))),
        AppFault::GitHub(_) => None,
    }
}

/// An error and its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
