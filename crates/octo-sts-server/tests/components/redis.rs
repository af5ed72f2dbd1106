//! Two replicas and a Redis that works, is silent, and goes away.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use octo_sts_components::Redis;
use tokio::time::{Instant, sleep};

use crate::{
    caller::{exchange, until},
    house::{House, borrowed},
    replicas::{self, FALLBACKS},
    service::Service,
};

/// How long a caller waits at the most while Redis is silent: its own deadline, and what a loaded machine adds.
const SOON: Duration = Duration::from_secs(3);
/// How long after Redis is back everything works.
const RECOVERY: Duration = Duration::from_secs(5);

fn variables(house: &House, redis: &Redis, replay: &str) -> Vec<(&'static str, String)> {
    let shared = [("OCTOSTS_STICKY_STORE", "redis".to_owned()), ("STS_REDIS_URL", redis.url()), ("STS_REPLAY", replay.to_owned())];
    house.pool().into_iter().chain(shared).collect()
}

/// T-100, T-102
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_with_redis_give_a_subject_that_writes_checks_the_same_app() {
    let (house, redis) = (House::with_apps(4).await, Redis::start(&[]).await);
    let services = replicas::two(&house, &variables(&house, &redis, "allow")).await;
    replicas::agree_on_apps(&house, &services, 60).await;
}

/// T-028
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_replicas_with_redis_exactly_one_takes_each_of_a_thousand_tokens() {
    let (house, redis) = (House::with_apps(2).await, Redis::start(&[]).await);
    let services = replicas::two(&house, &variables(&house, &redis, "once")).await;
    replicas::race_for_tokens(&house, &services, 1_000, false).await;
}

/// T-102
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_redis_costs_sticky_callers_half_a_second_and_refuses_single_use() {
    let (house, redis) = (House::with_apps(3).await, Redis::start(&[]).await);
    let sticky = Service::start(&house, &borrowed(&variables(&house, &redis, "allow"))).await;
    let once = Service::start(&house, &borrowed(&variables(&house, &redis, "once"))).await;
    let app = house.app_of(&exchange(sticky.port(), "checks", &house.token("x")).await.token());
    exchange(once.port(), "checks", &house.token("x")).await.token();
    redis.stall();
    let begun = Instant::now();
    let answer = exchange(sticky.port(), "checks", &house.token("x")).await;
    assert_eq!(house.app_of(&answer.token()), app, "the computed order is everybody's");
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert!(sticky.metric(FALLBACKS).await >= 1.0);
    let (begun, before) = (Instant::now(), replicas::callers_tokens(&house));
    let refused = exchange(once.port(), "checks", &house.token("x")).await;
    assert_eq!(refused.refusal(), (503, "TOKEN_USES_UNKNOWN".into()), "{}", refused.body);
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    assert_eq!(replicas::callers_tokens(&house), before);
    assert!(sticky.is_ready().await && once.is_ready().await);
    redis.resume();
    let begun = Instant::now();
    until("tokens are taken again", async || exchange(once.port(), "checks", &house.token("x")).await.status == 200).await;
    assert!(begun.elapsed() < RECOVERY, "{:?}", begun.elapsed());
}

/// Asks until it is told to stop; the answers that were none.
async fn load(house: Arc<House>, port: u16, stop: Arc<AtomicBool>) -> Vec<String> {
    let mut refused = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let answer = exchange(port, "checks", &house.token("x")).await;
        if answer.status != 200 {
            refused.push(answer.body);
        }
    }
    refused
}

/// T-102
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_dies_under_load_fails_no_sticky_caller_and_is_used_again_within_five_seconds() {
    let (house, mut redis) = (House::with_apps(3).await, Redis::start(&[]).await);
    let sticky = replicas::two(&house, &variables(&house, &redis, "allow")).await;
    let once = Service::start(&house, &borrowed(&variables(&house, &redis, "once"))).await;
    let stop = Arc::new(AtomicBool::new(false));
    let callers: Vec<_> = sticky.iter().map(|service| tokio::spawn(load(Arc::clone(&house), service.port(), Arc::clone(&stop)))).collect();
    sleep(Duration::from_millis(500)).await;
    redis.kill();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(exchange(once.port(), "checks", &house.token("x")).await.refusal(), (503, "TOKEN_USES_UNKNOWN".into()));
    redis.up().await;
    let begun = Instant::now();
    until("tokens are taken again", async || exchange(once.port(), "checks", &house.token("x")).await.status == 200).await;
    let fallbacks = async || sticky[0].metric(FALLBACKS).await + sticky[1].metric(FALLBACKS).await;
    let counted = fallbacks().await;
    assert!(counted >= 2.0, "{counted}");
    until("routes are asked for again", async || {
        let before = fallbacks().await;
        sleep(Duration::from_millis(500)).await;
        fallbacks().await <= before
    })
    .await;
    assert!(begun.elapsed() < RECOVERY, "{:?}", begun.elapsed());
    stop.store(true, Ordering::SeqCst);
    for caller in callers {
        assert_eq!(caller.await.unwrap(), Vec::<String>::new());
    }
}
