//! A server that says what it is told, byte for byte, and a client for it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use octo_sts_http::{AddressGuard, Client, ClientSettings, HttpError, Protocol, Response, Roots};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

/// What the server does with a connection, once it has read a request's headers.
#[derive(Clone)]
pub(crate) enum Answer {
    /// These bytes, then the connection is closed.
    Bytes(Vec<u8>),
    /// These bytes, and the connection stays open, in silence.
    Stall(Vec<u8>),
    /// These bytes again and again.
    Endless(Vec<u8>, Vec<u8>),
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = connections.clone();
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut seen = Vec::new();
                    while !seen.windows(4).any(|end| end == b"\r\n\r\n") {
                        if socket.read_buf(&mut seen).await.unwrap_or(0) == 0 {
                            return;
                        }
                    }
                    match answer {
                        Answer::Bytes(bytes) => drop(socket.write_all(&bytes).await),
                        Answer::Stall(bytes) => {
                            drop(socket.write_all(&bytes).await);
                            std::future::pending::<()>().await;
                        }
                        Answer::Endless(head, more) => {
                            drop(socket.write_all(&head).await);
                            while socket.write_all(&more).await.is_ok() {}
                        }
                    }
                });
            }
        });
        Self { address, connections }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

pub(crate) fn authority() -> rcgen::CertifiedKey<rcgen::KeyPair> {
    rcgen::generate_simple_self_signed(["localhost".to_owned(), "issuer.example".to_owned()]).unwrap()
}

pub(crate) fn settings() -> ClientSettings {
    ClientSettings {
        user_agent: "octo-sts-test".to_owned(),
        roots: Roots::from_pem(&authority().cert.pem()).unwrap(),
        protocol: Protocol::Http1,
        guard: None,
        connect_timeout: Duration::from_millis(300),
        deadline: Duration::from_millis(600),
        max_body: 1_000,
    }
}

pub(crate) fn client() -> Client {
    Client::new(settings()).unwrap()
}

pub(crate) fn guarded(guard: AddressGuard) -> Client {
    Client::new(ClientSettings { guard: Some(guard), ..settings() }).unwrap()
}

pub(crate) async fn get(client: &Client, url: &str) -> Result<Response, HttpError> {
    client.send(http::Request::get(url).body(Bytes::new()).unwrap()).await
}
