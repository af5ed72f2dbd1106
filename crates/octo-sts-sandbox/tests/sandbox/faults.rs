//! Faults, and the record of calls.

use std::time::Duration;

use http::Method;
use hyper_util::rt::{TokioExecutor, TokioIo};
use octo_sts_http::Protocol;
use octo_sts_sandbox::{Fault, SandboxSettings};
use octo_sts_types::{Clock as _, SystemClock};
use serde_json::json;

use crate::support::{World, header, message, text};

#[tokio::test]
async fn a_scripted_answer_takes_the_place_of_the_real_one() {
    let world = World::new().await;
    let github = world.sandbox.github();
    github.fault(Fault::on(Method::POST, "mint").times(1).respond(502, &json!({"message": "Bad Gateway"})).header("x-odd", "1"));
    let broken = world.mint("{}").await;
    assert_eq!((broken.status.as_u16(), header(&broken, "x-odd")), (502, "1"));
    assert!(github.ledger().is_empty(), "nothing was minted");
    assert_eq!(world.mint("{}").await.status, 201);

    github.fault(Fault::on(Method::POST, "mint").executed().reset());
    let path = format!("/app/installations/{}/access_tokens", world.installation);
    assert!(world.try_call(Method::POST, &path, &world.app.jwt(), "").await.is_err());
    assert_eq!(github.ledger().len(), 2, "a token that nobody heard of");
    assert_eq!(github.calls().pop().unwrap().status, None);
}

/// T-130
#[tokio::test]
async fn a_caller_who_does_not_wait_may_be_too_late() {
    let world = World::new().await;
    let github = world.sandbox.github();
    let late = Fault::on(Method::POST, "mint").times(1).delay(Duration::from_secs(5));
    let path = format!("/app/installations/{}/access_tokens", world.installation);
    github.fault(late.clone());
    assert!(world.try_call(Method::POST, &path, &world.app.jwt(), "").await.is_err());
    assert!(github.ledger().is_empty());
    github.fault(late.executed());
    assert!(world.try_call(Method::POST, &path, &world.app.jwt(), "").await.is_err());
    assert_eq!(github.ledger().len(), 1);
    let recorded = world.sandbox.eventually(Duration::from_secs(1), |sandbox| sandbox.calls().len() == 2).await;
    assert!(recorded, "calls without an answer are recorded");
}

#[tokio::test]
async fn limits_are_worded_as_githubs() {
    let world = World::new().await;
    let github = world.sandbox.github();
    github.fault(Fault::on(Method::POST, "mint").times(1).secondary_limit(403, Some(Duration::from_mins(1))));
    github.fault(Fault::on(Method::POST, "mint").times(1).primary_limit(429, 1_900_000_000));
    github.fault(Fault::on(Method::POST, "mint").times(1).saml());
    let secondary = world.mint("{}").await;
    assert_eq!((secondary.status.as_u16(), header(&secondary, "retry-after"), header(&secondary, "x-ratelimit-remaining")), (403, "60", "4321"));
    let primary = world.mint("{}").await;
    assert_eq!((primary.status.as_u16(), header(&primary, "x-ratelimit-remaining"), header(&primary, "x-ratelimit-reset")), (429, "0", "1900000000"));
    assert!(message(&world.mint("{}").await).starts_with("Resource protected by organization SAML enforcement."));
    assert_eq!(world.mint("{}").await.status, 201);
}

#[tokio::test]
async fn connections_break_in_every_way_over_both_protocols() {
    for (tls, protocol) in [(false, Protocol::Http1), (true, Protocol::Http1), (true, Protocol::Http2)] {
        let world = World::speaking(SandboxSettings { tls, ..SandboxSettings::default() }, protocol).await;
        let github = world.sandbox.github();
        for fault in [Fault::on_any("app").reset(), Fault::on_any("app").truncate(10), Fault::on_any("app").truncate(0), Fault::on_any("app").hang()]
        {
            github.fault(fault.clone().times(1));
            let call = world.try_call(Method::GET, "/app", &world.app.jwt(), "").await;
            assert!(call.is_err(), "{fault:?} over {protocol:?}");
            assert_eq!(world.get("/app", &world.app.jwt()).await.status, 200, "after {fault:?} over {protocol:?}");
        }
        let spoken = if protocol == Protocol::Http2 { "HTTP/2.0" } else { "HTTP/1.1" };
        assert!(github.calls().iter().all(|call| call.protocol == spoken), "{protocol:?}");
    }
}

#[tokio::test]
async fn http2_is_spoken_by_prior_knowledge() {
    let world = World::new().await;
    let address = world.sandbox.github().plain_base_url().replace("http://", "");
    let stream = TokioIo::new(tokio::net::TcpStream::connect(&address).await.unwrap());
    let (mut sender, connection) = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = http::Request::get(format!("http://{address}/app")).body(http_body_util::Empty::<bytes::Bytes>::new()).unwrap();
    assert_eq!(sender.send_request(request).await.unwrap().status(), 403, "no user agent");
    assert_eq!(world.sandbox.calls()[0].protocol, "HTTP/2.0");
    connection.abort();
}

#[tokio::test]
async fn raw_bytes_replace_the_answer() {
    for tls in [false, true] {
        let world = World::with(SandboxSettings { tls, ..SandboxSettings::default() }).await;
        world.sandbox.fault(Fault::on_any("app").times(1).raw_response("HTTP/1.1 418 Teapot\r\ncontent-length: 2\r\n\r\nhi"));
        let odd = world.get("/app", "").await;
        assert_eq!((odd.status.as_u16(), text(&odd)), (418, "hi".to_owned()));
        world.sandbox.fault(Fault::on_any("app").times(1).raw_response("SSH-2.0-nonsense\r\n"));
        assert!(world.try_call(Method::GET, "/app", "", "").await.is_err());
    }
}

#[tokio::test]
async fn answers_come_late_and_in_drops() {
    let world = World::new().await;
    world.sandbox.set_latency(Duration::from_millis(30));
    world.sandbox.fault(Fault::on_any("app").delay(Duration::from_millis(20)));
    let start = SystemClock.monotonic();
    assert_eq!(world.get("/app", "").await.status, 401);
    assert!(start.elapsed() >= Duration::from_millis(50), "{:?}", start.elapsed());
    world.sandbox.set_latency(Duration::ZERO);
    world.sandbox.clear_faults();
    world.sandbox.fault(Fault::on_any("app").times(1).drip(40, Duration::from_millis(2)));
    assert_eq!(message(&world.get("/app", "").await), "A JSON web token could not be decoded");
}

/// T-129
#[tokio::test]
async fn github_can_go_away_and_come_back() {
    let world = World::new().await;
    assert_eq!(world.get("/app", &world.app.jwt()).await.status, 200);
    world.sandbox.github().stop();
    assert!(world.try_call(Method::GET, "/app", "", "").await.is_err());
    world.sandbox.github().resume().await.unwrap();
    // The pool may have kept a connection that ended meanwhile.
    let _ = world.try_call(Method::GET, "/app", "", "").await;
    assert_eq!(world.try_call(Method::GET, "/app", &world.app.jwt(), "").await.unwrap().status, 200);
}

#[tokio::test]
async fn calls_are_recorded_with_all_that_was_sent() {
    let world = World::new().await;
    world.mint(r#"{"permissions":{"contents":"read"}}"#).await;
    let call = world.sandbox.calls().pop().unwrap();
    assert_eq!(call.header("user-agent"), Some("sandbox-test"));
    assert_eq!(call.body, r#"{"permissions":{"contents":"read"}}"#);
    assert_eq!(call.line(), "POST /app/installations/1001/access_tokens -> 201");
    world.sandbox.clear_calls();
    assert!(world.sandbox.calls().is_empty());
    let later = world.try_call(Method::GET, "/app", "", "");
    let (reply, seen) = tokio::join!(later, world.sandbox.eventually(Duration::from_secs(1), |sandbox| sandbox.calls().len() == 1));
    assert!(reply.is_ok() && seen);
}

#[tokio::test]
async fn events_are_kept() {
    let world = World::new().await;
    let request = http::Request::post(world.sandbox.events().url()).header("ce-type", "dev.octo-sts.exchange").header("ce-id", "1");
    let reply = world.client.send(request.body(bytes::Bytes::from(r#"{"scope":"acme/app"}"#)).unwrap()).await.unwrap();
    assert_eq!(reply.status, 202);
    let event = world.sandbox.events().received().pop().unwrap();
    assert_eq!((event.attributes["type"].as_str(), event.data["scope"].as_str()), ("dev.octo-sts.exchange", Some("acme/app")));
    world.sandbox.events().fault(Fault::on_any("").respond(500, &json!({})));
    let request = http::Request::post(world.sandbox.events().url()).body(bytes::Bytes::new()).unwrap();
    assert_eq!(world.client.send(request).await.unwrap().status, 500);
    assert_eq!(world.sandbox.events().received().len(), 1);
}
