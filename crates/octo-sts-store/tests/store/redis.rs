//! The Redis store against redis-server: two replicas, and a server that is away, silent, or comes back.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt as _;
use octo_sts_components::Redis;
use octo_sts_store::{Claim, Heard, ROUTE_TTL, RedisStore, StickyStore, StoreError, UsedTokens};
use octo_sts_types::{AppId, SystemClock};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::key;

const MINUTE: Duration = Duration::from_mins(1);
/// The deadline of a call, and what a loaded machine takes to notice.
const SOON: Duration = Duration::from_secs(2);

fn replica(redis: &Redis) -> Arc<RedisStore> {
    replica_at(&redis.url())
}

fn replica_at(url: &str) -> Arc<RedisStore> {
    Arc::new(RedisStore::new(&url.into(), None, ROUTE_TTL, Arc::new(SystemClock)).unwrap())
}

async fn wins(store: &RedisStore, number: u64) -> Result<bool, StoreError> {
    Ok(matches!(store.claim(&key(number), MINUTE).await?, Claim::First(_)))
}

/// T-102
#[tokio::test]
async fn replicas_agree_on_the_app_of_a_route() {
    let redis = Redis::start(&[]).await;
    let (one, two) = (replica(&redis), replica(&redis));
    assert_eq!(one.get(&key(1)).await.unwrap(), None);
    assert_eq!(one.assign(&key(1), AppId(1), None).await.unwrap(), AppId(1));
    assert_eq!(two.assign(&key(1), AppId(2), None).await.unwrap(), AppId(1));
    assert_eq!(two.get(&key(1)).await.unwrap(), Some(AppId(1)));
    assert_eq!(two.assign(&key(1), AppId(2), Some(AppId(1))).await.unwrap(), AppId(2));
    assert_eq!(one.assign(&key(1), AppId(3), Some(AppId(1))).await.unwrap(), AppId(2));
    for number in 2..300 {
        let (at_one, at_two) = (key(number), key(number));
        let (first, second) = tokio::join!(one.assign(&at_one, AppId(1), None), two.assign(&at_two, AppId(2), None));
        assert_eq!(first.unwrap(), second.unwrap());
    }
}

#[tokio::test]
async fn a_route_that_is_used_lasts_and_one_that_is_not_goes() {
    let redis = Redis::start(&[]).await;
    let ttl = Duration::from_millis(300);
    let store = RedisStore::new(&redis.url().as_str().into(), None, ttl, Arc::new(SystemClock)).unwrap();
    for number in 1..=2 {
        store.assign(&key(number), AppId(number), None).await.unwrap();
    }
    for _ in 0..4 {
        sleep(Duration::from_millis(100)).await;
        store.refresh(&key(1)).await.unwrap();
    }
    assert_eq!((store.get(&key(1)).await.unwrap(), store.get(&key(2)).await.unwrap()), (Some(AppId(1)), None));
    store.refresh(&key(2)).await.unwrap();
    assert_eq!(store.get(&key(2)).await.unwrap(), None);
}

/// T-028
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_replicas_exactly_one_wins_each_of_a_thousand_races() {
    let redis = Redis::start(&[]).await;
    let stores = [replica(&redis), replica(&redis)];
    let mut winners = vec![0; 1_000];
    for batch in 0..40 {
        let mut races = JoinSet::new();
        for race in batch * 25..(batch + 1) * 25 {
            for store in stores.iter().chain(&stores) {
                let store = store.clone();
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
    let redis = Redis::start(&[]).await;
    let (one, two) = (replica(&redis), replica(&redis));
    let Claim::First(ticket) = one.claim(&key(1), Duration::from_millis(50)).await.unwrap() else { panic!("the first claim") };
    assert!(!wins(&two, 1).await.unwrap());
    sleep(Duration::from_millis(80)).await;
    assert!(wins(&two, 1).await.unwrap(), "the claim has expired");
    one.release(ticket).await.unwrap();
    assert!(!wins(&one, 1).await.unwrap(), "a ticket of before gives nothing back");
    let Claim::First(ticket) = one.claim(&key(2), MINUTE).await.unwrap() else { panic!("another token") };
    one.release(ticket).await.unwrap();
    assert!(wins(&two, 2).await.unwrap());
}

/// T-102
#[tokio::test]
async fn a_store_that_is_away_answers_at_once_and_is_used_again_when_it_is_back() {
    let mut redis = Redis::start(&[]).await;
    let store = replica(&redis);
    store.assign(&key(1), AppId(1), None).await.unwrap();
    redis.kill();
    let start = Instant::now();
    assert!(matches!(store.get(&key(1)).await, Err(StoreError::Unavailable { .. })));
    for _ in 0..1_000 {
        assert!(matches!(store.get(&key(1)).await, Err(StoreError::Resting { .. } | StoreError::Unavailable { .. })));
    }
    assert!(matches!(store.claim(&key(2), MINUTE).await, Err(StoreError::Unavailable { .. })), "single use refuses");
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    redis.up().await;
    back(&store).await;
    assert!(wins(&store, 2).await.unwrap());
}

/// T-102
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_silent_costs_half_a_second_once() {
    let redis = Redis::start(&[]).await;
    let store = replica(&redis);
    store.assign(&key(1), AppId(1), None).await.unwrap();
    redis.stall();
    let start = Instant::now();
    assert!(matches!(store.get(&key(1)).await, Err(StoreError::TimedOut { .. })));
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    let start = Instant::now();
    assert!(matches!(store.assign(&key(1), AppId(2), None).await, Err(StoreError::Resting { .. })));
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    let mut claims = JoinSet::new();
    for number in 0..200 {
        let store = store.clone();
        claims.spawn(async move { timeout(SOON, store.claim(&key(number), MINUTE)).await.map(|claim| claim.is_err()) });
    }
    assert!(claims.join_all().await.into_iter().all(|refused| refused == Ok(true)), "single use refuses within its deadline");
    redis.resume();
    back(&store).await;
}

/// Waits until the store gives the route of key 1, at most five seconds.
async fn back(store: &RedisStore) {
    let start = Instant::now();
    while store.get(&key(1)).await.is_err() {
        assert!(start.elapsed() < Duration::from_secs(5), "the store is back for five seconds and still not used");
        sleep(Duration::from_millis(50)).await;
    }
}

/// T-028: a store that keeps what it is told (`appendfsync always`) is killed and started again under load.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_token_is_used_twice_while_the_store_comes_and_goes() {
    let mut redis = Redis::start(&["--appendonly", "yes", "--appendfsync", "always"]).await;
    let (next, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut load = JoinSet::new();
    for _ in 0..8 {
        let (stores, next, over) = ([replica(&redis), replica(&redis)], next.clone(), over.clone());
        load.spawn(async move {
            let (mut won, mut failed) = (0_u64, 0_u64);
            while !over.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let mut winners = 0;
                for store in stores.iter().chain(&stores) {
                    match wins(store, number).await {
                        Ok(first) => winners += u64::from(first),
                        Err(_) => failed += 1,
                    }
                }
                assert!(winners <= 1, "token {number} was used {winners} times");
                won += winners;
            }
            (won, failed)
        });
    }
    for _ in 0..3 {
        sleep(Duration::from_millis(100)).await;
        redis.kill();
        sleep(Duration::from_millis(50)).await;
        redis.up().await;
    }
    let before = next.load(Ordering::Relaxed);
    let start = Instant::now();
    while next.load(Ordering::Relaxed) < before + 100 {
        assert!(start.elapsed() < Duration::from_secs(5), "the load goes on within five seconds");
        sleep(Duration::from_millis(20)).await;
    }
    over.store(true, Ordering::Relaxed);
    let (won, failed) = load.join_all().await.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    assert!(won > 100 && failed > 0, "{won} won, {failed} failed");
}

#[tokio::test]
async fn a_wrong_password_is_a_refusal_that_does_not_show_it() {
    let redis = Redis::start(&["--requirepass", "hunter2"]).await;
    let url = |password: &str| format!("redis://:{password}@127.0.0.1:{}", redis.port());
    assert!(wins(&replica_at(&url("hunter2")), 1).await.unwrap());
    for url in [url("hunter3"), redis.url()] {
        let refused = wins(&replica_at(&url), 1).await.unwrap_err();
        assert!(matches!(refused, StoreError::Refused { .. }), "{refused:?}");
        assert!(!format!("{refused:?}").contains("hunter"), "{refused:?}");
    }
}

#[tokio::test]
async fn the_permissions_in_the_guide_are_enough() {
    let redis = Redis::start(&[]).await;
    let guide = include_str!("../../../../docs/scaling.md");
    let command: Vec<&str> = guide.lines().find(|line| line.starts_with("ACL SETUSER")).unwrap().split(' ').collect();
    redis.command(&command);
    let store = replica_at(&format!("redis://octo-sts:PASSWORD@127.0.0.1:{}", redis.port()));
    store.assign(&key(1), AppId(1), None).await.unwrap();
    store.refresh(&key(1)).await.unwrap();
    assert_eq!(store.get(&key(1)).await.unwrap(), Some(AppId(1)));
    let Claim::First(ticket) = store.claim(&key(1), MINUTE).await.unwrap() else { panic!("the first claim") };
    store.release(ticket).await.unwrap();
    let mut news = store.news();
    assert_eq!(heard(&mut news).await, Heard::Listening);
    assert_eq!(store.publish(&"acme/app".parse().unwrap()).await.unwrap(), 1);
}

#[tokio::test]
async fn a_store_behind_tls_is_used_only_if_its_certificate_is_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, private) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, certified.cert.pem()).unwrap();
    std::fs::write(&private, certified.signing_key.serialize_pem()).unwrap();
    let (certificate, private) = (certificate.to_str().unwrap(), private.to_str().unwrap());
    let files = ["--tls-cert-file", certificate, "--tls-key-file", private, "--tls-ca-cert-file", certificate];
    let redis = Redis::start(&[&["--port", "0", "--tls-port", "PORT", "--tls-auth-clients", "no"], &files[..]].concat()).await;
    let url = format!("rediss://localhost:{}", redis.port());
    let trusting = |pem: &str| RedisStore::new(&url.as_str().into(), Some(pem), ROUTE_TTL, Arc::new(SystemClock));
    assert!(wins(&trusting(&certified.cert.pem()).unwrap(), 1).await.unwrap());
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem();
    assert!(matches!(wins(&trusting(&other).unwrap(), 2).await, Err(StoreError::Unavailable { .. })));
    assert!(matches!(wins(&replica_at(&url), 3).await, Err(StoreError::Unavailable { .. })));
    assert_eq!(trusting("no pem").unwrap_err().to_string(), "the certificate authority for Redis is not PEM");
}

async fn heard(news: &mut (impl futures_util::Stream<Item = Heard> + Unpin)) -> Heard {
    timeout(Duration::from_secs(9), news.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn every_replica_hears_which_policy_changed_and_when_it_may_have_missed_some() {
    let mut redis = Redis::start(&[]).await;
    let (one, two) = (replica(&redis), replica(&redis));
    let (mut at_one, mut at_two) = (one.news(), two.news());
    for news in [&mut at_one, &mut at_two] {
        assert_eq!(heard(news).await, Heard::Listening);
    }
    let repository = "Acme/app".parse().unwrap();
    assert_eq!(one.publish(&repository).await.unwrap(), 2);
    for news in [&mut at_one, &mut at_two] {
        assert_eq!(heard(news).await, Heard::Changed(repository.clone()));
    }
    redis.kill();
    assert_eq!(heard(&mut at_one).await, Heard::Lost);
    redis.up().await;
    assert_eq!(heard(&mut at_one).await, Heard::Listening);
    while two.publish(&repository).await.unwrap_or_default() == 0 {
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(heard(&mut at_one).await, Heard::Changed(repository));
}

#[tokio::test]
async fn a_silent_server_is_noticed_without_any_news() {
    let redis = Redis::start(&[]).await;
    let mut news = replica(&redis).news();
    assert_eq!(heard(&mut news).await, Heard::Listening);
    redis.stall();
    assert_eq!(heard(&mut news).await, Heard::Lost);
    redis.resume();
    assert_eq!(heard(&mut news).await, Heard::Listening);
}
