//! The client against a small server that plays the service and GitHub.
#![expect(clippy::unwrap_used, reason = "a test ends where something is odd")]

use std::{sync::Arc, time::Duration};

use octo_sts_client::{Reply, Revoked, ServiceAddress, StsClient, StsError, Wanted, revoke, revoke_at_service};
use octo_sts_http::{Client, ClientSettings, Protocol, Roots};
use octo_sts_types::SystemClock;
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    task::JoinHandle,
};

/// What the server answers: status line, extra headers, body.
type Answer = (&'static str, &'static str, &'static str);

const GIVEN: Answer = ("200 OK", "x-request-id: r-1\r\n", r#"{"token":"ghs_x","refreshToken":"","expiry":"2026-01-02T03:04:05Z","expires_in":3600}"#);

/// Answers each connection's one request in turn; gives the heads of the requests.
async fn serve(answers: &'static [Answer]) -> (ServiceAddress, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = ServiceAddress::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let server = tokio::spawn(async move {
        let mut heads = Vec::new();
        for (status, headers, body) in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = vec![0; 8192];
            let read = stream.read(&mut head).await.unwrap();
            heads.push(String::from_utf8_lossy(&head[..read]).into_owned());
            let answer = format!("HTTP/1.1 {status}\r\n{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            // A status of nothing plays a connection that breaks.
            let answer = if status.is_empty() { String::new() } else { answer };
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        heads
    });
    (address, server)
}

fn http() -> Client {
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    Client::new(ClientSettings {
        user_agent: "octo-sts/test".into(),
        roots: Roots::from_pem(&authority).unwrap(),
        protocol: Protocol::Http1,
        guard: None,
        connect_timeout: Duration::from_secs(1),
        deadline: Duration::from_secs(2),
        max_body: 65536,
    })
    .unwrap()
}

async fn exchange(address: &ServiceAddress, deadline: Duration) -> Result<Reply, StsError> {
    let client = StsClient::new(http(), address.clone(), deadline, Arc::new(SystemClock));
    client.exchange(&"a.b.c".into(), Wanted { scope: "acme/a&b", identity: "ci x" }).await
}

#[tokio::test]
async fn everything_is_encoded_and_the_whole_reply_is_kept() {
    let (address, server) = serve(&[GIVEN]).await;
    let reply = exchange(&address, Duration::from_secs(5)).await.unwrap();
    assert_eq!((reply.token.expose_secret(), reply.expires_in, reply.request_id.as_deref()), ("ghs_x", Some(3600), Some("r-1")));
    let head = &server.await.unwrap()[0];
    assert!(head.starts_with("GET /sts/exchange?scope=acme%2Fa%26b&scopes=acme%2Fa%26b&identity=ci+x HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("authorization: Bearer a.b.c\r\n"));
}

#[tokio::test]
async fn what_can_pass_is_asked_again() {
    let (address, server) = serve(&[("503 Busy", "retry-after: 0\r\n", ""), ("429 Slow", "retry-after: 0\r\n", "{}"), ("", "", ""), GIVEN]).await;
    assert!(exchange(&address, Duration::from_secs(10)).await.is_ok());
    assert_eq!(server.await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_refusal_ends_at_once_with_the_services_sentence() {
    let body = r#"{"code":7,"message":"token does not match trust policy","details":[{"reason":"mismatch","metadata":{"sub":"me"}}]}"#;
    let (address, server) = serve(Box::leak(Box::new([("403 Forbidden", "x-request-id: r-9\r\n", body)]))).await;
    let error = exchange(&address, Duration::from_secs(10)).await.unwrap_err();
    assert_eq!(error.to_string(), "token does not match trust policy [mismatch] (request r-9)");
    assert!(matches!(error, StsError::Refused(refusal) if refusal.facts["sub"] == "me"));
    assert_eq!(server.await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_pause_that_the_deadline_does_not_hold_is_not_begun() {
    let (address, server) = serve(&[("503 Busy", "retry-after: 60\r\n", r#"{"code":14,"message":"GitHub is down"}"#)]).await;
    let error = exchange(&address, Duration::from_secs(5)).await.unwrap_err();
    assert!(matches!(&error, StsError::Unavailable { attempts: 1, last, .. } if last.retry_after == Some(Duration::from_mins(1))));
    assert!(error.to_string().ends_with("could not answer (1 attempts): GitHub is down"), "{error}");
    server.await.unwrap();
}

#[tokio::test]
async fn what_is_not_the_service_is_told() {
    for answer in [("200 OK", "", "<html>"), ("302 Found", "location: /login\r\n", ""), ("404 Not Found", "", "<html>"), ("200 OK", "", "{}")] {
        let (address, server) = serve(Box::leak(Box::new([answer]))).await;
        assert!(matches!(exchange(&address, Duration::from_secs(5)).await, Err(StsError::NotTheService { .. })), "Answer: {answer:?}");
        server.await.unwrap();
    }
}

#[tokio::test]
async fn a_service_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = ServiceAddress::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = exchange(&address, Duration::from_millis(300)).await.expect_err("nobody listens");
    assert!(matches!(error, StsError::Unreachable { .. }), "{error}");
}

/// T-105
#[tokio::test]
async fn a_token_that_cannot_stand_in_a_header_is_not_told() {
    let address = ServiceAddress::parse("http://127.0.0.1:9").unwrap();
    let client = StsClient::new(http(), address, Duration::from_secs(1), Arc::new(SystemClock));
    let error = client.exchange(&"sekret\n.b.c".into(), Wanted { scope: "a/b", identity: "c" }).await.unwrap_err();
    assert!(matches!(error, StsError::OddToken));
    assert!(!format!("{error:?} {error} {client:?}").contains("sekret"));
}

#[tokio::test]
async fn a_revocation_says_whether_there_was_anything_to_revoke() {
    let (address, server) =
        serve(&[("204 No Content", "", ""), ("401 Unauthorized", "", "{}"), ("502 Bad", "", ""), ("204 No Content", "", "")]).await;
    let http = http();
    assert_eq!(revoke(&http, &address, &"ghs_x".into()).await.unwrap(), Revoked::Now);
    assert_eq!(revoke(&http, &address, &"ghs_x".into()).await.unwrap(), Revoked::Before);
    assert_eq!(revoke(&http, &address, &"ghs_x".into()).await.unwrap(), Revoked::Now);
    let heads = server.await.unwrap();
    assert!(heads.iter().all(|head| head.starts_with("DELETE /installation/token HTTP/1.1\r\n") && head.contains("authorization: Bearer ghs_x\r\n")));
}

#[tokio::test]
async fn the_service_ends_a_token_or_says_why_not() {
    const REFUSED: Answer = ("400 Bad", "", r#"{"error":"unsupported_token_type","error_description":"this is no installation token"}"#);
    const ENDED: Answer = ("200 OK", "", "{}");
    const LATER: Answer = ("429 No", "", "");
    let (address, server) = serve(&[ENDED, ("503 No", "", ""), ENDED, REFUSED, LATER, LATER]).await;
    let http = http();
    revoke_at_service(&http, &address, &"ghs_x".into()).await.unwrap();
    revoke_at_service(&http, &address, &"ghs_x".into()).await.unwrap();
    let refused = revoke_at_service(&http, &address, &"ghs_x".into()).await.unwrap_err();
    assert_eq!(refused.to_string(), "this is no installation token [unsupported_token_type]");
    let limited = revoke_at_service(&http, &address, &"ghs_x".into()).await;
    assert!(matches!(limited, Err(StsError::Unavailable { attempts: 2, .. })), "{limited:?}");
    let heads = server.await.unwrap();
    assert!(heads.iter().all(|head| head.starts_with("POST /sts/revoke HTTP/1.1\r\n") && head.contains("authorization: Bearer ghs_x\r\n")));
}

#[tokio::test]
async fn one_attempt_that_hangs_ends_with_the_deadline_of_all() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = ServiceAddress::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let outcome = tokio::time::timeout(Duration::from_millis(1_500), exchange(&address, Duration::from_millis(200))).await;
    assert!(matches!(outcome, Ok(Err(StsError::Unreachable { attempts: 1, .. }))), "{outcome:?}");
}
