//! The whole port with a stand-in for the exchange: what clients see, byte for byte, and what attackers get.

mod answers;
mod delivery;
mod drain;
mod grpc;
mod http2_abuse;
mod limits;
mod oauth;
mod openapi;
mod page;
mod smuggling;
mod tls;

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jiff::Timestamp;
use octo_sts_exchange::{Authorization, ExchangeError, NotEnded, Refusal, Request, TokenFacts};
use octo_sts_github::{Ended, GitHubError, Outage};
use octo_sts_types::{Clock, Permissions, SystemClock};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Notify, watch},
    time::timeout,
};

use crate::{
    exchange::{Exchange, Fate, Issued, Receipt},
    lifecycle::readiness::Readiness,
    listener::{Connections, Phase, Port},
    service::{Exchanges, Shared},
};

/// Longer than anything here should take.
const LONG: Duration = Duration::from_secs(20);
/// The token that the stand-in gives.
const TOKEN: &str = "ghs_0123456789";

/// A stand-in for the exchange: the identity asked for says what happens.
#[derive(Default)]
struct Fake {
    /// `scope scopes identity authorization` of every request.
    seen: Mutex<Vec<String>>,
    fates: Mutex<Vec<Fate>>,
    /// Lets requests for the identity `slow` go on.
    go: Notify,
    /// Tells that one has begun.
    begun: Notify,
    given_up: Arc<Mutex<usize>>,
}

struct GivenUp(Arc<Mutex<usize>>, bool);

impl Drop for GivenUp {
    fn drop(&mut self) {
        if !self.1 {
            *self.0.lock().unwrap() += 1;
        }
    }
}

#[async_trait]
impl Exchange for Fake {
    async fn exchange(&self, request: Request) -> Result<Issued, Refusal> {
        let authorization = match &request.authorization {
            Authorization::None => "none".to_owned(),
            Authorization::Several => "several".to_owned(),
            Authorization::Value(value) => value.expose_secret().to_owned(),
        };
        self.seen.lock().unwrap().push(format!("{} {:?} {} {authorization}", request.scope, request.scopes, request.identity));
        match request.identity.as_str() {
            "panic" => panic!("the stand-in panics"),
            "slow" => {
                let mut waiting = GivenUp(Arc::clone(&self.given_up), false);
                self.begun.notify_one();
                self.go.notified().await;
                waiting.1 = true;
            }
            "absent" => return Err(refusal(ExchangeError::PolicyAbsent)),
            "forged" => {
                let fault = octo_sts_oidc::TokenFault::Signature;
                return Err(refusal(ExchangeError::Token(octo_sts_oidc::VerifyError::Token(fault))));
            }
            _ if authorization == "none" => return Err(refusal(ExchangeError::NoAuthorization)),
            _ => {}
        }
        let fate = Fate::default();
        self.fates.lock().unwrap().push(Arc::clone(&fate));
        Ok(issued(Receipt::telling(&fate)))
    }

    async fn end(&self, token: &SecretString, _: IpAddr) -> Result<Ended, NotEnded> {
        let token = token.expose_secret();
        self.seen.lock().unwrap().push(format!("end {token}"));
        match token {
            "ghs_unknown" => Ok(Ended::Before),
            "ghs_flood" => Err(NotEnded::TooMany { retry_after: Duration::from_millis(1_500) }),
            "ghs_down" => Err(NotEnded::GitHub(GitHubError::Unavailable { outage: Outage::Status(502), retry_after: None })),
            "ghs_odd" => Err(NotEnded::GitHub(GitHubError::Forbidden { message: "secret words".into() })),
            _ => Ok(Ended::Now),
        }
    }

    fn trouble(&self) -> Option<String> {
        None
    }
}

fn issued(receipt: Receipt) -> Issued {
    Issued {
        token: SecretString::from(TOKEN),
        expires_at: "2099-01-01T00:00:00Z".parse::<Timestamp>().unwrap(),
        permissions: Permissions::contents_read(),
        repositories: vec!["acme/app".into()],
        every_repository: false,
        receipt,
    }
}

fn refusal(error: ExchangeError) -> Refusal {
    Refusal {
        error: Arc::new(error),
        facts: TokenFacts { issuer: Some("https://issuer.example".into()), ..TokenFacts::default() },
        scope: "acme/app".parse().ok(),
        identity: "absent".parse().ok(),
    }
}

/// A port that is served.
struct Stage {
    address: SocketAddr,
    fake: Arc<Fake>,
    phase: watch::Sender<Phase>,
    readiness: Arc<Readiness>,
    health: crate::grpc::Health,
    exchanges: Arc<Exchanges>,
    connections: Connections,
}

impl Stage {
    async fn open() -> Self {
        Self::with(true).await
    }

    async fn with(reflection: bool) -> Self {
        Self::build(reflection, None).await
    }

    async fn build(reflection: bool, tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (fake, phase, health) = (Arc::new(Fake::default()), watch::Sender::new(Phase::Serving), crate::grpc::Health::new().await);
        let (readiness, exchanges) = (Arc::new(Readiness::new("starting")), Arc::<Exchanges>::default());
        let shared = Arc::new(Shared {
            receiver: crate::receiver::Receiver::default(),
            domain: "sts.example.com".into(),
            github_host: "github.com".into(),
            page: page::page(),
            exchange: Arc::clone(&fake) as Arc<dyn Exchange>,
            readiness: Arc::clone(&readiness),
            grpc: crate::grpc::Routes::new(&health, reflection).unwrap(),
            phase: phase.subscribe(),
            exchanges: Arc::clone(&exchanges),
            clock: Arc::new(SystemClock) as Arc<dyn Clock>,
        });
        let port = Port::new(listener, tls);
        let connections = port.connections();
        tokio::spawn(port.accept(shared, phase.subscribe()));
        Self { address, fake, phase, readiness, health, exchanges, connections }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes and reads until the server closes the connection or is silent for a moment.
    async fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        read_some(&mut stream).await
    }

    /// One request on a connection of its own.
    async fn request(&self, head: &str, body: &str) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(format!("{head}\r\nHost: sts\r\nConnection: close\r\n\r\n{body}").as_bytes()).await.unwrap();
        let mut text = Vec::new();
        timeout(LONG, stream.read_to_end(&mut text)).await.unwrap().unwrap();
        Answer::parse(&String::from_utf8(text).unwrap())
    }

    async fn get(&self, target: &str, headers: &str) -> Answer {
        self.request(&format!("GET {target} HTTP/1.1{headers}"), "").await
    }

    fn fates(&self) -> Vec<Option<bool>> {
        self.fake.fates.lock().unwrap().iter().map(|fate| fate.get().copied()).collect()
    }

    /// Waits until a condition holds.
    async fn until(&self, what: &str, condition: impl Fn(&Self) -> bool) {
        for _ in 0..2_000 {
            if condition(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("never happened: {what}");
    }
}

/// Reads until the end of the stream, or until nothing has come for a moment.
async fn read_some(stream: &mut TcpStream) -> String {
    let (mut text, mut chunk) = (Vec::new(), vec![0; 16 << 10]);
    while let Ok(Ok(length)) = timeout(Duration::from_millis(400), stream.read(&mut chunk)).await {
        if length == 0 {
            break;
        }
        text.extend_from_slice(&chunk[..length]);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// An answer over HTTP/1.1.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl Answer {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { status, headers, body: body.to_owned() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }
}
