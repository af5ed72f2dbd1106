//! The way to the receiver of CloudEvents: a queue in memory, or the spill folder.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::mpsc;

use crate::{
    ingress, journal,
    record::Record,
    settings::AuditError,
    source::Source,
    writer::{Writer, count_dropped},
};

/// The way to the receiver of CloudEvents.
#[derive(Clone, Debug)]
pub(crate) enum Receiver {
    Memory { queue: mpsc::Sender<Arc<Record>>, waiting: Arc<AtomicU64> },
    Disk(Writer),
}

/// Where events for the receiver wait, and the other end of it.
pub(crate) fn open(spill: Option<PathBuf>) -> Result<(Receiver, Source), AuditError> {
    let Some(path) = spill else {
        let (queue, received) = mpsc::channel(ingress::QUEUE);
        return Ok((Receiver::Memory { queue, waiting: Arc::default() }, Source::Memory(received)));
    };
    let (writer, reader) = journal::open(&path).map_err(|source| AuditError::Folder { path, source })?;
    Ok((Receiver::Disk(Writer::start("spill", writer).map_err(AuditError::Thread)?), Source::Disk(reader)))
}

impl Receiver {
    /// Queues an event; the answer resolves once it is on disk, where it goes there.
    pub(crate) fn push(&self, record: &Arc<Record>) -> Option<tokio::sync::oneshot::Receiver<()>> {
        match self {
            Self::Disk(writer) => Some(writer.push_and_tell(Arc::clone(record))),
            Self::Memory { queue, waiting } => {
                waiting.fetch_add(1, Ordering::Relaxed);
                if queue.try_send(Arc::clone(record)).is_err() {
                    waiting.fetch_sub(1, Ordering::Relaxed);
                    count_dropped(ingress::SINK, 1);
                }
                None
            }
        }
    }

    pub(crate) fn waiting(&self) -> Arc<AtomicU64> {
        match self {
            Self::Memory { waiting, .. } => Arc::clone(waiting),
            Self::Disk(_) => Arc::default(),
        }
    }
}
