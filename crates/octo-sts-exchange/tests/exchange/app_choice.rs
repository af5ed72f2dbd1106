//! Which App mints, as what is left at GitHub goes down, comes back, and is not asked for.

use std::{collections::BTreeMap, time::Duration};

use http::Method;
use octo_sts_sandbox::{Fault, OwnerKind, Selection};
use octo_sts_types::InstallationId;

use crate::support::House;

/// Three Apps whose installations on `acme` have so many calls left, all of it known to the service.
async fn house(left: [u64; 3]) -> House {
    let house = House::with_apps(3).await;
    set_left(&house, left);
    for _ in 0..12 {
        house.granted("acme/app", "ci").await;
    }
    house
}

fn set_left(house: &House, left: [u64; 3]) {
    for (installation, left) in (1_001..).zip(left) {
        house.github().set_quota(InstallationId(installation), 15_000, left);
    }
}

/// How many of twenty tokens come from each App.
async fn shares(house: &House) -> BTreeMap<u64, usize> {
    let mut shares = BTreeMap::new();
    for _ in 0..20 {
        let token = house.granted("acme/app", "ci").await;
        let entry = house.github().ledger().into_iter().find(|entry| entry.token == token).unwrap();
        *shares.entry(entry.app.0).or_default() += 1;
    }
    shares
}

#[tokio::test]
async fn apps_below_a_floor_mint_only_where_no_other_is_left() {
    for (left, expected) in [
        ([1_000, 3_000, 14_000], &[4_244][..]),
        ([14_000, 1_000, 13_000], &[4_242, 4_244]),
        ([1_000, 3_000, 1_200], &[4_243]),
        ([1_000, 3_000, 4_000], &[4_243, 4_244]),
    ] {
        let shares = shares(&house(left).await).await;
        assert_eq!(shares.keys().copied().collect::<Vec<_>>(), expected, "Input: {left:?}, shares: {shares:?}");
    }
}

#[tokio::test]
async fn a_reading_that_is_old_keeps_no_app_out() {
    let house = house([1_000, 14_000, 14_000]).await;
    assert!(!shares(&house).await.contains_key(&4_242));
    set_left(&house, [14_000; 3]);
    house.clock.advance(Duration::from_secs(301));
    assert_eq!(shares(&house).await.len(), 3);
}

/// T-121, T-122
#[tokio::test]
async fn an_app_that_must_wait_on_one_organisation_is_not_called_there_and_serves_another() {
    let house = House::with_apps(2).await;
    house.github().create_owner("other", OwnerKind::Organization);
    house.github().create_repository("other/app");
    let elsewhere = house.apps[0].install("other", &Selection::All);
    house.policy("other/app", "ci", "permissions: {contents: read}");
    house.github().fault(Fault::on(Method::POST, "/1001/access_tokens").times(1).secondary_limit(403, Some(Duration::from_secs(30))));
    while !house.mints().iter().any(|call| call.path.contains("/1001/")) {
        house.granted("acme/app", "ci").await;
    }
    house.sandbox.clear_calls();
    for _ in 0..20 {
        house.granted("acme/app", "ci").await;
        house.granted("other/app", "ci").await;
    }
    assert!(house.mints().iter().all(|call| !call.path.contains("/1001/")), "nobody asks inside the window");
    assert!(house.mints().iter().any(|call| call.path.contains(&format!("/{elsewhere}/"))), "the App is free elsewhere");
    house.clock.advance(Duration::from_secs(31));
    for _ in 0..20 {
        house.granted("acme/app", "ci").await;
    }
    assert!(house.mints().iter().any(|call| call.path.contains("/1001/")), "and here, when the window is over");
}
