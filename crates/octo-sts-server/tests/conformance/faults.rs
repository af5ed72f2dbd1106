//! Section 5: when GitHub or the issuer fails. A fresh service for each; the policy is good.

use std::time::{Duration, Instant};

use crate::support::{CI, COLD, House, LONG, NOTHING};
use http::Method;
use octo_sts_sandbox::Fault;
use serde_json::{Value, json};

const POLICY: &str = "ci.sts.yaml";
const ALLOWLIST: &str = "trusted-token-issuers.yaml";
const FIND: &str = "unable to find trust policy for \"ci\"";
const LIMITED: &str = "GitHub API rate limit exceeded for \"ci\"";
const NO_TOKEN: &str = "failed to get token";
const LOOKUP: &str = "organization trusted-issuer lookup unavailable";

fn oops() -> Value {
    json!({"message": "oops"})
}

fn forbidden() -> Value {
    json!({"message": "Resource not accessible by integration"})
}

/// One situation: a cold exchange with this fault is refused so.
async fn refused(situation: &str, fault: Fault, status: u16, code: i64, begins: &str) {
    let house = House::new().await;
    house.sandbox.github().fault(fault);
    let (answer, calls) = house.exchange(CI, &house.token()).await;
    answer.refuses(&format!("{situation} ({calls})"), status, code, begins);
    let told = answer.json()["message"].to_string();
    assert!(!told.contains("127.0.0.1") && !told.contains("/api/v3"), "{situation}: {told}");
    let waits = matches!(code, 8 | 14);
    assert_eq!(answer.header("retry-after").is_some(), waits, "{situation}");
    house.sandbox.clear_faults();
    // A token is not revoked while GitHub has asked for silence.
    if code != 8 {
        house.close(&[]).await;
    }
}

/// Upstream takes every 403 for a rate limit, and every failure for a missing policy.
#[tokio::test]
async fn faults_of_the_policys_read() {
    let on = || Fault::on(Method::GET, POLICY);
    let used_up = on()
        .respond(403, &json!({"message": "API rate limit exceeded for installation"}))
        .header("x-ratelimit-remaining", "0")
        .header("x-ratelimit-reset", &(crate::support::now() + 60).to_string());
    refused(
        "Contents 403 `Resource not accessible by integration` (a permission, not a rate limit)",
        on().respond(403, &forbidden()),
        403,
        7,
        "unable to read trust policy found for \"ci\"",
    )
    .await;
    refused("Contents 403, rate limit used up", used_up, 429, 8, LIMITED).await;
    refused("Contents 403, secondary limit", on().secondary_limit(403, Some(Duration::from_secs(9))), 429, 8, LIMITED).await;
    refused("Contents 429", on().respond(429, &oops()), 429, 8, LIMITED).await;
    refused("Contents 500", on().respond(500, &oops()), 503, 14, FIND).await;
    refused("Contents truncated, always", on().truncate(20), 503, 14, FIND).await;
}

/// Upstream answers 404 to both; here a read is tried twice.
#[tokio::test]
async fn a_read_that_breaks_off_once_is_tried_again() {
    for (situation, fault) in [
        ("Contents reset once", Fault::on(Method::GET, POLICY).times(1).reset()),
        ("Contents truncated once", Fault::on(Method::GET, POLICY).times(1).truncate(20)),
    ] {
        let house = House::new().await;
        house.sandbox.github().fault(fault);
        let (answer, calls) = house.exchange(CI, &house.token()).await;
        answer.grants(situation);
        // The allowlist's read shares the connection, and may break off with it.
        assert!((3..=4).contains(&calls.matches("contents").count()), "{situation}: {calls}");
        house.close(&[answer.token()]).await;
    }
}

#[tokio::test]
async fn faults_of_the_allowlists_read() {
    let on = || Fault::on(Method::GET, ALLOWLIST);
    refused("Allowlist 403", on().respond(403, &forbidden()), 503, 14, LOOKUP).await;
    refused("Allowlist 500", on().respond(500, &oops()), 503, 14, LOOKUP).await;
    refused("Allowlist 429", on().respond(429, &oops()), 429, 8, "organization trusted-issuer lookup rate limited").await;
}

/// The first mint is that of the token that reads allowlist and policy; a key that GitHub refuses is our own fault, and no 503.
#[tokio::test]
async fn faults_of_the_first_mint() {
    let on = || Fault::on(Method::POST, "mint").times(1);
    refused("First mint 401", on().respond(401, &json!({"message": "A JSON web token could not be decoded"})), 500, 13, NO_TOKEN).await;
    refused("First mint 500", on().respond(500, &oops()), 503, 14, LOOKUP).await;
}

/// Upstream answers 13 to all but 422; here a caller learns which of them may pass.
#[tokio::test]
async fn faults_of_the_last_mint() {
    let on = || Fault::on(Method::POST, "mint").after(1);
    refused("Last mint 401", on().respond(401, &json!({"message": "Bad credentials"})), 500, 13, NO_TOKEN).await;
    refused("Last mint 403", on().respond(403, &forbidden()), 403, 7, NO_TOKEN).await;
    refused(
        "Last mint 422",
        on().respond(422, &json!({"message": "no such permission"})),
        403,
        7,
        "token exchange failure (StatusUnprocessableEntity)",
    )
    .await;
    refused("Last mint 429", on().respond(429, &oops()), 429, 8, NO_TOKEN).await;
    refused("Last mint 500", on().respond(500, &oops()), 503, 14, NO_TOKEN).await;
}

#[tokio::test]
async fn a_revocation_that_fails_is_nobodys_refusal() {
    let house = House::new().await;
    house.sandbox.github().fault(Fault::on(Method::DELETE, "revoke").respond(500, &oops()));
    let (answer, calls) = house.exchange(CI, &house.token()).await;
    answer.grants("Revocation 500");
    assert_eq!(calls, COLD);
}

/// Upstream hands the URL of its lookup to the caller.
#[tokio::test]
async fn faults_of_the_installations_lookup() {
    let fault = Fault::on(Method::GET, "repository_installation").respond(500, &oops());
    refused("Listing installations 500", fault, 503, 14, "unable to look for an installation for \"acme\"").await;
}

#[tokio::test]
async fn a_discovery_that_fails_once_is_tried_again() {
    let house = House::new().await;
    house.issuer.fault(Fault::on(Method::GET, "discovery").times(1).respond(500, &oops()));
    let (answer, calls) = house.exchange(CI, &house.token()).await;
    answer.grants("Discovery 500 once");
    assert_eq!(calls, format!("discovery {COLD}"));
    house.close(&[answer.token()]).await;
}

/// Upstream keeps such a caller waiting for longer than four seconds.
#[tokio::test]
async fn an_issuer_that_is_down_is_said_soon() {
    for (situation, needle, status, code, begins) in [
        ("Discovery 503, always", "discovery", 400, 3, "unable to fetch or create the provider"),
        ("JWKS 500", "jwks", 401, 16, "unable to verify bearer token"),
    ] {
        let house = House::new().await;
        house.issuer.fault(Fault::on(Method::GET, needle).respond(503, &oops()));
        let began = began();
        let (answer, calls) = tokio::time::timeout(LONG, house.exchange(CI, &house.token())).await.unwrap();
        answer.refuses(situation, status, code, begins);
        assert!(began.elapsed() < Duration::from_secs(4), "{situation}");
        assert!(calls.split(' ').all(|call| matches!(call, "discovery" | "jwks")), "{situation}: {calls}");
        assert_ne!(calls, NOTHING, "{situation}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test measures how long an answer took")]
fn began() -> Instant {
    Instant::now()
}
