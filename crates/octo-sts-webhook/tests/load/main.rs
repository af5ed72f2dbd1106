//! Deliveries at 200 a second. `WEBHOOK_LOAD_SECONDS=60` makes it the minute of the requirement.
//!
//! A program of its own, so that no other test takes part in what is measured. The sandbox's GitHub does.
#![cfg(test)]

#[path = "../webhook/support.rs"]
#[expect(dead_code, reason = "shared with the other tests")]
mod support;

use std::{sync::Arc, time::Duration};

use octo_sts_types::{Clock as _, SystemClock};

use support::{CI, World};

const A_SECOND: u64 = 200;
/// Nothing to remark, so that the sandbox, which keeps every check run, keeps little.
const PLAIN: &str = "issuer: https://i.example\nsubject: s\npermissions: {contents: read}\n";
/// In KiB.
const MOST_MEMORY: u64 = 128 * 1024;

/// The most memory this process had at a time, in KiB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// T-153
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_deliveries_a_second_are_answered_in_time_and_none_is_lost() {
    let seconds: u64 = std::env::var("WEBHOOK_LOAD_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(3);
    let world = Arc::new(World::with(|settings| settings.patience = Duration::from_millis(120)).await);
    let before = world.github().head("acme/app", "main");
    let after = world.github().put_file("acme/app", CI, PLAIN);
    let push = Arc::new(world.push("acme/app", &before, &after, CI));
    let mut ticks = tokio::time::interval(Duration::from_micros(1_000_000 / A_SECOND));
    let mut answers = Vec::new();
    for _ in 0..seconds * A_SECOND {
        ticks.tick().await;
        let (world, push) = (Arc::clone(&world), Arc::clone(&push));
        answers.push(tokio::spawn(async move {
            let began = SystemClock.monotonic();
            let accepted = world.deliver("push", &push).await;
            assert!(accepted.status.is_success(), "{accepted:?}");
            SystemClock.monotonic() - began
        }));
    }
    let mut took = Vec::new();
    for answer in answers {
        took.push(answer.await.unwrap());
    }
    took.sort_unstable();
    let (median, p99) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    let all = usize::try_from(seconds * A_SECOND).unwrap();
    let within = Duration::from_secs(20 + 5 * seconds);
    let done = world.sandbox.eventually(within, |sandbox| sandbox.github().check_runs().len() == all).await;
    assert!(done, "{} of {all}", world.github().check_runs().len());
    println!("{all} deliveries, answers: median {median:?}, p99 {p99:?}; memory {} MiB, the sandbox's included", memory() / 1024);
    assert!(p99 <= Duration::from_millis(200), "p99 {p99:?}");
    assert!(memory() <= MOST_MEMORY, "{} KiB", memory());
}
