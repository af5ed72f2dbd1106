//! Two replicas and Firestore.

use std::time::Duration;

use octo_sts_components::FirestoreEmulator;
use tokio::time::Instant;

use crate::{
    caller::{exchange, until},
    house::House,
    replicas::{self, FALLBACKS},
    service::Service,
};

/// How long a caller waits at the most while Firestore is silent.
const SOON: Duration = Duration::from_secs(3);

fn variables(house: &House, emulator: &FirestoreEmulator, replay: &str) -> Vec<(&'static str, String)> {
    let shared = [
        ("OCTOSTS_STICKY_STORE", "firestore".to_owned()),
        ("OCTOSTS_STICKY_STORE_FIRESTORE_PROJECT", "project".to_owned()),
        ("FIRESTORE_EMULATOR_HOST", emulator.address()),
        ("STS_REPLAY", replay.to_owned()),
    ];
    house.pool().into_iter().chain(shared).collect()
}

/// The first call of all pays for the emulator's own start.
async fn warm(house: &House, services: &[Service]) {
    for service in services {
        until("Firestore is asked and answers", async || {
            let before = service.metric(FALLBACKS).await;
            let answer = exchange(service.port(), "checks", &house.token("warm")).await;
            answer.status == 200 && service.metric(FALLBACKS).await <= before
        })
        .await;
    }
}

/// T-100, T-102
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_with_firestore_give_a_subject_that_writes_checks_the_same_app() {
    let (house, emulator) = (House::with_apps(3).await, FirestoreEmulator::start().await);
    let services = replicas::two(&house, &variables(&house, &emulator, "allow")).await;
    warm(&house, &services).await;
    replicas::agree_on_apps(&house, &services, 40).await;
    emulator.stall();
    let begun = Instant::now();
    exchange(services[0].port(), "checks", &house.token("x")).await.token();
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert!(services[0].metric(FALLBACKS).await >= 1.0);
}

/// T-028
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_with_firestore_exactly_one_takes_each_token() {
    let (house, emulator) = (House::with_apps(1).await, FirestoreEmulator::start().await);
    let services = replicas::two(&house, &variables(&house, &emulator, "once")).await;
    warm(&house, &services).await;
    replicas::race_for_tokens(&house, &services, 100, true).await;
    emulator.stall();
    let refused = exchange(services[1].port(), "checks", &house.token("x")).await;
    assert_eq!(refused.refusal(), (503, "TOKEN_USES_UNKNOWN".into()), "{}", refused.body);
}
