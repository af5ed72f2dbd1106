//! What the token must open at GitHub, and what it must not.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, RETRY_AFTER},
};
use octo_sts_client::{Reply, Revoked, ServiceAddress, StsError, revoke};
use octo_sts_http::{Client, Response};
use octo_sts_types::{Clock, Identity, Printable, Repository};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use crate::error::{ProbeError, Step};

/// The first pause between two uses of a revoked token; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// GitHub, as the holder of a token sees it.
#[derive(Clone)]
pub(crate) struct GitHub {
    pub(crate) http: Client,
    pub(crate) api: ServiceAddress,
    pub(crate) repository: Repository,
    pub(crate) clock: Arc<dyn Clock>,
    /// How long GitHub is given to spread the word of a revocation.
    pub(crate) spread: Duration,
}

impl GitHub {
    /// Takes a token through its life: it opens what it must, forbids what it must, ends when it is revoked. It is revoked
    /// whatever was found before.
    pub(crate) async fn live(&self, reply: &Reply, identity: &Identity) -> Result<(), ProbeError> {
        let token = &reply.token;
        let used = self.use_it(token, identity).await;
        let ended = self.end(token, identity).await;
        used.and(ended)
    }

    /// Ends a token that should not be there; what became of it, in words.
    pub(crate) async fn discard(&self, token: &SecretString) -> &'static str {
        match revoke(&self.http, &self.api, token).await {
            Ok(Revoked::Now) => "that token worked, and is revoked now",
            Ok(Revoked::Before) => "what it gave does not work at GitHub",
            Err(_) => "that token could not be revoked",
        }
    }

    async fn use_it(&self, token: &SecretString, identity: &Identity) -> Result<(), ProbeError> {
        let path = identity.policy_path();
        let file = self.answer(Step::Read, token, StatusCode::OK, &path).await?;
        let is_policy = file["type"] == "file" && file["path"] == path.as_str();
        is_policy.then_some(()).ok_or_else(|| odd(Step::Read, 200, "what it gives is not that file"))?;
        let issues = self.answer(Step::List, token, StatusCode::OK, &path).await?;
        issues.is_array().then_some(()).ok_or_else(|| odd(Step::List, 200, "what it gives is not a list"))?;
        self.answer(Step::Write, token, StatusCode::FORBIDDEN, &path).await.map(drop)
    }

    async fn end(&self, token: &SecretString, identity: &Identity) -> Result<(), ProbeError> {
        match revoke(&self.http, &self.api, token).await {
            Ok(Revoked::Now) => self.is_ended(token, identity).await,
            Ok(Revoked::Before) => Err(ProbeError::EndedBefore),
            Err(error) => Err(ProbeError::Revoke(error)),
        }
    }

    async fn is_ended(&self, token: &SecretString, identity: &Identity) -> Result<(), ProbeError> {
        let (began, path) = (self.clock.monotonic(), identity.policy_path());
        let mut pause = FIRST_PAUSE;
        loop {
            let status = self.send(Step::Reuse, token, &path).await?.status;
            let waited = self.clock.monotonic().saturating_duration_since(began);
            match status {
                StatusCode::UNAUTHORIZED => return Ok(()),
                StatusCode::OK if waited + pause < self.spread => tokio::time::sleep(pause).await,
                StatusCode::OK => return Err(ProbeError::StillWorks(waited)),
                _ => return Err(odd_status(Step::Reuse, StatusCode::UNAUTHORIZED, status, String::new())),
            }
            pause *= 2;
        }
    }

    /// The answer to a step, when it is the one that must come.
    async fn answer(&self, step: Step, token: &SecretString, wanted: StatusCode, path: &str) -> Result<Value, ProbeError> {
        let response = self.send(step, token, path).await?;
        let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        if response.status != wanted {
            return Err(odd_status(step, wanted, response.status, why(&response, &body)));
        }
        if step == Step::Write && is_limit(&response, &body) {
            return Err(odd(step, wanted.as_u16(), "and that for a limit of calls: whether the write is forbidden is not known"));
        }
        Ok(body)
    }

    async fn send(&self, step: Step, token: &SecretString, path: &str) -> Result<Response, ProbeError> {
        let repository = format!("{}/repos/{}", self.api, self.repository);
        let (method, url, body) = match step {
            Step::Read | Step::Reuse => (Method::GET, format!("{repository}/contents/{path}"), Bytes::new()),
            Step::List => (Method::GET, format!("{repository}/issues?per_page=1"), Bytes::new()),
            Step::Write => (Method::POST, format!("{repository}/issues"), issue()),
        };
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).map_err(|_| ProbeError::Exchange(StsError::OddToken))?;
        bearer.set_sensitive(true);
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header(AUTHORIZATION, bearer)
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .body(body)
            .map_err(|_| odd(step, 200, "nothing: its address makes no request"))?;
        self.http.send(request).await.map_err(|source| ProbeError::NoAnswer { step, source })
    }
}

/// The issue that must not come to be; it says what it means if it does.
fn issue() -> Bytes {
    let body = "The prober creates issues with a token that must not be able to. This one exists: its trust policy, or the service, grants too much.";
    json!({ "title": "octo-sts probe: this issue must not exist", "body": body }).to_string().into()
}

/// GitHub's limits of calls answer 403, too.
fn is_limit(response: &Response, body: &Value) -> bool {
    let none_left = response.headers.get("x-ratelimit-remaining").is_some_and(|left| left.as_bytes() == b"0");
    let text = body["message"].as_str().unwrap_or_default().to_ascii_lowercase();
    none_left || response.headers.contains_key(RETRY_AFTER) || text.contains("rate limit") || text.contains("abuse detection")
}

/// What is known about an answer that had to be another.
fn why(response: &Response, body: &Value) -> String {
    if response.status == StatusCode::CREATED {
        return format!(": issue {} was created", body["number"]);
    }
    body["message"].as_str().map(|message| format!(": {}", Printable(message))).unwrap_or_default()
}

fn odd_status(step: Step, wanted: StatusCode, status: StatusCode, why: String) -> ProbeError {
    ProbeError::GitHub { step, wanted: wanted.as_u16(), status: status.as_u16(), why }
}

/// The right status and the wrong meaning.
fn odd(step: Step, status: u16, why: &str) -> ProbeError {
    ProbeError::GitHub { step, wanted: status, status, why: format!(": {why}") }
}
