//! Keys in files that are replaced under a running service.

use std::{fs, path::Path, time::Duration};

use tokio::time::Instant;

use crate::{
    caller::{exchange, until},
    house::House,
    service::Service,
};

/// How long after a file changed its keys are in force: the service looks every five seconds.
const SOON: Duration = Duration::from_secs(8);

async fn reloads(service: &Service) -> f64 {
    service.metric("octo_sts_reloads_total").await
}

/// Replaces a file as careful tools do: whole, in one step.
fn replace(path: &Path, text: &str) {
    let next = path.with_extension("next");
    fs::write(&next, text).unwrap();
    fs::rename(next, path).unwrap();
}

/// T-127
#[tokio::test]
async fn a_key_file_that_is_replaced_counts_within_seconds_and_a_broken_one_never() {
    let house = House::with_apps(1).await;
    let (old, new) = (&house.apps[0], house.apps[0].add_key());
    let path = house.file("app.pem", &old.private_key_pem());
    let service = Service::start(&house, &[("GITHUB_APP_IDS", "4242"), ("APP_SECRET_CERTIFICATE_FILE", path.to_str().unwrap())]).await;
    exchange(service.port(), "ci", &house.token("x")).await.token();
    let (before, begun) = (reloads(&service).await, Instant::now());
    replace(&path, &new.private_key_pem());
    until("the file is read again", async || reloads(&service).await > before).await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    old.remove_key();
    exchange(service.port(), "ci", &house.token("x")).await.token();
    let before = reloads(&service).await;
    replace(&path, "-----BEGIN RSA PRIVATE KEY-----\nnonsense\n");
    service.signal("-HUP");
    until("the file is read again", async || reloads(&service).await > before).await;
    assert!(service.log().contains("the earlier ones stay in force"), "{}", service.log());
    exchange(service.port(), "ci", &house.token("x")).await.token();
    assert!(service.is_ready().await);
}

/// T-127: GitHub refuses the old key before anybody replaced it, and nobody asks for a token while the service is not ready.
#[tokio::test]
async fn a_service_whose_key_was_refused_is_ready_again_once_it_has_a_good_one() {
    let house = House::with_apps(1).await;
    let path = house.file("app.pem", &house.apps[0].private_key_pem());
    let service = Service::start(&house, &[("GITHUB_APP_IDS", "4242"), ("APP_SECRET_CERTIFICATE_FILE", path.to_str().unwrap())]).await;
    house.apps[0].remove_key();
    assert_eq!(exchange(service.port(), "ci", &house.token("x")).await.refusal(), (500, "APP_KEY_REFUSED".into()));
    assert!(!service.is_ready().await);
    replace(&path, &house.apps[0].add_key().private_key_pem());
    service.signal("-HUP");
    until("the service is ready again", async || service.is_ready().await).await;
    exchange(service.port(), "ci", &house.token("x")).await.token();
}
