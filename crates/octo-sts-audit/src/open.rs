//! The start of the audit: every sink is opened, and what a killed process left is put on record.

use std::{io, path::Path, sync::Arc};

use octo_sts_http::Client;
use octo_sts_types::Clock;
use tokio::sync::watch;

use crate::{
    audit::Audit,
    file::ChainedFile,
    ingress::Sender,
    mints::{self, MintNote},
    post::Post,
    receiver,
    record::{EXCHANGE, Record},
    settings::{AuditError, AuditSettings},
    stdout::Lines,
    task::AuditTask,
    writer::Writer,
};

impl Audit {
    /// Opens every sink. Needs a running Tokio runtime when events go to a receiver.
    pub fn start(settings: AuditSettings, http: Option<Client>, clock: Arc<dyn Clock>) -> Result<(Self, AuditTask), AuditError> {
        Self::start_with(settings, http.map(|client| Arc::new(client) as Arc<dyn Post>), clock)
    }

    pub(crate) fn start_with(settings: AuditSettings, post: Option<Arc<dyn Post>>, clock: Arc<dyn Clock>) -> Result<(Self, AuditTask), AuditError> {
        let mut audit = Self::off();
        let (file, spill) = (settings.file.clone(), settings.spill.clone());
        if let Some(path) = settings.file {
            let file = ChainedFile::open(&path, Arc::clone(&clock)).map_err(|source| AuditError::File { path, source })?;
            audit.file = Some(Writer::start("file", file).map_err(AuditError::Thread)?);
        }
        if settings.stdout {
            audit.stdout = Some(Writer::start("stdout", Lines(io::stdout())).map_err(AuditError::Thread)?);
        }
        let (stop, stopping) = watch::channel(false);
        let mut sender = None;
        if let Some(to) = settings.event_ingress {
            let post = post.ok_or(AuditError::NoClient)?;
            let (receiver, source) = receiver::open(settings.spill)?;
            let waiting = receiver.waiting();
            let task = Sender { post, to, source: format!("https://{}", settings.domain), clock, stopping, batch: settings.batch, waiting };
            sender = Some(tokio::spawn(task.run(source)));
            audit.receiver = Some(receiver);
        }
        let left = mints::place(file.as_deref(), spill.as_deref()).map_or_else(Vec::new, |path| audit.open_notes(&path));
        Ok((audit.clone(), AuditTask { audit, sender, stop, left }))
    }

    /// Opens the notes of mints; returns what a killed process left. Without them everything else goes on: they are not worth
    /// a service that does not start.
    fn open_notes(&mut self, path: &Path) -> Vec<Record> {
        let opened = mints::open(path).and_then(|(notes, left)| Ok((Writer::start(mints::SINK, notes)?, left)));
        match opened {
            Ok((writer, left)) => {
                self.mints = Some(writer);
                left
            }
            Err(error) => {
                tracing::warn!(file = %path.display(), %error, "mints are not noted: what is under way when the process is killed has no record");
                Vec::new()
            }
        }
    }

    /// Puts on record what a killed process left, and strikes it out there.
    pub(crate) async fn take_up(&self, left: Vec<Record>) {
        for record in left {
            let note = self.mints.as_ref().map(|mints| MintNote::new(mints, &record)).unwrap_or_default();
            tracing::warn!(kind = record.kind, subject = record.subject, "a mint was under way when the process was killed; it is on record now");
            let everywhere = record.kind == EXCHANGE;
            self.spread(Arc::new(record), everywhere).await;
            note.strike_out();
        }
    }
}
