//! An issuer that answers as it is told, and counts.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};

/// An answer.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Json(Value),
    /// Status, headers, body.
    Raw(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// The beginning of an answer, then silence.
    Stall(&'static str),
    /// One byte every so often, of an answer that never ends.
    Drip,
    /// The connection is closed.
    Close,
    /// These, one after the other; the last for ever.
    Turns(Vec<Reply>),
}

#[derive(Default)]
struct Script {
    replies: HashMap<String, Reply>,
    hits: HashMap<String, usize>,
}

impl Script {
    fn next(&mut self, path: &str) -> Reply {
        *self.hits.entry(path.to_owned()).or_default() += 1;
        match self.replies.get_mut(path) {
            Some(Reply::Turns(turns)) if turns.len() > 1 => turns.remove(0),
            Some(Reply::Turns(turns)) => turns[0].clone(),
            Some(reply) => reply.clone(),
            None => Reply::Raw(404, Vec::new(), Vec::new()),
        }
    }
}

#[derive(Clone)]
pub(crate) struct TestIssuer {
    pub(crate) address: SocketAddr,
    base: String,
    script: Arc<Mutex<Script>>,
}

impl TestIssuer {
    pub(crate) async fn start() -> Self {
        Self::start_with(None).await
    }

    /// With a TLS acceptor it speaks https, under this name.
    pub(crate) async fn start_with(tls: Option<(tokio_rustls::TlsAcceptor, &str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let base = match &tls {
            None => format!("http://{address}"),
            Some((_, name)) => format!("https://{name}"),
        };
        let tls = tls.map(|(acceptor, _)| acceptor);
        let issuer = Self { address, base, script: Arc::default() };
        let script = issuer.script.clone();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (script, tls) = (script.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(socket, script).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(socket).await {
                                serve(stream, script).await;
                            }
                        }
                    }
                });
            }
        });
        issuer
    }

    /// The issuer's URL; `tenant` is empty, or a path with its slash.
    pub(crate) fn url(&self, tenant: &str) -> String {
        format!("{}{tenant}", self.base)
    }

    pub(crate) fn answer(&self, path: &str, reply: Reply) {
        self.script.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    pub(crate) fn hits(&self, path: &str) -> usize {
        self.script.lock().unwrap().hits.get(path).copied().unwrap_or(0)
    }

    /// How often anything was asked for.
    pub(crate) fn all_hits(&self) -> usize {
        self.script.lock().unwrap().hits.values().sum()
    }

    /// Publishes a discovery document and these keys for the tenant.
    pub(crate) fn publish(&self, tenant: &str, algorithms: &[&str], keys: &[Value]) {
        let document = json!({
            "issuer": self.url(tenant),
            "jwks_uri": self.url(&format!("{tenant}/jwks")),
            "id_token_signing_alg_values_supported": algorithms,
        });
        self.answer(&format!("{tenant}{DISCOVERY}"), Reply::Json(document));
        self.publish_keys(tenant, keys);
    }

    pub(crate) fn publish_keys(&self, tenant: &str, keys: &[Value]) {
        self.answer(&format!("{tenant}/jwks"), Reply::Json(json!({"keys": keys})));
    }
}

pub(crate) const DISCOVERY: &str = "/.well-known/openid-configuration";

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, script: Arc<Mutex<Script>>) {
    loop {
        let mut seen = Vec::new();
        while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
            if stream.read_buf(&mut seen).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let head = String::from_utf8(seen).unwrap();
        let path = head.split(' ').nth(1).unwrap().to_owned();
        assert!(head.starts_with("GET ") && head.contains("HTTP/1.1\r\n"), "{head}");
        let reply = script.lock().unwrap().next(&path);
        match reply {
            Reply::Json(body) => write(&mut stream, 200, &[("content-type", "application/json".to_owned())], body.to_string().as_bytes()).await,
            Reply::Raw(status, headers, body) => write(&mut stream, status, &headers, &body).await,
            Reply::Stall(beginning) => {
                drop(stream.write_all(beginning.as_bytes()).await);
                drop(stream.flush().await);
                std::future::pending::<()>().await;
            }
            Reply::Drip => {
                drop(stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n").await);
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                return;
            }
            Reply::Close | Reply::Turns(_) => return,
        }
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, status: u16, headers: &[(&'static str, String)], body: &[u8]) {
    let mut head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.extend([name, ": ", value, "\r\n"]);
    }
    drop(stream.write_all(&[head.as_bytes(), b"\r\n", body].concat()).await);
    drop(stream.flush().await);
}
