//! Where events for the receiver wait, as seen by who sends them.

use std::{io, sync::Arc};

use tokio::sync::{mpsc, watch};

use crate::{
    journal::{JournalReader, Position},
    record::Record,
};

/// Most events that are taken at once.
const BATCH: usize = 128;

/// Where events wait.
pub(crate) enum Source {
    Memory(mpsc::Receiver<Arc<Record>>),
    Disk(JournalReader),
}

impl Source {
    /// The next events; waits for them, and returns `None` once the service stops and there are none.
    pub(crate) async fn take(&mut self, stopping: &mut watch::Receiver<bool>) -> io::Result<Option<(Vec<Record>, Position)>> {
        loop {
            let (records, position) = self.waiting()?;
            if !records.is_empty() || position.is_some() {
                return Ok(Some((records, position.unwrap_or_default())));
            }
            if *stopping.borrow() {
                return Ok(None);
            }
            tokio::select! {
                first = self.news() => if let Some(first) = first { return Ok(Some((vec![first], Position::default()))) },
                _ = stopping.changed() => {}
            }
        }
    }

    /// What is there now. A position without records is one of lines that a crash cut.
    fn waiting(&mut self) -> io::Result<(Vec<Record>, Option<Position>)> {
        match self {
            Self::Memory(queue) => {
                let records = std::iter::from_fn(|| queue.try_recv().ok()).take(BATCH).map(Arc::unwrap_or_clone);
                Ok((records.collect(), None))
            }
            Self::Disk(journal) => {
                let before = journal.position();
                let (records, behind) = journal.next(BATCH)?;
                Ok((records, (behind != before).then_some(behind)))
            }
        }
    }

    /// Waits for something new: from memory it comes at once, from disk with the next look.
    async fn news(&mut self) -> Option<Record> {
        match self {
            Self::Memory(queue) => match queue.recv().await {
                Some(record) => Some(Arc::unwrap_or_clone(record)),
                None => std::future::pending().await,
            },
            Self::Disk(journal) => {
                journal.news().await;
                None
            }
        }
    }

    pub(crate) fn settle(&mut self, position: Position) {
        if let Self::Disk(journal) = self
            && let Err(error) = journal.sent(position)
        {
            tracing::warn!(%error, "what was sent could not be noted; it is sent again after a restart");
        }
    }
}
