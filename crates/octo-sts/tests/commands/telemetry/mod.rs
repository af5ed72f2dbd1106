//! Traces and logs at a collector, over both protocols.

mod collector;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    time::{Duration, Instant},
};

use octo_sts_sandbox::ActionsJob;
use opentelemetry_proto::tonic::trace::v1::Span;
use rustix::process::{Pid, Signal, kill_process};

use super::whole::House;
use collector::{Collector, attribute, free};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// An exchange as a caller makes it who has a trace of his own; the whole answer.
fn exchange(house: &House, branch: &str, headers: &str) -> String {
    let issuer = house.sandbox.issuer("gha");
    let job = ActionsJob::new("acme/app").git_ref(format!("refs/heads/{branch}"));
    let token = issuer.token(&issuer.actions_claims(&job, Some("sts.test")));
    let mut stream = TcpStream::connect(&house.address).unwrap();
    let query = "scope=acme/app&identity=ci";
    write!(stream, "GET /sts/exchange?{query} HTTP/1.1\r\nhost: sts.test\r\nauthorization: Bearer {token}\r\n{headers}connection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn trace_headers() -> String {
    format!("traceparent: 00-{TRACE}-{PARENT}-01\r\ntracestate: vendor=opaque\r\n")
}

fn end(house: &mut House) {
    kill_process(Pid::from_child(&house.service), Signal::TERM).unwrap();
    house.service.wait().unwrap();
}

fn status(span: &Span) -> Option<String> {
    attribute(&span.attributes, "http.response.status_code")
}

/// One exchange granted and one refused, and everything that a collector gets of them.
async fn is_told_of_exchanges(collector: &Collector, endpoint: &str, protocol: &str) {
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=blue"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test"),
        ("OTEL_BSP_SCHEDULE_DELAY", "50"),
        ("STS_EVENT_BATCH", "10"),
    ];
    let mut house = House::open_with(&variables).await;
    assert!(exchange(&house, "main", &trace_headers()).starts_with("HTTP/1.1 200"));
    assert!(exchange(&house, "other", "").starts_with("HTTP/1.1 403"));
    let granted = collector.span(|span| span.name == "exchange").await;
    // One that GitHub refuses came first: the sandbox has no policy repository that a reader token could be for.
    let mint = collector.span(|span| span.name == "GitHub mint" && status(span).as_deref() == Some("201")).await;
    assert_eq!(attribute(&granted.attributes, "outcome").as_deref(), Some("granted"), "{granted:?}");
    assert_eq!(attribute(&granted.attributes, "scope").as_deref(), Some("acme/app"));
    assert_eq!((hex(&granted.trace_id), hex(&mint.trace_id)), (TRACE.to_owned(), TRACE.to_owned()));
    end(&mut house);

    let spans = collector.spans();
    let server = spans.iter().find(|span| hex(&span.parent_span_id) == PARENT).unwrap();
    assert_eq!((server.kind, status(server).as_deref()), (2, Some("200")));
    assert_eq!(granted.parent_span_id, server.span_id);
    assert_eq!((mint.kind, &mint.parent_span_id), (3, &granted.span_id));
    let refused = spans.iter().find(|span| attribute(&span.attributes, "outcome").as_deref() == Some("refused")).unwrap();
    assert_ne!(hex(&refused.trace_id), TRACE);
    assert_eq!(attribute(&collector.resource(), "service.name").as_deref(), Some("octo-sts"));
    assert_eq!(attribute(&collector.resource(), "deployment.environment.name").as_deref(), Some("test"));
    assert!(collector.tenants().iter().all(|tenant| tenant == "blue") && !collector.tenants().is_empty());

    let logs = collector.logs();
    let told = logs.iter().find(|record| attribute(&record.attributes, "outcome").as_deref() == Some("granted")).unwrap();
    assert_eq!((hex(&told.trace_id), &told.span_id), (TRACE.to_owned(), &granted.span_id));
    let record = logs.iter().find(|record| attribute(&record.attributes, "kind").as_deref() == Some("dev.octo-sts.exchange")).unwrap();
    let body = record.body.clone().and_then(|body| body.value).unwrap();
    assert!(format!("{body:?}").contains("token_sha256"), "{body:?}");
    github_is_told_and_issuers_are_not(&house, &hex(&mint.span_id));
    nothing_secret_is_told(&house, collector);
}

fn github_is_told_and_issuers_are_not(house: &House, mint: &str) {
    let calls = house.sandbox.github().calls();
    let minted = calls.iter().find(|call| call.header("traceparent").is_some_and(|parent| parent.contains(mint))).unwrap();
    assert_eq!((minted.class, minted.header("tracestate")), ("mint", Some("vendor=opaque")));
    assert!(minted.header("traceparent").unwrap().starts_with(&format!("00-{TRACE}-")));
    let asked = house.sandbox.issuer("gha").calls();
    assert!(!asked.is_empty() && asked.iter().all(|call| call.header("traceparent").is_none() && call.header("tracestate").is_none()));
}

fn nothing_secret_is_told(house: &House, collector: &Collector) {
    let log = fs::read_to_string(house.folder.path().join("log")).unwrap();
    let told = collector.text() + &log;
    for entry in house.sandbox.github().ledger() {
        assert!(!told.contains(&entry.token), "token {} is told", entry.number);
    }
    assert!(!told.contains("eyJ") && !told.contains("PRIVATE KEY") && !told.contains("ghs_"));
    let line = log.lines().find(|line| line.contains(r#""outcome":"granted""#)).unwrap();
    assert!(line.contains(&format!(r#""trace_id":"{TRACE}""#)), "{line}");
}

/// T-105
#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_is_told_over_grpc() {
    let (collector, address) = Collector::grpc().await;
    is_told_of_exchanges(&collector, &format!("http://{address}"), "grpc").await;
}

/// T-105
#[tokio::test(flavor = "multi_thread")]
async fn an_exchange_is_told_over_http() {
    let (collector, address) = Collector::http().await;
    is_told_of_exchanges(&collector, &format!("http://{address}"), "http/protobuf").await;
}

/// A collector that is away, or takes connections and never answers, delays no exchange and is said once.
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_or_hangs_delays_no_exchange() {
    let hangs = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let places = [free().await.to_string(), hangs.local_addr().unwrap().to_string()];
    for (place, protocol) in places.iter().flat_map(|place| [(place, "grpc"), (place, "http/protobuf")]) {
        let endpoint = format!("http://{place}");
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint.as_str()),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "300"),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "8"),
            ("OTEL_LOGS_EXPORTER", "none"),
        ];
        let mut house = House::open_with(&variables).await;
        exchange(&house, "main", "");
        let began = now();
        for _ in 0..20 {
            assert!(exchange(&house, "main", "").starts_with("HTTP/1.1 200"), "Input: {place} {protocol}");
        }
        assert!(began.elapsed() < Duration::from_secs(5), "Input: {place} {protocol}: {:?}", began.elapsed());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let began = now();
        end(&mut house);
        assert!(began.elapsed() < Duration::from_secs(8), "Input: {place} {protocol}: the end took {:?}", began.elapsed());
        let log = fs::read_to_string(house.folder.path().join("log")).unwrap();
        assert_eq!(log.matches("the OpenTelemetry collector does not take").count(), 1, "Input: {place} {protocol}: {log}");
    }
}

/// The same of a receiver of audit events, whether or not there is a folder for what it has not taken.
#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_of_events_that_hangs_delays_no_exchange() {
    let hangs = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let receiver = format!("http://{}/events", hangs.local_addr().unwrap());
    for more in [&[][..], &[("STS_AUDIT_DIR", "")]] {
        let house = House::open_with(&[&[("EVENT_INGRESS_URI", receiver.as_str())], more].concat()).await;
        exchange(&house, "main", "");
        let began = now();
        for _ in 0..50 {
            assert!(exchange(&house, "main", "").starts_with("HTTP/1.1 200"), "Input: {more:?}");
        }
        assert!(began.elapsed() < Duration::from_secs(5), "Input: {more:?}: {:?}", began.elapsed());
        assert_eq!(house.written("audit.jsonl").matches("\"outcome\":\"granted\"").count(), 51, "Input: {more:?}");
    }
}

#[expect(clippy::disallowed_methods, reason = "the test measures how long callers wait")]
fn now() -> Instant {
    Instant::now()
}
