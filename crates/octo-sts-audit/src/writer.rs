//! One thread per file: it takes records from a bounded queue and writes whatever has gathered in one go.
//!
//! Many exchanges that end together share one write, and a disk that hangs holds up this thread and nobody else.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use tokio::sync::{mpsc, oneshot};

use crate::record::Record;

/// Most records that wait for one sink.
const QUEUE: usize = 8192;
/// Most records of one write.
const BATCH: usize = 512;

/// Where a writer writes.
pub(crate) trait Target: Send + 'static {
    /// Writes all or nothing. `lost` is how many records never got here since the last write that worked.
    fn write(&mut self, records: &[Arc<Record>], lost: u64) -> io::Result<()>;
    /// Opens the file anew, after somebody renamed it.
    fn reopen(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// Makes what was written last.
    fn close(&mut self) {}
}

enum Job {
    Write(Arc<Record>, Option<oneshot::Sender<()>>),
    Reopen,
    Close(oneshot::Sender<()>),
}

/// The way into a writer's queue.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
    sink: &'static str,
    lost: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(sink: &'static str, target: impl Target) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let desk = Desk { target, sink, lost: Arc::clone(&lost), batch: Vec::with_capacity(BATCH), waiting: Vec::new() };
        thread::Builder::new().name(format!("audit-{sink}")).spawn(move || desk.run(queue))?;
        Ok(Self { jobs, sink, lost })
    }

    /// Hands a record over and forgets it; counts it as dropped when the queue is full.
    pub(crate) fn push(&self, record: Arc<Record>) {
        self.send(Job::Write(record, None));
    }

    /// Hands a record over; the receiver resolves once it is written, or lost.
    pub(crate) fn push_and_tell(&self, record: Arc<Record>) -> oneshot::Receiver<()> {
        let (told, tell) = oneshot::channel();
        self.send(Job::Write(record, Some(told)));
        tell
    }

    fn send(&self, job: Job) {
        if self.jobs.try_send(job).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            count_dropped(self.sink, 1);
        }
    }

    /// Opens the file anew before the next record that is handed over.
    pub(crate) async fn reopen(&self) {
        let _ = self.jobs.send(Job::Reopen).await;
    }

    /// Writes what is queued and ends the thread.
    pub(crate) async fn close(&self) {
        let (told, tell) = oneshot::channel();
        if self.jobs.send(Job::Close(told)).await.is_ok() {
            let _ = tell.await;
        }
    }
}

/// Counts events that a sink never got.
pub(crate) fn count_dropped(sink: &'static str, events: u64) {
    metrics::counter!("octo_sts_audit_dropped_total", "sink" => sink).increment(events);
}

struct Desk<T> {
    target: T,
    sink: &'static str,
    lost: Arc<AtomicU64>,
    batch: Vec<Arc<Record>>,
    waiting: Vec<oneshot::Sender<()>>,
}

impl<T: Target> Desk<T> {
    fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        while let Some(job) = queue.blocking_recv() {
            let mut next = Some(job);
            while let Some(job) = next {
                match job {
                    Job::Write(record, told) => self.gather(record, told),
                    Job::Reopen => self.reopen(),
                    Job::Close(told) => {
                        self.flush();
                        self.target.close();
                        let _ = told.send(());
                        return;
                    }
                }
                next = if self.batch.len() < BATCH { queue.try_recv().ok() } else { None };
            }
            self.flush();
        }
        self.target.close();
    }

    fn gather(&mut self, record: Arc<Record>, told: Option<oneshot::Sender<()>>) {
        self.batch.push(record);
        self.waiting.extend(told);
    }

    fn reopen(&mut self) {
        self.flush();
        if let Err(error) = self.target.reopen() {
            tracing::error!(sink = self.sink, %error, "the audit file could not be opened anew; the old one is still written");
        }
    }

    fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let lost = self.lost.load(Ordering::Relaxed);
        match self.target.write(&self.batch, lost) {
            Ok(()) => {
                self.lost.fetch_sub(lost, Ordering::Relaxed);
            }
            Err(error) => {
                let events = self.batch.len() as u64;
                self.lost.fetch_add(events, Ordering::Relaxed);
                count_dropped(self.sink, events);
                tracing::error!(sink = self.sink, %error, events, "audit events were lost");
            }
        }
        self.batch.clear();
        for told in self.waiting.drain(..) {
            let _ = told.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc as blocking};

    use jiff::Timestamp;

    use super::*;

    /// Writes when it is let, and notes what came.
    struct Slow {
        gate: blocking::Receiver<io::Result<()>>,
        seen: Arc<Mutex<Vec<(usize, u64)>>>,
    }

    impl Target for Slow {
        fn write(&mut self, records: &[Arc<Record>], lost: u64) -> io::Result<()> {
            self.seen.lock().unwrap().push((records.len(), lost));
            self.gate.recv().unwrap_or(Ok(()))
        }
    }

    fn record() -> Arc<Record> {
        Arc::new(Record::new("k", String::new(), Timestamp::UNIX_EPOCH, &serde_json::json!({"a": 1})).unwrap())
    }

    #[tokio::test]
    async fn records_that_gather_share_one_write_and_a_full_queue_is_counted() {
        let (open, gate) = blocking::channel();
        let seen = Arc::default();
        let writer = Writer::start("test", Slow { gate, seen: Arc::clone(&seen) }).unwrap();
        let first = writer.push_and_tell(record());
        while seen.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        (0..QUEUE + 3).for_each(|_| writer.push(record()));
        assert_eq!(writer.lost.load(Ordering::Relaxed), 3);
        drop(open);
        first.await.unwrap();
        writer.close().await;
        let seen = seen.lock().unwrap();
        assert_eq!(seen[..2], [(1, 0), (BATCH, 3)]);
        assert_eq!(seen.iter().map(|(records, _)| records).sum::<usize>(), 1 + QUEUE);
        assert!(seen[2..].iter().all(|(_, lost)| *lost == 0));
    }

    #[tokio::test]
    async fn a_failed_write_is_counted_and_still_releases_the_caller() {
        let (open, gate) = blocking::channel();
        let seen = Arc::default();
        let writer = Writer::start("test", Slow { gate, seen: Arc::clone(&seen) }).unwrap();
        open.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        writer.push_and_tell(record()).await.unwrap();
        open.send(Ok(())).unwrap();
        writer.push_and_tell(record()).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), [(1, 0), (1, 1)]);
    }
}
