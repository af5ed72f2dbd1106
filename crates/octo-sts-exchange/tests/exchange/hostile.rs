//! Callers and repositories that try to confuse what the service remembers.

use std::time::Duration;

use crate::support::{House, Otherwise};
use octo_sts_exchange::{ExchangeError, OrgGuardrails};
use octo_sts_sandbox::Fault;

/// T-086: the mint names the repository by its id, so a name that changes hands in between gives nothing.
#[tokio::test]
async fn a_repository_that_takes_the_name_before_the_mint_gets_no_token() {
    let house = House::new().await;
    let slow = Fault::on(http::Method::POST, "access_tokens").after(1).times(1).delay(Duration::from_secs(1));
    house.github().fault(slow);
    let swap = async {
        house.sandbox.eventually(Duration::from_secs(5), |s| s.calls().iter().filter(|call| call.class == "contents").count() == 2).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        house.github().delete_repository("acme/app");
        house.github().create_repository("acme/app")
    };
    let (outcome, taken) = tokio::join!(house.exchange("acme/app", "ci"), swap);
    assert!(outcome.is_err(), "the policy was that of another repository");
    let reaching = |entry: &octo_sts_sandbox::LedgerEntry| entry.requested_repository_ids.as_ref().is_some_and(|ids| ids.contains(&taken));
    assert!(!house.github().ledger().iter().any(reaching));
}

/// T-093: absences and policies are remembered apart.
#[tokio::test]
async fn a_flood_of_bogus_identities_pushes_out_no_policy() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    for at in 0..500 {
        house.refused("acme/app", &format!("bogus-{at}")).await;
    }
    house.sandbox.clear_calls();
    house.granted("acme/app", "ci").await;
    let mut calls = house.github_calls();
    calls.sort();
    assert_eq!(calls, ["GET contents", "POST mint"], "the policy is still known");
}

/// T-099: what is remembered under one name is never given under another that only reads like it when put together.
#[tokio::test]
async fn names_that_run_together_are_remembered_apart() {
    let house = House::new().await;
    for name in ["acme/ap", "acme/a", "acme-a/app"] {
        house.github().create_repository(name);
    }
    house.apps[0].install("acme-a", &octo_sts_sandbox::Selection::All);
    house.policy("acme/a", "pp.ci", "permissions: {issues: read}");
    house.policy("acme/app", "pp.ci", "permissions: {deployments: read}");
    for _ in 0..2 {
        for (scope, identity, permission) in [("acme/app", "ci", "contents"), ("acme/a", "pp.ci", "issues"), ("acme/app", "pp.ci", "deployments")] {
            house.granted(scope, identity).await;
            assert!(house.github().ledger().last().unwrap().permissions.contains_key(permission), "{scope} {identity}");
        }
        for (scope, identity) in [("acme/ap", "p.ci"), ("acme/ap", "pp.ci"), ("acme-a/app", "ci"), ("acme/a", "ci"), ("acme/app", "CI")] {
            assert!(matches!(*house.refused(scope, identity).await, ExchangeError::PolicyAbsent), "{scope} {identity}");
        }
    }
}

/// T-103: whether repository or policy is missing is not told; nor is anything of the policy that does not admit.
#[tokio::test]
async fn an_absent_repository_and_an_absent_policy_are_refused_alike() {
    let house = House::new().await;
    let (repository, identity) = (house.refused("acme/none", "ci").await, house.refused("acme/app", "none").await);
    assert_eq!((repository.stage(), repository.reason()), (identity.stage(), identity.reason()));
    assert_eq!(repository.to_string(), identity.to_string());
    let token = house.token_for("repo:stranger/app:ref:refs/heads/main");
    let mismatch = house.exchange_with(&token, "acme/app", "ci").await.unwrap_err().error;
    assert!(!mismatch.to_string().contains("acme/app:ref"), "{mismatch}");
}

/// T-111
#[tokio::test]
async fn bogus_names_of_a_known_owner_cost_little_and_mint_nothing() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    let tokens = house.github().ledger().len();
    for at in 0..20 {
        house.refused("acme/app", &format!("bogus-{at}")).await;
    }
    assert_eq!(house.github().ledger().len(), tokens, "a bogus identity mints nothing");
    house.sandbox.clear_calls();
    for _ in 0..100 {
        house.refused("acme/none", "ci").await;
    }
    assert!(house.mints().len() <= 35, "{} mints for a repository that is not there", house.mints().len());
    assert_eq!(house.github().ledger().len(), tokens);
}

/// T-067
#[tokio::test]
async fn policies_are_read_from_whatever_kind_of_repository_and_from_its_default_branch() {
    let house = House::new().await;
    let github = house.github();
    github.archive("acme/app", true);
    house.granted("acme/app", "ci").await;
    github.archive("acme/app", false);
    github.create_repository("acme/empty");
    assert!(matches!(*house.refused("acme/empty", "ci").await, ExchangeError::PolicyAbsent));
    github.create_branch("acme/app", "trunk", "main");
    github.set_default_branch("acme/app", "trunk");
    house.granted("acme/app", "ci").await;
    github.fork("acme/app", "acme/copy");
    house.granted("acme/copy", "ci").await;
    house.policy("acme/app", "ci", "permissions: {issues: read}");
    house.granted("acme/app", "ci").await;
    assert!(github.ledger().last().unwrap().permissions.contains_key("issues"), "the policy on the new default branch counts");
}

fn always() -> Otherwise {
    Otherwise { org_guardrails: OrgGuardrails::Always, ..Otherwise::default() }
}

/// An operator who wants guardrails to count everywhere gets that, for one call beside the others.
#[tokio::test]
async fn guardrails_count_without_an_allowlist_where_the_operator_says_so() {
    let house = House::new().await.but(always());
    house.github().put_file("acme/.github", ".github/chainguard/guardrails.yaml", "denied_permissions: [contents]\n");
    for _ in 0..2 {
        assert!(matches!(*house.refused("acme/app", "ci").await, ExchangeError::Guardrails(_)));
    }
    house.github().remove_file("acme/.github", ".github/chainguard/guardrails.yaml");
    house.clock.advance(Duration::from_secs(61));
    house.granted("acme/app", "ci").await;
}

#[tokio::test]
async fn guardrails_that_always_count_cost_one_call_and_no_round_trip() {
    let house = House::new().await.but(always());
    house.sandbox.set_latency(Duration::from_millis(200));
    let token = house.token();
    // The issuer's keys are fetched by a request that goes no further.
    assert!(house.exchange_with(&token, "nobody/app", "ci").await.is_err());
    house.sandbox.clear_calls();
    let started = tokio::time::Instant::now();
    house.exchange_with(&token, "acme/app", "ci").await.unwrap().delivered();
    assert_eq!(house.github_calls().len(), 6);
    assert!(started.elapsed() < Duration::from_secs(1), "four round trips of 200 ms: {:?}", started.elapsed());
}
