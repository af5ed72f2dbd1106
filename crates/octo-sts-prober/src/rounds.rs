//! One round after the other, at a steady pace.

use std::{future::Future, pin::pin, time::Duration};

use tokio::time::{MissedTickBehavior, interval};
use tracing::{info, warn};

use crate::{
    metrics,
    prober::Prober,
    report::{Outcome, Report},
};

/// Probes every so often, until `stop`; a round that has begun is finished, so that no token outlives it. A round that takes
/// longer than the pause delays the next one.
pub async fn every(pause: Duration, prober: &Prober, stop: impl Future<Output = ()>) {
    let mut stop = pin!(stop);
    let mut ticks = interval(pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => return,
            _ = ticks.tick() => {}
        }
        let report = prober.round().await;
        metrics::note(&report, &*prober.clock);
        log(&report);
    }
}

/// A line per probe that is worth one: what failed, and what was not run.
pub(crate) fn log(report: &Report) {
    for result in &report.results {
        let (probe, ms) = (result.probe.as_str(), result.took.as_secs_f64() * 1_000.0);
        match &result.outcome {
            Outcome::Passed(note) => info!(target: "octo_sts::probe", probe, outcome = "passed", ms, note, "probe"),
            Outcome::Failed(error) => {
                warn!(target: "octo_sts::probe", probe, outcome = "failed", ms, step = error.step(), reason = error.chain(), "probe");
            }
            Outcome::NotRun(why) => info!(target: "octo_sts::probe", probe, outcome = "not_run", why, "probe"),
        }
    }
}
