//! One call: sent, timed, counted, understood, and repeated where that is safe.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use jiff::Timestamp;
use octo_sts_http::{HttpError, Response};
use opentelemetry::propagation::Injector;
use tracing::{Instrument as _, Span, field::Empty};

use crate::{
    app::{App, AppJwt},
    classify::{Presented, refusal},
    content::ETag,
    error::{GitHubError, Outage},
    github::GitHub,
    headers,
    quota::Lane,
    token::InstallationToken,
    trace::Trace,
};

/// GitHub's REST API version that this crate is written for.
const API_VERSION: HeaderValue = HeaderValue::from_static("2022-11-28");
const API_VERSION_NAME: HeaderName = HeaderName::from_static("x-github-api-version");
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.github+json");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// Shortest pause before a call is repeated, in milliseconds.
const SHORTEST_PAUSE: u64 = 20;
/// What must be left of the deadline for a repetition to make sense.
const WORTH_REPEATING: Duration = Duration::from_millis(250);

/// What a call is for: the label of its metrics, a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    App,
    Installation,
    Mint,
    Revoke,
    Contents,
    Directory,
    Comparison,
    Pulls,
    CheckRun,
}

impl Class {
    fn label(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Installation => "installation",
            Self::Mint => "mint",
            Self::Revoke => "revoke",
            Self::Contents => "contents",
            Self::Directory => "directory",
            Self::Comparison => "comparison",
            Self::Pulls => "pulls",
            Self::CheckRun => "check_run",
        }
    }

    fn span_name(self) -> &'static str {
        match self {
            Self::App => "GitHub app",
            Self::Installation => "GitHub installation",
            Self::Mint => "GitHub mint",
            Self::Revoke => "GitHub revoke",
            Self::Contents => "GitHub contents",
            Self::Directory => "GitHub directory",
            Self::Comparison => "GitHub comparison",
            Self::Pulls => "GitHub pulls",
            Self::CheckRun => "GitHub check_run",
        }
    }
}

/// Everything about a call but who makes it.
pub(crate) struct Call<'a> {
    class: Class,
    method: Method,
    uri: Uri,
    known: Option<&'a ETag>,
    body: Bytes,
}

impl<'a> Call<'a> {
    pub(crate) fn get(class: Class, uri: Uri) -> Self {
        Self { class, method: Method::GET, uri, known: None, body: Bytes::new() }
    }

    pub(crate) fn post(class: Class, uri: Uri, body: Bytes) -> Self {
        Self { class, method: Method::POST, uri, known: None, body }
    }

    pub(crate) fn patch(class: Class, uri: Uri, body: Bytes) -> Self {
        Self { class, method: Method::PATCH, uri, known: None, body }
    }

    pub(crate) fn delete(class: Class, uri: Uri) -> Self {
        Self { class, method: Method::DELETE, uri, known: None, body: Bytes::new() }
    }

    /// Asks for the content only if it is no longer this version (RFC 9110 §13.1.2).
    pub(crate) fn unless(mut self, known: Option<&'a ETag>) -> Self {
        self.known = known;
        self
    }

    fn request(&self, authorization: &HeaderValue, span: &Span) -> Request<Bytes> {
        let mut request = Request::new(self.body.clone());
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, authorization.clone());
        headers.insert(header::ACCEPT, MEDIA_TYPE);
        headers.insert(API_VERSION_NAME, API_VERSION);
        if let Some(ETag(etag)) = self.known {
            headers.insert(header::IF_NONE_MATCH, etag.clone());
        }
        if self.adds() {
            headers.insert(header::CONTENT_TYPE, JSON);
        }
        if !span.is_disabled() {
            span.in_scope(|| tell_trace(headers));
        }
        request
    }

    /// Whether each such call adds something: a token, a check run, annotations of one.
    fn adds(&self) -> bool {
        self.method == Method::POST || self.method == Method::PATCH
    }

    /// Whether the call may be made again after this failure. A mint may only if it provably did not happen: a second one
    /// would leave a token that nobody knows of. The same goes for what else adds something.
    fn may_repeat(&self, failure: &Failure) -> bool {
        if self.adds() {
            return failure.never_sent;
        }
        matches!(&failure.error, GitHubError::Unavailable { outage: Outage::Status(_) | Outage::Transport(_), retry_after: None })
    }
}

/// A failed attempt, with what only the next attempt needs to know.
pub(crate) struct Failure {
    pub(crate) error: GitHubError,
    /// Whether GitHub provably never got the call.
    never_sent: bool,
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
            let failure = match self.insist(call, Presented::AppJwt, lane, &jwt.authorization, trace).await {
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
        let outcome = self.insist(call, Presented::Token, lane, token.authorization(), trace).await;
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
    pub(crate) async fn insist(
        &self,
        call: &Call<'_>,
        presented: Presented,
        lane: Lane,
        authorization: &HeaderValue,
        trace: &Trace,
    ) -> Result<Response, Failure> {
        let failure = match self.attempt(call, presented, lane, authorization, trace).await {
            Ok(response) => return Ok(response),
            Err(failure) => failure,
        };
        if !call.may_repeat(&failure) || trace.remaining(self.0.clock.monotonic()) < WORTH_REPEATING {
            return Err(failure);
        }
        tokio::time::sleep(pause()).await;
        self.attempt(call, presented, lane, authorization, trace).await
    }

    async fn attempt(
        &self,
        call: &Call<'_>,
        presented: Presented,
        lane: Lane,
        authorization: &HeaderValue,
        trace: &Trace,
    ) -> Result<Response, Failure> {
        let began = self.0.clock.monotonic();
        let remaining = trace.remaining(began);
        if remaining.is_zero() {
            return Err(GitHubError::deadline().into());
        }
        trace.count();
        let span = span(call);
        let request = call.request(authorization, &span);
        let outcome = match tokio::time::timeout(remaining, self.0.http.send(request)).instrument(span.clone()).await {
            Ok(Ok(response)) => {
                span.record("http.response.status_code", response.status.as_u16());
                self.understand(presented, lane, response)
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

    fn understand(&self, presented: Presented, lane: Lane, response: Response) -> Result<Response, Failure> {
        self.0.quota.read(lane, &response.headers, self.0.clock.monotonic());
        match refusal(presented, response.status, &response.headers, &response.body, self.0.clock.now()) {
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

/// The span of one attempt; disabled where nothing is exported. The URL is not in it: it names policies.
fn span(call: &Call<'_>) -> Span {
    tracing::info_span!(
        target: "octo_sts::trace",
        "github",
        otel.name = call.class.span_name(),
        otel.kind = "client",
        otel.status_code = Empty,
        http.request.method = call.method.as_str(),
        server.address = call.uri.host(),
        http.response.status_code = Empty,
        outcome = Empty,
    )
}

fn note(span: &Span, outcome: &'static str, worked: bool) {
    span.record("outcome", outcome);
    if !worked {
        span.record("otel.status_code", "ERROR");
    }
}

/// Tells GitHub, or what stands before a GitHub Enterprise Server, which trace the call belongs to.
fn tell_trace(headers: &mut HeaderMap) {
    opentelemetry::global::get_text_map_propagator(|propagator| propagator.inject(&mut Told(headers)));
}

/// Takes the headers of W3C Trace Context.
struct Told<'a>(&'a mut HeaderMap);

impl Injector for Told<'_> {
    fn set(&mut self, name: &str, value: String) {
        // A state that the caller left empty is not worth a header.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            && !value.is_empty()
        {
            self.0.insert(name, value);
        }
    }
}

fn done(response: &Response) -> &'static str {
    if response.status == http::StatusCode::NOT_MODIFIED { "not_modified" } else { "ok" }
}

/// A random pause, so that callers who failed together do not come back together: 20 to 147 ms.
fn pause() -> Duration {
    let mut random = [0];
    // Without randomness the pause is the shortest one.
    let _ = aws_lc_rs::rand::fill(&mut random);
    Duration::from_millis(SHORTEST_PAUSE + u64::from(random[0] / 2))
}

/// The entity tag of an answer, weak or strong, as it came.
pub(crate) fn etag(headers: &HeaderMap) -> Option<ETag> {
    headers.get(header::ETAG).cloned().map(ETag)
}
