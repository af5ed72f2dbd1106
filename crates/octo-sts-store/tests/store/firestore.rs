//! The Firestore store against the emulator from npm.
//!
//! The emulator does not look at a condition on a document's version, so the taking over of expired entries is tried here by
//! one writer at a time.

use std::{sync::Arc, time::Duration};

use octo_sts_components::FirestoreEmulator;
use octo_sts_store::{Claim, Firestore, FirestoreSettings, StickyStore, StoreError, UsedTokens};
use octo_sts_types::{AppId, SystemClock};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::key;

const MINUTE: Duration = Duration::from_mins(1);
/// The deadline of a call, and what a loaded machine takes to notice.
const SOON: Duration = Duration::from_secs(2);

fn replica(emulator: &FirestoreEmulator) -> Arc<Firestore> {
    replica_with(emulator, Duration::from_hours(1))
}

fn replica_with(emulator: &FirestoreEmulator, route_ttl: Duration) -> Arc<Firestore> {
    let settings = FirestoreSettings { emulator: Some(emulator.address()), route_ttl, ..FirestoreSettings::of("project") };
    Arc::new(Firestore::new(settings, Arc::new(SystemClock)).unwrap())
}

async fn wins(store: &Firestore, number: u64) -> Result<bool, StoreError> {
    Ok(matches!(store.claim(&key(number), MINUTE).await?, Claim::First(_)))
}

/// The first call of all pays for the emulator's own start.
async fn warm(store: &Firestore) {
    while store.get(&key(0)).await.is_err() {
        sleep(Duration::from_millis(50)).await;
    }
}

/// T-102
#[tokio::test]
async fn replicas_agree_on_the_app_of_a_route() {
    let emulator = FirestoreEmulator::start().await;
    let (one, two) = (replica(&emulator), replica(&emulator));
    warm(&one).await;
    assert_eq!(one.get(&key(1)).await.unwrap(), None);
    assert_eq!(one.assign(&key(1), AppId(1), None).await.unwrap(), AppId(1));
    assert_eq!(two.assign(&key(1), AppId(2), None).await.unwrap(), AppId(1));
    assert_eq!(two.get(&key(1)).await.unwrap(), Some(AppId(1)));
    assert_eq!(two.assign(&key(1), AppId(2), Some(AppId(1))).await.unwrap(), AppId(2));
    assert_eq!(one.assign(&key(1), AppId(3), Some(AppId(1))).await.unwrap(), AppId(2));
    one.refresh(&key(1)).await.unwrap();
    for number in 2..60 {
        let (at_one, at_two) = (key(number), key(number));
        let (first, second) = tokio::join!(one.assign(&at_one, AppId(1), None), two.assign(&at_two, AppId(2), None));
        assert_eq!(first.unwrap(), second.unwrap());
    }
}

#[tokio::test]
async fn what_has_expired_counts_as_absent_though_it_is_still_there() {
    let emulator = FirestoreEmulator::start().await;
    let store = replica_with(&emulator, Duration::from_secs(1));
    warm(&store).await;
    store.assign(&key(1), AppId(1), None).await.unwrap();
    assert!(matches!(store.claim(&key(1), Duration::from_secs(1)).await.unwrap(), Claim::First(_)));
    assert!(!wins(&store, 1).await.unwrap());
    sleep(Duration::from_millis(1_100)).await;
    store.refresh(&key(1)).await.unwrap();
    assert_eq!(store.get(&key(1)).await.unwrap(), None);
    assert_eq!(store.assign(&key(1), AppId(2), None).await.unwrap(), AppId(2));
    assert!(wins(&store, 1).await.unwrap());
    assert!(!wins(&store, 1).await.unwrap());
}

/// T-028
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_replicas_exactly_one_wins_each_of_a_thousand_races() {
    let emulator = FirestoreEmulator::start().await;
    let stores = [replica(&emulator), replica(&emulator)];
    warm(&stores[0]).await;
    let mut winners = vec![0; 1_000];
    for batch in 0..200 {
        let mut races = JoinSet::new();
        for race in batch * 5..(batch + 1) * 5 {
            for store in stores.clone() {
                races.spawn(async move { (race, wins(&store, race).await.unwrap()) });
            }
        }
        for (race, won) in races.join_all().await {
            winners[usize::try_from(race).unwrap()] += u32::from(won);
        }
    }
    assert!(winners.iter().all(|winners| *winners == 1), "{winners:?}");
}

/// T-028
#[tokio::test]
async fn only_the_winner_can_give_a_claim_back() {
    let emulator = FirestoreEmulator::start().await;
    let (one, two) = (replica(&emulator), replica(&emulator));
    warm(&one).await;
    let Claim::First(ticket) = one.claim(&key(1), MINUTE).await.unwrap() else { panic!("the first claim") };
    assert!(!wins(&two, 1).await.unwrap());
    one.release(ticket).await.unwrap();
    assert!(wins(&two, 1).await.unwrap());
}

/// T-102
#[tokio::test]
async fn a_store_that_is_away_or_silent_answers_within_its_deadline() {
    let mut emulator = FirestoreEmulator::start().await;
    let store = replica(&emulator);
    warm(&store).await;
    emulator.stall();
    let start = Instant::now();
    assert!(matches!(store.get(&key(1)).await, Err(StoreError::TimedOut { .. })));
    assert!(matches!(store.assign(&key(1), AppId(1), None).await, Err(StoreError::Resting { .. })));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    emulator.resume();
    emulator.kill();
    let start = Instant::now();
    assert!(wins(&store, 1).await.is_err(), "single use refuses");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
}
