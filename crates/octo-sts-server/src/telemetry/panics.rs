//! Panics, which end the request they happen in and nothing else.

use std::panic;

use octo_sts_types::Printable;

/// Writes each panic into the log instead of onto stderr, with its place.
pub(super) fn install() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message = %Printable(message), "panic");
    }));
}
