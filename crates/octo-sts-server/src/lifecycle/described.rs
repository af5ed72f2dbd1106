//! The issuers of `STS_ISSUERS_FILE`, taken up anew when the file, or one that it names, changes.

use std::sync::Arc;

use octo_sts_oidc::Verifier;
use tracing::{info, warn};

use super::{self_check::chain, watch::Changes};
use crate::config::IssuersFile;

/// Issuers that a file describes, and the verifier that has to know.
pub(super) struct DescribedIssuers {
    file: IssuersFile,
    verifier: Arc<Verifier>,
    changes: Changes,
    /// What was wrong the last time. Until it is mended the file is read at every look: the fault may be in another file,
    /// which nobody knew of while the description was good.
    wrong: Option<String>,
}

impl DescribedIssuers {
    pub(super) fn new(file: IssuersFile, verifier: Arc<Verifier>) -> Self {
        let changes = Changes::of(file.files());
        Self { file, verifier, changes, wrong: None }
    }

    /// Takes up what has changed since the last look.
    pub(super) fn look(&mut self) {
        if self.changes.happened() || self.wrong.is_some() {
            self.reload();
        }
    }

    /// Puts the descriptions in force as they are now. What does not load changes nothing, and is said once.
    pub(super) fn reload(&mut self) {
        match self.take_up() {
            Ok(()) => {
                self.wrong = None;
                metrics::counter!("octo_sts_reloads_total", "outcome" => "ok").increment(1);
                info!(issuers = self.file.entries().len(), "issuers read again");
            }
            Err(error) if self.wrong.as_ref() == Some(&error) => {}
            Err(error) => {
                metrics::counter!("octo_sts_reloads_total", "outcome" => "refused").increment(1);
                warn!(error, "the issuers were not taken up; the earlier ones stay in force");
                self.wrong = Some(error);
            }
        }
    }

    fn take_up(&mut self) -> Result<(), String> {
        let file = self.file.again().map_err(|error| error.to_string())?;
        self.verifier.replace_entries(file.entries().to_vec()).map_err(|error| chain(&error))?;
        self.changes = Changes::of(file.files());
        self.file = file;
        Ok(())
    }
}
