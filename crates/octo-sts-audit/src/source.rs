//! Where events for the receiver wait, as seen by who sends them.

use std::{io, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use crate::{
    journal::{JournalReader, Position},
    record::Record,
};

/// Most events that are taken at once.
const BATCH: usize = 128;
/// How long a batch waits for more events after its first.
const GATHERING: Duration = Duration::from_secs(1);

/// Where events wait.
pub(crate) enum Source {
    Memory(mpsc::Receiver<Arc<Record>>),
    Disk(JournalReader),
}

impl Source {
    /// The next events; waits for them, and returns `None` once the service stops and there are none. For a batch of at
    /// most so many events it waits a moment after the first.
    pub(crate) async fn take(&mut self, stopping: &mut watch::Receiver<bool>, batch: Option<usize>) -> io::Result<Option<(Vec<Record>, Position)>> {
        let most = batch.unwrap_or(BATCH);
        loop {
            let (mut records, mut position) = self.waiting(most)?;
            if records.is_empty() && position.is_none() {
                if *stopping.borrow() {
                    return Ok(None);
                }
                tokio::select! {
                    first = self.news() => records.extend(first),
                    _ = stopping.changed() => {}
                }
                if records.is_empty() {
                    continue;
                }
            }
            if batch.is_some() && records.len() < most && !*stopping.borrow() {
                let _ = timeout(GATHERING, stopping.changed()).await;
                position = self.gather(&mut records, most)?.or(position);
            }
            return Ok(Some((records, position.unwrap_or_default())));
        }
    }

    /// Adds what has come meanwhile: from memory what is new, from disk everything since the last note.
    fn gather(&mut self, records: &mut Vec<Record>, most: usize) -> io::Result<Option<Position>> {
        if matches!(self, Self::Disk(_)) {
            records.clear();
        }
        let (more, position) = self.waiting(most - records.len())?;
        records.extend(more);
        Ok(position)
    }

    /// What is there now. A position without records is one of lines that a crash cut.
    fn waiting(&mut self, most: usize) -> io::Result<(Vec<Record>, Option<Position>)> {
        match self {
            Self::Memory(queue) => {
                let records = std::iter::from_fn(|| queue.try_recv().ok()).take(most).map(Arc::unwrap_or_clone);
                Ok((records.collect(), None))
            }
            Self::Disk(journal) => {
                let before = journal.position();
                let (records, behind) = journal.next(most)?;
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
