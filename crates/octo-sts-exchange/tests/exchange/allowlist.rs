//! The organisation's issuer allowlist, before any policy is read.

use std::time::Duration;

use crate::support::House;
use octo_sts_exchange::{ExchangeError, Stage};
use octo_sts_sandbox::Fault;
use serde_json::json;

const PATH: &str = ".github/chainguard/trusted-token-issuers.yaml";

fn write(house: &House, text: &str) {
    house.github().put_file("acme/.github", PATH, text);
}

/// T-107
#[tokio::test]
async fn an_issuer_outside_the_list_learns_nothing_about_identities() {
    let house = House::new().await;
    write(&house, "mode: enforce\nissuers: [https://token.actions.githubusercontent.com]\n");
    for identity in ["ci", "nobody"] {
        assert!(matches!(*house.refused("acme/app", identity).await, ExchangeError::IssuerNotListed), "{identity}");
    }
    assert!(matches!(*house.refused("acme/nope", "ci").await, ExchangeError::IssuerNotListed));
}

#[tokio::test]
async fn a_listed_issuer_is_admitted_and_an_audit_list_admits_everybody() {
    let house = House::new().await;
    write(&house, &format!("mode: enforce\nissuers: ['{}']\n", house.issuer.url()));
    house.granted("acme/app", "ci").await;
    write(&house, "mode: audit\nissuers: [https://token.actions.githubusercontent.com]\n");
    house.clock.advance(Duration::from_secs(61));
    house.granted("acme/app", "ci").await;
}

#[tokio::test]
async fn an_edit_of_the_list_is_seen_within_a_minute() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    write(&house, "mode: enforce\nissuers: [https://token.actions.githubusercontent.com]\n");
    house.clock.advance(Duration::from_secs(61));
    assert!(matches!(*house.refused("acme/app", "ci").await, ExchangeError::IssuerNotListed));
    assert!(house.sandbox.eventually(Duration::from_secs(2), |s| s.github().live_tokens().len() <= 2).await);
}

#[tokio::test]
async fn an_invalid_list_counts_as_the_last_valid_one_and_else_refuses_all() {
    let house = House::new().await;
    write(&house, "mode: sometimes\n");
    assert!(matches!(*house.refused("acme/app", "ci").await, ExchangeError::AllowlistInvalid(_)));
    write(&house, &format!("mode: enforce\nissuers: ['{}']\n", house.issuer.url()));
    house.clock.advance(Duration::from_secs(61));
    house.granted("acme/app", "ci").await;
    write(&house, "mode: sometimes\n");
    house.clock.advance(Duration::from_secs(61));
    house.granted("acme/app", "ci").await;
}

/// T-107, T-120
#[tokio::test]
async fn a_failing_github_refuses_unless_an_answer_is_known() {
    let house = House::new().await;
    let fault = || Fault::on(http::Method::GET, "trusted-token-issuers").respond(500, &json!({}));
    house.github().fault(fault());
    let error = house.refused("acme/app", "ci").await;
    assert_eq!((error.stage(), error.reason()), (Stage::Allowlist, "GITHUB_UNAVAILABLE"));
    house.sandbox.clear_faults();
    house.granted("acme/app", "ci").await;
    house.github().fault(fault());
    house.clock.advance(Duration::from_secs(61));
    house.granted("acme/app", "ci").await;
    house.clock.advance(Duration::from_mins(15));
    assert_eq!(house.refused("acme/app", "ci").await.stage(), Stage::Allowlist);
}
