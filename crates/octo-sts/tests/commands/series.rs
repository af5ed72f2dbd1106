//! What strangers send never makes the page of metrics grow. `STS_TEST_STRANGERS=100000` makes it as many as one likes.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use octo_sts_sandbox::{ActionsJob, FakeIssuer};
use serde_json::{Value, json};

use super::whole::House;

/// The most series that a service may have.
const MOST_SERIES: usize = 2_000;
const STRANGERS: usize = 400;
/// Strangers at a time.
const AT_ONCE: usize = 8;

fn get(address: &str, target: &str, bearer: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {target} HTTP/1.1\r\nhost: sts.test\r\nauthorization: Bearer {bearer}\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// The claims of a job that nobody else is.
fn claims(issuer: &FakeIssuer, at: usize) -> Value {
    let mut claims = issuer.actions_claims(&ActionsJob::new("acme/app"), Some("sts.test"));
    claims["sub"] = json!(format!("repo:stranger-{at}/app:ref:refs/heads/main"));
    claims
}

/// A token that names an issuer that nobody else names; it is signed by another, who has never heard of it.
fn of_no_issuer(issuer: &FakeIssuer, at: usize) -> String {
    let mut claims = claims(issuer, at);
    claims["iss"] = json!(format!("{}-{at}", issuer.url()));
    issuer.token(&claims)
}

/// A stranger at one of the stages of an exchange, whose owner, identity, issuer or subject nobody else has.
fn stranger(house: &House, issuer: &FakeIssuer, genuine: &str, at: usize) {
    let (scope, identity) = (format!("owner-{at}/repo-{at}"), format!("identity-{at}"));
    let (scope, identity, token) = match at % 4 {
        0 => (scope.as_str(), identity.as_str(), genuine.to_owned()),
        1 => ("acme/app", identity.as_str(), genuine.to_owned()),
        2 => (scope.as_str(), identity.as_str(), of_no_issuer(issuer, at)),
        _ => ("acme/app", "ci", issuer.token(&claims(issuer, at))),
    };
    let answer = get(&house.address, &format!("/sts/exchange?scope={scope}&identity={identity}"), &token);
    assert!(answer.starts_with("HTTP/1.1 4"), "Input: {at} {answer}");
    get(&house.address, &format!("/path-{at}"), "x");
}

/// The samples on a page of metrics.
fn series(page: &str) -> usize {
    page.lines().filter(|line| line.starts_with("octo_sts_")).count()
}

/// T-106
#[tokio::test(flavor = "multi_thread")]
async fn strangers_of_every_kind_leave_the_number_of_series_bounded() {
    let strangers = std::env::var("STS_TEST_STRANGERS").ok().and_then(|text| text.parse().ok()).unwrap_or(STRANGERS);
    let metrics = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let house = House::open_with(&[("METRICS_PORT", metrics.port().to_string().as_str())]).await;
    let issuer = house.sandbox.issuer("gha");
    let genuine = issuer.token(&claims(&issuer, strangers));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < strangers) {
                    stranger(&house, &issuer, &genuine, at);
                    if at % 1_000 == 0 {
                        house.sandbox.clear_calls();
                        house.sandbox.events().clear();
                    }
                }
            });
        }
    });
    let page = get(&metrics.to_string(), "/metrics", "x");
    println!("{} series after {strangers} strangers", series(&page));
    assert!(page.contains("octo_sts_exchanges_total{outcome=\"refused\""), "{page}");
    assert!((50..=MOST_SERIES).contains(&series(&page)), "{}", series(&page));
    for name in ["owner-", "identity-", "stranger-", "repo-", "gha-", "path-"] {
        assert!(!page.contains(name), "{name} in {page}");
    }
}
