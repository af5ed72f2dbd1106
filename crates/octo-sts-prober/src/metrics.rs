//! What rounds leave behind for Prometheus.
//!
//! The labels are closed sets: six probes, three outcomes, nine steps.

use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, PrometheusBuilder, PrometheusHandle};
use octo_sts_types::Clock;

use crate::report::{Outcome, Report};

/// The upper bounds of the buckets of a probe's duration, in seconds.
const BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0];

/// Begins to record in this process.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = PrometheusBuilder::new().set_buckets(&BUCKETS)?.install_recorder()?;
    describe_counter!("octo_sts_probes_total", "Probes, by outcome: passed, failed, not_run");
    describe_counter!("octo_sts_probe_failures_total", "Probes that failed, by the step at which they did");
    describe_histogram!("octo_sts_probe_seconds", "How long a probe took, passed or failed");
    describe_gauge!("octo_sts_probe_success", "Whether the last run of a probe passed");
    describe_gauge!("octo_sts_probe_last_round_timestamp_seconds", "When the last round ended");
    Ok(handle)
}

/// Records a round.
pub fn note(report: &Report, clock: &dyn Clock) {
    for result in &report.results {
        let probe = result.probe.as_str();
        counter!("octo_sts_probes_total", "probe" => probe, "outcome" => result.outcome.as_str()).increment(1);
        if let Outcome::Failed(error) = &result.outcome {
            counter!("octo_sts_probe_failures_total", "probe" => probe, "step" => error.step()).increment(1);
        }
        if !matches!(result.outcome, Outcome::NotRun(_)) {
            histogram!("octo_sts_probe_seconds", "probe" => probe).record(result.took.as_secs_f64());
            gauge!("octo_sts_probe_success", "probe" => probe).set(f64::from(u8::from(matches!(result.outcome, Outcome::Passed(_)))));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in a float for 285 million years")]
    gauge!("octo_sts_probe_last_round_timestamp_seconds").set(clock.now().as_second() as f64);
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use octo_sts_types::SystemClock;

    use super::*;
    use crate::{error::ProbeError, probe::Probe, report::Result};

    #[test]
    fn a_round_shows_in_every_metric() {
        let recorder = PrometheusBuilder::new().set_buckets(&BUCKETS).unwrap().build_recorder();
        let took = Duration::from_millis(300);
        let report = Report {
            results: vec![
                Result { probe: Probe::Exchange, outcome: Outcome::Passed(None), took },
                Result { probe: Probe::Unsigned, outcome: Outcome::Failed(Arc::new(ProbeError::NotAJwt)), took },
                Result { probe: Probe::Mismatch, outcome: Outcome::NotRun(""), took },
            ],
        };
        metrics::with_local_recorder(&recorder, || note(&report, &SystemClock));
        let page = recorder.handle().render();
        for line in [
            r#"octo_sts_probes_total{probe="exchange",outcome="passed"} 1"#,
            r#"octo_sts_probes_total{probe="mismatch",outcome="not_run"} 1"#,
            r#"octo_sts_probe_failures_total{probe="unsigned",step="token"} 1"#,
            r#"octo_sts_probe_success{probe="exchange"} 1"#,
            r#"octo_sts_probe_success{probe="unsigned"} 0"#,
            r#"octo_sts_probe_seconds_bucket{probe="exchange",le="0.5"} 1"#,
            "octo_sts_probe_last_round_timestamp_seconds 1",
        ] {
            assert!(page.contains(line), "{line} is not in\n{page}");
        }
        assert!(!page.contains(r#"octo_sts_probe_success{probe="mismatch"}"#));
    }
}
