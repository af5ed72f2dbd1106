//! A push that one replica hears of, and the others through Redis.

use std::time::Duration;

use octo_sts_components::Redis;
use tokio::time::Instant;

use crate::{
    caller::{deliver, exchange, until},
    house::{House, SECRET},
    replicas,
};

/// How long the news of a push takes from one replica to the next, at the most.
const SOON: Duration = Duration::from_secs(2);

/// T-096
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_that_one_replica_is_told_of_counts_at_the_other_which_asks_nobody() {
    let (house, redis) = (House::with_apps(1).await, Redis::start(&[]).await);
    let shared = [("STS_REDIS_URL", redis.url()), ("GITHUB_WEBHOOK_SECRET", SECRET.to_owned())];
    let services = replicas::two(&house, &house.pool().into_iter().chain(shared).collect::<Vec<_>>()).await;
    for service in &services {
        until("news are heard", async || service.log().contains("news of pushes are heard")).await;
    }
    let [one, two] = services.each_ref().map(super::service::Service::port);
    let github = house.sandbox.github();
    assert!(deliver(one, "push", &house.push(&"1".repeat(40)), SECRET).await.status < 300);
    until("the other replica mints without reading the policy", async || {
        house.sandbox.clear_calls();
        exchange(two, "ci", &house.token("x")).await.token();
        house.sandbox.calls().iter().map(|call| call.class).eq(["mint"])
    })
    .await;
    let before = github.head("acme/app", "main");
    house.write_policy("issues: read");
    assert!(deliver(one, "push", &house.push(&before), SECRET).await.status < 300);
    let begun = Instant::now();
    until("the other replica knows", async || {
        let answer = exchange(two, "ci", &house.token("x")).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["permissions"]["issues"] == "read"
    })
    .await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}
