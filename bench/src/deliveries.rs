//! Deliveries of GitHub's, at an even rate, each of which asks for a check.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::{
    Args,
    load::{self, Requests},
    scenario::{Rows, percentiles, row},
    stage::Stage,
};

/// Deliveries per second.
const RATE: u32 = 200;
const CONNECTIONS: usize = 32;
/// How long the checks that are still due may take, for each second of the load.
const AFTERWARDS: u32 = 5;

/// How soon deliveries are answered, whether each has its check in the end, and the memory that takes.
pub(crate) async fn deliveries(args: &Args) -> Result<Rows> {
    let stage = Stage::set(0).await?;
    let (service, port) = tokio::task::block_in_place(|| stage.process(&args.binary, &[]))?;
    let lasting = Duration::from_secs(args.seconds);
    let all = usize::try_from(args.seconds)? * RATE as usize;
    let requests = Requests::of(port, (0..all).map(|at| stage.pushed(&format!("delivery-{at}"))).collect());
    let (idle, before) = (service.memory()?, service.cpu()?);
    let mut outcome = load::open(&requests, CONNECTIONS, RATE, lasting).await?;
    let (failed, first) = (outcome.failed, outcome.first_failure.as_deref().unwrap_or_default());
    ensure!(failed == 0, "{failed} of {all} deliveries were not taken; the first: {first}");
    let ended = Instant::now();
    let checks = loop {
        let checks = stage.sandbox.github().check_runs().len();
        if checks >= all || ended.elapsed() > lasting * AFTERWARDS {
            break checks;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    ensure!(checks == all, "{checks} checks for {all} deliveries");
    let (memory, cpu) = (service.memory()?, service.cpu()?.saturating_sub(before));
    Ok(vec![
        row(format!("{RATE} deliveries a second for {} s, answer p50 / p99 / p99.9", args.seconds), percentiles(&mut outcome)),
        row("their checks", format!("{checks} of {all}, the last {:.1} s after the last delivery", ended.elapsed().as_secs_f64())),
        row("memory, idle / most", format!("{:.1} / {:.1} MiB", idle.now, memory.peak)),
        row("CPU per delivery and check", format!("{:.2} ms", cpu.as_secs_f64() * 1_000.0 / all as f64)),
    ])
}
