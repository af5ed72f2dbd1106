//! The exchange over HTTP, as the GitHub Action does it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderValue, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION},
};
use octo_sts_http::{Client, HttpError, Response};
use octo_sts_types::Clock;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    address::ServiceAddress,
    error::{Refusal, StsError},
    reply::Reply,
    retry,
};

/// Asks one service for tokens.
#[derive(Clone)]
pub struct StsClient {
    http: Client,
    address: ServiceAddress,
    /// Longest time for all attempts together.
    deadline: Duration,
    clock: Arc<dyn Clock>,
}

/// What is asked for, as the service is to read it: it, not the client, judges both.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// `OWNER/REPOSITORY`, or `OWNER`.
    pub scope: &'a str,
    /// The name of the trust policy.
    pub identity: &'a str,
}

/// What came of one attempt.
enum Attempt {
    Given(Reply),
    Failed(StsError),
    /// Another attempt may work, after this pause if the service asked for one.
    Again(StsError, Option<Duration>),
}

impl StsClient {
    /// `deadline` bounds all attempts together; one attempt is bounded by the HTTP client as well. A deadline of zero is one
    /// attempt, which only the HTTP client bounds.
    pub fn new(http: Client, address: ServiceAddress, deadline: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { http, address, deadline, clock }
    }

    /// Where the service is.
    pub fn address(&self) -> &ServiceAddress {
        &self.address
    }

    /// Exchanges an OIDC token. Tries again on a broken network, 408, 425, 429 and 5xx, as long as the deadline holds the
    /// pause; a refusal comes back at once.
    pub async fn exchange(&self, oidc: &SecretString, wanted: Wanted<'_>) -> Result<Reply, StsError> {
        let end = self.clock.monotonic() + self.deadline;
        let mut attempt = 1;
        loop {
            let left = end.saturating_duration_since(self.clock.monotonic());
            let longest = if self.deadline.is_zero() { Duration::MAX } else { left };
            let (error, asked) = match self.attempt(oidc, wanted, attempt, longest).await {
                Attempt::Given(reply) => return Ok(reply),
                Attempt::Failed(error) => return Err(error),
                Attempt::Again(error, asked) => (error, asked),
            };
            let left = end.saturating_duration_since(self.clock.monotonic());
            let Some(pause) = retry::pause(attempt, asked, left) else { return Err(error) };
            tracing::debug!(attempt, %error, ?pause, "asking again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt(&self, oidc: &SecretString, wanted: Wanted<'_>, attempt: u32, longest: Duration) -> Attempt {
        let Some(request) = self.request(oidc, wanted) else { return Attempt::Failed(StsError::OddToken) };
        let sent = tokio::time::timeout(longest, self.http.send(request)).await;
        match sent.unwrap_or(Err(HttpError::Timeout { after: longest })) {
            Ok(response) => self.read(&response, attempt),
            Err(last) => {
                let hopeless = matches!(last, HttpError::Unsendable(_) | HttpError::Blocked(_) | HttpError::TooLarge { .. });
                let error = StsError::Unreachable { address: self.address.to_string(), attempts: attempt, last };
                if hopeless { Attempt::Failed(error) } else { Attempt::Again(error, None) }
            }
        }
    }

    /// `scope` and `scopes` both, as the action sends them: older services read the one, newer ones the other.
    fn request(&self, oidc: &SecretString, wanted: Wanted<'_>) -> Option<Request<Bytes>> {
        let mut url = self.address.join("sts/exchange");
        url.query_pairs_mut().append_pair("scope", wanted.scope).append_pair("scopes", wanted.scope).append_pair("identity", wanted.identity);
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", oidc.expose_secret())).ok()?;
        bearer.set_sensitive(true);
        Request::get(url.as_str()).header(AUTHORIZATION, bearer).header(ACCEPT, "application/json").body(Bytes::new()).ok()
    }

    fn read(&self, response: &Response, attempt: u32) -> Attempt {
        let address = self.address.to_string();
        if response.status == StatusCode::OK {
            let request_id = response.headers.get("x-request-id").and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
            return match serde_json::from_slice::<Reply>(&response.body) {
                Ok(reply) => Attempt::Given(Reply { request_id, ..reply }),
                Err(_) => Attempt::Failed(StsError::NotTheService { address, what: "it says yes and gives no token".to_owned() }),
            };
        }
        let refusal = Refusal::read(response);
        if retry::may_pass(response.status) {
            let asked = refusal.retry_after;
            return Attempt::Again(StsError::Unavailable { address, attempts: attempt, last: refusal }, asked);
        }
        if refusal.is_ours() {
            return Attempt::Failed(StsError::Refused(refusal));
        }
        Attempt::Failed(StsError::NotTheService { address, what: format!("it answers {}", response.status) })
    }
}

impl std::fmt::Debug for StsClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StsClient").field("address", &self.address).field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
