//! The end of the audit at shutdown.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::{sync::watch, task::JoinHandle, time::timeout};

use crate::{audit::Audit, ingress, receiver::Receiver, record::Record, writer::count_dropped};

/// Ends the audit at shutdown.
#[derive(Debug)]
pub struct AuditTask {
    pub(crate) audit: Audit,
    pub(crate) sender: Option<JoinHandle<()>>,
    pub(crate) stop: watch::Sender<bool>,
    /// Mints that were under way when another process was killed.
    pub(crate) left: Vec<Record>,
}

impl AuditTask {
    /// The handle, for [`Audit::reopen`] when a signal says that the file was rotated.
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Puts on record which mints were under way when the process before was killed.
    pub async fn take_up(&mut self) {
        self.audit.take_up(std::mem::take(&mut self.left)).await;
    }

    /// Writes and sends what is queued. What the receiver has not taken in time stays in the spill folder, or is counted
    /// as dropped.
    pub async fn finish(mut self, within: Duration) {
        let ended = timeout(within, self.flush()).await.is_ok();
        if let Some(sender) = &self.sender {
            sender.abort();
        }
        let left = self.audit.receiver.as_ref().map_or(0, |receiver| receiver.waiting().load(Ordering::Relaxed));
        if !ended && left > 0 {
            count_dropped(ingress::SINK, left);
            tracing::error!(events = left, "audit events were lost at shutdown: their receiver did not take them in time");
        }
    }

    async fn flush(&mut self) {
        let on_disk = match &self.audit.receiver {
            Some(Receiver::Disk(writer)) => Some(writer),
            _ => None,
        };
        for writer in [&self.audit.file, &self.audit.stdout, &self.audit.mints].into_iter().flatten().chain(on_disk) {
            writer.close().await;
        }
        let _ = self.stop.send(true);
        if let Some(sender) = &mut self.sender {
            let _ = sender.await;
        }
    }
}
