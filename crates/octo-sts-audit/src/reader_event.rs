//! What is recorded of the service's own tokens.

use jiff::Timestamp;
use octo_sts_types::{AppId, InstallationId};
use serde::Serialize;

use crate::event::rfc3339;

/// A token the service minted for itself, to read policies: recorded in the file alone, so that every token is accounted for.
#[derive(Clone, Debug, Serialize)]
pub struct ReaderEvent {
    /// The installation.
    pub installation_id: InstallationId,
    /// The App that minted.
    pub app_id: AppId,
    /// What it may read, as full names.
    pub repositories: Vec<String>,
    /// SHA-256 of the token, in lower-case hex; empty where the process was killed before it had the token.
    pub token_sha256: String,
    /// When it was minted.
    #[serde(serialize_with = "rfc3339")]
    pub time: Timestamp,
}
