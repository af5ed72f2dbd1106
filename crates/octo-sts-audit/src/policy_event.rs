//! What is recorded of a change of policy.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use octo_sts_types::InstallationId;
use serde::Serialize;
use serde_json::{Value, value::RawValue};

use crate::event::rfc3339;

/// A trust policy or issuer allowlist changed on a default branch: CloudEvents type `dev.octo-sts.policy`.
#[derive(Clone, Debug, Serialize)]
pub struct PolicyEvent {
    /// What happened.
    pub action: PolicyAction,
    /// The repository, as `OWNER/NAME`.
    pub repository: String,
    /// The file's path.
    pub path: String,
    /// The identity that the file's name stands for; absent for an allowlist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// The commit that the branch is at now.
    pub commit: String,
    /// Who pushed.
    pub pusher: String,
    /// The installation that told us.
    pub installation_id: InstallationId,
    /// The policy as parsed, as JSON text; null when it was deleted or does not parse.
    pub trust_policy: Option<Arc<RawValue>>,
    /// Why the file is no valid policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When we heard.
    #[serde(serialize_with = "rfc3339")]
    pub time: Timestamp,
    /// What else is worth keeping.
    #[serde(flatten)]
    pub more: BTreeMap<&'static str, Value>,
}

/// What happened to a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyAction {
    /// It is new.
    Created,
    /// Its text changed.
    Updated,
    /// It is gone.
    Deleted,
}
