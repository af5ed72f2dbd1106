//! Many callers at once, in a test that has the machine to itself.
#![expect(clippy::unwrap_used, reason = "a test ends where something is odd")]

#[expect(dead_code, reason = "what only the other tests of the exchange need")]
#[path = "../exchange/support.rs"]
mod support;

use std::{sync::Arc, time::Duration};

use octo_sts_exchange::Delivery;

use crate::support::House;

/// T-113
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_cold_requests_share_one_set_of_reads() {
    let house = Arc::new(House::new().await);
    // Long enough for the last of them to arrive before the first set of reads is through.
    house.sandbox.set_latency(Duration::from_millis(300));
    let token = house.token();
    let waiting: Vec<_> = (0..1_000)
        .map(|_| {
            let (house, token) = (Arc::clone(&house), token.clone());
            tokio::spawn(async move { house.exchange_with(&token, "acme/app", "ci").await.map(Delivery::delivered) })
        })
        .collect();
    for one in waiting {
        one.await.unwrap().unwrap();
    }
    let calls = house.github_calls();
    let count = |wanted: &str| calls.iter().filter(|call| *call == wanted).count();
    assert_eq!(count("GET repository_installation"), 1);
    assert_eq!(count("POST mint"), 1_001);
    assert_eq!(count("GET contents"), 2);
}
