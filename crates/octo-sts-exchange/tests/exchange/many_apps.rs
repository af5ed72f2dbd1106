//! Several Apps that share an owner.

use std::collections::HashMap;

use crate::support::House;
use octo_sts_exchange::ExchangeError;
use octo_sts_sandbox::Fault;

#[tokio::test]
async fn equal_apps_share_the_mints() {
    let house = House::with_apps(3).await;
    for installation in 1_001..=1_003 {
        house.github().set_quota(octo_sts_types::InstallationId(installation), 15_000, 15_000);
    }
    for _ in 0..90 {
        house.granted("acme/app", "ci").await;
    }
    let mut by_app = HashMap::new();
    for entry in house.github().ledger().iter().filter(|entry| entry.requested_repository_ids.is_some()) {
        *by_app.entry(entry.app).or_insert(0) += 1;
    }
    assert_eq!(by_app.len(), 3, "{by_app:?}");
    assert!(by_app.values().all(|count| (20..=40).contains(count)), "{by_app:?}");
}

#[tokio::test]
async fn a_cold_exchange_makes_five_calls_however_many_apps_there_are() {
    let house = House::with_apps(5).await;
    for at in 0..10 {
        house.github().create_repository(&format!("acme/app-{at}"));
        house.policy(&format!("acme/app-{at}"), "ci", "permissions: {contents: read}");
        house.sandbox.clear_calls();
        house.granted(&format!("acme/app-{at}"), "ci").await;
        assert!(house.github_calls().len() <= 5, "{:?}", house.github_calls());
    }
}

/// T-100, T-101
#[tokio::test]
async fn tokens_that_write_checks_come_from_one_app() {
    let house = House::with_apps(3).await;
    house.policy("acme/app", "checks", "permissions: {checks: write}");
    let mut apps = std::collections::HashSet::new();
    for _ in 0..12 {
        let token = house.granted("acme/app", "checks").await;
        apps.insert(house.github().ledger().into_iter().find(|entry| entry.token == token).unwrap().app);
    }
    assert_eq!(apps.len(), 1);
}

/// T-121
#[tokio::test]
async fn the_next_app_mints_when_one_is_limited() {
    let house = House::with_apps(2).await;
    house.github().fault(Fault::on(http::Method::POST, "/1001/access_tokens").primary_limit(403, 3_600));
    for _ in 0..6 {
        house.granted("acme/app", "ci").await;
    }
}

#[tokio::test]
async fn a_policy_chooses_its_app() {
    let house = House::with_apps(3).await;
    house.policy("acme/app", "named", "permissions: {contents: read}\napp: app-4243");
    let token = house.granted("acme/app", "named").await;
    assert_eq!(house.github().ledger().into_iter().find(|entry| entry.token == token).unwrap().app.0, 4_243);
    house.policy("acme/app", "missing", "permissions: {contents: read}\napp: nobody");
    assert!(matches!(*house.refused("acme/app", "missing").await, ExchangeError::NoSuchApp));
}
