//! How many calls an exchange costs, and when.

use crate::support::House;

#[tokio::test]
async fn a_cold_exchange_makes_five_calls() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    let mut calls = house.github_calls();
    calls[2..4].sort();
    assert_eq!(calls, ["GET repository_installation", "POST mint", "GET contents", "GET contents", "POST mint"]);
}

#[tokio::test]
async fn a_warm_exchange_reads_and_mints_side_by_side() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.sandbox.clear_calls();
    house.granted("acme/app", "ci").await;
    let mut calls = house.github_calls();
    calls.sort();
    assert_eq!(calls, ["GET contents", "POST mint"]);
}

#[tokio::test]
async fn the_token_is_minted_by_repository_id_with_the_permissions_of_the_policy() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    let ledger = house.github().ledger();
    let minted = ledger.last().unwrap();
    assert_eq!(minted.requested_repositories, None);
    assert_eq!(minted.requested_repository_ids.as_ref().unwrap().len(), 1);
    assert_eq!(minted.repositories.as_deref(), Some(&["acme/app".to_owned()][..]));
    assert_eq!(minted.requested_permissions.as_ref().unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_policy_repository_a_cold_exchange_still_makes_five_calls() {
    let house = House::new().await;
    house.github().delete_repository("acme/.github");
    house.granted("acme/app", "ci").await;
    assert_eq!(house.github_calls(), ["GET repository_installation", "POST mint", "POST mint", "GET contents", "POST mint"]);
}

/// T-110
#[tokio::test]
async fn an_unknown_owner_costs_three_calls_and_is_remembered() {
    let house = House::new().await;
    house.refused("nobody/app", "ci").await;
    assert_eq!(house.github_calls(), ["GET repository_installation", "GET owner_installation", "GET owner_installation"]);
    house.refused("nobody/app", "ci").await;
    assert_eq!(house.github_calls().len(), 3);
}

/// T-110
#[tokio::test]
async fn strangers_who_ask_for_unknown_owners_run_out_of_budget_and_harm_nobody() {
    let house = House::new().await;
    for at in 0..200 {
        house.refused(&format!("nobody-{at}/app"), "ci").await;
    }
    assert!(house.github_calls().len() <= 3 * 75, "{} calls", house.github_calls().len());
    let other = house.sandbox.issuer("other");
    house.github().put_file(
        "acme/app",
        ".github/chainguard/other.sts.yaml",
        format!("issuer: {}\nsubject: me\npermissions: {{contents: read}}\n", other.url()),
    );
    let token = other.token(&serde_json::json!({"sub": "me", "aud": crate::support::DOMAIN}));
    house.exchange_with(&token, "acme/app", "other").await.unwrap().delivered();
}
