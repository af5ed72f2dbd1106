//! How a call is made: sent, timed, counted, understood, and repeated where that is safe.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;
use jiff::Timestamp;
use octo_sts_http::{HttpError, Response};
use tracing::Instrument as _;

use crate::{
    app::{App, AppJwt},
    call::Call,
    call_span::{done, note, span},
    classify::{Presented, refusal},
    error::{GitHubError, Outage},
    github::GitHub,
    headers,
    quota::Lane,
    token::InstallationToken,
    trace::Trace,
};

/// Shortest pause before a call is repeated, in milliseconds.
const SHORTEST_PAUSE: u64 = 20;
/// What must be left of the deadline for a repetition to make sense.
const WORTH_REPEATING: Duration = Duration::from_millis(250);

/// Who a call is made as.
#[derive(Clone, Copy)]
pub(crate) struct Caller<'a> {
    pub(crate) presented: Presented,
    pub(crate) lane: Lane,
    pub(crate) authorization: &'a HeaderValue,
}

/// A failed attempt, with what only the next attempt needs to know.
pub(crate) struct Failure {
    pub(crate) error: GitHubError,
    /// Whether GitHub provably never got the call.
    pub(crate) never_sent: bool,
    /// GitHub's clock at that time.
    date: Option<Timestamp>,
}

impl From<GitHubError> for Failure {
    fn from(error: GitHubError) -> Self {
        Self { error, never_sent: false, date: None }
    }
}

impl Failure {
    fn of_transport(error: HttpError) -> Self {
        let never_sent = error.never_sent();
        let error = match error {
            HttpError::TooLarge { .. } | HttpError::HeadersTooLarge { .. } => GitHubError::Unexpected { status: None, what: error.to_string() },
            other => GitHubError::Unavailable { outage: Outage::Transport(Arc::new(other)), retry_after: None },
        };
        Self { error, never_sent, date: None }
    }

    /// A 401 that blames the times of the App JWT, not its key.
    fn blames_the_clock(&self) -> bool {
        let GitHubError::KeyRefused { message } = &self.error else { return false };
        ["'exp'", "'iat'", "Expiration time", "Issued at"].iter().any(|words| message.contains(words))
    }
}

impl GitHub {
    /// Makes a call with the App's JWT. A refused key gives way to the App's next one, once each; refused times are
    /// corrected by GitHub's clock, once.
    pub(crate) async fn as_app(&self, app: &App, lane: Lane, call: &Call<'_>, trace: &Trace) -> Result<Response, GitHubError> {
        self.0.quota.admit(lane, self.0.clock.monotonic())?;
        let mut other_keys = app.signers().len().saturating_sub(1);
        let mut clock_learned = false;
        loop {
            let jwt = self.jwt(app, trace).await?;
            let caller = Caller { presented: Presented::AppJwt, lane, authorization: &jwt.authorization };
            let failure = match self.insist(call, caller, trace).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            if failure.blames_the_clock() && !clock_learned {
                clock_learned = true;
                self.learn_clock(failure.date);
                app.forget(jwt.serial);
            } else if matches!(failure.error, GitHubError::KeyRefused { .. }) && other_keys > 0 {
                other_keys -= 1;
                tracing::warn!(app = %app.id, "GitHub refuses the App's key; the next one is used");
                app.next_signer(jwt.serial);
            } else {
                return Err(self.0.quota.note(lane, failure.error, self.0.clock.monotonic()));
            }
        }
    }

    /// Makes a call with an installation token.
    pub(crate) async fn with_token(&self, token: &InstallationToken, call: &Call<'_>, trace: &Trace) -> Result<Response, GitHubError> {
        let lane = Lane::Token(token.app(), token.installation());
        self.0.quota.admit(lane, self.0.clock.monotonic())?;
        let caller = Caller { presented: Presented::Token, lane, authorization: token.authorization() };
        let outcome = self.insist(call, caller, trace).await;
        outcome.map_err(|failure| self.0.quota.note(lane, failure.error, self.0.clock.monotonic()))
    }

    async fn jwt(&self, app: &App, trace: &Trace) -> Result<AppJwt, GitHubError> {
        let clock = &*self.0.clock;
        if let Some(jwt) = app.fresh_jwt(clock.monotonic()) {
            return Ok(jwt);
        }
        let signed = tokio::time::timeout(trace.remaining(clock.monotonic()), app.jwt(clock, self.clock_ahead())).await;
        signed.map_err(|_| GitHubError::deadline())?.map_err(GitHubError::Sign)
    }

    /// Makes a call, and once more where that is safe and there is time.
    pub(crate) async fn insist(&self, call: &Call<'_>, caller: Caller<'_>, trace: &Trace) -> Result<Response, Failure> {
        let failure = match self.attempt(call, caller, trace).await {
            Ok(response) => return Ok(response),
            Err(failure) => failure,
        };
        if !call.may_repeat(&failure) || trace.remaining(self.0.clock.monotonic()) < WORTH_REPEATING {
            return Err(failure);
        }
        tokio::time::sleep(pause()).await;
        self.attempt(call, caller, trace).await
    }

    async fn attempt(&self, call: &Call<'_>, caller: Caller<'_>, trace: &Trace) -> Result<Response, Failure> {
        let began = self.0.clock.monotonic();
        let remaining = trace.remaining(began);
        if remaining.is_zero() {
            return Err(GitHubError::deadline().into());
        }
        trace.count();
        let span = span(call);
        let request = call.request(caller.authorization, &span);
        let outcome = match tokio::time::timeout(remaining, self.0.http.send(request)).instrument(span.clone()).await {
            Ok(Ok(response)) => {
                span.record("http.response.status_code", response.status.as_u16());
                self.understand(caller, response)
            }
            Ok(Err(error)) => Err(Failure::of_transport(error)),
            Err(_) => Err(GitHubError::deadline().into()),
        };
        let status = outcome.as_ref().map_or_else(|failure| failure.error.label(), |response| done(response));
        note(&span, status, outcome.is_ok());
        metrics::counter!("octo_sts_github_calls_total", "call" => call.class.label(), "status" => status).increment(1);
        let took = self.0.clock.monotonic().saturating_duration_since(began);
        metrics::histogram!("octo_sts_github_call_seconds", "call" => call.class.label()).record(took.as_secs_f64());
        outcome
    }

    fn understand(&self, caller: Caller<'_>, response: Response) -> Result<Response, Failure> {
        self.0.quota.read(caller.lane, &response.headers, self.0.clock.monotonic());
        match refusal(caller.presented, response.status, &response.headers, &response.body, self.0.clock.now()) {
            None => Ok(response),
            Some(error) => Err(Failure { error, never_sent: false, date: headers::date(&response.headers) }),
        }
    }

    fn learn_clock(&self, date: Option<Timestamp>) {
        let Some(date) = date else { return };
        let ahead = date.as_second() - self.0.clock.now().as_second();
        tracing::warn!(seconds = ahead, "GitHub's clock and this machine's differ; App JWTs follow GitHub's");
        self.set_clock_ahead(ahead);
    }
}

/// A random pause, so that callers who failed together do not come back together: 20 to 147 ms.
fn pause() -> Duration {
    let mut random = [0];
    // Without randomness the pause is the shortest one.
    let _ = aws_lc_rs::rand::fill(&mut random);
    Duration::from_millis(SHORTEST_PAUSE + u64::from(random[0] / 2))
}
