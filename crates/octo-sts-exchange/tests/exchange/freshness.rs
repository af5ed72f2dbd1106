//! What changes at GitHub counts at once.

use std::time::Duration;

use crate::support::House;
use octo_sts_exchange::{ExchangeError, Stage};
use octo_sts_sandbox::{Fault, Selection};

#[tokio::test]
async fn an_edited_policy_counts_for_the_next_exchange_and_the_old_grant_is_revoked_unseen() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.policy("acme/app", "ci", "permissions: {issues: write}");
    let token = house.granted("acme/app", "ci").await;
    let ledger = house.github().ledger();
    let mine = ledger.iter().find(|entry| entry.token == token).unwrap();
    assert_eq!(mine.permissions.get("issues").cloned().as_deref(), Some("write"));
    let old = ledger.len() - 2;
    assert!(house.sandbox.eventually(Duration::from_secs(2), |s| s.github().ledger()[old].revoked).await);
}

#[tokio::test]
async fn a_policy_that_no_longer_admits_the_caller_refuses_the_next_exchange() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    let text = format!("issuer: {}\nsubject: somebody-else\npermissions: {{contents: read}}\n", house.issuer.url());
    house.github().put_file("acme/app", ".github/chainguard/ci.sts.yaml", text);
    assert!(matches!(*house.refused("acme/app", "ci").await, ExchangeError::Mismatch(_)));
    assert!(house.sandbox.eventually(Duration::from_secs(2), |s| s.github().live_tokens().len() <= 2).await);
}

#[tokio::test]
async fn a_deleted_policy_refuses_and_a_new_one_admits_at_once() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.github().remove_file("acme/app", ".github/chainguard/ci.sts.yaml");
    assert!(matches!(*house.refused("acme/app", "ci").await, ExchangeError::PolicyAbsent));
    house.policy("acme/app", "ci", "permissions: {contents: read}");
    house.granted("acme/app", "ci").await;
}

/// T-092
#[tokio::test]
async fn absences_are_remembered_only_beyond_the_budget_of_misses() {
    let house = House::new().await;
    for _ in 0..40 {
        house.refused("acme/app", "new").await;
    }
    house.policy("acme/app", "new", "permissions: {contents: read}");
    house.sandbox.clear_calls();
    house.refused("acme/app", "new").await;
    assert_eq!(house.github_calls(), Vec::<String>::new());
    house.clock.advance(Duration::from_mins(1));
    house.granted("acme/app", "new").await;
}

/// T-124
#[tokio::test]
async fn a_reinstalled_app_heals_at_the_next_exchange() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    let old = house.github().ledger()[0].installation;
    house.github().uninstall(old);
    house.apps[0].install("acme", &Selection::All);
    house.granted("acme/app", "ci").await;
    assert_ne!(house.github().ledger().last().unwrap().installation, old);
}

#[tokio::test]
async fn an_uninstalled_app_is_told_from_a_missing_policy() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.github().uninstall(house.github().ledger()[0].installation);
    assert!(matches!(*house.refused("acme/app", "ci").await, ExchangeError::NotInstalled));
}

#[tokio::test]
async fn a_new_installation_is_seen_within_ten_seconds() {
    let house = House::new().await;
    house.github().create_repository("late/app");
    house.policy("late/app", "ci", "permissions: {contents: read}");
    assert!(matches!(*house.refused("late/app", "ci").await, ExchangeError::NotInstalled));
    house.apps[0].install("late", &Selection::All);
    house.clock.advance(Duration::from_secs(10));
    house.granted("late/app", "ci").await;
}

/// T-123
#[tokio::test]
async fn a_suspended_installation_says_so_and_comes_back() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    let id = house.github().ledger()[0].installation;
    house.github().suspend(id, true);
    let error = house.refused("acme/app", "ci").await;
    assert_eq!(error.reason(), "INSTALLATION_SUSPENDED", "{error:?}");
    house.github().suspend(id, false);
    house.granted("acme/app", "ci").await;
}

/// T-096, T-097
#[tokio::test]
async fn a_proven_limit_serves_the_last_version_for_fifteen_minutes() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.github().fault(Fault::on(http::Method::GET, "ci.sts.yaml").respond(502, &serde_json::json!({})));
    house.granted("acme/app", "ci").await;
    house.clock.advance(Duration::from_mins(14));
    let token = house.token();
    house.exchange_with(&token, "acme/app", "ci").await.unwrap().delivered();
    house.clock.advance(Duration::from_mins(2));
    let error = house.refused("acme/app", "ci").await;
    assert_eq!((error.stage(), error.reason()), (Stage::Policy, "GITHUB_UNAVAILABLE"));
}

/// T-097
#[tokio::test]
async fn a_permission_error_is_no_limit_and_serves_nothing_stale() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house
        .github()
        .fault(Fault::on(http::Method::GET, "ci.sts.yaml").respond(403, &serde_json::json!({"message": "Resource not accessible by integration"})));
    assert_eq!(house.refused("acme/app", "ci").await.reason(), "GITHUB_FORBIDDEN");
    assert!(house.sandbox.eventually(Duration::from_secs(2), |s| s.github().live_tokens().len() <= 2).await);
}

/// T-091
#[tokio::test]
async fn a_directory_at_the_policy_path_is_said_and_harms_nobody() {
    let house = House::new().await;
    house.github().put_directory("acme/app", ".github/chainguard/dir.sts.yaml");
    assert!(matches!(*house.refused("acme/app", "dir").await, ExchangeError::PolicyOdd(_)));
    house.granted("acme/app", "ci").await;
}

#[tokio::test]
async fn pushes_that_arrive_spare_the_read_for_a_minute_and_end_it_at_once() {
    let house = House::new().await;
    let repository = "acme/app".parse().unwrap();
    house.exchanger.pushed(&repository).await;
    house.granted("acme/app", "ci").await;
    house.sandbox.clear_calls();
    house.granted("acme/app", "ci").await;
    assert_eq!(house.github_calls(), ["POST mint"]);
    house.policy("acme/app", "ci", "permissions: {issues: read}");
    house.exchanger.pushed(&repository).await;
    house.granted("acme/app", "ci").await;
    assert!(house.github().ledger().last().unwrap().permissions.contains_key("issues"));
}

/// T-148
#[tokio::test]
async fn pushes_that_may_go_unheard_spare_nothing() {
    let house = House::new().await;
    let repository = "acme/app".parse().unwrap();
    house.exchanger.hears_pushes(false);
    house.exchanger.pushed(&repository).await;
    house.granted("acme/app", "ci").await;
    house.policy("acme/app", "ci", "permissions: {issues: read}");
    house.granted("acme/app", "ci").await;
    assert!(house.github().ledger().last().unwrap().permissions.contains_key("issues"));
    house.exchanger.hears_pushes(true);
    house.exchanger.pushed(&repository).await;
    house.granted("acme/app", "ci").await;
    house.sandbox.clear_calls();
    house.granted("acme/app", "ci").await;
    assert_eq!(house.github_calls(), ["POST mint"]);
}
