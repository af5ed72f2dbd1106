//! The end of a service, as its callers see it (T-131).

use http_body_util::Empty;

use super::*;

/// T-131
#[tokio::test]
async fn while_draining_new_exchanges_are_refused_and_accepted_ones_finish() {
    let stage = Stage::open().await;
    stage.readiness.set(Vec::new());
    let mut accepted = stage.connect().await;
    accepted.write_all(b"GET /sts/exchange?scope=a&identity=slow HTTP/1.1\r\nHost: sts\r\nAuthorization: x\r\n\r\n").await.unwrap();
    stage.fake.begun.notified().await;
    let mut kept = stage.connect().await;
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: sts\r\n\r\n").await.unwrap();
    assert!(read_some(&mut kept).await.starts_with("HTTP/1.1 200"));
    stage.phase.send_replace(Phase::Draining);
    let refused = stage.get("/sts/exchange?scope=a&identity=ci", "\r\nAuthorization: x").await;
    assert_eq!((refused.status, refused.header("connection"), refused.header("retry-after")), (503, Some("close"), Some("1")));
    assert_eq!(refused.json()["code"], 14);
    let ready = stage.get("/readyz", "").await;
    assert_eq!((ready.status, ready.body.as_str()), (503, r#"{"ready":false,"reasons":["the service is shutting down"]}"#));
    kept.write_all(b"GET /healthz HTTP/1.1\r\nHost: sts\r\n\r\n").await.unwrap();
    assert!(read_some(&mut kept).await.contains("Connection: close"));
    assert!(timeout(Duration::from_millis(50), stage.exchanges.finished()).await.is_err());
    stage.fake.go.notify_one();
    let text = read_some(&mut accepted).await;
    assert!(text.starts_with("HTTP/1.1 200 OK") && text.contains("Connection: close") && text.contains(TOKEN), "{text}");
    timeout(LONG, stage.exchanges.finished()).await.unwrap();
    assert_eq!(stage.fates(), [Some(true)]);
}

/// T-131
#[tokio::test]
async fn http2_is_told_to_go_away_and_finishes_what_it_began() {
    let stage = Stage::open().await;
    let stream = stage.connect().await;
    let (mut sender, connection) =
        hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new()).handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request =
        http::Request::get("http://sts/sts/exchange?scope=a&identity=slow").header("authorization", "x").body(Empty::<bytes::Bytes>::new()).unwrap();
    let answer = sender.send_request(request);
    let answer = tokio::spawn(answer);
    stage.fake.begun.notified().await;
    stage.phase.send_replace(Phase::Draining);
    tokio::time::sleep(Duration::from_millis(50)).await;
    stage.fake.go.notify_one();
    assert_eq!(answer.await.unwrap().unwrap().status(), 200);
    timeout(LONG, connection).await.unwrap().unwrap().unwrap();
}

/// T-131
#[tokio::test]
async fn once_closing_nobody_new_is_let_in_and_everybody_leaves() {
    let stage = Stage::open().await;
    let mut idle = stage.connect().await;
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: sts\r\n\r\n").await.unwrap();
    assert!(read_some(&mut idle).await.starts_with("HTTP/1.1 200"));
    let _silent = stage.connect().await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    stage.phase.send_replace(Phase::Closing);
    let mut rest = Vec::new();
    timeout(LONG, idle.read_to_end(&mut rest)).await.unwrap().unwrap();
    stage.phase.send_replace(Phase::Ended);
    timeout(LONG, stage.connections.ended()).await.unwrap();
    assert!(TcpStream::connect(stage.address).await.is_err());
}
