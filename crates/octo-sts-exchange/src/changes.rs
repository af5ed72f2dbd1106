//! What the webhook tells: news that make memories wrong, or show that news arrive.

use std::time::{Duration, Instant};

use moka::future::Cache;
use octo_sts_types::{Owner, Repository};

use crate::exchange::Exchanger;

/// How long a policy counts without asking GitHub, where its pushes are known to arrive.
const COUNTS_FOR: Duration = Duration::from_mins(1);
/// How long a repository counts as one whose pushes arrive.
const ARRIVES_FOR: Duration = Duration::from_hours(24);
/// Most repositories whose pushes are remembered.
const MOST: u64 = 50_000;

/// The last push of each repository that was heard of.
pub(crate) struct Pushes(Cache<Repository, Instant>);

impl Default for Pushes {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(ARRIVES_FOR).build())
    }
}

impl Pushes {
    async fn arrived(&self, repository: &Repository, at: Instant) {
        self.0.insert(repository.clone(), at).await;
    }

    /// Whether a version that was current at `validated` is so still: pushes arrive, none has since, and it is young.
    pub(crate) async fn vouch_for(&self, repository: &Repository, validated: Instant, now: Instant) -> bool {
        let young = now.saturating_duration_since(validated) < COUNTS_FOR;
        young && self.0.get(repository).await.is_some_and(|last| last < validated)
    }

    /// Whether a push came after `at`: what was absent then may be there now.
    pub(crate) async fn came_after(&self, repository: &Repository, at: Instant) -> bool {
        self.0.get(repository).await.is_some_and(|last| last >= at)
    }
}

impl Exchanger {
    /// A push to `repository` was heard of: nothing that was known of its policies before counts without asking, and from
    /// now on its policies count for a minute between pushes.
    pub async fn pushed(&self, repository: &Repository) {
        self.policies.pushes().arrived(repository, self.clock.monotonic()).await;
        if repository.name == self.settings.policy_repository {
            self.allowlists.forget(&repository.owner).await;
            self.guardrails.forget(&repository.owner).await;
        }
    }

    /// An App was installed on `owner`, removed, suspended or given other repositories.
    pub async fn installation_changed(&self, owner: &Owner) {
        for app in self.apps() {
            self.installations.forget(app.id, owner).await;
        }
        self.allowlists.forget(owner).await;
        self.guardrails.forget(owner).await;
    }
}
