//! Events reach a real HTTP receiver.
#![expect(clippy::unwrap_used, reason = "a test ends where something is odd")]

use std::{sync::Arc, time::Duration};

use octo_sts_audit::{Audit, AuditSettings, ExchangeEvent, Outcome};
use octo_sts_http::{Client, ClientSettings, Protocol, Roots};
use octo_sts_types::SystemClock;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// One request: its head in lower case, and its body.
struct Seen {
    head: String,
    body: String,
}

/// Reads one request and answers it with a status.
async fn answer(stream: &mut BufReader<TcpStream>, status: &str) -> Seen {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).await.unwrap() > 0, "the connection ended");
    }
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    stream.get_mut().write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
    Seen { head, body: String::from_utf8(body).unwrap() }
}

fn client() -> Client {
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    Client::new(ClientSettings {
        user_agent: "octo-sts-test".into(),
        roots: Roots::from_pem(&authority).unwrap(),
        protocol: Protocol::Http1,
        guard: None,
        connect_timeout: Duration::from_secs(1),
        deadline: Duration::from_secs(2),
        max_body: 1024,
    })
    .unwrap()
}

#[tokio::test]
async fn an_event_arrives_in_binary_mode_after_a_failure() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let event_ingress = Some(format!("http://{}/events?key=1", listener.local_addr().unwrap()).parse().unwrap());
    let settings = AuditSettings { domain: "sts.example".into(), event_ingress, ..AuditSettings::default() };
    let (audit, task) = Audit::start(settings, Some(client()), Arc::new(SystemClock)).unwrap();
    let event = ExchangeEvent { scope: "acme/app".into(), identity: "ci".into(), outcome: Outcome::Granted, ..ExchangeEvent::default() };
    audit.record(event).await;

    let mut stream = BufReader::new(listener.accept().await.unwrap().0);
    let first = answer(&mut stream, "503 Service Unavailable").await;
    let second = answer(&mut stream, "202 Accepted").await;
    task.finish(Duration::from_secs(5)).await;
    assert_eq!(first.head, second.head, "a retry is the same event");
    assert!(second.head.starts_with("post /events?key=1 http/1.1\r\n"));
    for line in [
        "ce-specversion: 1.0",
        "ce-type: dev.octo-sts.exchange",
        "ce-subject: acme/app/ci",
        "ce-source: https://sts.example",
        "content-type: application/json",
    ] {
        assert!(second.head.contains(&format!("\r\n{line}\r\n")), "{line} in {}", second.head);
    }
    let data: serde_json::Value = serde_json::from_str(&second.body).unwrap();
    assert_eq!((data["scope"].as_str(), data["outcome"].as_str()), (Some("acme/app"), Some("granted")));
}
