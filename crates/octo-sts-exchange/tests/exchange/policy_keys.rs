//! Issuers that nobody here can ask: their keys stand in the policy that is asked for.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use octo_sts_exchange::{CallerLimits, Delivery, ExchangeError, Rate, Request, Stage, TooMany};
use octo_sts_oidc::IssuerFilter;
use octo_sts_sandbox::{Algorithm, Selection, Service};
use serde_json::{Value, json};

use crate::support::{DOMAIN, House, Otherwise, SUBJECT, request};

/// A service that verifies tokens of the house's issuer by policies, and `ci` of `acme/app` with the issuer's key.
async fn house() -> House {
    with(CallerLimits::default()).await
}

async fn with(limits: CallerLimits) -> House {
    let house = House::new().await;
    let policy_key_issuers = Some(IssuerFilter::parse(&house.issuer.url()).unwrap());
    let house = house.but(Otherwise { limits, policy_key_issuers, ..Otherwise::default() });
    write(&house, "acme/app", "ci", &key(&house));
    house
}

fn key(house: &House) -> Value {
    house.issuer.jwk(Algorithm::Rs256)
}

fn write(house: &House, repository: &str, identity: &str, key: &Value) {
    house.policy(repository, identity, &format!("jwks: '{}'\npermissions: {{contents: read}}", json!({"keys": [key]})));
}

fn asked_of_issuers(house: &House) -> usize {
    house.sandbox.calls().iter().filter(|call| call.service != Service::GitHub).count()
}

async fn ask(house: &House, request: Request) -> Result<(), Arc<ExchangeError>> {
    house.exchanger.exchange(request).await.map(Delivery::delivered).map_err(|refusal| refusal.error)
}

#[tokio::test]
async fn a_policy_brings_the_keys_of_an_issuer_that_nobody_asks() {
    let house = house().await;
    for _ in 0..2 {
        house.granted("acme/app", "ci").await;
    }
    assert_eq!(asked_of_issuers(&house), 0);
}

/// Whatever is missing, nobody who has no genuine token learns what.
#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "the time that a refusal takes is what is tested")]
async fn every_failure_before_verification_is_the_same() {
    let house = house().await;
    let other = house.sandbox.issuer("other");
    write(&house, "acme/app", "stranger", &other.jwk(Algorithm::Rs256));
    house.policy("acme/app", "keyless", "permissions: {contents: read}");
    house.policy("acme/app", "broken", "permissions: [");
    house.github().put_file("acme/app", ".github/chainguard/foreign.sts.yaml", {
        let set = json!({"keys": [key(&house)]});
        format!("issuer: https://elsewhere.example\nsubject: {SUBJECT}\njwks: '{set}'\npermissions: {{contents: read}}\n")
    });
    let good = house.token();
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    let begun = Instant::now();
    let rows = [
        (&good, "nowhere/app", "ci"),
        (&good, "acme/nowhere", "ci"),
        (&good, "acme/app", "absent"),
        (&good, "acme/app", "keyless"),
        (&good, "acme/app", "broken"),
        (&good, "acme/app", "foreign"),
        (&good, "acme/app", "stranger"),
        (&good, "acme", "ci"),
        (&forged, "acme/app", "ci"),
    ];
    let answers = join_all(rows.iter().map(|(token, scope, identity)| house.exchange_with(token, scope, identity))).await;
    for (row, answer) in rows.iter().zip(answers) {
        let refusal = answer.err().unwrap_or_else(|| panic!("granted: {row:?}"));
        assert!(matches!(*refusal.error, ExchangeError::NotVerifiedByPolicy(_)), "{row:?}: {:?}", refusal.error);
        assert_eq!((refusal.error.stage(), refusal.error.reason()), (Stage::Signature, "TOKEN_NOT_VERIFIED"));
        assert_eq!(refusal.facts.subject, None);
    }
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(asked_of_issuers(&house), 0);
}

/// T-001, T-023
#[tokio::test]
async fn what_the_token_alone_decides_costs_nobody_a_call() {
    let house = house().await;
    house.sandbox.clear_calls();
    let claims = json!({"iss": house.issuer.url(), "sub": SUBJECT, "aud": DOMAIN, "exp": 1_000_000_000, "iat": 1_000_000_000});
    let expired = house.issuer.token(&claims);
    let header = json!({"alg": "none", "kid": "x"}).to_string();
    let unsigned =
        house.issuer.sign_raw(&header, &json!({"iss": house.issuer.url(), "sub": SUBJECT, "exp": 4_000_000_000_u64}).to_string(), Algorithm::Rs256);
    for token in [expired, unsigned] {
        let refused = ask(&house, request(&token, "acme/app", "ci")).await.unwrap_err();
        assert!(matches!(*refused, ExchangeError::Token(_)), "{refused:?}");
    }
    assert!(house.github_calls().is_empty());
}

#[tokio::test]
async fn keys_of_one_policy_serve_no_other_and_only_while_they_stand_there() {
    let house = house().await;
    let other = house.sandbox.issuer("other").jwk(Algorithm::Rs256);
    write(&house, "acme/app", "release", &other);
    house.granted("acme/app", "ci").await;
    let refused = house.refused("acme/app", "release").await;
    assert!(matches!(*refused, ExchangeError::NotVerifiedByPolicy(_)), "{refused:?}");
    write(&house, "acme/app", "ci", &other);
    let refused = house.refused("acme/app", "ci").await;
    assert!(matches!(*refused, ExchangeError::NotVerifiedByPolicy(_)), "{refused:?}");
    write(&house, "acme/app", "ci", &key(&house));
    house.granted("acme/app", "ci").await;
}

/// The issuer can be asked, and is; that its keys stand in the policy, too, is not allowed, and is said to whom it admits alone.
#[tokio::test]
async fn keys_that_the_operator_did_not_allow_are_refused_and_not_passed_over() {
    let house = House::new().await;
    write(&house, "acme/app", "ci", &key(&house));
    let refused = house.refused("acme/app", "ci").await;
    assert!(matches!(*refused, ExchangeError::PolicyKeysNotAllowed), "{refused:?}");
    let other = house.exchange_with(&house.token_for("somebody"), "acme/app", "ci").await.unwrap_err();
    assert!(matches!(*other.error, ExchangeError::Mismatch(_)), "{:?}", other.error);
}

#[tokio::test]
async fn the_allowlist_and_the_match_count_as_for_everybody() {
    let house = house().await;
    let other = house.exchange_with(&house.token_for("somebody"), "acme/app", "ci").await.unwrap_err();
    assert!(matches!(*other.error, ExchangeError::Mismatch(_)), "{:?}", other.error);
    house.github().put_file("acme/.github", ".github/chainguard/trusted-token-issuers.yaml", "mode: enforce\nissuers: [https://a.example]\n");
    house.clock.advance(Duration::from_secs(61));
    let refused = house.refused("acme/app", "ci").await;
    assert!(matches!(*refused, ExchangeError::IssuerNotListed), "{refused:?}");
}

/// Whoever writes the keys of one policy signs what he likes: that must not make another repository's policy consent.
#[tokio::test]
async fn a_policy_without_the_key_does_not_consent() {
    let house = house().await;
    let set = json!({"keys": [key(&house)]});
    house.github().create_repository("acme/lib");
    house.policy("acme/app", "ci", &format!("jwks: '{set}'\nrepositories: [app, lib]\npermissions: {{contents: read}}"));
    house.policy("acme/lib", "ci", "permissions: {contents: read}");
    let refused = house.refused("acme/app", "ci").await;
    assert!(matches!(*refused, ExchangeError::NoConsent(_)), "{refused:?}");
    write(&house, "acme/lib", "ci", &key(&house));
    house.granted("acme/app", "ci").await;
}

/// T-112
#[tokio::test]
async fn an_address_has_a_budget_for_each_owner_that_good_tokens_do_not_use_up() {
    let policy_reads = Some(Rate { count: 2, period: Duration::from_mins(1), burst: 2 });
    let house = with(CallerLimits { policy_reads, ..CallerLimits::default() }).await;
    house.github().create_repository("other/app");
    house.apps[0].install("other", &Selection::All);
    let from =
        |address: &str, scope: &str, identity: &str| Request { peer: Some(address.parse().unwrap()), ..request(&house.token(), scope, identity) };
    for _ in 0..5 {
        ask(&house, from("192.0.2.1", "acme/app", "ci")).await.unwrap();
    }
    for _ in 0..2 {
        let refused = ask(&house, from("192.0.2.1", "acme/app", "absent")).await.unwrap_err();
        assert!(matches!(*refused, ExchangeError::NotVerifiedByPolicy(_)), "{refused:?}");
    }
    house.sandbox.clear_calls();
    let refused = ask(&house, from("192.0.2.1", "acme/app", "ci")).await.unwrap_err();
    assert!(matches!(*refused, ExchangeError::TooMany(TooMany::Failures { .. })), "{refused:?}");
    assert!(house.github_calls().is_empty());
    ask(&house, from("192.0.2.2", "acme/app", "ci")).await.unwrap();
    let elsewhere = ask(&house, from("192.0.2.1", "other/app", "ci")).await.unwrap_err();
    assert!(matches!(*elsewhere, ExchangeError::NotVerifiedByPolicy(_)), "{elsewhere:?}");
}
