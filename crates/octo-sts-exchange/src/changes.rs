//! What the webhook tells: news that make memories wrong, or show that news arrive.

use std::{
    sync::{PoisonError, RwLock},
    time::{Duration, Instant},
};

use octo_sts_types::{Owner, Repository};

use crate::{exchange::Exchanger, recent::Recent};

/// How long a policy counts without asking GitHub, where its pushes are known to arrive.
const COUNTS_FOR: Duration = Duration::from_mins(1);
/// How long a repository counts as one whose pushes arrive.
const ARRIVES_FOR: Duration = Duration::from_hours(24);
/// Most repositories whose pushes are remembered.
const MOST: usize = 50_000;

/// The last push of each repository that was heard of.
pub(crate) struct Pushes {
    last: Recent<Repository>,
    hears: RwLock<Hears>,
}

/// Whether every push of a repository is heard of once one was.
#[derive(Clone, Copy, Debug)]
enum Hears {
    Always,
    Since(Instant),
    NotAll,
}

impl Default for Pushes {
    fn default() -> Self {
        Self { last: Recent::new(ARRIVES_FOR, MOST), hears: RwLock::new(Hears::Always) }
    }
}

impl Pushes {
    fn arrived(&self, repository: &Repository, at: Instant) {
        self.last.note(repository.clone(), at);
    }

    /// Whether a version that was current at `validated` is so still: pushes arrive, none has since, and it is young.
    pub(crate) fn vouch_for(&self, repository: &Repository, validated: Instant, now: Instant) -> bool {
        let young = now.saturating_duration_since(validated) < COUNTS_FOR;
        young && self.last.last(repository, now).is_some_and(|last| last < validated && self.heard_from(last))
    }

    /// Whether nothing went unheard since `last`.
    fn heard_from(&self, last: Instant) -> bool {
        match *self.hears.read().unwrap_or_else(PoisonError::into_inner) {
            Hears::Always => true,
            Hears::Since(begin) => last >= begin,
            Hears::NotAll => false,
        }
    }

    /// Whether a push came after `at`: what was absent then may be there now.
    pub(crate) fn came_after(&self, repository: &Repository, at: Instant, now: Instant) -> bool {
        self.last.last(repository, now).is_some_and(|last| last >= at)
    }
}

impl Exchanger {
    /// A push to `repository` was heard of: nothing that was known of its policies before counts without asking, and from
    /// now on its policies count for a minute between pushes.
    pub async fn pushed(&self, repository: &Repository) {
        self.policies.pushes().arrived(repository, self.clock.monotonic());
        if repository.name == self.settings.policy_repository {
            self.allowlists.forget(&repository.owner).await;
            self.guardrails.forget(&repository.owner).await;
        }
    }

    /// Whether this process hears of every push from now on. Where others take deliveries, too, it does so only while they
    /// pass on what they hear; while it does not, every exchange asks GitHub whether the policy is still the same.
    pub fn hears_pushes(&self, all: bool) {
        let hears = if all { Hears::Since(self.clock.monotonic()) } else { Hears::NotAll };
        *self.policies.pushes().hears.write().unwrap_or_else(PoisonError::into_inner) = hears;
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
