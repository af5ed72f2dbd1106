//! Revoking: the end of a token before its hour is over.

use std::time::Duration;

use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use tracing::Instrument as _;

use crate::{
    call::{Call, Class},
    classify::Presented,
    error::GitHubError,
    github::GitHub,
    quota::Lane,
    reply,
    send::Caller,
    token::{InstallationToken, authorization},
    trace::Trace,
};

/// How often a revocation in the background is tried.
const TRIES: u32 = 4;
/// The pause after the first try; each later one is four times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause, a limit's window included: a token that lives on for this long is left to its own end.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);
/// The time for one try.
const TRY: Duration = Duration::from_secs(8);

/// What ending a token that somebody handed in came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It ended with this call.
    Now,
    /// GitHub knows no such token: it ended before, or never was one.
    Before,
}

impl GitHub {
    /// Ends an installation token that somebody handed in. Its installation is not known here, so that the call counts
    /// towards no installation's quota, and no limit it meets is remembered.
    pub async fn end(&self, token: &SecretString, trace: &Trace) -> Result<Ended, GitHubError> {
        let Ok(authorization) = authorization(token.expose_secret()) else { return Ok(Ended::Before) };
        let call = Call::delete(Class::Revoke, reply::address(self.0.endpoint.token())?);
        let caller = Caller { presented: Presented::Token, lane: Lane::HandedIn, authorization: &authorization };
        match self.insist(&call, caller, trace).await.map_err(|failure| failure.error) {
            Ok(response) => reply::expect(&response, StatusCode::NO_CONTENT).map(|()| Ended::Now),
            Err(GitHubError::TokenRefused) => Ok(Ended::Before),
            Err(error) => Err(error),
        }
    }

    /// Ends a token at once. One that GitHub does not know any more is revoked already.
    pub async fn revoke(&self, token: &InstallationToken, trace: &Trace) -> Result<(), GitHubError> {
        let call = Call::delete(Class::Revoke, reply::address(self.0.endpoint.token())?);
        match self.with_token(token, &call, trace).await {
            Ok(response) => reply::expect(&response, StatusCode::NO_CONTENT),
            Err(GitHubError::TokenRefused) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Ends a token without anybody waiting, and tries again where GitHub does not do it at once.
    ///
    /// [`GitHub::settled`] waits for it. A token that cannot be revoked is named in the log by its SHA-256.
    pub fn revoke_in_background(&self, token: InstallationToken) {
        let Some(task) = self.0.background.begin() else {
            tracing::error!(token_sha256 = token.sha256_hex(), "too many revocations wait; a token is left to its own end");
            metrics::counter!("octo_sts_github_revocations_total", "outcome" => "dropped").increment(1);
            return;
        };
        let github = self.clone();
        let work = async move {
            let _task = task;
            let outcome = github.revoke_with_patience(&token).await;
            let word = if outcome.is_ok() { "revoked" } else { "failed" };
            metrics::counter!("octo_sts_github_revocations_total", "outcome" => word).increment(1);
            if let Err(error) = outcome {
                let error = &error as &dyn std::error::Error;
                tracing::error!(token_sha256 = token.sha256_hex(), error, "a token could not be revoked; it ends by itself within the hour");
            }
        };
        tokio::spawn(work.in_current_span());
    }

    async fn revoke_with_patience(&self, token: &InstallationToken) -> Result<(), GitHubError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.revoke_once(token).await {
                // Whatever stands in the way, a token that lives on is worth another try.
                Err(error) => {
                    tokio::time::sleep(error.retry_after().unwrap_or(pause).min(LONGEST_PAUSE)).await;
                    pause *= 4;
                }
                Ok(()) => return Ok(()),
            }
        }
        self.revoke_once(token).await
    }

    async fn revoke_once(&self, token: &InstallationToken) -> Result<(), GitHubError> {
        // The semaphore is never closed; without a permit the call is made all the same.
        let _turn = self.0.background.revocations.acquire().await;
        let trace = Trace::until(self.0.clock.monotonic() + TRY);
        self.revoke(token, &trace).await
    }
}
