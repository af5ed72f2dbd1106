//! A GitHub that answers what a test tells it to, and remembers what it was asked.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use octo_sts_github::{App, GitHub, GitHubSettings, Trace, client_settings};
use octo_sts_http::{Client, Protocol, Roots};
use octo_sts_signer::{PemSigner, Signer};
use octo_sts_types::{AppId, Clock as _};
use tokio::net::TcpListener;

use crate::clock::TestClock;

const FIRST_KEY: &str = include_str!("../../../octo-sts-signer/tests/keys/pkcs1.pem");
const SECOND_KEY: &str = include_str!("../../../octo-sts-signer/tests/keys/pkcs8.pem");
const CERTIFICATE: &str = include_str!("../../../octo-sts-signer/tests/keys/certificate.pem");

/// A call as the server saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The claims of the App JWT it came with.
    pub(crate) fn claims(&self) -> serde_json::Value {
        use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
        let claims = self.header("authorization").unwrap().split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
    }

    /// `POST /app/…`
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// What the server does with a call.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    after: Duration,
    reset: bool,
}

pub(crate) fn reply(status: u16, body: impl Into<String>) -> Reply {
    Reply { status, headers: Vec::new(), body: body.into(), after: Duration::ZERO, reset: false }
}

impl Reply {
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn after(mut self, milliseconds: u64) -> Self {
        self.after = Duration::from_millis(milliseconds);
        self
    }

    pub(crate) fn map_body(mut self, change: impl FnOnce(String) -> String) -> Self {
        self.body = change(self.body);
        self
    }
}

/// The connection ends in place of an answer.
pub(crate) fn reset() -> Reply {
    Reply { reset: true, ..reply(200, "") }
}

/// Answers the n-th call, counted from 0.
type Script = dyn Fn(usize, &Seen) -> Reply + Send + Sync;

/// The server, a client of ours for it, and the App that speaks.
pub(crate) struct Fixture {
    pub(crate) github: GitHub,
    pub(crate) app: App,
    pub(crate) clock: TestClock,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Fixture {
    pub(crate) async fn new(script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> Self {
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let address = serve(Arc::new(script), Arc::clone(&seen)).await;
        Self::at(address, seen)
    }

    /// Nobody listens.
    pub(crate) async fn unreachable() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        Self::at(address, Arc::default())
    }

    fn at(address: SocketAddr, seen: Arc<Mutex<Vec<Seen>>>) -> Self {
        let clock = TestClock::new();
        let mut settings = client_settings(Roots::from_pem(CERTIFICATE).unwrap());
        settings.protocol = Protocol::Http1;
        let base_url = format!("http://{address}/api/v3").parse().unwrap();
        let settings = GitHubSettings { base_url, http: Client::new(settings).unwrap() };
        let github = GitHub::new(settings, Arc::new(clock.clone())).unwrap();
        Self { github, app: app(&[FIRST_KEY]), clock, seen }
    }

    /// A request with this many milliseconds to go.
    pub(crate) fn trace(&self, milliseconds: u64) -> Trace {
        Trace::until(self.clock.monotonic() + Duration::from_millis(milliseconds))
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// `POST /app/…` of each call, in order.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }
}

/// An App with two keys.
pub(crate) fn rotating_app() -> App {
    app(&[FIRST_KEY, SECOND_KEY])
}

fn app(keys: &[&str]) -> App {
    let signers = keys.iter().map(|key| Arc::new(PemSigner::from_pem(&(*key).into(), "a test").unwrap()) as Arc<dyn Signer>);
    App::new(AppId(4242), Some("main".into()), signers.collect())
}

async fn serve(script: Arc<Script>, seen: Arc<Mutex<Vec<Seen>>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (script, seen) = (Arc::clone(&script), Arc::clone(&seen));
            let service = hyper::service::service_fn(move |request| answer(Arc::clone(&script), Arc::clone(&seen), request));
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

async fn answer(script: Arc<Script>, seen: Arc<Mutex<Vec<Seen>>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Broken> {
    let (head, body) = request.into_parts();
    let body = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
    let call = Seen { method: head.method, path: head.uri.to_string(), headers: head.headers, body };
    let reply = {
        let mut seen = seen.lock().unwrap();
        seen.push(call.clone());
        script(seen.len() - 1, &call)
    };
    tokio::time::sleep(reply.after).await;
    if reply.reset {
        return Err(Broken);
    }
    let mut response = Response::new(Full::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
    for (name, value) in reply.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    Ok(response)
}

#[derive(Debug)]
struct Broken;

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the connection ends here")
    }
}

impl std::error::Error for Broken {}
