use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_trait::async_trait;
use octo_sts_signer::{PemSigner, PublicKey, signature_matches};

use super::*;
use crate::test_clock::TestClock;

const KEY: &str = include_str!("../../octo-sts-signer/tests/keys/pkcs1.pem");

/// A key service: counts, takes its time, and fails when told to.
#[derive(Debug)]
struct Service {
    key: PemSigner,
    asked: AtomicU32,
    down: AtomicBool,
    takes: Duration,
}

impl Service {
    fn new(takes: Duration) -> Arc<Self> {
        let key = PemSigner::from_pem(&KEY.into(), "a key service").unwrap();
        Arc::new(Self { key, asked: AtomicU32::new(0), down: AtomicBool::new(false), takes })
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::SeqCst)
    }

    fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }
}

#[async_trait]
impl Signer for Service {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        if self.down.load(Ordering::SeqCst) {
            return Err(SignError::Failed { origin: self.origin(), source: Arc::new(NoSigner) });
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

fn app(services: &[&Arc<Service>]) -> App {
    App::new(AppId(4242), None, services.iter().map(|service| Arc::clone(service) as Arc<dyn Signer>).collect())
}

#[tokio::test]
async fn a_jwt_is_backdated_lives_nine_minutes_and_names_the_app() {
    let (service, clock) = (Service::new(Duration::ZERO), TestClock::new());
    let jwt = app(&[&service]).jwt(&clock, 100).await.unwrap();
    let text = jwt.authorization.to_str().unwrap().strip_prefix("Bearer ").unwrap();
    let (input, signature) = text.rsplit_once('.').unwrap();
    assert!(signature_matches(service.key.public_key(), input.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()));
    let (header, claims) = input.split_once('.').unwrap();
    let now = clock.now().as_second() + 100;
    assert_eq!(URL_SAFE_NO_PAD.decode(header).unwrap(), br#"{"alg":"RS256","typ":"JWT"}"#);
    let expected = format!(r#"{{"iat":{},"exp":{},"iss":"4242"}}"#, now - 60, now + 540);
    assert_eq!(String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap(), expected);
    assert!(jwt.authorization.is_sensitive() && !format!("{:?}", jwt.authorization).contains(signature));
}

/// T-126
#[tokio::test(start_paused = true)]
async fn a_hundred_callers_share_one_signature_for_eight_minutes() {
    let (service, clock) = (Service::new(Duration::from_millis(20)), TestClock::new());
    let app = app(&[&service]);
    let calls = (0..100).map(|_| {
        let (app, clock) = (app.clone(), clock.clone());
        tokio::spawn(async move { app.jwt(&clock, 0).await.unwrap().serial })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap(), 1);
    }
    clock.forward(479);
    assert_eq!(app.jwt(&clock, 0).await.unwrap().serial, 1);
    clock.forward(1);
    assert_eq!(app.jwt(&clock, 0).await.unwrap().serial, 2);
    assert_eq!(service.asked(), 2);
}

/// T-126
#[tokio::test(start_paused = true)]
async fn an_outage_of_the_key_service_is_ridden_out_while_the_jwt_lives() {
    let (service, clock) = (Service::new(Duration::ZERO), TestClock::new());
    let app = app(&[&service]);
    app.jwt(&clock, 0).await.unwrap();
    service.set_down(true);
    clock.forward(490);
    for _ in 0..10 {
        assert_eq!(app.jwt(&clock, 0).await.unwrap().serial, 1);
    }
    assert_eq!(service.asked(), 2, "the key is left alone for ten seconds");
    clock.forward(10);
    app.jwt(&clock, 0).await.unwrap();
    assert_eq!(service.asked(), 3);
    clock.forward(30);
    assert_eq!(app.jwt(&clock, 0).await.map(|jwt| jwt.serial).unwrap_err().to_string(), "a key service did not sign");
    service.set_down(false);
    assert_eq!(app.jwt(&clock, 0).await.unwrap().serial, 2);
}

/// T-126
#[tokio::test(start_paused = true)]
async fn a_key_service_gets_three_seconds() {
    let service = Service::new(Duration::from_secs(5));
    let refused = app(&[&service]).jwt(&TestClock::new(), 0).await.map(|jwt| jwt.serial).unwrap_err();
    assert_eq!(refused.to_string(), "a key service did not answer within 3 s");
}

/// T-113
#[tokio::test(start_paused = true)]
async fn a_caller_who_gives_up_while_signing_fails_nobody() {
    let (service, clock) = (Service::new(Duration::from_millis(50)), TestClock::new());
    let app = app(&[&service]);
    let leader = tokio::spawn({
        let (app, clock) = (app.clone(), clock.clone());
        async move { app.jwt(&clock, 0).await.map(|jwt| jwt.serial) }
    });
    tokio::task::yield_now().await;
    let follower = tokio::spawn(async move { app.jwt(&clock, 0).await.map(|jwt| jwt.serial) });
    tokio::task::yield_now().await;
    leader.abort();
    assert_eq!(follower.await.unwrap().unwrap(), 1);
    assert_eq!(service.asked(), 2);
}

/// T-127
#[tokio::test]
async fn the_other_key_signs_when_one_does_not() {
    let (broken, good, clock) = (Service::new(Duration::ZERO), Service::new(Duration::ZERO), TestClock::new());
    broken.set_down(true);
    let app = app(&[&broken, &good]);
    app.jwt(&clock, 0).await.unwrap();
    clock.forward(481);
    app.jwt(&clock, 0).await.unwrap();
    assert_eq!((broken.asked(), good.asked()), (1, 2));
}

/// T-127
#[tokio::test]
async fn a_refused_key_gives_way_once_however_many_calls_it_failed() {
    let (first, second, clock) = (Service::new(Duration::ZERO), Service::new(Duration::ZERO), TestClock::new());
    let app = app(&[&first, &second]);
    let refused = app.jwt(&clock, 0).await.unwrap().serial;
    for _ in 0..3 {
        app.next_signer(refused);
    }
    assert_eq!(app.jwt(&clock, 0).await.unwrap().serial, 2);
    assert_eq!((first.asked(), second.asked()), (1, 1));
}

#[tokio::test]
async fn an_app_without_a_key_says_so() {
    let refused = app(&[]).jwt(&TestClock::new(), 0).await.map(|jwt| jwt.serial).unwrap_err();
    assert_eq!(refused.to_string(), "App 4242 did not sign");
}

/// T-128
#[tokio::test]
async fn a_wall_clock_that_jumps_neither_kills_a_jwt_nor_keeps_it_alive() {
    let (service, clock) = (Service::new(Duration::ZERO), TestClock::new());
    let app = app(&[&service]);
    app.jwt(&clock, 0).await.unwrap();
    clock.set_wrong(86_400);
    assert_eq!(app.jwt(&clock, 0).await.unwrap().serial, 1);
    clock.set_wrong(-86_400);
    clock.forward(480);
    assert_eq!(app.jwt(&clock, 0).await.unwrap().serial, 2);
}
