//! What the service tells of itself: log, panics, metrics.

mod log;
pub(crate) mod metrics;
mod panics;
pub(crate) mod readings;

pub use log::{Form, LogError, install, subscriber};
