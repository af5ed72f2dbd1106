//! One request, one answer.

use std::{fmt, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderMap, HeaderValue, Request, StatusCode, Uri,
    header::{ACCEPT, Entry, USER_AGENT},
    uri::Scheme,
};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use hyper_util::{
    client::legacy,
    rt::{TokioExecutor, TokioTimer},
};
use url::Url;

use crate::{
    connect::{Connector, KEEP_ALIVE, connector},
    error::{ClientError, HttpError, NotHttp, was_never_begun},
    guard::{AddressGuard, Rule},
    proxy::Proxy,
    roots::Roots,
};

/// How long an unused connection is kept.
const POOL_IDLE: Duration = Duration::from_mins(1);
/// Longest headers of an answer, in bytes; names and values together.
const MAX_HEADERS: usize = 16 * 1024;
/// How often a request is sent again that an HTTP/2 server turned away without looking at it.
const MOST_REPEATS: usize = 2;
const ANYTHING: HeaderValue = HeaderValue::from_static("*/*");

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

/// Connections, and how to get more of them.
type Pool = legacy::Client<Connector, Full<Bytes>>;

struct Inner {
    /// For everything, or with a guard for public addresses.
    plain: Pool,
    /// For the exceptions of the guard. Its connections are apart, so that none of them serves another name.
    exempt: Option<Pool>,
    guard: Option<AddressGuard>,
    user_agent: HeaderValue,
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
        Self::behind(settings, None)
    }

    /// Builds a client that reaches `https` addresses through this proxy. One with a guard asks none: a proxy would dial what
    /// the guard never sees.
    pub fn behind(settings: ClientSettings, proxy: Option<Proxy>) -> Result<Self, ClientError> {
        let proxy = proxy.filter(|_| settings.guard.is_none());
        let plain = pool(&settings, Rule::Public, proxy)?;
        let exempt = settings.guard.as_ref().is_some_and(AddressGuard::has_exceptions);
        let exempt = exempt.then(|| pool(&settings, Rule::Exempt, None)).transpose()?;
        let user_agent = HeaderValue::try_from(&settings.user_agent).map_err(ClientError::UserAgent)?;
        let ClientSettings { guard, connect_timeout, deadline, max_body, .. } = settings;
        Ok(Self(Arc::new(Inner { plain, exempt, guard, user_agent, connect_timeout, deadline, max_body })))
    }

    /// Sends a request with an absolute `http` or `https` URI and waits for the whole answer.
    ///
    /// Nothing is tried again, but for what the pool knows was never begun: a connection that the server closed before the
    /// request went out, or a stream that an HTTP/2 server refused.
    pub async fn send(&self, mut request: Request<Bytes>) -> Result<Response, HttpError> {
        let inner = &*self.0;
        let pool = inner.pool_for(request.uri_mut())?;
        let call = inner.call(pool, request.map(Full::new));
        tokio::time::timeout(inner.deadline, call).await.unwrap_or(Err(HttpError::Timeout { after: inner.deadline }))
    }
}

impl Inner {
    /// The connections that may serve an address. A guarded one is brought into the spelling that the guard judges: what
    /// is dialled is what was judged.
    fn pool_for(&self, uri: &mut Uri) -> Result<&Pool, HttpError> {
        if !matches!(uri.scheme(), Some(scheme) if *scheme == Scheme::HTTPS || *scheme == Scheme::HTTP) || uri.host().is_none() {
            return Err(HttpError::Unsendable(NotHttp));
        }
        let Some(guard) = &self.guard else { return Ok(&self.plain) };
        let url = Url::parse(&uri.to_string()).map_err(|_| HttpError::Unsendable(NotHttp))?;
        let rule = guard.check_url(&url).map_err(HttpError::Blocked)?;
        *uri = Uri::try_from(url.as_str()).map_err(|_| HttpError::Unsendable(NotHttp))?;
        Ok(if rule == Rule::Exempt { self.exempt.as_ref().unwrap_or(&self.plain) } else { &self.plain })
    }

    async fn call(&self, pool: &Pool, mut request: Request<Full<Bytes>>) -> Result<Response, HttpError> {
        let headers = request.headers_mut();
        for (name, value) in [(USER_AGENT, &self.user_agent), (ACCEPT, &ANYTHING)] {
            if let Entry::Vacant(entry) = headers.entry(name) {
                entry.insert(value.clone());
            }
        }
        let (head, body) = self.answer(pool, request).await?.into_parts();
        if head.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>() > MAX_HEADERS {
            return Err(HttpError::HeadersTooLarge { limit: MAX_HEADERS });
        }
        Ok(Response { status: head.status, headers: head.headers, body: self.whole(body).await? })
    }

    async fn answer(&self, pool: &Pool, request: Request<Full<Bytes>>) -> Result<http::Response<Incoming>, HttpError> {
        let mut repeats = 0;
        loop {
            match pool.request(request.clone()).await {
                Ok(answer) => return Ok(answer),
                Err(error) if repeats < MOST_REPEATS && was_never_begun(&error) => repeats += 1,
                Err(error) => return Err(HttpError::from_call(error, self.connect_timeout)),
            }
        }
    }

    async fn whole(&self, mut body: Incoming) -> Result<Bytes, HttpError> {
        let limit = self.max_body;
        if body.size_hint().lower() > limit as u64 {
            return Err(HttpError::TooLarge { limit });
        }
        let mut first = Bytes::new();
        let mut whole = BytesMut::new();
        while let Some(frame) = body.frame().await {
            let Ok(chunk) = frame.map_err(HttpError::broken)?.into_data() else { continue };
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

fn pool(settings: &ClientSettings, rule: Rule, proxy: Option<Proxy>) -> Result<Pool, ClientError> {
    let pool = legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(POOL_IDLE)
        .http2_keep_alive_interval(KEEP_ALIVE)
        .http2_keep_alive_timeout(KEEP_ALIVE)
        .build(connector(settings, rule, proxy)?);
    Ok(pool)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("guard", &self.0.guard).field("deadline", &self.0.deadline).finish_non_exhaustive()
    }
}
