//! Events reach a real HTTP receiver.
#![expect(clippy::unwrap_used, reason = "a test ends where something is odd")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use octo_sts_audit::{Audit, AuditSettings, ExchangeEvent, Outcome};
use octo_sts_http::{Client, ClientSettings, Protocol, Roots};
use octo_sts_types::{Clock as _, SystemClock};
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

/// A receiver of batches: takes connections for ever, and keeps the ids of the events.
async fn take_batches(listener: TcpListener, ids: Arc<Mutex<Vec<String>>>) {
    loop {
        let mut stream = BufReader::new(listener.accept().await.unwrap().0);
        let ids = Arc::clone(&ids);
        tokio::spawn(async move {
            while !stream.fill_buf().await.unwrap_or_default().is_empty() {
                let seen = answer(&mut stream, "200 OK").await;
                assert!(seen.head.contains("\r\ncontent-type: application/cloudevents-batch+json; charset=utf-8\r\n"), "{}", seen.head);
                let events: Vec<serde_json::Value> = serde_json::from_str(&seen.body).unwrap();
                ids.lock().unwrap().extend(events.iter().map(|event| event["data"]["identity"].as_str().unwrap().to_owned()));
            }
        });
    }
}

fn spilling(to: &TcpListener, folder: &std::path::Path) -> AuditSettings {
    let event_ingress = Some(format!("http://{}/", to.local_addr().unwrap()).parse().unwrap());
    AuditSettings { domain: "sts.example".into(), event_ingress, batch: Some(1000), spill: Some(folder.to_owned()), ..AuditSettings::default() }
}

/// A minute at 500 exchanges a second with a receiver that takes connections and never answers: no caller waits for it,
/// nothing is lost, and all of it is sent by the next process once the receiver answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_minute_of_events_outlives_a_receiver_that_hangs() {
    const EVENTS: usize = 60 * 500;
    let folder = tempfile::tempdir().unwrap();
    let hangs = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (audit, task) = Audit::start(spilling(&hangs, folder.path()), Some(client()), Arc::new(SystemClock)).unwrap();
    let callers = (0..10).map(|caller| {
        let audit = audit.clone();
        tokio::spawn(async move {
            for n in (caller..EVENTS).step_by(10) {
                audit.record(ExchangeEvent { scope: "acme/app".into(), identity: n.to_string(), ..ExchangeEvent::default() }).await;
            }
        })
    });
    let began = SystemClock.monotonic();
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let took = SystemClock.monotonic() - began;
    assert!(took < Duration::from_mins(1), "{EVENTS} events took {took:?}");
    drop(audit);
    task.finish(Duration::from_millis(50)).await;

    let (takes, ids) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Arc::<Mutex<Vec<String>>>::default());
    let settings = spilling(&takes, folder.path());
    tokio::spawn(take_batches(takes, Arc::clone(&ids)));
    let (_audit, task) = Audit::start(settings, Some(client()), Arc::new(SystemClock)).unwrap();
    task.finish(Duration::from_mins(1)).await;
    // The receiver answers before it looks into what came.
    while ids.lock().unwrap().len() < EVENTS && SystemClock.monotonic() - began < Duration::from_mins(2) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut ids: Vec<usize> = ids.lock().unwrap().iter().map(|id| id.parse().unwrap()).collect();
    ids.sort_unstable();
    let (came, first_missing) = (ids.len(), (0..EVENTS).find(|n| ids.binary_search(n).is_err()));
    assert!(ids.into_iter().eq(0..EVENTS), "{came} events came, the first that is missing: {first_missing:?}");
}
