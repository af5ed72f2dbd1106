//! SIGTERM and SIGINT with a request in flight. Upstream loses the request, and leaves a token that nobody has.

use std::{net::SocketAddr, process::Command, time::Duration};

use crate::support::{CI, LONG, SUBJECT, config, request, world};
use octo_sts_server::serve;
use serde_json::json;
use tokio::{net::TcpStream, time::timeout};

/// Signals are the whole process's: one test sends them, one after the other, and no other test of this program runs `serve`.
///
/// T-131
#[tokio::test]
async fn a_signal_ends_the_service_and_loses_nothing() {
    for signal in ["TERM", "INT"] {
        let (sandbox, app, issuer) = world().await;
        let policy = format!("issuer: {}\nsubject: {SUBJECT}\npermissions: {{contents: read}}\n", issuer.url());
        sandbox.github().put_file("acme/app", ".github/chainguard/ci.sts.yaml", policy);
        let mut config = config(&sandbox, &app);
        config.listen = free_port();
        let address = config.listen;
        let service = tokio::spawn(serve(config));
        timeout(LONG, ready(address)).await.unwrap();
        sandbox.set_latency(Duration::from_millis(60));
        let head = format!(
            "GET /sts/exchange?{CI} HTTP/1.1\r\nAuthorization: Bearer {}",
            issuer.token(&json!({"sub": SUBJECT, "aud": crate::support::DOMAIN}))
        );
        let caller = tokio::spawn(async move { request(address, &head, "").await });
        let minted = sandbox.eventually(LONG, |sandbox| !sandbox.github().ledger().is_empty()).await;
        assert!(minted, "SIG{signal}");
        let sent = Command::new("kill").args([&format!("-{signal}"), &std::process::id().to_string()]).status().unwrap();
        assert!(sent.success());
        let answer = caller.await.unwrap();
        answer.grants(signal);
        timeout(LONG, service).await.unwrap().unwrap().unwrap();
        let live: Vec<_> = sandbox.github().live_tokens().into_iter().map(|entry| entry.token).collect();
        assert_eq!(live, [answer.token()], "SIG{signal}");
        assert!(TcpStream::connect(address).await.is_err(), "SIG{signal}: the process was to end");
    }
}

/// A port that nobody listened on a moment ago.
fn free_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Waits until the service says that it is ready: from then on it takes signals.
async fn ready(address: SocketAddr) {
    loop {
        if TcpStream::connect(address).await.is_ok() && request(address, "GET /readyz HTTP/1.1", "").await.status == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
