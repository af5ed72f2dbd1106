//! Time that processes share and that tests push ahead.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use octo_sts_types::{Clock, SystemClock};

/// The machine's time, and as many seconds more as a file says.
#[derive(Debug)]
pub(crate) struct MovedByFile(pub(crate) PathBuf);

impl MovedByFile {
    fn ahead(&self) -> Duration {
        Duration::from_secs(fs::read_to_string(&self.0).ok().and_then(|text| text.parse().ok()).unwrap_or_default())
    }

    /// Moves time to so far ahead of the machine's.
    pub(crate) fn set_ahead(&self, by: Duration) {
        fs::write(&self.0, by.as_secs().to_string()).unwrap();
    }
}

impl Clock for MovedByFile {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.ahead()
    }

    fn monotonic(&self) -> Instant {
        SystemClock.monotonic() + self.ahead()
    }
}
