//! Minting: the one call that makes a secret.
//!
//! What is asked for comes from a [`Grant`] alone, and the reply is checked against it. A mint runs in a task of its own: a
//! caller who gives up does not leave a token that nobody knows of, since the task revokes what nobody takes.

use std::time::Duration;

use http::StatusCode;
use octo_sts_http::Response;
use octo_sts_types::{Grant, InstallationId, RepositoryName};

use crate::{
    app::App,
    background::ToItsEnd,
    call::{Call, Class},
    error::GitHubError,
    github::GitHub,
    mint_reply::{self, Refused},
    order::{Order, Targets},
    quota::Lane,
    reply,
    token::InstallationToken,
    trace::Trace,
};

/// For how long a mint may go on after its caller has gone: the deadline of one call, and a repetition that never was sent.
const UNHURRIED: Duration = Duration::from_secs(12);

impl GitHub {
    /// Mints a token for a grant, at the installation and for the repositories that stand for it.
    ///
    /// Permissions are the grant's; repositories are `targets`, which must not be more than the grant gives. The reply is
    /// checked to be as narrow as that: a token that is wider is revoked and [`GitHubError::Wider`] returned.
    pub async fn mint(
        &self,
        app: &App,
        installation: InstallationId,
        grant: &Grant,
        targets: Targets<'_>,
        trace: &Trace,
    ) -> Result<InstallationToken, GitHubError> {
        self.place(app, installation, Order::for_grant(grant, targets)?, trace).await
    }

    /// Mints a token that reads the contents of these repositories, for our own use. Never of none, never of all.
    pub async fn mint_reader(
        &self,
        app: &App,
        installation: InstallationId,
        repositories: &[RepositoryName],
        trace: &Trace,
    ) -> Result<InstallationToken, GitHubError> {
        self.place(app, installation, Order::reader(repositories)?, trace).await
    }

    /// Mints a token that reads the contents of these repositories and writes check runs, for the webhook. `pulls` lets it
    /// read pull requests; an installation that lacks this permission refuses to mint with it.
    pub async fn mint_checker(
        &self,
        app: &App,
        installation: InstallationId,
        repositories: &[RepositoryName],
        pulls: bool,
        trace: &Trace,
    ) -> Result<InstallationToken, GitHubError> {
        self.place(app, installation, Order::checker(repositories, pulls)?, trace).await
    }

    async fn place(&self, app: &App, installation: InstallationId, order: Order, trace: &Trace) -> Result<InstallationToken, GitHubError> {
        let now = self.0.clock.monotonic();
        // The window is checked here as well, so that a held-back mint costs no task.
        self.0.quota.admit(Lane::Mint(app.id, installation), now)?;
        let Some(task) = self.0.background.begin() else { return Err(GitHubError::deadline()) };
        let (github, app, unhurried) = (self.clone(), app.clone(), trace.with_deadline(now + UNHURRIED));
        let work = ToItsEnd::new(async move {
            let _task = task;
            let token = github.order(&app, installation, &order, &unhurried).await?;
            Ok(Unclaimed { token: Some(token), github })
        });
        let outcome = tokio::time::timeout(trace.remaining(now), work).await;
        outcome.map_err(|_| GitHubError::deadline())?.and_then(Unclaimed::claim)
    }

    async fn order(&self, app: &App, installation: InstallationId, order: &Order, trace: &Trace) -> Result<InstallationToken, GitHubError> {
        let uri = reply::address(self.0.endpoint.access_tokens(installation))?;
        let call = Call::post(Class::Mint, uri, order.body.clone());
        let response = match self.as_app(app, Lane::Mint(app.id, installation), &call, trace).await {
            Ok(response) => response,
            Err(error) => return Err(unaccounted(app, installation, error)),
        };
        self.check(app, installation, order, &response)
    }

    fn check(&self, app: &App, installation: InstallationId, order: &Order, response: &Response) -> Result<InstallationToken, GitHubError> {
        let now = self.0.clock.now();
        let by = mint_reply::MintedBy { app: app.id, installation, clock_ahead: self.clock_ahead() };
        let Refused { error, token } = match mint_reply::check(order, by, response, now) {
            Ok(token) => return Ok(token),
            Err(refused) => *refused,
        };
        metrics::counter!("octo_sts_github_mints_refused_total").increment(1);
        tracing::error!(app = %app.id, %installation, error = &error as &dyn std::error::Error, "a minted token is not what was asked for");
        match token {
            Some(token) => self.revoke_in_background(token),
            None if response.status == StatusCode::CREATED => count_unaccounted(app, installation),
            None => {}
        }
        Err(error)
    }
}

/// A minted token on its way to whoever asked for it; revoked when he waits no more.
struct Unclaimed {
    token: Option<InstallationToken>,
    github: GitHub,
}

impl Unclaimed {
    fn claim(mut self) -> Result<InstallationToken, GitHubError> {
        self.token.take().ok_or_else(GitHubError::deadline)
    }
}

impl Drop for Unclaimed {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            tracing::info!(token_sha256 = token.sha256_hex(), "nobody waits for a minted token any more; it is revoked");
            self.github.revoke_in_background(token);
        }
    }
}

/// Counts a mint that may have happened although its reply never came.
fn unaccounted(app: &App, installation: InstallationId, error: GitHubError) -> GitHubError {
    if !error.left_no_token() {
        count_unaccounted(app, installation);
    }
    error
}

fn count_unaccounted(app: &App, installation: InstallationId) {
    metrics::counter!("octo_sts_github_mints_unaccounted_total").increment(1);
    tracing::error!(app = %app.id, %installation, "a mint may have happened whose token never arrived; it ends by itself within the hour");
}
