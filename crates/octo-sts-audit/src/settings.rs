//! Which sinks there are, and why there may be none.

use std::{io, path::PathBuf};

use url::Url;

/// Which sinks there are.
#[derive(Clone, Debug, Default)]
pub struct AuditSettings {
    /// The service's public name, for `ce-source`.
    pub domain: String,
    /// Where CloudEvents go (`EVENT_INGRESS_URI`).
    pub event_ingress: Option<Url>,
    /// The file of JSON lines (`STS_AUDIT_FILE`).
    pub file: Option<PathBuf>,
    /// Where events wait for the receiver of CloudEvents (`STS_AUDIT_DIR`); without it they wait in memory, at most 8,192.
    pub spill: Option<PathBuf>,
    /// Most events of one request to the receiver (`STS_EVENT_BATCH`); `None` for each event alone, in binary mode.
    pub batch: Option<usize>,
    /// Whether lines go to standard output as well.
    pub stdout: bool,
}

/// Why there is no audit.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file cannot be used.
    #[error("the audit file `{}` cannot be used", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The spill folder cannot be used.
    #[error("the audit folder `{}` cannot be used", .path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A thread could not be started.
    #[error("a thread could not be started")]
    Thread(#[source] io::Error),
    /// There is a receiver, but no client to reach it with.
    #[error("a receiver of events needs an HTTP client")]
    NoClient,
}
