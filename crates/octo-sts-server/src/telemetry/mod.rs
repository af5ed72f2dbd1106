//! What the service tells of itself: log, traces, panics, metrics.

mod line;
mod log;
pub(crate) mod metrics;
mod otlp;
mod panics;
pub(crate) mod readings;
pub(crate) mod span;

pub use log::{Form, LogError, install, install_with, subscriber};
pub use otlp::{ExportError, Exporting};
