//! The way in: one handle that the exchange and the webhook share.

use std::{sync::Arc, time::Duration};

use serde::Serialize;
use tokio::time::timeout;

use crate::{
    event::ExchangeEvent,
    mints::MintNote,
    policy_event::PolicyEvent,
    reader_event::ReaderEvent,
    receiver::Receiver,
    record::{EXCHANGE, POLICY, READER, Record},
    writer::{Writer, count_dropped},
};

/// Longest that a caller waits for a disk.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// The target of events that go out as log records of OpenTelemetry. The service's own log leaves it out.
pub const EXPORTED: &str = "octo_sts::audit";

/// Whether somebody listens to [`EXPORTED`].
fn is_exported() -> bool {
    tracing::enabled!(target: EXPORTED, tracing::Level::INFO)
}

/// Takes events. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    pub(crate) file: Option<Writer>,
    pub(crate) stdout: Option<Writer>,
    pub(crate) receiver: Option<Receiver>,
    pub(crate) mints: Option<Writer>,
}

impl Audit {
    /// No sink at all.
    pub fn off() -> Self {
        Self::default()
    }

    /// Whether events go anywhere; where they do not, none need be made.
    pub fn is_on(&self) -> bool {
        self.file.is_some() || self.stdout.is_some() || self.receiver.is_some() || is_exported()
    }

    /// Records an exchange. Returns once the line is written (into the page cache), or after 100 ms, or at once when
    /// nothing goes to disk.
    pub async fn record(&self, event: ExchangeEvent) {
        if self.is_on() {
            let event = event.bounded();
            let subject = format!("{}/{}", event.scope, event.identity);
            self.hand_over(EXCHANGE, subject, event.time, &event, true).await;
        }
    }

    /// Records a change of policy.
    pub async fn record_policy(&self, event: PolicyEvent) {
        if self.is_on() {
            let subject = format!("{}/{}", event.repository, event.path);
            self.hand_over(POLICY, subject, event.time, &event, true).await;
        }
    }

    /// Records a token that the service minted for itself, in the file alone.
    pub async fn record_reader(&self, event: ReaderEvent) {
        if self.file.is_some() {
            self.hand_over(READER, String::new(), event.time, &event, false).await;
        }
    }

    /// Whether mints are noted: where an event outlives the process, they are.
    pub fn notes_mints(&self) -> bool {
        self.mints.is_some()
    }

    /// Notes that GitHub is asked for a caller's token, in the event as it stands before. Returns once the note is written, or
    /// after 100 ms. [`MintNote::strike_out`] follows when the exchange is on record.
    pub async fn note_mint(&self, event: ExchangeEvent) -> MintNote {
        let event = event.interrupted().bounded();
        let subject = format!("{}/{}", event.scope, event.identity);
        self.note(EXCHANGE, subject, event.time, &event).await
    }

    /// Notes that GitHub is asked for a token of the service's own.
    pub async fn note_reader_mint(&self, event: ReaderEvent) -> MintNote {
        self.note(READER, String::new(), event.time, &event).await
    }

    async fn note(&self, kind: &str, subject: String, time: jiff::Timestamp, event: &impl Serialize) -> MintNote {
        let (Some(mints), Ok(record)) = (&self.mints, Record::new(kind, subject, time, event)) else { return MintNote::default() };
        let record = Arc::new(record);
        let note = MintNote::new(mints, &record);
        if timeout(LONGEST_WAIT, mints.push_and_tell(record)).await.is_err() {
            tracing::warn!(kind, "a mint took longer than 100 ms to note; GitHub is asked all the same");
        }
        note
    }

    /// Opens the file anew, for rotation: rename it, then call this.
    pub async fn reopen(&self) {
        if let Some(file) = &self.file {
            file.reopen().await;
        }
    }

    async fn hand_over(&self, kind: &str, subject: String, time: jiff::Timestamp, event: &impl Serialize, everywhere: bool) {
        let record = match Record::new(kind, subject, time, event) {
            Ok(record) => Arc::new(record),
            Err(error) => {
                count_dropped("all", 1);
                tracing::error!(%error, kind, "an audit event could not be written as JSON");
                return;
            }
        };
        self.spread(record, everywhere).await;
    }

    /// Hands a record to its sinks, and waits for those on disk.
    pub(crate) async fn spread(&self, record: Arc<Record>, everywhere: bool) {
        let kind = record.kind.clone();
        let filed = self.file.as_ref().map(|file| file.push_and_tell(Arc::clone(&record)));
        let spilled = self.receiver.as_ref().filter(|_| everywhere).and_then(|receiver| receiver.push(&record));
        if everywhere && is_exported() {
            let data = String::from_utf8_lossy(&record.data);
            tracing::info!(target: EXPORTED, kind, id = record.id, subject = record.subject, "{data}");
        }
        if let Some(stdout) = self.stdout.as_ref().filter(|_| everywhere) {
            stdout.push(record);
        }
        let waits = async {
            for told in [filed, spilled].into_iter().flatten() {
                let _ = told.await;
            }
        };
        if timeout(LONGEST_WAIT, waits).await.is_err() {
            tracing::warn!(kind, "an audit line took longer than 100 ms to write; its caller was answered before");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf, sync::Mutex, time::Instant};

    use async_trait::async_trait;
    use bytes::Bytes;
    use http::{Request, StatusCode};
    use octo_sts_types::{AppId, InstallationId, SystemClock};

    use super::*;
    use crate::{
        chain::verify_chain,
        event::Outcome,
        ingress,
        post::{Answer, Post},
        read::Entry,
        settings::{AuditError, AuditSettings},
        task::AuditTask,
    };

    /// Takes everything, or hangs for ever.
    #[derive(Default)]
    struct Fake {
        hangs: bool,
        seen: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Post for Fake {
        async fn post(&self, request: Request<Bytes>) -> Result<Answer, String> {
            if self.hangs {
                std::future::pending::<()>().await;
            }
            self.seen.lock().unwrap().push(request.headers()["ce-subject"].to_str().unwrap().to_owned());
            Ok(Answer { status: StatusCode::ACCEPTED, retry_after: None })
        }
    }

    fn start(fake: &Arc<Fake>, file: Option<PathBuf>, spill: Option<PathBuf>) -> (Audit, AuditTask) {
        let event_ingress = Some("https://events.example/".parse().unwrap());
        let settings = AuditSettings { domain: "sts.example".into(), event_ingress, file, spill, ..AuditSettings::default() };
        Audit::start_with(settings, Some(Arc::clone(fake) as Arc<dyn Post>), Arc::new(SystemClock)).unwrap()
    }

    fn event(n: usize) -> ExchangeEvent {
        ExchangeEvent { scope: "acme/app".into(), identity: n.to_string(), outcome: Outcome::Granted, ..ExchangeEvent::default() }
    }

    /// T-130: the line is there before the caller can be answered.
    #[tokio::test]
    async fn a_recorded_exchange_is_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let fake = Arc::new(Fake::default());
        let (audit, task) = start(&fake, Some(path.clone()), None);
        for n in 0..20 {
            audit.record(event(n)).await;
            assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), n + 1);
        }
        let reader = ReaderEvent {
            installation_id: InstallationId(1),
            app_id: AppId(2),
            repositories: vec![],
            token_sha256: "ab".into(),
            time: event(0).time,
        };
        audit.record_reader(reader).await;
        task.finish(Duration::from_secs(5)).await;
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(verify_chain(text.lines()).intact, 21);
        assert_eq!(Entry::parse(text.lines().last().unwrap()).unwrap().text("type"), Some(READER));
        assert_eq!(fake.seen.lock().unwrap().len(), 20, "a reader token is in the file alone");
    }

    /// T-104
    #[tokio::test]
    async fn a_hostile_scope_is_recorded_everywhere() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let fake = Arc::new(Fake::default());
        let (audit, task) = start(&fake, Some(path.clone()), None);
        audit.record(ExchangeEvent { scope: "x\n/../org/repo\u{1b}[31m\",\"hash\":\"".into(), ..event(1) }).await;
        task.finish(Duration::from_secs(5)).await;
        let text = fs::read_to_string(path).unwrap();
        assert_eq!((text.lines().count(), verify_chain(text.lines()).intact), (1, 1));
        assert_eq!(fake.seen.lock().unwrap()[0], "x%0A/../org/repo%1B[31m%22,%22hash%22:%22/1");
    }

    /// T-104
    #[tokio::test]
    async fn a_receiver_that_hangs_delays_nobody_and_its_loss_is_bounded() {
        let fake = Arc::new(Fake { hangs: true, ..Fake::default() });
        let (audit, task) = start(&fake, None, None);
        let began = clock();
        for n in 0..ingress::QUEUE + 1000 {
            audit.record(event(n)).await;
        }
        assert!(began.elapsed() < Duration::from_secs(5));
        task.finish(Duration::from_millis(20)).await;
    }

    #[expect(clippy::disallowed_methods, reason = "the test measures how long callers wait")]
    fn clock() -> Instant {
        Instant::now()
    }

    #[tokio::test]
    async fn what_a_hanging_receiver_did_not_take_is_sent_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let fake = Arc::new(Fake { hangs: true, ..Fake::default() });
        let (audit, task) = start(&fake, None, Some(folder.path().to_owned()));
        for n in 0..200 {
            audit.record(event(n)).await;
        }
        task.finish(Duration::from_millis(50)).await;
        drop(audit);

        let fake = Arc::new(Fake::default());
        let (_audit, task) = start(&fake, None, Some(folder.path().to_owned()));
        task.finish(Duration::from_secs(5)).await;
        let seen = fake.seen.lock().unwrap();
        assert_eq!((seen.len(), seen.iter().any(|subject| subject == "acme/app/199")), (200, true));
    }

    #[tokio::test]
    async fn nothing_is_made_where_nothing_goes_anywhere() {
        let audit = Audit::off();
        assert!(!audit.is_on());
        audit.record(event(1)).await;
        let settings = AuditSettings { event_ingress: Some("https://e.example".parse().unwrap()), ..AuditSettings::default() };
        assert!(matches!(Audit::start(settings, None, Arc::new(SystemClock)), Err(AuditError::NoClient)));
    }
}
