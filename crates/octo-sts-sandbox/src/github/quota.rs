//! The hourly quota of an installation.

use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};

use crate::{lock::lock, reply::Reply};

/// Length of a rate-limit window.
const WINDOW: SignedDuration = SignedDuration::from_hours(1);

/// Calls of the running hour, counted down.
pub(crate) struct Quota(Mutex<Window>);

#[derive(Clone, Copy)]
struct Window {
    limit: u64,
    used: u64,
    reset: Timestamp,
}

/// What is left, as the rate-limit headers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) limit: u64,
    pub(crate) used: u64,
    /// Seconds since 1970.
    pub(crate) reset: i64,
}

impl Quota {
    pub(crate) fn new(limit: u64, now: Timestamp) -> Self {
        Self(Mutex::new(Window { limit, used: 0, reset: now + WINDOW }))
    }

    /// What is left now.
    pub(crate) fn left(&self, now: Timestamp) -> Left {
        Self::seen(&lock(&self.0), now)
    }

    /// Counts one call.
    pub(crate) fn charge(&self, now: Timestamp) -> Left {
        let mut window = lock(&self.0);
        if now >= window.reset {
            (window.used, window.reset) = (0, now + WINDOW);
        }
        window.used = window.limit.min(window.used + 1);
        Self::seen(&window, now)
    }

    pub(crate) fn set(&self, limit: u64, remaining: u64) {
        let mut window = lock(&self.0);
        window.limit = limit;
        window.used = limit.saturating_sub(remaining);
    }

    fn seen(window: &Window, now: Timestamp) -> Left {
        if now >= window.reset {
            return Left { limit: window.limit, used: 0, reset: (now + WINDOW).as_second() };
        }
        Left { limit: window.limit, used: window.used, reset: window.reset.as_second() }
    }
}

impl Left {
    pub(crate) fn remaining(self) -> u64 {
        self.limit - self.used
    }

    /// Adds the five `x-ratelimit` headers.
    pub(crate) fn onto(self, reply: Reply) -> Reply {
        reply
            .with_text("x-ratelimit-limit", &self.limit.to_string())
            .with_text("x-ratelimit-remaining", &self.remaining().to_string())
            .with_text("x-ratelimit-used", &self.used.to_string())
            .with_text("x-ratelimit-reset", &self.reset.to_string())
            .with_text("x-ratelimit-resource", "core")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_counts_down_to_nothing_and_fills_up_after_an_hour() {
        let start = Timestamp::from_second(1_800_000_000).unwrap();
        let quota = Quota::new(2, start);
        assert_eq!([quota.charge(start), quota.charge(start), quota.charge(start)].map(Left::remaining), [1, 0, 0]);
        let later = start + WINDOW;
        assert_eq!(quota.left(later).remaining(), 2);
        assert_eq!(quota.charge(later).remaining(), 1);
        assert_eq!(quota.left(later).reset, (later + WINDOW).as_second());
    }
}
