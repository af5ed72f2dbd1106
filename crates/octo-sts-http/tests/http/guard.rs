//! The guard sees the addresses that are dialled.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use octo_sts_http::{AddressGuard, Blocked, HttpError, Lookup};

use crate::server::{Answer, Server, get, guarded};

/// Resolves every name to these addresses: the first lookup to the first list, and so on, the last list for ever.
struct Fake {
    answers: Vec<Vec<SocketAddr>>,
    asked: AtomicUsize,
}

impl Fake {
    fn new(answers: &[&[&str]]) -> Arc<Self> {
        let answers = answers.iter().map(|list| list.iter().map(|address| address.parse().unwrap()).collect()).collect();
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }
}

impl Lookup for Fake {
    fn lookup(&self, _: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst).min(self.answers.len() - 1);
        let answer = self.answers[turn].clone();
        Box::pin(async move { Ok(answer) })
    }
}

async fn server() -> Server {
    Server::start(Answer::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec())).await
}

fn is_blocked(result: &Result<octo_sts_http::Response, HttpError>) -> bool {
    matches!(result, Err(error @ HttpError::Blocked(Blocked::Address { .. })) if error.never_sent())
}

/// T-030, T-033
#[tokio::test]
async fn a_name_that_leads_inside_is_refused_and_nothing_is_dialled() {
    let server = server().await;
    let here = server.address.to_string();
    let mapped = format!("[::ffff:127.0.0.1]:{}", server.address.port());
    for addresses in [&[here.as_str()][..], &["8.8.8.8:0", &here], &[&here, "8.8.8.8:0"], &[&mapped], &["10.0.0.1:0"], &["169.254.169.254:80"]] {
        let client = guarded(AddressGuard::new().with_lookup(Fake::new(&[addresses])));
        let result = get(&client, "http://rebound.example/").await;
        assert!(is_blocked(&result), "Input: {addresses:?}: {result:?}");
    }
    assert_eq!(server.connections(), 0);
}

/// T-033: one lookup decides, and its answer is what is dialled.
#[tokio::test]
async fn a_name_is_looked_up_once_for_each_connection() {
    let server = server().await;
    let here = server.address.to_string();
    let fake = Fake::new(&[&[&here], &["169.254.169.254:80"]]);
    let client = guarded(AddressGuard::new().allow("gitlab.corp.example", 80).with_lookup(fake.clone()));
    assert!(get(&client, "http://gitlab.corp.example/").await.is_ok());
    assert_eq!((fake.asked.load(Ordering::SeqCst), server.connections()), (1, 1));
    assert!(is_blocked(&get(&client, "http://gitlab.corp.example/").await));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn an_exception_serves_no_other_name_or_port() {
    let server = server().await;
    let here = server.address.to_string();
    let guard = AddressGuard::new().allow("gitlab.corp.example", 80).with_lookup(Fake::new(&[&[&here]]));
    let client = guarded(guard);
    assert!(get(&client, "http://gitlab.corp.example/").await.is_ok());
    for url in ["http://other.corp.example/", "http://gitlab.corp.example:8080/", "http://gitlab.corp.example./"] {
        let result = get(&client, url).await;
        assert!(is_blocked(&result), "Input: {url}: {result:?}");
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn loopback_is_dialled_only_when_it_is_allowed() {
    let server = server().await;
    let url = format!("http://localhost:{}/", server.address.port());
    assert!(matches!(get(&guarded(AddressGuard::new()), &url).await, Err(HttpError::Blocked(Blocked::Name(_)))));
    assert!(is_blocked(&get(&guarded(AddressGuard::new()), &server.url()).await));
    assert_eq!(server.connections(), 0);
    let open = guarded(AddressGuard::new().allow_loopback());
    assert!(get(&open, &server.url()).await.is_ok());
    assert!(get(&open, &url).await.is_ok());
}

#[tokio::test]
async fn no_answer_for_a_name_is_no_connection() {
    let client = guarded(AddressGuard::new().with_lookup(Fake::new(&[&[]])));
    let error = get(&client, "http://nowhere.example/").await.unwrap_err();
    assert!(matches!(error, HttpError::Connect(_)) && error.never_sent(), "{error:?}");
}
