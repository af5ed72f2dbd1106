//! What bounds a grant beyond its policy: guardrails, the consent of other repositories, tokens that count once.

use std::{sync::Arc, time::Duration};

use crate::support::House;
use octo_sts_exchange::{ExchangeError, Stage};

const GUARDRAILS: &str = ".github/chainguard/guardrails.yaml";
const ALLOWLIST: &str = ".github/chainguard/trusted-token-issuers.yaml";

/// An allowlist switches central control on.
async fn house_with(guardrails: &str) -> House {
    let house = House::new().await;
    house.github().put_file("acme/.github", ALLOWLIST, format!("mode: enforce\nissuers: ['{}']\n", house.issuer.url()));
    house.github().put_file("acme/.github", GUARDRAILS, guardrails);
    house
}

fn last_permissions(house: &House) -> Vec<String> {
    house.github().ledger().last().unwrap().permissions.iter().map(|(name, level)| format!("{name}: {level}")).collect()
}

#[tokio::test]
async fn guardrails_narrow_a_grant() {
    let house = house_with("permissions: {contents: read, issues: read}\n").await;
    house.policy("acme/app", "ci", "permissions: {contents: write, issues: read, deployments: write}");
    for _ in 0..2 {
        house.granted("acme/app", "ci").await;
        assert_eq!(last_permissions(&house), ["contents: read", "issues: read", "metadata: read"]);
    }
}

#[tokio::test]
async fn policies_in_repositories_give_nothing_where_the_organisation_keeps_them() {
    let house = house_with("policy_source: org\n").await;
    house.policy("acme/.github", "org", "permissions: {contents: read}\nrepositories: [app]");
    let error = house.refused("acme/app", "ci").await;
    assert!(matches!(*error, ExchangeError::Guardrails(_)), "{error:?}");
    house.granted("acme", "org").await;
}

#[tokio::test]
async fn guardrails_that_tighten_count_within_a_minute() {
    let house = house_with("mode: enforce\n").await;
    house.granted("acme/app", "ci").await;
    house.github().put_file("acme/.github", GUARDRAILS, "denied_permissions: [contents]\n");
    house.clock.advance(Duration::from_secs(61));
    assert!(matches!(*house.refused("acme/app", "ci").await, ExchangeError::Guardrails(_)));
}

#[tokio::test]
async fn guardrails_in_audit_mode_only_record() {
    let house = house_with("mode: audit\ndenied_permissions: [contents]\n").await;
    house.granted("acme/app", "ci").await;
}

#[tokio::test]
async fn invalid_guardrails_refuse_unless_an_earlier_version_is_known() {
    let house = house_with("permissions: [\n").await;
    let error = house.refused("acme/app", "ci").await;
    assert_eq!((error.stage(), error.reason()), (Stage::Guardrails, "GUARDRAILS_INVALID"));
    house.github().put_file("acme/.github", GUARDRAILS, "mode: enforce\n");
    house.clock.advance(Duration::from_secs(61));
    house.granted("acme/app", "ci").await;
    house.github().put_file("acme/.github", GUARDRAILS, "permissions: [\n");
    house.clock.advance(Duration::from_secs(61));
    house.granted("acme/app", "ci").await;
}

#[tokio::test]
async fn a_policy_on_other_repositories_needs_the_consent_of_each() {
    let house = House::new().await;
    for name in ["acme/one", "acme/two"] {
        house.github().create_repository(name);
    }
    house.policy("acme/app", "multi", "permissions: {contents: write, issues: write}\nrepositories: [acme/one, two]");
    house.policy("acme/one", "multi", "permissions: {contents: read, issues: write}");
    let error = house.refused("acme/app", "multi").await;
    assert!(matches!(*error, ExchangeError::NoConsent(_)), "{error:?}");
    house.policy("acme/two", "multi", "permissions: {contents: write, issues: read}");
    house.granted("acme/app", "multi").await;
    let minted = house.github().ledger().pop().unwrap();
    assert_eq!(minted.repositories, Some(vec!["acme/one".to_owned(), "acme/two".to_owned()]));
    assert_eq!(last_permissions(&house), ["contents: read", "issues: read", "metadata: read"]);
    house.github().remove_file("acme/one", ".github/chainguard/multi.sts.yaml");
    assert!(matches!(*house.refused("acme/app", "multi").await, ExchangeError::NoConsent(_)));
}

#[tokio::test]
async fn the_organisation_can_consent_for_a_repository() {
    let house = house_with("delegation:\n- from: [app]\n  to: [one]\n  permissions: {contents: read}\n").await;
    house.github().create_repository("acme/one");
    house.policy("acme/app", "multi", "permissions: {contents: write}\nrepositories: [one]");
    house.granted("acme/app", "multi").await;
    assert_eq!(last_permissions(&house), ["contents: read", "metadata: read"]);
}

/// T-028
#[tokio::test]
async fn of_many_who_show_the_same_token_one_wins() {
    let house = Arc::new(House::taking_tokens_once().await);
    let token = house.token();
    let racing: Vec<_> = (0..100)
        .map(|_| {
            let (house, token) = (Arc::clone(&house), token.clone());
            tokio::spawn(async move { house.exchange_with(&token, "acme/app", "ci").await.map(octo_sts_exchange::Delivery::delivered).is_ok() })
        })
        .collect();
    let mut winners = 0;
    for one in racing {
        winners += usize::from(one.await.unwrap());
    }
    assert_eq!(winners, 1);
}

/// T-028
#[tokio::test]
async fn a_token_is_not_used_up_by_a_mint_that_failed() {
    let house = House::taking_tokens_once().await;
    let token = house.token();
    let fault = octo_sts_sandbox::Fault::on(http::Method::POST, "access_tokens").after(1).times(2);
    house.github().fault(fault.respond(502, &serde_json::json!({})));
    assert_eq!(house.exchange_with(&token, "acme/app", "ci").await.unwrap_err().error.reason(), "GITHUB_UNAVAILABLE");
    house.exchange_with(&token, "acme/app", "ci").await.unwrap().delivered();
    assert!(matches!(*house.exchange_with(&token, "acme/app", "ci").await.unwrap_err().error, ExchangeError::UsedBefore));
}
