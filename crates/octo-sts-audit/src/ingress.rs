//! Sends events to a CloudEvents receiver, from memory or from the spill folder, and tries again while there is hope.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use octo_sts_types::Clock;
use tokio::sync::watch;
use url::Url;
use uuid::Uuid;

use crate::{
    batch::requests,
    cloud_event::{self, Unsendable},
    post::{Post, is_verdict},
    record::Record,
    source::Source,
    writer::count_dropped,
};

/// The name of this sink in the metric of dropped events.
pub(crate) const SINK: &str = "http";
/// Most events that wait in memory.
pub(crate) const QUEUE: usize = 8192;
/// Most requests under way.
const AT_ONCE: usize = 16;
/// First pause before trying again; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often an event is sent that the receiver refuses as such.
const REFUSALS: u32 = 3;
/// How long one event from memory, or from disk, may hold up the others.
const PATIENCE_MEMORY: Duration = Duration::from_mins(5);
const PATIENCE_DISK: Duration = Duration::from_hours(24);

/// A task that sends what waits in its source.
pub(crate) struct Sender {
    pub(crate) post: Arc<dyn Post>,
    pub(crate) to: Url,
    /// `ce-source`.
    pub(crate) source: String,
    pub(crate) clock: Arc<dyn Clock>,
    /// Turns true at shutdown: send what waits, then end.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Most events of one request, in batched mode; `None` for each event alone, in binary mode.
    pub(crate) batch: Option<usize>,
    /// Events handed to the source and neither delivered nor dropped yet; of use for a source in memory.
    pub(crate) waiting: Arc<AtomicU64>,
}

impl Sender {
    /// Sends until shutdown, and then until nothing waits.
    pub(crate) async fn run(mut self, mut from: Source) {
        let patience = if matches!(from, Source::Memory(_)) { PATIENCE_MEMORY } else { PATIENCE_DISK };
        loop {
            match from.take(&mut self.stopping, self.batch).await {
                Ok(Some((records, position))) => {
                    let requests = requests(&records, self.batch.unwrap_or(1));
                    stream::iter(requests).for_each_concurrent(AT_ONCE, |records| self.deliver(records, patience)).await;
                    from.settle(position);
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, "the spill folder cannot be read");
                    tokio::time::sleep(LONGEST_PAUSE).await;
                }
            }
        }
    }

    /// Sends the events of one request until they are taken, refused for good, or out of patience.
    async fn deliver(&self, records: &[Record], patience: Duration) {
        let began = self.clock.monotonic();
        let (mut pause, mut refusals) = (FIRST_PAUSE, 0);
        loop {
            let asked = match self.attempt(records).await {
                Attempt::Taken => break,
                // One event that the receiver will not have must not take the others along: each half is sent by itself.
                Attempt::Refused(_) if records.len() > 1 => {
                    let (first, second) = records.split_at(records.len() / 2);
                    Box::pin(self.deliver(first, patience)).await;
                    return Box::pin(self.deliver(second, patience)).await;
                }
                Attempt::Refused(why) => {
                    refusals += 1;
                    if refusals >= REFUSALS {
                        self.drop(records, &why);
                        break;
                    }
                    None
                }
                Attempt::Failed(why, asked) => {
                    if self.clock.monotonic().saturating_duration_since(began) >= patience {
                        self.drop(records, &why);
                        break;
                    }
                    asked
                }
            };
            tokio::time::sleep(asked.unwrap_or_else(|| jittered(pause)).min(LONGEST_PAUSE)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        let settled = records.len() as u64;
        let _ = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| Some(waiting.saturating_sub(settled)));
    }

    async fn attempt(&self, records: &[Record]) -> Attempt {
        let request = match (self.batch, records) {
            (None, [record]) => cloud_event::request(&self.to, &self.source, record).map_err(Unsendable::from),
            _ => cloud_event::batch(&self.to, &self.source, records),
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => return Attempt::Refused(error.to_string()),
        };
        match self.post.post(request).await {
            Ok(answer) if answer.status.is_success() => Attempt::Taken,
            Ok(answer) if is_verdict(answer.status) => Attempt::Refused(answer.status.to_string()),
            Ok(answer) => Attempt::Failed(answer.status.to_string(), answer.retry_after),
            Err(error) => Attempt::Failed(error, None),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as what the sender does")]
    fn drop(&self, records: &[Record], why: &str) {
        count_dropped(SINK, records.len() as u64);
        for record in records {
            tracing::error!(id = record.id, why, "the receiver of events does not take this one; it was dropped");
        }
    }
}

/// What came of one attempt.
enum Attempt {
    Taken,
    /// The receiver will not have this event.
    Refused(String),
    /// Another attempt may work: why this one did not, and when to come back if the receiver said so.
    Failed(String, Option<Duration>),
}

/// Between half of a pause and all of it, so that replicas do not come back together.
fn jittered(pause: Duration) -> Duration {
    let part = u32::from(Uuid::new_v4().as_bytes()[0]);
    pause / 2 + pause * part / 510
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Mutex};

    use async_trait::async_trait;
    use bytes::Bytes;
    use http::{Request, StatusCode};
    use jiff::Timestamp;
    use octo_sts_types::SystemClock;
    use tokio::sync::mpsc;

    use super::*;
    use crate::{journal, post::Answer, writer::Target as _};

    /// Answers by subject: a list of statuses, then 202; notes every request.
    #[derive(Default)]
    struct Fake {
        script: Mutex<HashMap<String, Vec<u16>>>,
        seen: Mutex<Vec<(String, String)>>,
    }

    #[async_trait]
    impl Post for Fake {
        async fn post(&self, request: Request<Bytes>) -> Result<Answer, String> {
            let text = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
            if request.headers().get("ce-id").is_none() {
                return Ok(self.take_batch(request.body()));
            }
            self.seen.lock().unwrap().push((text("ce-subject"), text("ce-id")));
            let mut script = self.script.lock().unwrap();
            let next = script.get_mut(&text("ce-subject")).and_then(|statuses| (!statuses.is_empty()).then(|| statuses.remove(0)));
            match next {
                Some(0) => Err("connection reset".into()),
                status => Ok(Answer { status: StatusCode::from_u16(status.unwrap_or(202)).unwrap(), retry_after: None }),
            }
        }
    }

    impl Fake {
        /// Refuses a batch that has an event of the subject `bad`, and answers others as its script for `batch` says.
        fn take_batch(&self, body: &[u8]) -> Answer {
            let events: Vec<serde_json::Value> = serde_json::from_slice(body).unwrap();
            let subjects: Vec<_> = events.iter().map(|event| event["subject"].as_str().unwrap().to_owned()).collect();
            let mut script = self.script.lock().unwrap();
            let next = script.get_mut("batch").and_then(|statuses| (!statuses.is_empty()).then(|| statuses.remove(0)));
            let status = next.unwrap_or(if subjects.iter().any(|subject| subject == "bad") { 400 } else { 202 });
            if status == 202 {
                self.seen.lock().unwrap().extend(subjects.into_iter().map(|subject| (subject, events.len().to_string())));
            }
            Answer { status: StatusCode::from_u16(status).unwrap(), retry_after: None }
        }
    }

    fn sender(fake: &Arc<Fake>) -> (Sender, watch::Sender<bool>) {
        let (stop, stopping) = watch::channel(false);
        let to = "https://events.example/".parse().unwrap();
        let post = Arc::clone(fake) as Arc<dyn Post>;
        let sender =
            Sender { post, to, source: "https://sts.example".into(), clock: Arc::new(SystemClock), stopping, batch: None, waiting: Arc::default() };
        (sender, stop)
    }

    fn record(subject: &str) -> Arc<Record> {
        Arc::new(Record::new("k", subject.into(), Timestamp::UNIX_EPOCH, &serde_json::json!({"a": 1})).unwrap())
    }

    fn times(fake: &Fake, subject: &str) -> usize {
        fake.seen.lock().unwrap().iter().filter(|(seen, _)| seen == subject).count()
    }

    #[tokio::test(start_paused = true)]
    async fn what_may_pass_is_tried_again_and_a_verdict_is_final() {
        let fake = Arc::new(Fake::default());
        fake.script.lock().unwrap().extend([
            ("flaky".to_owned(), vec![503, 0, 429, 404, 302]),
            ("refused".to_owned(), vec![400; 9]),
            ("fine".to_owned(), vec![]),
        ]);
        let (sender, stop) = sender(&fake);
        let (queue, receiver) = mpsc::channel(QUEUE);
        for subject in ["flaky", "refused", "fine"] {
            queue.send(record(subject)).await.unwrap();
        }
        stop.send(true).unwrap();
        sender.run(Source::Memory(receiver)).await;
        assert_eq!((times(&fake, "flaky"), times(&fake, "refused"), times(&fake, "fine")), (6, REFUSALS as usize, 1));
        let seen = fake.seen.lock().unwrap();
        let ids: Vec<_> = seen.iter().filter(|(subject, _)| subject == "flaky").map(|(_, id)| id).collect();
        assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "an event keeps its id");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waited_on_disk_is_sent_after_a_restart_once() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, _) = journal::open(folder.path()).unwrap();
        let records: Vec<_> = (0..300).map(|n| record(&n.to_string())).collect();
        writer.write(&records, 0).unwrap();
        drop(writer);
        for (round, expected) in [(1, 300), (2, 300)] {
            let fake = Arc::new(Fake::default());
            let (sender, stop) = sender(&fake);
            let (_writer, reader) = journal::open(folder.path()).unwrap();
            stop.send(true).unwrap();
            sender.run(Source::Disk(reader)).await;
            let sent = fake.seen.lock().unwrap().len();
            assert_eq!(sent, if round == 1 { expected } else { 0 });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_is_tried_again_whole_and_split_where_one_event_is_refused() {
        let fake = Arc::new(Fake::default());
        fake.script.lock().unwrap().insert("batch".to_owned(), vec![503]);
        let (mut sender, stop) = sender(&fake);
        sender.batch = Some(8);
        let waiting = Arc::clone(&sender.waiting);
        let (queue, receiver) = mpsc::channel(QUEUE);
        for n in 0..20 {
            waiting.fetch_add(1, Ordering::Relaxed);
            queue.send(record(&if n == 5 { "bad".to_owned() } else { n.to_string() })).await.unwrap();
        }
        stop.send(true).unwrap();
        sender.run(Source::Memory(receiver)).await;
        let seen = fake.seen.lock().unwrap();
        assert_eq!((seen.len(), waiting.load(Ordering::Relaxed)), (19, 0), "{seen:?}");
        assert!((0..20).filter(|n| *n != 5).all(|n| seen.iter().any(|(subject, _)| *subject == n.to_string())));
        assert_eq!(seen.iter().filter(|(_, of)| of == "8").count(), 8, "a batch without it stays whole: {seen:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_waits_a_moment_for_more() {
        let fake = Arc::new(Fake::default());
        let (mut sender, stop) = sender(&fake);
        sender.batch = Some(100);
        let (queue, receiver) = mpsc::channel(QUEUE);
        let sending = tokio::spawn(sender.run(Source::Memory(receiver)));
        for n in 0..3 {
            queue.send(record(&n.to_string())).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        stop.send(true).unwrap();
        sending.await.unwrap();
        assert!(fake.seen.lock().unwrap().iter().all(|(_, of)| of == "3"), "{:?}", fake.seen.lock().unwrap());
    }

    #[test]
    fn a_pause_is_between_half_and_whole() {
        for _ in 0..100 {
            let pause = jittered(Duration::from_secs(2));
            assert!(pause >= Duration::from_secs(1) && pause <= Duration::from_secs(2));
        }
    }
}
