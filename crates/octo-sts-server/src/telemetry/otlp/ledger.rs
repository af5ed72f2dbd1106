//! What waits for a collector, and what it never got.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use opentelemetry_sdk::error::OTelSdkResult;

/// Counts the records of one signal between their making and their end.
#[derive(Debug)]
pub(super) struct Ledger {
    signal: &'static str,
    most: usize,
    waiting: AtomicUsize,
    failing: AtomicBool,
}

impl Ledger {
    pub(super) fn new(signal: &'static str, most: usize) -> Self {
        Self { signal, most, waiting: AtomicUsize::new(0), failing: AtomicBool::new(false) }
    }

    /// Whether there is room for one more; it waits from now on, or it is counted as dropped.
    pub(super) fn admit(&self) -> bool {
        let admitted = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| (waiting < self.most).then_some(waiting + 1)).is_ok();
        if !admitted {
            self.dropped(1);
        }
        admitted
    }

    /// Takes out what was sent, or could not be. The log tells of the first failure, and of the end of the failures.
    pub(super) fn settle(&self, records: usize, outcome: &OTelSdkResult) {
        _ = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, |waiting| Some(waiting.saturating_sub(records)));
        match outcome {
            Ok(()) => {
                if self.failing.swap(false, Ordering::AcqRel) {
                    tracing::info!(signal = self.signal, "the OpenTelemetry collector takes what it is sent again");
                }
            }
            Err(error) => {
                self.dropped(records);
                if !self.failing.swap(true, Ordering::AcqRel) {
                    tracing::warn!(signal = self.signal, %error, "the OpenTelemetry collector does not take what it is sent; what is lost is counted in octo_sts_telemetry_dropped_total");
                }
            }
        }
    }

    fn dropped(&self, records: usize) {
        metrics::counter!("octo_sts_telemetry_dropped_total", "signal" => self.signal).increment(records as u64);
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_sdk::error::OTelSdkError;

    use super::*;

    #[test]
    fn a_full_queue_admits_nothing_until_something_left_it() {
        let ledger = Ledger::new("traces", 2);
        assert_eq!([ledger.admit(), ledger.admit(), ledger.admit()], [true, true, false]);
        ledger.settle(1, &Err(OTelSdkError::InternalFailure("away".into())));
        assert!(ledger.failing.load(Ordering::Relaxed));
        assert_eq!([ledger.admit(), ledger.admit()], [true, false]);
        ledger.settle(2, &Ok(()));
        assert!(!ledger.failing.load(Ordering::Relaxed) && ledger.admit());
    }
}
