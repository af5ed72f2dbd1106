//! Deadlines and caps hold whatever the server does.

use std::time::Duration;

use octo_sts_http::HttpError;

use crate::server::{Answer, Server, client, get};

async fn answer_to(answer: Answer) -> Result<octo_sts_http::Response, HttpError> {
    let server = Server::start(answer).await;
    get(&client(), &server.url()).await
}

fn bytes(text: &str) -> Answer {
    Answer::Bytes(text.as_bytes().to_vec())
}

#[tokio::test]
async fn an_answer_is_handed_over_whole() {
    let response = answer_to(bytes("HTTP/1.1 200 OK\r\netag: \"a\"\r\ncontent-length: 5\r\n\r\nhello")).await.unwrap();
    assert_eq!((response.status.as_u16(), &response.body[..]), (200, &b"hello"[..]));
    assert_eq!(response.headers["etag"], "\"a\"");
    let chunked = bytes("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
    assert_eq!(answer_to(chunked).await.unwrap().body, "abcdef");
    let empty = answer_to(bytes("HTTP/1.1 304 Not Modified\r\ncontent-length: 5000\r\n\r\n")).await.unwrap();
    assert_eq!((empty.status.as_u16(), empty.body.len()), (304, 0));
}

/// T-032
#[tokio::test]
async fn a_redirect_is_an_answer() {
    let elsewhere = Server::start(bytes("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")).await;
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n", elsewhere.url());
    let response = answer_to(bytes(&answer)).await.unwrap();
    assert_eq!((response.status.as_u16(), elsewhere.connections()), (302, 0));
}

/// T-012: compression is neither asked for nor undone.
#[tokio::test]
async fn nothing_is_decompressed() {
    let answer = bytes("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x0bab");
    assert_eq!(&answer_to(answer).await.unwrap().body[..], b"\x1f\x0bab");
}

/// T-012
#[tokio::test]
async fn a_body_over_the_cap_is_refused_however_it_is_sent() {
    let full = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}", "a".repeat(length));
    assert_eq!(answer_to(bytes(&full(1_000))).await.unwrap().body.len(), 1_000);
    assert!(matches!(answer_to(bytes(&full(1_001))).await, Err(HttpError::TooLarge { limit: 1_000 })));
    let announced = Answer::Stall(b"HTTP/1.1 200 OK\r\ncontent-length: 9999999999\r\n\r\n".to_vec());
    assert!(matches!(answer_to(announced).await, Err(HttpError::TooLarge { .. })));
    let chunked = Answer::Endless(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec(), b"4\r\naaaa\r\n".to_vec());
    assert!(matches!(answer_to(chunked).await, Err(HttpError::TooLarge { .. })));
    let unframed = Answer::Endless(b"HTTP/1.0 200 OK\r\n\r\n".to_vec(), vec![b'a'; 64]);
    assert!(matches!(answer_to(unframed).await, Err(HttpError::TooLarge { .. })));
}

/// T-038
#[tokio::test]
async fn headers_over_the_cap_are_refused() {
    let fat = format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "a".repeat(17_000));
    assert!(matches!(answer_to(bytes(&fat)).await, Err(HttpError::HeadersTooLarge { .. })));
    let many = Answer::Endless(b"HTTP/1.1 200 OK\r\n".to_vec(), b"x: y\r\n".to_vec());
    assert!(matches!(answer_to(many).await, Err(HttpError::Broken(_))));
}

/// T-040
#[tokio::test]
async fn silence_ends_at_the_deadline_wherever_it_begins() {
    let parts = ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"];
    let calls = parts.map(|part| (part, tokio::spawn(answer_to(Answer::Stall(part.as_bytes().to_vec())))));
    for (part, call) in calls {
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, HttpError::Timeout { after } if after == Duration::from_millis(600)), "Input: {part:?}: {error:?}");
        assert!(!error.never_sent() && error.is_timeout());
    }
}

#[tokio::test]
async fn a_broken_answer_is_not_proof_that_nothing_happened() {
    for part in ["", "SSH-2.0-x\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab"] {
        let error = answer_to(bytes(part)).await.unwrap_err();
        assert!(matches!(error, HttpError::Broken(_)) && !error.never_sent(), "Input: {part:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_proof_that_nothing_happened() {
    let address = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let error = get(&client(), &format!("http://{address}/")).await.unwrap_err();
    assert!(matches!(error, HttpError::Connect(_)) && error.never_sent(), "{error:?}");
    let error = get(&client(), "ftp://127.0.0.1/").await.unwrap_err();
    assert!(matches!(error, HttpError::Unsendable(_)) && error.never_sent(), "{error:?}");
}
