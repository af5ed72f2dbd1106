//! What a verifier has done, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start, read by whoever publishes metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifierStats {
    /// Tokens whose issuer's keys were there, fresh.
    pub hits: u64,
    /// Tokens that were verified with keys past their time, because the issuer did not answer.
    pub stale: u64,
    /// Tokens that waited for a fetch.
    pub waits: u64,
    /// Tokens refused at once, because the issuer had just failed.
    pub refused_known_failure: u64,
    /// Fetches begun, of any kind.
    pub fetches: u64,
    /// Fetches that failed.
    pub failures: u64,
    /// Fetches begun because a token did not fit the keys there were.
    pub refreshes_for_unknown_keys: u64,
}

/// The counters behind [`VerifierStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: Counter,
    pub(crate) stale: Counter,
    pub(crate) waits: Counter,
    pub(crate) refused_known_failure: Counter,
    pub(crate) fetches: Counter,
    pub(crate) failures: Counter,
    pub(crate) refreshes_for_unknown_keys: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(crate) fn read(&self) -> VerifierStats {
        VerifierStats {
            hits: self.hits.get(),
            stale: self.stale.get(),
            waits: self.waits.get(),
            refused_known_failure: self.refused_known_failure.get(),
            fetches: self.fetches.get(),
            failures: self.failures.get(),
            refreshes_for_unknown_keys: self.refreshes_for_unknown_keys.get(),
        }
    }
}
