//! What one exchange carries through all its calls.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

/// The deadline of one request, and how many calls were made for it. Clones share the count.
#[derive(Clone, Debug)]
pub struct Trace {
    deadline: Instant,
    calls: Arc<AtomicU32>,
}

impl Trace {
    /// A request that must be done at `deadline`, by the monotonic clock.
    pub fn until(deadline: Instant) -> Self {
        Self { deadline, calls: Arc::default() }
    }

    /// How many calls were sent to GitHub so far, repetitions included.
    pub fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }

    /// When the request must be done.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// How much time is left; zero after the deadline.
    pub fn remaining(&self, now: Instant) -> Duration {
        self.deadline.saturating_duration_since(now)
    }

    /// The same count under another deadline.
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self { deadline, calls: Arc::clone(&self.calls) }
    }

    pub(crate) fn count(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }
}
