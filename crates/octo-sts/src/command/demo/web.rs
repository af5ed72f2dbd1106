//! Calls as a workflow makes them.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Method, Request, StatusCode};
use octo_sts_http::{Client, ClientSettings, Protocol, Roots};
use octo_sts_sandbox::ActionsCredentials;
use octo_sts_types::{Clock as _, SystemClock};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

/// The longest that any call of the demo takes.
const DEADLINE: Duration = Duration::from_secs(10);

/// A client, and the time its calls took.
pub(crate) struct Web {
    pub(crate) http: Client,
}

/// An answer and how long it took.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    pub(crate) took: Duration,
}

impl Web {
    pub(crate) fn new(authority: &str) -> Result<Self> {
        let settings = ClientSettings {
            user_agent: "octo-sts-demo".to_owned(),
            roots: Roots::from_pem(authority)?,
            protocol: Protocol::Http1,
            guard: None,
            connect_timeout: DEADLINE,
            deadline: DEADLINE,
            max_body: 1 << 20,
        };
        Ok(Self { http: Client::new(settings)? })
    }

    /// One call with a bearer.
    pub(crate) async fn call(&self, method: Method, url: &str, bearer: &SecretString, body: Option<Value>) -> Result<Answer> {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header("authorization", format!("Bearer {}", bearer.expose_secret()))
            .body(body.map(|body| Bytes::from(body.to_string())).unwrap_or_default())?;
        let started = now();
        let response = self.http.send(request).await?;
        let body = if response.body.is_empty() { Value::Null } else { serde_json::from_slice(&response.body)? };
        Ok(Answer { status: response.status, body, took: since(started) })
    }

    /// An OIDC token, asked for as a job of GitHub Actions does.
    pub(crate) async fn oidc_token(&self, job: &ActionsCredentials, audience: &str) -> Result<SecretString> {
        let url = format!("{}&audience={audience}", job.request_url);
        let answer = self.call(Method::GET, &url, &job.request_token.clone().into(), None).await?;
        Ok(answer.body["value"].as_str().context("the issuer gave no token")?.into())
    }
}

pub(crate) fn now() -> Instant {
    SystemClock.monotonic()
}

pub(crate) fn since(started: Instant) -> Duration {
    now().saturating_duration_since(started)
}
