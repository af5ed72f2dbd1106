//! Time, passed in.

use std::time::Instant;

use jiff::Timestamp;

/// Where the time comes from. Wall-clock time judges tokens; monotonic time ages caches, so that a clock that jumps
/// neither revives an entry nor kills it.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time.
    fn now(&self) -> Timestamp;
    /// Time that never goes backwards.
    fn monotonic(&self) -> Instant;
}

/// The machine's own clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[expect(clippy::disallowed_methods, reason = "this is the one place where the machine's clocks are read")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Instant {
        Instant::now()
    }
}
