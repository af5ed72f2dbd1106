//! Failures that last, and those that several Apps live through together.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::Method;
use octo_sts_exchange::{Delivery, ExchangeError};
use octo_sts_sandbox::{Fault, Selection};
use octo_sts_signer::{PemSigner, PublicKey, SignError, Signer};
use serde_json::json;
use tokio::time::Instant;

use crate::{
    LONGEST,
    support::{House, Otherwise},
};

/// T-120, T-129
#[tokio::test]
async fn while_github_is_away_callers_hear_it_soon_and_all_works_again_at_once() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.github().stop();
    for (scope, identity) in [("acme/app", "ci"), ("acme/app", "other"), ("acme/cold", "ci"), ("elsewhere/app", "ci")] {
        let began = Instant::now();
        let error = house.refused(scope, identity).await;
        assert_eq!(error.reason(), "GITHUB_UNAVAILABLE", "{scope} {identity}: {error:?}");
        assert!(began.elapsed() < LONGEST, "{scope} {identity}: {:?}", began.elapsed());
        house.clock.advance(Duration::from_secs(15));
    }
    house.github().resume().await.unwrap();
    house.granted("acme/app", "ci").await;
    assert!(matches!(*house.refused("acme/app", "other").await, ExchangeError::PolicyAbsent));
    assert!(matches!(*house.refused("acme/cold", "ci").await, ExchangeError::PolicyAbsent));
    assert!(matches!(*house.refused("elsewhere/app", "ci").await, ExchangeError::NotInstalled));
}

#[tokio::test]
async fn an_issuer_that_is_down_keeps_its_users_for_hours() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.issuer.fault(Fault::on(Method::GET, "").respond(503, &json!({})));
    for _ in 0..12 {
        house.clock.advance(Duration::from_mins(10));
        house.granted("acme/app", "ci").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_error_in_a_hundred_calls_fails_fewer_than_one_exchange_in_a_thousand() {
    const EXCHANGES: usize = 2_000;
    const AT_A_TIME: usize = 16;
    let house = Arc::new(House::new().await);
    house.granted("acme/app", "ci").await;
    house.sandbox.fault(Fault::on_any("").share(0.01).respond(502, &json!({"message": "Server Error"})));
    let token = house.token();
    let workers: Vec<_> = (0..AT_A_TIME)
        .map(|_| {
            let (house, token) = (Arc::clone(&house), token.clone());
            tokio::spawn(async move {
                let mut failed = 0;
                for _ in 0..EXCHANGES / AT_A_TIME {
                    failed += usize::from(house.exchange_with(&token, "acme/app", "ci").await.map(Delivery::delivered).is_err());
                }
                failed
            })
        })
        .collect();
    let mut failed = 0;
    for worker in workers {
        failed += worker.await.unwrap();
    }
    assert!(failed * 1_000 <= EXCHANGES, "{failed} of {EXCHANGES} failed");
}

/// T-120: no second token is made for one that may live.
#[tokio::test]
async fn a_mint_whose_answer_was_lost_is_made_again_by_no_app() {
    let house = House::with_apps(3).await;
    house.github().fault(Fault::on(Method::POST, "mint").after(1).reset().executed());
    let error = house.refused("acme/app", "ci").await;
    assert_eq!(error.reason(), "GITHUB_UNAVAILABLE", "{error:?}");
    assert_eq!(house.mints().len(), 2, "the reader's, and one");
}

/// T-120
#[tokio::test]
async fn a_server_error_at_the_mint_is_tried_three_times_at_the_most() {
    for (apps, times) in [(1, 2), (2, 3), (3, 3), (5, 3)] {
        let house = House::with_apps(apps).await;
        house.github().fault(Fault::on(Method::POST, "mint").after(1).respond(500, &json!({})));
        assert_eq!(house.refused("acme/app", "ci").await.reason(), "GITHUB_UNAVAILABLE");
        assert_eq!(house.mints().len(), 1 + times, "Input: {apps} Apps");
    }
}

/// T-120
#[tokio::test]
async fn an_app_that_stands_alone_in_the_pool_is_tried_again_after_a_server_error() {
    let house = House::with_apps(1).await;
    let other = house.github().create_app(9_000, &[("contents", "read")]);
    house.github().create_repository("elsewhere/app");
    other.install("elsewhere", &Selection::All);
    let house = House { apps: vec![house.apps[0].clone(), other], ..house }.but(Otherwise::default());
    house.github().fault(Fault::on(Method::POST, "mint").after(1).times(1).respond(502, &json!({})));
    house.granted("acme/app", "ci").await;
}

/// T-120
#[tokio::test]
async fn a_lookup_that_fails_is_made_with_the_next_app() {
    for fault in [
        Fault::on(Method::GET, "installation").times(2).respond(502, &json!({})),
        Fault::on(Method::GET, "installation").times(1).primary_limit(403, 3_600),
    ] {
        let house = House::with_apps(2).await;
        house.github().fault(fault);
        house.granted("acme/app", "ci").await;
    }
}

/// T-113
#[tokio::test]
async fn a_leader_that_goes_away_fails_nobody() {
    let house = Arc::new(House::new().await);
    house.sandbox.set_latency(Duration::from_millis(100));
    let exchange = |house: Arc<House>| async move { house.exchange("acme/app", "ci").await.map(Delivery::delivered) };
    let leader = tokio::spawn(exchange(Arc::clone(&house)));
    let follower = tokio::spawn(exchange(Arc::clone(&house)));
    house.sandbox.eventually(Duration::from_secs(5), |sandbox| sandbox.calls().iter().any(|call| call.class == "repository_installation")).await;
    leader.abort();
    assert!(follower.await.unwrap().is_ok());
    assert_eq!(house.github_calls().iter().filter(|call| *call == "GET contents").count(), 2);
}

/// T-112: whatever GitHub says to the first tries.
#[tokio::test]
async fn a_revocation_is_tried_until_it_is_done() {
    let on = || Fault::on(Method::DELETE, "revoke").times(2);
    for fault in [
        on().reset(),
        on().respond(500, &json!({})),
        on().respond(403, &json!({})),
        on().respond(404, &json!({})),
        on().truncate(0),
        on().respond(200, &json!({})),
    ] {
        let house = House::new().await;
        house.granted("acme/app", "ci").await;
        let before = house.github().live_tokens().len();
        house.github().fault(fault.clone());
        drop(house.exchange("acme/app", "ci").await.unwrap());
        assert!(house.exchanger.close(LONGEST).await, "Input: {fault:?}");
        // The readers' token is revoked by the end of the service, the caller's own stays.
        assert_eq!(house.github().live_tokens().len(), before - 1, "Input: {fault:?}");
    }
}

/// A key service that can be down.
#[derive(Debug)]
struct KeyService {
    key: PemSigner,
    down: AtomicBool,
}

#[async_trait::async_trait]
impl Signer for KeyService {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        if self.down.load(Ordering::SeqCst) {
            return Err(SignError::TimedOut { origin: self.origin(), after: Duration::from_secs(3) });
        }
        self.key.sign(message).await
    }

    async fn public_key(&self) -> Result<PublicKey, SignError> {
        Ok(self.key.public_key().clone())
    }

    fn origin(&self) -> String {
        "a key service".into()
    }
}

/// T-126
#[tokio::test]
async fn an_outage_of_the_key_service_is_ridden_out_and_over_within_seconds() {
    let house = House::new().await;
    let key = PemSigner::from_pem(&house.apps[0].private_key_pem().into(), "the test's key").unwrap();
    let service = Arc::new(KeyService { key, down: AtomicBool::new(false) });
    let house = house.but(Otherwise { signer: Some(service.clone()), ..Otherwise::default() });
    house.granted("acme/app", "ci").await;
    service.down.store(true, Ordering::SeqCst);
    house.clock.advance(Duration::from_mins(8));
    house.granted("acme/app", "ci").await;
    house.clock.advance(Duration::from_mins(2));
    assert_eq!(house.refused("acme/app", "ci").await.reason(), "APP_KEY_REFUSED");
    // Each exchange minted one, and each had one minted that reads: there is no allowlist, and whether that is still so is
    // asked with a token that is not old.
    assert_eq!(house.mints().len(), 4, "nothing is sent that is not signed");
    service.down.store(false, Ordering::SeqCst);
    house.clock.advance(Duration::from_secs(5));
    house.granted("acme/app", "ci").await;
}
