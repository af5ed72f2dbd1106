//! Every call of an exchange under every fault: what the caller hears, how often the call is sent, how long it takes, and that
//! nothing of it stays behind.
//!
//! One App, so that nobody else can help; several are in `outages.rs`.

#![expect(clippy::unwrap_used, reason = "a test ends where something is odd")]

mod kinds;
mod outages;
#[expect(dead_code, reason = "what only the other tests of the exchange need")]
#[path = "../exchange/support.rs"]
mod support;
mod table;

use std::{sync::Arc, time::Duration};

use kinds::{CALLS, Call};
use octo_sts_exchange::{Delivery, ExchangeError};
use octo_sts_types::Clock as _;
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

use crate::support::House;

/// The longest an exchange takes, and what a machine with other things to do adds.
const LONGEST: Duration = Duration::from_secs(15);
/// In this time after a fault everything works again, unless GitHub asked for more.
const RECOVERY: Duration = Duration::from_secs(5);
/// For so long what an issuer published wrongly counts.
const WRONG_FOR: Duration = Duration::from_secs(30);
/// How many cells are played at a time.
const AT_A_TIME: usize = 24;

/// T-120, T-121, T-122, T-123, T-125
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_call_of_an_exchange_survives_every_fault() {
    let (turns, mut cells) = (Arc::new(Semaphore::new(AT_A_TIME)), JoinSet::new());
    for (name, row) in table::TABLE {
        for (call, expected) in CALLS.into_iter().zip(row) {
            let turns = Arc::clone(&turns);
            cells.spawn(async move {
                let _turn = turns.acquire().await.unwrap();
                (name, call, expected, play(name, call).await)
            });
        }
    }
    let mut wrong = Vec::new();
    while let Some(cell) = cells.join_next().await {
        let (name, call, expected, seen) = cell.unwrap();
        if !fits(expected, &seen) {
            wrong.push(format!("{name}, {call:?}: expected `{expected}`, seen `{seen}`"));
        }
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{} cells:\n{}", wrong.len(), wrong.join("\n"));
}

/// Whether a cell came to what the table says.
fn fits(expected: &str, seen: &str) -> bool {
    let Some((word, most)) = expected.split_once(" ≤") else { return expected == seen };
    seen.split_once(' ').is_some_and(|(seen, sent)| seen == word && ("1"..=most).contains(&sent))
}

/// One cell: the word for what the caller heard, and how often the call was sent.
async fn play(name: &'static str, call: Call) -> String {
    let house = House::new().await;
    let reset = house.clock.now().as_second() + 30;
    house.sandbox.fault(kinds::fault(call, name, reset));
    let began = Instant::now();
    let outcome = house.exchange("acme/app", "ci").await;
    assert!(began.elapsed() < LONGEST, "{name}, {call:?}: {:?}", began.elapsed());
    let sent = call.sent(&house.sandbox.calls());
    let error = outcome.map(Delivery::delivered).err().map(|refusal| refusal.error);
    let delivered = usize::from(error.is_none());
    house.sandbox.clear_faults();

    house.clock.advance(wait_of(error.as_deref()));
    let again = house.exchange("acme/app", "ci").await;
    assert!(again.is_ok(), "{name}, {call:?}: after the fault {:?}", again.unwrap_err().error);
    again.unwrap().delivered();

    assert!(house.exchanger.close(LONGEST).await, "{name}, {call:?}: something does not end");
    let orphans = if call.is_a_mint() && kinds::is_done_all_the_same(name) { sent } else { 0 };
    assert_eq!(house.github().live_tokens().len(), delivered + 1 + orphans, "{name}, {call:?}: tokens live");
    format!("{} {sent}", word(error.as_deref()))
}

/// How long a caller waits before the next attempt: as he is told, else [`RECOVERY`].
fn wait_of(error: Option<&ExchangeError>) -> Duration {
    match error {
        Some(ExchangeError::GitHub { source, .. }) => source.retry_after().unwrap_or(RECOVERY),
        // What an issuer publishes is wrong, and somebody has to mend it.
        Some(ExchangeError::Token(error)) if !error.is_transient() => WRONG_FOR,
        _ => RECOVERY,
    }
}

/// The word of the table for a refusal.
fn word(error: Option<&ExchangeError>) -> &'static str {
    match error.map_or("GRANTED", ExchangeError::reason) {
        "GRANTED" => "granted",
        "ISSUER_UNREACHABLE" => "issuer",
        "TOKEN_NOT_VERIFIED" => "keys",
        "GITHUB_UNAVAILABLE" => "away",
        "GITHUB_RATE_LIMITED" => "limit",
        "GITHUB_FORBIDDEN" => "forbidden",
        "GITHUB_FAILED" => "odd",
        "APP_KEY_REFUSED" => "key",
        "APP_NOT_INSTALLED" => "nowhere",
        "INSTALLATION_SUSPENDED" => "suspended",
        "REPOSITORY_RENAMED" => "renamed",
        "POLICY_NOT_FOUND" => "absent",
        "PERMISSION_NOT_GRANTED" => "refused",
        "TIMED_OUT" => "late",
        other => other,
    }
}
