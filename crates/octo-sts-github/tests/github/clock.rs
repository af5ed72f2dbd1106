//! A clock that moves when it is told to.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use octo_sts_types::{Clock, SystemClock};

/// Both of its times start at the machine's and go on as far as they are moved.
#[derive(Clone)]
pub(crate) struct TestClock {
    wall: Timestamp,
    start: Instant,
    moved: Arc<AtomicI64>,
    /// How far the wall clock is wrong, in seconds.
    wrong: Arc<AtomicI64>,
}

impl TestClock {
    pub(crate) fn new() -> Self {
        Self { wall: SystemClock.now(), start: SystemClock.monotonic(), moved: Arc::default(), wrong: Arc::default() }
    }

    pub(crate) fn forward(&self, seconds: i64) {
        self.moved.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn set_wrong(&self, seconds: i64) {
        self.wrong.store(seconds, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.wall + SignedDuration::from_secs(self.moved.load(Ordering::SeqCst) + self.wrong.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Instant {
        self.start + Duration::from_secs(self.moved.load(Ordering::SeqCst).unsigned_abs())
    }
}
