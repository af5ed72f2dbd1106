//! One request to the receiver of events, and what its answer means.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, StatusCode, header::RETRY_AFTER};

/// Sends one request; an HTTP client, or a test's stand-in.
#[async_trait]
pub(crate) trait Post: Send + Sync + 'static {
    async fn post(&self, request: Request<Bytes>) -> Result<Answer, String>;
}

/// What the receiver answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) retry_after: Option<Duration>,
}

#[async_trait]
impl Post for octo_sts_http::Client {
    async fn post(&self, request: Request<Bytes>) -> Result<Answer, String> {
        let response = self.send(request).await.map_err(|error| error.to_string())?;
        let seconds = response.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Answer { status: response.status, retry_after: seconds.map(Duration::from_secs) })
    }
}

/// Whether a status speaks of the event, rather than of the receiver, the way to it, or a right that somebody can give.
pub(crate) fn is_verdict(status: StatusCode) -> bool {
    status.is_client_error() && !matches!(status.as_u16(), 401 | 403 | 404 | 407 | 408 | 421 | 425 | 429)
}
