//! One request, one answer.

use std::{fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use crate::{
    error::{ClientError, HttpError},
    guard::{AddressGuard, Rule},
    resolve::GuardedResolver,
    roots::Roots,
};

/// How long an unused connection is kept.
const POOL_IDLE: Duration = Duration::from_mins(1);
/// How long a silent peer is believed to be there, before and between probes.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How long sent data may stay unacknowledged before the connection is given up.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest headers of an answer, in bytes; names and values together.
const MAX_HEADERS: usize = 16 * 1024;

/// What is spoken, on the connections of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 where TLS negotiates it, else HTTP/1.1. Without TLS it is HTTP/1.1.
    Http2,
}

/// What a client is built from.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// The `User-Agent` of every request.
    pub user_agent: String,
    /// Whom TLS trusts.
    pub roots: Roots,
    /// What is spoken.
    pub protocol: Protocol,
    /// For addresses that strangers choose.
    pub guard: Option<AddressGuard>,
    /// Longest time for lookup, socket and TLS handshake together.
    pub connect_timeout: Duration,
    /// Longest time for a call, from the start to the last byte of the body.
    pub deadline: Duration,
    /// Longest body of an answer, in bytes.
    pub max_body: usize,
}

/// An HTTP client; cheap to clone, with one pool of connections for all clones.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    /// For everything, or with a guard for public addresses.
    plain: reqwest::Client,
    /// For the exceptions of the guard. Its connections are apart, so that none of them serves another name.
    exempt: Option<reqwest::Client>,
    guard: Option<AddressGuard>,
    connect_timeout: Duration,
    deadline: Duration,
    max_body: usize,
}

/// An answer, complete. A redirect is an answer like any other.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, as it came: nothing is decompressed.
    pub body: Bytes,
}

impl Client {
    /// Builds the client; nothing is dialled yet.
    pub fn new(settings: ClientSettings) -> Result<Self, ClientError> {
        let plain = build(&settings, Rule::Public)?;
        let exempt = settings.guard.as_ref().is_some_and(AddressGuard::has_exceptions);
        let exempt = exempt.then(|| build(&settings, Rule::Exempt)).transpose()?;
        let ClientSettings { guard, connect_timeout, deadline, max_body, .. } = settings;
        Ok(Self(Arc::new(Inner { plain, exempt, guard, connect_timeout, deadline, max_body })))
    }

    /// Sends a request with an absolute `http` or `https` URI and waits for the whole answer.
    ///
    /// Nothing is tried again, but for what the pool knows was never begun: a connection that the server closed before the
    /// request went out, or a stream that an HTTP/2 server refused.
    pub async fn send(&self, request: http::Request<Bytes>) -> Result<Response, HttpError> {
        let inner = &*self.0;
        let request = reqwest::Request::try_from(request).map_err(HttpError::Unsendable)?;
        let client = inner.client_for(&request)?;
        let call = inner.call(client, request);
        tokio::time::timeout(inner.deadline, call).await.unwrap_or(Err(HttpError::Timeout { after: inner.deadline }))
    }
}

impl Inner {
    fn client_for(&self, request: &reqwest::Request) -> Result<&reqwest::Client, HttpError> {
        let Some(guard) = &self.guard else { return Ok(&self.plain) };
        match guard.check_url(request.url()).map_err(HttpError::Blocked)? {
            Rule::Public => Ok(&self.plain),
            Rule::Exempt => Ok(self.exempt.as_ref().unwrap_or(&self.plain)),
        }
    }

    async fn call(&self, client: &reqwest::Client, request: reqwest::Request) -> Result<Response, HttpError> {
        let failed = |error| HttpError::from_call(error, self.connect_timeout);
        let mut response = client.execute(request).await.map_err(failed)?;
        let headers = std::mem::take(response.headers_mut());
        if headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() > MAX_HEADERS {
            return Err(HttpError::HeadersTooLarge { limit: MAX_HEADERS });
        }
        let status = response.status();
        let body = self.body(&mut response).await?;
        Ok(Response { status, headers, body })
    }

    async fn body(&self, response: &mut reqwest::Response) -> Result<Bytes, HttpError> {
        let limit = self.max_body;
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Err(HttpError::TooLarge { limit });
        }
        let failed = |error: reqwest::Error| HttpError::Broken(error.without_url());
        let mut first = Bytes::new();
        let mut whole = BytesMut::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if first.len() + whole.len() + chunk.len() > limit {
                return Err(HttpError::TooLarge { limit });
            }
            // Most answers are one chunk, which is handed on without a copy.
            if first.is_empty() && whole.is_empty() {
                first = chunk;
            } else {
                whole.extend_from_slice(&std::mem::take(&mut first));
                whole.extend_from_slice(&chunk);
            }
        }
        Ok(if whole.is_empty() { first } else { whole.freeze() })
    }
}

fn build(settings: &ClientSettings, rule: Rule) -> Result<reqwest::Client, ClientError> {
    let tls = settings.roots.tls(settings.protocol).map_err(ClientError::Tls)?;
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(&settings.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .no_proxy()
        .no_gzip()
        .no_brotli()
        .no_zstd()
        .no_deflate()
        .no_hickory_dns()
        .connect_timeout(settings.connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .tcp_nodelay(true)
        .tcp_keepalive(KEEP_ALIVE)
        .tcp_keepalive_interval(KEEP_ALIVE)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE);
    #[cfg(target_os = "linux")]
    {
        builder = builder.tcp_user_timeout(USER_TIMEOUT);
    }
    if settings.protocol == Protocol::Http1 {
        builder = builder.http1_only();
    }
    if let Some(guard) = &settings.guard {
        builder = builder.dns_resolver(GuardedResolver { guard: guard.clone(), rule });
    }
    builder.build().map_err(ClientError::Client)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("guard", &self.0.guard).field("deadline", &self.0.deadline).finish_non_exhaustive()
    }
}
