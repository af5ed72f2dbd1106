//! How far the service's shutdown has come.

/// The phases of a service, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Everything is served.
    Serving,
    /// New exchanges are refused, accepted ones finish, and the port stays open.
    Draining,
    /// The port is closed, and connections end once they have their answers.
    Closing,
    /// Connections end now.
    Ended,
}
