//! The main situations over gRPC, by a client of another make than the service.

use crate::support::{House, LONG};
use octo_sts_sandbox::{SignOptions, Signature};
use octo_sts_server::pb::{ExchangeRefreshTokenRequest, ExchangeRequest, RawToken, TokenPair};
use tokio::time::timeout;
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

async fn connect(house: &House) -> Grpc<Channel> {
    let endpoint = Endpoint::from_shared(format!("http://{}", house.service.address())).unwrap();
    let mut client = Grpc::new(endpoint.connect().await.unwrap());
    client.ready().await.unwrap();
    client
}

async fn exchange(client: &mut Grpc<Channel>, scope: &str, identity: &str, authorization: &[&str]) -> Result<RawToken, Status> {
    client.ready().await.unwrap();
    let message = ExchangeRequest { scopes: vec![scope.into()], identity: identity.into(), ..ExchangeRequest::default() };
    let mut request = Request::new(message);
    for value in authorization {
        request.metadata_mut().append("authorization", value.parse().unwrap());
    }
    let path = PathAndQuery::from_static("/chainguard.platform.oidc.SecurityTokenService/Exchange");
    timeout(LONG, client.unary(request, path, ProstCodec::default())).await.unwrap().map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_token_with_its_expiry() {
    let house = House::new().await;
    let mut client = connect(&house).await;
    let token = exchange(&mut client, "acme/app", "ci", &[&format!("Bearer {}", house.token())]).await.unwrap();
    assert!(token.token.starts_with("ghs_") && token.refresh_token.is_empty());
    let left = token.expiry.unwrap().seconds - crate::support::now();
    assert!((3_500..=3_600).contains(&left), "{left}");
    drop(client);
    house.close(&[token.token]).await;
}

#[tokio::test]
async fn refusals_have_the_codes_and_words_of_http() {
    let house = House::new().await;
    house.policy("acme/app", "toomuch", "permissions: {workflows: write}");
    house.policy("acme/app", "other", "audience: secret\npermissions: {contents: read}");
    let mut client = connect(&house).await;
    let good = format!("Bearer {}", house.token());
    let claims = crate::support::claims_with(&serde_json::json!({}));
    let forged = house.issuer.token_with(&claims, &SignOptions { signature: Signature::Stranger, ..SignOptions::default() });
    for (situation, scope, identity, authorization, code, begins) in [
        ("No authorization", "acme/app", "ci", vec![], Code::Unauthenticated, "expected exactly one authorization header"),
        ("Two of them", "acme/app", "ci", vec![&*good, &*good], Code::Unauthenticated, "expected exactly one authorization header"),
        ("Not a JWT", "acme/app", "ci", vec!["nonsense"], Code::InvalidArgument, "invalid bearer token"),
        ("Signature of another key", "acme/app", "ci", vec![&*forged], Code::Unauthenticated, "unable to verify bearer token"),
        ("No scope", "", "ci", vec![&*good], Code::InvalidArgument, "scope must be provided"),
        ("No identity", "acme/app", "", vec![&*good], Code::InvalidArgument, "identity must be provided"),
        ("An alias of a scope", "x/../acme/app", "ci", vec![&*good], Code::InvalidArgument, "invalid scope"),
        ("Unknown owner", "nobody", "ci", vec![&*good], Code::NotFound, "no installation found for \"nobody\""),
        ("Unknown identity", "acme/app", "nope", vec![&*good], Code::NotFound, "unable to find trust policy for \"nope\""),
        ("Audience does not match policy", "acme/app", "other", vec![&*good], Code::PermissionDenied, "token does not match trust policy"),
        ("Policy `toomuch`", "acme/app", "toomuch", vec![&*good], Code::PermissionDenied, "token exchange failure (StatusUnprocessableEntity)"),
    ] {
        let status = exchange(&mut client, scope, identity, &authorization).await.unwrap_err();
        assert_eq!(status.code(), code, "{situation}: {status:?}");
        assert!(status.message().starts_with(begins) && !status.message().contains("secret"), "{situation}: {}", status.message());
    }
}

#[tokio::test]
async fn refresh_tokens_are_not_supported() {
    let house = House::new().await;
    let mut client = connect(&house).await;
    let path = PathAndQuery::from_static("/chainguard.platform.oidc.SecurityTokenService/ExchangeRefreshToken");
    let codec = ProstCodec::<ExchangeRefreshTokenRequest, TokenPair>::default();
    let status = client.unary(Request::new(ExchangeRefreshTokenRequest::default()), path, codec).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::Unimplemented, "octo-sts does not support refresh tokens"));
}
