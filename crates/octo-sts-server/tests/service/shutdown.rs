//! The end of a service under load: nothing accepted is lost, and no token is left behind.

use std::{sync::Arc, time::Duration};

use crate::house::{DOMAIN, House, LONG, exchange};
use http::Method;
use octo_sts_sandbox::Fault;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// What became of one request.
#[derive(Debug)]
enum End {
    Token(String),
    Refused,
    NeverConnected,
}

/// One exchange by a caller who tells an answer from a connection that was never made. Everything else is a lost request.
async fn ask(address: std::net::SocketAddr, bearer: Arc<str>) -> End {
    let Ok(mut stream) = TcpStream::connect(address).await else { return End::NeverConnected };
    let head =
        format!("GET /sts/exchange?scope=acme/app&identity=ci HTTP/1.1\r\nHost: {DOMAIN}\r\nAuthorization: {bearer}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    timeout(LONG, stream.read_to_string(&mut text)).await.unwrap().unwrap();
    if text.starts_with("HTTP/1.1 200") {
        return End::Token(text.split_once(r#""token":""#).unwrap().1.split('"').next().unwrap().to_owned());
    }
    assert!(text.starts_with("HTTP/1.1 503") && text.contains("Connection: close"), "lost: {text:?}");
    End::Refused
}

/// How often the service is restarted: `STS_TEST_RESTARTS`, or 10 times.
fn restarts() -> u32 {
    std::env::var("STS_TEST_RESTARTS").map_or(10, |count| count.parse().unwrap())
}

/// T-131
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn restarts_under_load_lose_no_accepted_request_and_leave_no_token() {
    let house = House::build().await;
    house.sandbox.set_latency(Duration::from_millis(3));
    let bearer: Arc<str> = house.token().into();
    let mut handed_out = 0;
    for _ in 0..restarts() {
        let service = house.serve().await;
        let address = service.address();
        let mut callers = tokio::task::JoinSet::new();
        for at in 0..60 {
            let bearer = Arc::clone(&bearer);
            callers.spawn(async move {
                tokio::time::sleep(Duration::from_millis(at)).await;
                ask(address, bearer).await
            });
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
        service.shutdown().await;
        let ends = callers.join_all().await;
        let tokens: Vec<_> = ends.iter().filter_map(|end| if let End::Token(token) = end { Some(token.clone()) } else { None }).collect();
        assert!(!tokens.is_empty() && tokens.len() < ends.len(), "{} of {}", tokens.len(), ends.len());
        handed_out += tokens.len();
        let live = house.sandbox.github().live_tokens();
        assert_eq!(live.len(), handed_out, "tokens that nobody has, or reader tokens that are left");
        assert!(tokens.iter().all(|token| live.iter().any(|entry| entry.token == *token)));
    }
    println!("{} restarts, {handed_out} tokens handed out, each of them and no other is live", restarts());
}

/// T-131
#[tokio::test]
async fn a_drain_ends_in_time_when_github_hangs() {
    let house = House::build().await;
    let mut config = house.config();
    config.drain_timeout = Duration::from_millis(300);
    let service = octo_sts_server::start(config).await.unwrap();
    timeout(LONG, service.wait_ready()).await.unwrap().unwrap();
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 200);
    house.sandbox.github().fault(Fault::on(Method::POST, "access_tokens").hang());
    let caller = tokio::spawn(ask_loosely(service.address(), house.token()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    timeout(Duration::from_secs(12), service.shutdown()).await.unwrap();
    caller.await.unwrap();
}

async fn ask_loosely(address: std::net::SocketAddr, bearer: String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /sts/exchange?scope=acme/app&identity=ci HTTP/1.1\r\nHost: {DOMAIN}\r\nAuthorization: {bearer}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut text = Vec::new();
    _ = stream.read_to_end(&mut text).await;
}
