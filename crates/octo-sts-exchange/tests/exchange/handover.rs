//! A token is handed over or revoked: nothing in between.

use std::time::Duration;

use crate::support::{House, Otherwise, request};
use octo_sts_exchange::{During, ExchangeError, Stage};
use octo_sts_github::GitHubError;
use octo_sts_sandbox::{Fault, Sandbox};
use serde_json::json;

/// Readers are ours and stay; everything else must be gone.
fn only_readers_live(sandbox: &Sandbox) -> bool {
    sandbox.github().live_tokens().iter().all(|token| token.requested_repositories.is_some())
}

/// T-130
#[tokio::test]
async fn a_token_whose_caller_has_gone_is_revoked() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    let before = house.github().live_tokens().len();
    house.github().fault(Fault::on(http::Method::POST, "mint").delay(Duration::from_millis(100)));
    let exchange = house.exchanger.exchange(request(&house.token(), "acme/app", "ci"));
    assert!(tokio::time::timeout(Duration::from_millis(50), exchange).await.is_err());
    assert!(house.sandbox.eventually(Duration::from_secs(3), |s| s.github().ledger().last().is_some_and(|entry| entry.revoked)).await);
    assert_eq!(house.github().live_tokens().len(), before);
}

/// T-130
#[tokio::test]
async fn a_delivery_that_is_dropped_is_revoked() {
    let house = House::new().await;
    drop(house.exchange("acme/app", "ci").await.unwrap());
    assert!(house.sandbox.eventually(Duration::from_secs(2), only_readers_live).await);
}

/// T-112
#[tokio::test]
async fn reader_tokens_are_given_back_at_the_end() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    assert!(house.exchanger.close(Duration::from_secs(5)).await);
    let live = house.github().live_tokens();
    assert_eq!(live.len(), 1, "only the caller's own token lives: {live:?}");
}

/// T-084
#[tokio::test]
async fn a_reply_wider_than_the_grant_reaches_nobody() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    let wide =
        json!({"token": "ghs_wide", "expires_at": "2099-01-01T00:00:00Z", "permissions": {"contents": "write"}, "repository_selection": "all"});
    house.github().fault(Fault::on(http::Method::POST, "mint").times(1).respond(201, &wide));
    let error = house.refused("acme/app", "ci").await;
    assert!(matches!(&*error, ExchangeError::GitHub { during: During::Mint, .. }), "{error:?}");
}

/// T-120
#[tokio::test]
async fn a_server_error_at_the_mint_is_tried_once_more() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.github().fault(Fault::on(http::Method::POST, "mint").times(1).respond(502, &json!({})));
    house.granted("acme/app", "ci").await;
    house.github().fault(Fault::on(http::Method::POST, "mint").respond(502, &json!({})));
    house.sandbox.clear_calls();
    let error = house.refused("acme/app", "ci").await;
    assert_eq!((error.stage(), error.reason()), (Stage::Mint, "GITHUB_UNAVAILABLE"));
    assert_eq!(house.mints().len(), 2);
}

/// T-121, T-122
#[tokio::test]
async fn a_limit_at_the_mint_is_said_with_its_end_and_not_asked_again() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.github().fault(Fault::on(http::Method::POST, "mint").times(1).secondary_limit(403, Some(Duration::from_secs(30))));
    assert_eq!(house.refused("acme/app", "ci").await.reason(), "GITHUB_RATE_LIMITED");
    house.sandbox.clear_calls();
    assert_eq!(house.refused("acme/app", "ci").await.reason(), "GITHUB_RATE_LIMITED");
    assert_eq!(house.mints().len(), 0);
    house.clock.advance(Duration::from_secs(31));
    house.granted("acme/app", "ci").await;
}

/// T-127
#[tokio::test]
async fn a_key_that_github_refuses_is_remembered_until_it_works_again() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    assert_eq!(house.exchanger.key_trouble(), None);
    house.github().fault(Fault::on(http::Method::POST, "mint").respond(401, &json!({"message": "Bad credentials"})));
    assert_eq!(house.refused("acme/app", "ci").await.reason(), "APP_KEY_REFUSED");
    assert!(house.exchanger.key_trouble().is_some());
    house.sandbox.clear_faults();
    house.granted("acme/app", "ci").await;
    assert_eq!(house.exchanger.key_trouble(), None);
}

/// T-127: a service in trouble is not ready, so that nobody asks it for a token.
#[tokio::test]
async fn a_key_that_works_again_is_found_out_without_an_exchange() {
    let house = House::new().await;
    let refusing = Fault::on(http::Method::POST, "mint").respond(401, &json!({"message": "Bad credentials"}));
    house.github().fault(refusing);
    assert_eq!(house.refused("acme/app", "ci").await.reason(), "APP_KEY_REFUSED");
    house.github().fault(Fault::on(http::Method::GET, "app").respond(401, &json!({"message": "Bad credentials"})));
    house.exchanger.look_again_at_keys().await;
    assert!(house.exchanger.key_trouble().is_some());
    house.sandbox.clear_faults();
    house.sandbox.clear_calls();
    house.exchanger.look_again_at_keys().await;
    assert_eq!(house.exchanger.key_trouble(), None);
    house.exchanger.look_again_at_keys().await;
    assert_eq!(house.github_calls(), ["GET app"], "asked once, and not while all is well");
}

#[tokio::test]
async fn a_permission_that_the_app_was_not_granted_is_named_to_a_caller_whose_token_matched() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.github().set_permissions(house.github().ledger()[0].installation, &[("contents", "read"), ("issues", "read"), ("metadata", "read")]);
    let house = house.but(Otherwise::default());
    house.policy("acme/app", "deploy", "permissions: {contents: read, deployments: write, issues: write}");
    let refused = house.refused("acme/app", "deploy").await;
    let ExchangeError::GitHub { source: GitHubError::Unprocessable { message }, .. } = &*refused else { panic!("{refused:?}") };
    assert!(message.ends_with(" Its administrator has to grant the GitHub App `deployments: write`, `issues: write`."), "{message}");
}

#[tokio::test]
async fn a_permission_that_the_app_was_not_granted_is_githubs_own_reason() {
    let house = House::new().await;
    let installation = house.github().ledger().first().map(|entry| entry.installation);
    assert_eq!(installation, None);
    house.granted("acme/app", "ci").await;
    house.github().set_permissions(house.github().ledger()[0].installation, &[("contents", "read"), ("metadata", "read")]);
    house.policy("acme/app", "deploy", "permissions: {deployments: write}");
    assert_eq!(house.refused("acme/app", "deploy").await.reason(), "PERMISSION_NOT_GRANTED");
}
