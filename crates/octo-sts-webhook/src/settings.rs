//! What a webhook is made of.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use octo_sts_audit::Audit;
use octo_sts_github::{App, GitHub};
use octo_sts_policy::{Guardrails, OrgPermissions};
use octo_sts_types::{Clock, Owner, Repository, RepositoryName};

use crate::WebhookSecrets;

/// What the operator decides about the webhook.
#[derive(Clone, Debug)]
pub struct WebhookSettings {
    /// What deliveries are signed with.
    pub secrets: WebhookSecrets,
    /// The accounts whose deliveries count; empty: all.
    pub organisations: Vec<Owner>,
    /// The repository that holds organisation policies and the issuer allowlist.
    pub policy_repository: RepositoryName,
    /// What repository policies may grant over the organisation.
    pub org_permissions: OrgPermissions,
    /// Whether a policy that is a symbolic link is refused.
    pub strict_policy_files: bool,
    /// The operator's own guardrails.
    pub guardrails: Option<Arc<Guardrails>>,
    /// The audiences accepted where a policy names none, for its test cases.
    pub default_audiences: Vec<String>,
    /// How many checks are made at a time.
    pub workers: usize,
    /// How many checks may wait for their turn; one more is answered 503.
    pub queue: usize,
    /// How many checks may wait for GitHub to come back; one more is given up, and said so.
    pub waiting: usize,
    /// How long an answer waits for its check to be done. GitHub gives up after 10 s; the answer is due within 200 ms.
    pub patience: Duration,
    /// The first pause after GitHub failed; each later one is twice as long, up to 15 minutes.
    pub first_pause: Duration,
}

impl WebhookSettings {
    /// What is good for nearly everybody: policy repository `.github`, 16 checks at a time, 20,000 in the queue.
    pub fn new(secrets: WebhookSecrets, policy_repository: RepositoryName) -> Self {
        Self {
            secrets,
            organisations: Vec::new(),
            policy_repository,
            org_permissions: OrgPermissions::default(),
            strict_policy_files: false,
            guardrails: None,
            default_audiences: Vec::new(),
            workers: 16,
            queue: 20_000,
            waiting: 10_000,
            patience: Duration::from_millis(120),
            first_pause: Duration::from_secs(5),
        }
    }
}

/// Which Apps serve an account.
pub trait Pools: Send + Sync {
    /// The Apps, in the order of the configuration.
    fn serving(&self, owner: &Owner) -> Vec<Arc<App>>;
}

/// What remembers policies and installations, and is told when it may be wrong. Each call returns soon: it is made before
/// the delivery is answered.
#[async_trait]
pub trait PolicyCaches: Send + Sync {
    /// The default branch of a repository moved, or the repository was renamed, moved or deleted: nothing known of its policies
    /// counts without asking.
    async fn policy_changed(&self, repository: &Repository);
    /// An App was installed on an account, removed, suspended, or given other repositories or permissions.
    async fn installation_changed(&self, owner: &Owner);
    /// A push of a repository was heard of: pushes of this repository arrive.
    async fn pushes_arrive(&self, repository: &Repository);
}

/// Nothing is remembered: for a receiver that is deployed apart.
#[async_trait]
impl PolicyCaches for () {
    async fn policy_changed(&self, _: &Repository) {}
    async fn installation_changed(&self, _: &Owner) {}
    async fn pushes_arrive(&self, _: &Repository) {}
}

/// What a webhook works with.
#[derive(Clone)]
pub struct WebhookParts {
    /// Speaks to GitHub.
    pub github: GitHub,
    /// The configured Apps.
    pub apps: Arc<dyn Pools>,
    /// Takes the record of policy changes.
    pub audit: Audit,
    /// Whom to tell that policies or installations changed.
    pub caches: Vec<Arc<dyn PolicyCaches>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl fmt::Debug for WebhookParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookParts").field("github", &self.github).finish_non_exhaustive()
    }
}
