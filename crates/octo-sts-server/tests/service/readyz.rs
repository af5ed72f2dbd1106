//! `/readyz`, `/healthz`, metrics, and what a start does.

use std::{fs, time::Duration};

use crate::house::{House, LONG, exchange, get};
use http::Method;
use octo_sts_sandbox::{Fault, OwnerKind, Selection};
use octo_sts_server::{Running, config::KeySource, start};
use secrecy::SecretString;
use tokio::time::timeout;
use tonic::transport::Endpoint;
use tonic_health::pb::{HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient};

#[tokio::test]
async fn a_service_listens_at_once_and_is_ready_when_github_knows_its_app() {
    let house = House::build().await;
    house.sandbox.github().fault(Fault::on(Method::GET, "/app").times(1).delay(Duration::from_millis(300)));
    let service = start(house.config()).await.unwrap();
    assert_eq!(get(service.address(), "/healthz").await.status, 200);
    let early = get(service.address(), "/readyz").await;
    assert_eq!((early.status, early.body.contains("has not been asked")), (503, true), "{}", early.body);
    timeout(LONG, service.wait_ready()).await.unwrap().unwrap();
    assert_eq!(get(service.address(), "/readyz").await.body, r#"{"ready":true,"reasons":[]}"#);
    timeout(LONG, service.wait_ready()).await.unwrap().unwrap();
}

/// T-133
#[tokio::test]
async fn a_key_of_another_app_ends_the_service_with_one_sentence() {
    let house = House::build().await;
    let other = house.sandbox.github().create_app(77, &[("contents", "read")]);
    let key = KeySource::PemText { text: SecretString::from(other.private_key_pem()), origin: "the test".into() };
    let service = start(house.config_with(4242, key)).await.unwrap();
    let error = timeout(LONG, service.wait_ready()).await.unwrap().unwrap_err().to_string();
    assert!(error.starts_with("the App 4242: GitHub refuses its key"), "{error}");
    assert!(get(service.address(), "/readyz").await.body.contains("the App 4242"));
}

#[tokio::test]
async fn a_github_out_of_reach_is_asked_again() {
    let house = House::build().await;
    house.sandbox.github().fault(Fault::on(Method::GET, "/app").times(2).respond(502, &serde_json::json!({})));
    let service = start(house.config()).await.unwrap();
    timeout(LONG, service.wait_ready()).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_taken_port_is_named_with_its_variable() {
    let house = House::build().await;
    let service = house.serve().await;
    let mut config = house.config();
    config.listen = service.address();
    let error = start(config).await.unwrap_err().to_string();
    assert!(error.starts_with("PORT, STS_LISTEN: cannot listen on 127.0.0.1:"), "{error}");
}

/// T-127
#[tokio::test]
async fn a_new_key_is_taken_up_when_its_file_changes() {
    let house = House::build().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    fs::write(&path, house.app.private_key_pem()).unwrap();
    let service = start(house.config_with(4242, KeySource::PemFile(path.clone()))).await.unwrap();
    timeout(LONG, service.wait_ready()).await.unwrap().unwrap();
    let new = house.app.add_key();
    fs::write(&path, format!("{}{}", new.private_key_pem(), house.app.private_key_pem())).unwrap();
    service.reload();
    tokio::time::sleep(Duration::from_millis(50)).await;
    house.app.remove_key();
    let answer = exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    fs::write(&path, "nonsense").unwrap();
    service.reload();
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 200);
}

/// Waits until gRPC's health service says so of the service.
async fn is_told_over_grpc(service: &Running, status: ServingStatus) {
    let channel = Endpoint::from_shared(format!("http://{}", service.address())).unwrap().connect().await.unwrap();
    let mut health = HealthClient::new(channel);
    let question = HealthCheckRequest { service: "chainguard.platform.oidc.SecurityTokenService".to_owned() };
    let mut watched = health.watch(question).await.unwrap().into_inner();
    let told = async { while watched.message().await.unwrap().unwrap().status() != status {} };
    timeout(LONG, told).await.unwrap_or_else(|_| panic!("gRPC's health service does not say {status:?}"));
}

/// T-126
#[tokio::test]
async fn a_key_that_github_refuses_later_makes_the_service_not_ready() {
    let house = House::build().await;
    let service = house.serve().await;
    is_told_over_grpc(&service, ServingStatus::Serving).await;
    house.app.remove_key();
    let answer = exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await;
    assert_eq!((answer.status, answer.json()["code"].as_i64()), (500, Some(13)), "{}", answer.body);
    let ready = get(service.address(), "/readyz").await;
    assert_eq!(ready.status, 503, "{}", ready.body);
    is_told_over_grpc(&service, ServingStatus::NotServing).await;
}

/// T-127
#[tokio::test]
async fn a_key_that_works_again_makes_the_service_ready_again() {
    let house = House::build().await;
    let service = house.serve().await;
    house.sandbox.github().fault(Fault::on(Method::POST, "mint").respond(401, &serde_json::json!({"message": "Bad credentials"})));
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 500);
    is_told_over_grpc(&service, ServingStatus::NotServing).await;
    house.sandbox.clear_faults();
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 200);
    assert_eq!(get(service.address(), "/readyz").await.status, 200);
    is_told_over_grpc(&service, ServingStatus::Serving).await;
}

/// T-059, T-106
#[tokio::test]
async fn metrics_are_on_a_port_of_their_own_with_a_closed_set_of_labels() {
    let house = House::build().await;
    let mut config = house.config();
    config.metrics = Some("127.0.0.1:0".parse().unwrap());
    let service = start(config).await.unwrap();
    timeout(LONG, service.wait_ready()).await.unwrap().unwrap();
    let metrics = service.metrics_address().unwrap();
    let token = house.token();
    exchange(service.address(), "scope=acme/app&identity=ci", &token).await;
    let series = |text: &str| text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()).count();
    let first = get(metrics, "/metrics").await;
    assert!(first.body.contains("octo_sts_http_requests_total{route=\"exchange\",status=\"200\"}"), "{}", first.body);
    house.sandbox.github().create_owner("other", OwnerKind::Organization);
    house.app.install("other", &Selection::All);
    for at in 0..40 {
        exchange(service.address(), &format!("scope=other/repo{at}&identity=id{at}"), &token).await;
        get(service.address(), &format!("/unknown/{at}")).await;
    }
    let second = get(metrics, "/metrics").await;
    assert!(series(&second.body) < series(&first.body) + 60, "{} then {}", series(&first.body), series(&second.body));
    for secret in ["acme", "id7", "repo7", &token[..20]] {
        assert!(!second.body.contains(secret), "{secret}");
    }
    assert_eq!(get(metrics, "/").await.status, 404);
    assert_eq!(get(service.address(), "/metrics").await.status, 404);
}
