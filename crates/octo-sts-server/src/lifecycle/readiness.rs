//! Whether the service can do its work, and if not, why.

use tokio::sync::watch;

/// What keeps the service from being ready; nothing when it is.
#[derive(Debug)]
pub(crate) struct Readiness(watch::Sender<Vec<String>>);

impl Readiness {
    /// Not ready yet.
    pub(crate) fn new(reason: impl Into<String>) -> Self {
        Self(watch::Sender::new(vec![reason.into()]))
    }

    /// Says what keeps the service from being ready.
    pub(crate) fn set(&self, reasons: Vec<String>) {
        self.0.send_replace(reasons);
    }

    /// What keeps the service from being ready.
    pub(crate) fn reasons(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Hears of changes.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Vec<String>> {
        self.0.subscribe()
    }

    /// Waits until it is ready.
    pub(crate) async fn ready(&self) {
        // The sender lives as long as `self`.
        _ = self.0.subscribe().wait_for(Vec::is_empty).await;
    }
}
