//! The service over gRPC, spoken by hand.

use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http2::SendRequest;
use prost::Message as _;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use super::*;
use crate::pb::{ExchangeRequest, RawToken};

const EXCHANGE: &str = "/chainguard.platform.oidc.SecurityTokenService/Exchange";
const CHECK: &str = "/grpc.health.v1.Health/Check";

/// A connection over HTTP/2.
pub(super) struct Connection(SendRequest<Full<Bytes>>);

/// The outcome of a call.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) code: i32,
    pub(super) message: String,
    pub(super) details: Bytes,
    pub(super) body: Bytes,
}

pub(super) fn exchange_message(identity: &str) -> Vec<u8> {
    ExchangeRequest { scopes: vec!["acme/app".into()], identity: identity.into(), ..ExchangeRequest::default() }.encode_to_vec()
}

fn frame(message: &[u8], compressed: bool) -> Bytes {
    let mut framed = BytesMut::with_capacity(message.len() + 5);
    framed.put_u8(u8::from(compressed));
    framed.put_u32(u32::try_from(message.len()).unwrap());
    framed.put_slice(message);
    framed.freeze()
}

impl Connection {
    pub(super) async fn open(stage: &Stage) -> Self {
        let io = hyper_util::rt::TokioIo::new(stage.connect().await);
        let (sender, connection) = hyper::client::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new()).handshake(io).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    /// A call that is under way once this is polled.
    pub(super) fn begin(&mut self, path: &str, message: &[u8], authorization: &str) -> impl Future<Output = Outcome> + use<> {
        self.send(path, frame(message, false), &[("authorization", authorization)])
    }

    pub(super) async fn call(&mut self, path: &str, message: &[u8], authorization: &str) -> Outcome {
        timeout(LONG, self.begin(path, message, authorization)).await.unwrap()
    }

    fn send(&mut self, path: &str, body: Bytes, headers: &[(&str, &str)]) -> impl Future<Output = Outcome> + use<> {
        let mut request = http::Request::post(format!("http://sts{path}")).header("content-type", "application/grpc").header("te", "trailers");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.0.send_request(request.body(Full::new(body)).unwrap());
        async move { Outcome::of(answer.await.unwrap()).await }
    }
}

impl Outcome {
    async fn of(response: http::Response<hyper::body::Incoming>) -> Self {
        assert_eq!(response.status(), 200);
        assert!(response.headers().contains_key("x-request-id"));
        let (head, body) = response.into_parts();
        let collected = body.collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_default();
        let find =
            |name: &str| trailers.get(name).or_else(|| head.headers.get(name)).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let message = percent_encoding::percent_decode_str(&find("grpc-message")).decode_utf8().unwrap().into_owned();
        let details = base64ish(&find("grpc-status-details-bin"));
        let body = collected.to_bytes();
        Self { code: find("grpc-status").parse().unwrap(), message, details, body: if body.len() > 5 { body.slice(5..) } else { Bytes::new() } }
    }
}

/// The bytes of base64 without padding.
fn base64ish(text: &str) -> Bytes {
    let value = |byte: u8| "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".bytes().position(|other| other == byte);
    let bits: Vec<bool> = text.bytes().filter_map(value).flat_map(|value| (0..6).rev().map(move |bit| value >> bit & 1 == 1)).collect();
    bits.chunks_exact(8).map(|eight| eight.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
}

#[tokio::test]
async fn a_call_gets_a_token_with_its_expiry() {
    let stage = Stage::open().await;
    let outcome = Connection::open(&stage).await.call(EXCHANGE, &exchange_message("ci"), "Bearer a.b.c").await;
    let token = RawToken::decode(outcome.body).unwrap();
    assert_eq!((outcome.code, token.token.as_str(), token.refresh_token.as_str()), (0, TOKEN, ""));
    assert_eq!(token.expiry.unwrap().seconds, 4_070_908_800);
    assert_eq!(stage.fake.seen.lock().unwrap()[0], r#" ["acme/app"] ci Bearer a.b.c"#);
}

#[tokio::test]
async fn a_refusal_has_its_code_and_an_error_info() {
    let stage = Stage::open().await;
    let outcome = Connection::open(&stage).await.call(EXCHANGE, &exchange_message("absent"), "x").await;
    assert_eq!(outcome.code, 5);
    assert!(outcome.message.starts_with("unable to find trust policy for \"absent\": "), "{}", outcome.message);
    let status = tonic_types::Status::decode(outcome.details).unwrap();
    assert_eq!((status.code, status.details[0].type_url.as_str()), (5, "type.googleapis.com/google.rpc.ErrorInfo"));
}

#[tokio::test]
async fn a_watch_of_an_unknown_service_says_so_and_stays_open() {
    let stage = Stage::open().await;
    let mut connection = Connection::open(&stage).await;
    let message = HealthCheckRequest { service: "unknown".into() }.encode_to_vec();
    let request = http::Request::post("http://sts/grpc.health.v1.Health/Watch").header("content-type", "application/grpc").header("te", "trailers");
    let answer = connection.0.send_request(request.body(Full::new(frame(&message, false))).unwrap()).await.unwrap();
    let mut body = answer.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(HealthCheckResponse::decode(first.slice(5..)).unwrap().status, 3);
    assert!(timeout(Duration::from_millis(100), body.frame()).await.is_err());
}

/// T-058
#[tokio::test]
async fn unknown_services_methods_and_refresh_are_unimplemented() {
    let stage = Stage::open().await;
    let mut connection = Connection::open(&stage).await;
    for path in [
        "/unknown.Service/Method",
        "/chainguard.platform.oidc.SecurityTokenService/Unknown",
        "/chainguard.platform.oidc.SecurityTokenService/ExchangeRefreshToken",
        "/sts/exchange",
        "/",
    ] {
        assert_eq!(connection.call(path, &[], "x").await.code, 12, "Input: {path}");
    }
    assert!(stage.fake.seen.lock().unwrap().is_empty());
}

/// T-058
#[tokio::test]
async fn health_follows_readiness_for_each_name() {
    let stage = Stage::open().await;
    let mut connection = Connection::open(&stage).await;
    for (ready, expected) in [(false, 2), (true, 1)] {
        stage.health.set(ready).await;
        for service in ["", "chainguard.platform.oidc.SecurityTokenService"] {
            let message = HealthCheckRequest { service: service.into() }.encode_to_vec();
            let outcome = connection.call(CHECK, &message, "x").await;
            assert_eq!(HealthCheckResponse::decode(outcome.body).unwrap().status, expected, "Input: {service:?}");
        }
    }
    let message = HealthCheckRequest { service: "unknown".into() }.encode_to_vec();
    assert_eq!(connection.call(CHECK, &message, "x").await.code, 5);
}

/// T-051, T-058
#[tokio::test]
async fn a_message_over_the_limit_is_resource_exhausted() {
    let stage = Stage::open().await;
    let mut connection = Connection::open(&stage).await;
    let long = ExchangeRequest { identity: "a".repeat(65 << 10), ..ExchangeRequest::default() }.encode_to_vec();
    assert_eq!(connection.call(EXCHANGE, &long, "x").await.code, 8);
    let announced = [0, 0x7f, 0xff, 0xff, 0xff];
    assert_eq!(connection.send(EXCHANGE, Bytes::copy_from_slice(&announced), &[]).await.code, 8);
    assert!(stage.fake.seen.lock().unwrap().is_empty());
}

/// T-058: 20 bytes that would become a megabyte.
#[tokio::test]
async fn gzip_is_read_and_a_bomb_is_resource_exhausted() {
    let stage = Stage::open().await;
    let mut connection = Connection::open(&stage).await;
    let gzip = &[("grpc-encoding", "gzip"), ("authorization", "x")][..];
    let small = compress(&exchange_message("ci"));
    assert_eq!(connection.send(EXCHANGE, frame(&small, true), gzip).await.code, 0);
    let bomb = compress(&ExchangeRequest { identity: "a".repeat(32 << 20), ..ExchangeRequest::default() }.encode_to_vec());
    assert!(bomb.len() < 64 << 10, "{}", bomb.len());
    assert_eq!(connection.send(EXCHANGE, frame(&bomb, true), gzip).await.code, 8);
    assert_eq!(connection.send(EXCHANGE, frame(&small, true), &[("grpc-encoding", "zstd")]).await.code, 12);
    assert_eq!(connection.send(EXCHANGE, frame(b"not gzip", true), gzip).await.code, 13);
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// T-058
#[tokio::test]
async fn a_deadline_is_kept_and_ends_the_exchange() {
    let stage = Stage::open().await;
    let mut connection = Connection::open(&stage).await;
    let outcome = connection.send(EXCHANGE, frame(&exchange_message("slow"), false), &[("grpc-timeout", "50m"), ("authorization", "x")]).await;
    assert_eq!(outcome.code, 4);
    stage.until("given up", |stage| *stage.fake.given_up.lock().unwrap() == 1).await;
    for timeout in ["-1S", "1", "999999999S", "x"] {
        assert_eq!(connection.send(EXCHANGE, frame(&[], false), &[("grpc-timeout", timeout)]).await.code, 3, "Input: {timeout}");
    }
}

/// T-132
#[tokio::test]
async fn a_panic_is_internal_and_the_connection_goes_on() {
    let stage = Stage::open().await;
    let mut connection = Connection::open(&stage).await;
    assert_eq!(connection.call(EXCHANGE, &exchange_message("panic"), "x").await.code, 13);
    assert_eq!(connection.call(EXCHANGE, &exchange_message("ci"), "x").await.code, 0);
}

/// T-058
#[tokio::test]
async fn odd_metadata_is_no_authorization() {
    let stage = Stage::open().await;
    let mut connection = Connection::open(&stage).await;
    for (headers, code) in [
        (vec![("authorization-bin", "AAAA"), ("grpc-metadata-authorization", "Bearer x")], 16),
        (vec![("authorization", "Bearer x"), ("x-bin", "!!!")], 0),
    ] {
        assert_eq!(connection.send(EXCHANGE, frame(&exchange_message("ci"), false), &headers).await.code, code, "Input: {headers:?}");
    }
    connection.send(EXCHANGE, frame(&exchange_message("ci"), false), &[("authorization", "a"), ("authorization", "b")]).await;
    assert!(stage.fake.seen.lock().unwrap().last().unwrap().ends_with("several"));
}

#[tokio::test]
async fn reflection_tells_every_service_and_can_be_switched_off() {
    let list = tonic_reflection::pb::v1::ServerReflectionRequest {
        host: String::new(),
        message_request: Some(tonic_reflection::pb::v1::server_reflection_request::MessageRequest::ListServices(String::new())),
    };
    for version in ["v1", "v1alpha"] {
        let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        let outcome = Connection::open(&Stage::open().await).await.call(&path, &list.encode_to_vec(), "x").await;
        let told = String::from_utf8_lossy(&outcome.body).into_owned();
        for service in [
            "chainguard.platform.oidc.SecurityTokenService",
            "grpc.health.v1.Health",
            "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection",
        ] {
            assert!(told.contains(service), "{version}: {service}");
        }
        assert_eq!(Connection::open(&Stage::with(false).await).await.call(&path, &list.encode_to_vec(), "x").await.code, 12);
    }
}
