//! Keys come and go, and issuers fail and recover.

use std::{sync::Arc, time::Duration};

use octo_sts_oidc::{Algorithm, TokenFault, Verifier, VerifyError};

use crate::common::{
    StoppedClock, claims_at,
    issuer::{DISCOVERY, Reply, TestIssuer},
    keys::{TestKey, new_key},
    verifier, verify,
};

const MINUTE: Duration = Duration::from_mins(1);
const DOWN: Reply = Reply::Raw(503, Vec::new(), Vec::new());

struct Rig {
    issuer: TestIssuer,
    verifier: Verifier,
    clock: Arc<StoppedClock>,
}

impl Rig {
    async fn start(keys: &[(&str, &TestKey)]) -> Self {
        let issuer = TestIssuer::start().await;
        let clock = StoppedClock::new();
        let rig = Self { issuer, verifier: verifier(&clock), clock };
        rig.publish(keys);
        rig
    }

    fn publish(&self, keys: &[(&str, &TestKey)]) {
        let keys: Vec<_> = keys.iter().map(|(kid, key)| key.jwk(kid)).collect();
        self.issuer.publish("", &["ES256"], &keys);
    }

    fn token(&self, kid: &str, key: &TestKey) -> String {
        key.token(Algorithm::Es256, kid, &claims_at(&self.issuer.url(""), self.clock.seconds()))
    }

    async fn verify(&self, kid: &str, key: &TestKey) -> Result<(), VerifyError> {
        verify(&self.verifier, &self.token(kid, key)).await.map(drop)
    }

    fn key_fetches(&self) -> usize {
        self.issuer.hits("/jwks")
    }

    /// Waits until a fetch beside the calls has been answered.
    async fn settle(&self, key_fetches: usize) {
        for _ in 0..200 {
            if self.key_fetches() >= key_fetches {
                tokio::time::sleep(Duration::from_millis(20)).await;
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("no fetch");
    }
}

fn key() -> TestKey {
    new_key(Algorithm::Es256)
}

/// T-041
#[tokio::test]
async fn a_new_key_is_known_at_its_first_token() {
    let (old, new) = (key(), key());
    let rig = Rig::start(&[("old", &old)]).await;
    rig.verify("old", &old).await.unwrap();
    rig.publish(&[("old", &old), ("new", &new)]);
    rig.verify("new", &new).await.unwrap();
    rig.verify("old", &old).await.unwrap();
    assert_eq!((rig.key_fetches(), rig.issuer.hits(DISCOVERY)), (2, 1));
}

/// T-041
#[tokio::test]
async fn new_material_under_an_old_name_is_known_at_its_first_token() {
    let (old, new) = (key(), key());
    let rig = Rig::start(&[("a", &old)]).await;
    rig.verify("a", &old).await.unwrap();
    rig.publish(&[("a", &new)]);
    rig.verify("a", &new).await.unwrap();
    assert!(rig.verify("a", &old).await.is_err());
}

/// T-017
#[tokio::test]
async fn a_thousand_unknown_kids_lead_to_one_fetch_a_minute() {
    let (good, bad) = (key(), key());
    let rig = Rig::start(&[("good", &good)]).await;
    rig.verify("good", &good).await.unwrap();
    for turn in 0..1_000 {
        let error = rig.verify(&format!("kid-{turn}"), &bad).await.unwrap_err();
        assert!(matches!(error, VerifyError::Token(TokenFault::UnknownKey { .. })), "{error:?}");
    }
    rig.verify("good", &good).await.unwrap();
    assert_eq!(rig.key_fetches(), 2);
    rig.clock.advance(MINUTE);
    for turn in 0..100 {
        rig.verify(&format!("kid-{turn}"), &bad).await.unwrap_err();
    }
    assert_eq!((rig.key_fetches(), rig.verifier.stats().refreshes_for_unknown_keys), (3, 2));
}

/// T-017: a token that fits no key does not hold up one that does.
#[tokio::test]
async fn known_kids_are_not_held_up_by_unknown_ones() {
    let (good, bad) = (key(), key());
    let rig = Rig::start(&[("good", &good)]).await;
    rig.verify("good", &good).await.unwrap();
    rig.issuer.answer("/jwks", Reply::Stall(""));
    let (verifier, bearer) = (rig.verifier.clone(), rig.token("bad", &bad));
    let hammer = tokio::spawn(async move { verify(&verifier, &bearer).await.map(drop) });
    rig.settle(2).await;
    let quick = tokio::time::timeout(Duration::from_millis(100), rig.verify("good", &good)).await;
    quick.unwrap().unwrap();
    hammer.abort();
}

/// T-041: the fetch under way began before the issuer had the new key.
#[tokio::test]
async fn a_fetch_that_comes_too_early_is_not_the_last_word() {
    let (old, new) = (key(), key());
    let rig = Rig::start(&[("old", &old)]).await;
    rig.verify("old", &old).await.unwrap();
    let stale = serde_json::json!({"keys": [old.jwk("old")]});
    let fresh = serde_json::json!({"keys": [old.jwk("old"), new.jwk("new")]});
    rig.issuer.answer("/jwks", Reply::Turns(vec![Reply::Json(stale), Reply::Json(fresh)]));
    rig.clock.advance(13 * MINUTE);
    rig.verify("old", &old).await.unwrap();
    rig.verify("new", &new).await.unwrap();
    assert_eq!(rig.key_fetches(), 3);
}

/// T-041
#[tokio::test]
async fn a_removed_key_stops_verifying_within_fifteen_minutes() {
    let (gone, kept) = (key(), key());
    let rig = Rig::start(&[("gone", &gone), ("kept", &kept)]).await;
    rig.verify("gone", &gone).await.unwrap();
    rig.publish(&[("kept", &kept)]);
    rig.clock.advance(15 * MINUTE);
    assert!(rig.verify("gone", &gone).await.is_err());
    rig.verify("kept", &kept).await.unwrap();
}

/// T-041: in traffic, the fetch runs beside it.
#[tokio::test]
async fn keys_are_fetched_again_beside_the_tokens_that_use_them() {
    let (gone, kept) = (key(), key());
    let rig = Rig::start(&[("gone", &gone), ("kept", &kept)]).await;
    rig.verify("gone", &gone).await.unwrap();
    rig.publish(&[("kept", &kept)]);
    rig.clock.advance(13 * MINUTE);
    rig.verify("kept", &kept).await.unwrap();
    rig.settle(2).await;
    assert!(rig.verify("gone", &gone).await.is_err());
    assert_eq!((rig.issuer.hits(DISCOVERY), rig.verifier.stats().waits), (2, 2));
}

/// T-041, T-042
#[tokio::test]
async fn an_outage_is_survived_for_a_day_and_no_longer() {
    let good = key();
    let rig = Rig::start(&[("a", &good)]).await;
    rig.verify("a", &good).await.unwrap();
    for path in [DISCOVERY, "/jwks"] {
        rig.issuer.answer(path, DOWN);
    }
    for hour in 1..24 {
        rig.clock.advance(60 * MINUTE);
        rig.verify("a", &good).await.unwrap_or_else(|error| panic!("after {hour} h: {error:?}"));
    }
    assert!(rig.verifier.stats().stale >= 22);
    rig.clock.advance(60 * MINUTE);
    assert!(matches!(rig.verify("a", &good).await, Err(VerifyError::Discovery(_))));
    rig.publish(&[("a", &good)]);
    rig.clock.advance(Duration::from_secs(5));
    rig.verify("a", &good).await.unwrap();
}

/// T-041
#[tokio::test]
async fn good_keys_are_not_replaced_by_none() {
    let good = key();
    let rig = Rig::start(&[("a", &good)]).await;
    rig.verify("a", &good).await.unwrap();
    let bodies = [r#"{"keys":[]}"#, r#"{"keys":[{"kty":"oct","k":"AA"}]}"#, "{}", "<html>", ""];
    for body in bodies {
        rig.issuer.answer("/jwks", Reply::Raw(200, Vec::new(), body.into()));
        rig.clock.advance(16 * MINUTE);
        rig.verify("a", &good).await.unwrap_or_else(|error| panic!("Input: {body}: {error:?}"));
    }
    assert_eq!(rig.key_fetches(), 1 + bodies.len());
}

/// T-042
#[tokio::test]
async fn the_issuer_may_ask_for_a_shorter_life() {
    let good = key();
    let rig = Rig::start(&[("a", &good)]).await;
    let body = serde_json::json!({"keys": [good.jwk("a")]}).to_string().into_bytes();
    rig.issuer.answer("/jwks", Reply::Raw(200, vec![("cache-control", "max-age=1".to_owned())], body));
    for (minutes, fetches) in [(0, 1), (1, 2), (2, 3)] {
        rig.verify("a", &good).await.unwrap();
        assert_eq!(rig.key_fetches(), fetches, "After: {minutes} min");
        rig.clock.advance(MINUTE);
    }
}

/// T-113: many first tokens, one fetch; who began it may go away.
#[tokio::test]
async fn a_first_fetch_is_shared_and_outlives_whoever_began_it() {
    let good = key();
    let rig = Rig::start(&[("a", &good)]).await;
    let bearer = rig.token("a", &good);
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let (verifier, bearer) = (rig.verifier.clone(), bearer.clone());
            tokio::spawn(async move { verify(&verifier, &bearer).await.map(drop) })
        })
        .collect();
    tokio::task::yield_now().await;
    calls[0].abort();
    let mut verified = 0;
    for call in calls {
        verified += usize::from(matches!(call.await, Ok(Ok(()))));
    }
    assert!(verified >= 199, "{verified}");
    assert_eq!((rig.key_fetches(), rig.issuer.hits(DISCOVERY)), (1, 1));
}
