//! A clock that is set by hand.

use std::{
    fmt,
    sync::Mutex,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use octo_sts_types::{Clock, SystemClock};

use crate::lock::lock;

/// A clock that stands still until it is moved. It begins at the machine's time.
pub struct FakeClock(Mutex<(Timestamp, Instant)>);

impl FakeClock {
    /// A clock at the machine's time.
    pub fn new() -> Self {
        Self(Mutex::new((SystemClock.now(), SystemClock.monotonic())))
    }

    /// Lets time pass.
    pub fn advance(&self, time: Duration) {
        let mut state = lock(&self.0);
        state.0 += time;
        state.1 += time;
    }

    /// Sets the wall clock alone, as when an administrator does; no time passes by that.
    pub fn set(&self, now: Timestamp) {
        lock(&self.0).0 = now;
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        lock(&self.0).0
    }

    fn monotonic(&self) -> Instant {
        lock(&self.0).1
    }
}

impl fmt::Debug for FakeClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FakeClock").field(&self.now()).finish()
    }
}
