//! Whether a token was delivered, and what becomes of one that was not (T-130).

use http_body_util::BodyExt as _;

use super::{
    grpc::{Connection, exchange_message},
    *,
};

const SLOW: &[u8] = b"GET /sts/exchange?scope=a&identity=slow HTTP/1.1\r\nHost: sts\r\nAuthorization: x\r\n\r\n";

/// T-130
#[tokio::test]
async fn an_answer_that_was_read_is_delivered() {
    let stage = Stage::open().await;
    assert_eq!(stage.get("/sts/exchange?scope=a&identity=ci", "\r\nAuthorization: x").await.status, 200);
    stage.until("delivered", |stage| stage.fates() == [Some(true)]).await;
}

/// T-130
#[tokio::test]
async fn a_caller_who_hangs_up_takes_his_exchange_with_him() {
    let stage = Stage::open().await;
    let mut stream = stage.connect().await;
    stream.write_all(SLOW).await.unwrap();
    stage.fake.begun.notified().await;
    drop(stream);
    stage.until("given up", |stage| *stage.fake.given_up.lock().unwrap() == 1).await;
    assert!(stage.fates().is_empty());
}

/// T-130: the answer is ready when the caller is gone already, and the reset is on its way.
#[tokio::test]
async fn a_token_that_cannot_be_written_is_not_delivered() {
    let stage = Stage::open().await;
    let mut stream = stage.connect().await;
    stream.write_all(SLOW).await.unwrap();
    stage.fake.begun.notified().await;
    stream.set_zero_linger().unwrap();
    stage.fake.go.notify_one();
    drop(stream);
    let settled = |stage: &Stage| *stage.fake.given_up.lock().unwrap() == 1 || stage.fates().first().is_some_and(Option::is_some);
    stage.until("settled", settled).await;
}

/// T-130
#[tokio::test]
async fn a_grpc_answer_is_delivered_when_it_was_sent_and_not_when_the_call_was_cancelled() {
    let stage = Stage::open().await;
    let mut connection = Connection::open(&stage).await;
    let answer = connection.call("/chainguard.platform.oidc.SecurityTokenService/Exchange", &exchange_message("ci"), "x").await;
    assert_eq!(answer.code, 0);
    stage.until("delivered", |stage| stage.fates() == [Some(true)]).await;
    let pending = connection.begin("/chainguard.platform.oidc.SecurityTokenService/Exchange", &exchange_message("slow"), "x");
    let pending = tokio::spawn(pending);
    stage.fake.begun.notified().await;
    pending.abort();
    stage.until("given up", |stage| *stage.fake.given_up.lock().unwrap() == 1).await;
}

/// T-056: a client that gives no room for the answer's body does not get to keep its token.
#[tokio::test(start_paused = true)]
async fn a_token_nobody_makes_room_for_is_not_delivered() {
    let stage = Stage::open().await;
    let stream = TcpStream::connect(stage.address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
        .initial_stream_window_size(0)
        .handshake::<_, http_body_util::Empty<bytes::Bytes>>(hyper_util::rt::TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request =
        http::Request::get("http://sts/sts/exchange?scope=a&identity=ci").header("authorization", "x").body(http_body_util::Empty::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(stage.fates(), [None]);
    assert!(response.into_body().collect().await.is_err());
    stage.until("not delivered", |stage| stage.fates() == [Some(false)]).await;
}
