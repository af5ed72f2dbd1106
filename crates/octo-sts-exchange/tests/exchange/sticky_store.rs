//! Sticky routes that are kept in a store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use octo_sts_sandbox::Fault;
use octo_sts_store::{Key, MemoryRoutes, StickyStore, StoreError};
use octo_sts_types::{AppId, SystemClock};

use crate::support::{House, Otherwise};

/// A store that is down, and counts who asks.
#[derive(Debug, Default)]
struct Down(AtomicUsize);

#[async_trait::async_trait]
impl StickyStore for Down {
    async fn get(&self, _: &Key) -> Result<Option<AppId>, StoreError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Err(StoreError::TimedOut { store: "the double", after: Duration::from_millis(500) })
    }

    async fn assign(&self, _: &Key, _: AppId, _: Option<AppId>) -> Result<AppId, StoreError> {
        panic!("a store that does not answer is told nothing")
    }

    async fn refresh(&self, _: &Key) -> Result<(), StoreError> {
        panic!("a store that does not answer is told nothing")
    }
}

fn memory() -> Arc<MemoryRoutes> {
    Arc::new(MemoryRoutes::new(100, Duration::from_hours(1), Arc::new(SystemClock)))
}

fn with(sticky: Arc<dyn StickyStore>) -> Otherwise {
    Otherwise { sticky: Some(sticky), ..Otherwise::default() }
}

async fn house(sticky: Arc<dyn StickyStore>) -> House {
    let house = House::with_apps(3).await;
    house.policy("acme/app", "checks", "permissions: {checks: write}");
    house.but(with(sticky))
}

/// The App that a token of the identity `checks` comes from.
async fn app(house: &House) -> AppId {
    let token = house.granted("acme/app", "checks").await;
    AppId(house.github().ledger().into_iter().find(|entry| entry.token == token).unwrap().app.0)
}

/// T-100
#[tokio::test]
async fn a_route_begins_with_the_app_that_minted_and_every_replica_keeps_to_it() {
    let routes = memory();
    let house = house(routes.clone()).await;
    let computed = app(&self::house(memory()).await).await;
    let mint = format!("/{}/access_tokens", 1_001 + computed.0 - 4_242);
    house.github().fault(Fault::on(http::Method::POST, &mint).times(1).primary_limit(403, 1));
    let given = app(&house).await;
    assert_ne!(given, computed);
    house.clock.advance(Duration::from_mins(2));
    let replica = house.replica(with(routes));
    let house = House { exchanger: replica, ..house };
    for _ in 0..4 {
        assert_eq!(app(&house).await, given);
    }
}

/// T-102
#[tokio::test]
async fn a_store_that_is_down_fails_no_exchange() {
    let down = Arc::new(Down::default());
    let house = house(down.clone()).await;
    let first = app(&house).await;
    for _ in 0..3 {
        assert_eq!(app(&house).await, first);
    }
    assert_eq!(down.0.load(Ordering::SeqCst), 4);
}

/// A caller who is refused leaves no trace, and what writes no checks asks no store.
#[tokio::test]
async fn only_a_match_that_writes_checks_reaches_the_store() {
    let down = Arc::new(Down::default());
    let house = house(down.clone()).await;
    house.granted("acme/app", "ci").await;
    house.exchange_with(&house.token_for("repo:acme/app:pull_request"), "acme/app", "checks").await.unwrap_err();
    assert_eq!(down.0.load(Ordering::SeqCst), 0);
}
