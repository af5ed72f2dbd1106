//! Which installation serves an owner.
//!
//! Looked up directly, never by listing. A found installation is believed for five minutes, or until a mint says that it
//! is gone; an absent one for ten seconds, in a cache of its own, so that strangers who ask for owners that do not exist
//! push out nothing that serves anybody.

use std::{sync::Arc, time::Duration, time::Instant};

use moka::future::Cache;
use octo_sts_github::{App, GitHub, Installation, Trace};
use octo_sts_types::{AppId, Clock, Issuer, Owner, Scope};

use crate::{
    budget::Budget,
    error::{During, ExchangeError, TooMany},
    recent::Recent,
};

/// How long a found installation is believed.
const FOUND_FOR: Duration = Duration::from_mins(5);
/// How long an absence is believed.
const ABSENT_FOR: Duration = Duration::from_secs(10);
/// Most installations that are remembered.
const MOST: u64 = 50_000;
/// Most absences that are remembered.
const MOST_ABSENT: usize = 50_000;
/// Unknown owners that tokens of one issuer may make us look for in a minute.
const UNKNOWN_OWNERS: u32 = 60;
/// How long an owner that had an installation is looked for whatever the budget says: strangers who use it up lock out nobody.
const SERVED_FOR: Duration = Duration::from_hours(24);
/// Most issuers whose budget is remembered.
const MOST_ISSUERS: usize = 10_000;

pub(crate) struct Installations {
    github: GitHub,
    clock: Arc<dyn Clock>,
    found: Cache<(AppId, Owner), Found>,
    absent: Recent<(AppId, Owner)>,
    served: Recent<(AppId, Owner)>,
    unknown_owners: Budget<Issuer>,
}

#[derive(Clone)]
struct Found {
    /// `None` is never kept for longer than the flight that found it.
    installation: Option<Arc<Installation>>,
    at: Instant,
}

impl Installations {
    pub(crate) fn new(github: GitHub, clock: Arc<dyn Clock>) -> Self {
        Self {
            github,
            clock,
            found: Cache::builder().max_capacity(MOST).time_to_live(FOUND_FOR).build(),
            absent: Recent::new(ABSENT_FOR, MOST_ABSENT),
            served: Recent::new(SERVED_FOR, MOST_ABSENT),
            unknown_owners: Budget::new(UNKNOWN_OWNERS, Duration::from_mins(1), MOST_ISSUERS),
        }
    }

    /// The installation of `app` that serves the scope's owner; `None` when there is none.
    pub(crate) async fn find(
        &self,
        app: &Arc<App>,
        scope: &Scope,
        issuer: &Issuer,
        trace: &Trace,
    ) -> Result<Option<Arc<Installation>>, Arc<ExchangeError>> {
        let key = (app.id, scope.owner().clone());
        if let Some(installation) = self.cached(&key).await {
            return Ok(Some(installation));
        }
        let now = self.clock.monotonic();
        if self.absent.last(&key, now).is_some() {
            return Ok(None);
        }
        if self.served.last(&key, now).is_none() {
            self.unknown_owners.check(issuer, now).map_err(too_many)?;
        }
        let looked_up = self.found.try_get_with(key.clone(), Box::pin(self.look_up(app, scope, trace))).await?;
        if looked_up.installation.is_none() {
            self.found.invalidate(&key).await;
            self.absent.note(key, now);
            // The budget is charged for what was not there, never for what was.
            let _ = self.unknown_owners.take(issuer, now);
        } else {
            self.served.note(key, now);
        }
        Ok(looked_up.installation)
    }

    /// What is known without asking, for choosing among Apps.
    pub(crate) async fn cached(&self, key: &(AppId, Owner)) -> Option<Arc<Installation>> {
        let found = self.found.get(key).await?;
        if self.clock.monotonic().saturating_duration_since(found.at) >= FOUND_FOR {
            self.found.invalidate(key).await;
            return None;
        }
        found.installation
    }

    /// Forgets what is known of an owner: GitHub has just contradicted it.
    pub(crate) async fn forget(&self, app: AppId, owner: &Owner) {
        let key = (app, owner.clone());
        self.found.invalidate(&key).await;
        self.absent.forget(&key);
    }

    /// GitHub's documented order: the repository names its owner's installation; an owner is an organisation or a user.
    async fn look_up(&self, app: &Arc<App>, scope: &Scope, trace: &Trace) -> Result<Found, ExchangeError> {
        let failed = |source| ExchangeError::GitHub { during: During::Installation, source };
        let mut installation = None;
        if let Scope::Repository(repository) = scope {
            installation = self.github.repository_installation(app, repository, trace).await.map_err(failed)?;
        }
        if installation.is_none() {
            installation = self.github.owner_installation(app, scope.owner(), trace).await.map_err(failed)?;
        }
        // A renamed owner's repositories still answer under the old name: the account must bear the name asked for.
        let installation = installation.filter(|installation| scope.owner().is(&installation.account_login)).map(Arc::new);
        Ok(Found { installation, at: self.clock.monotonic() })
    }
}

fn too_many(wait: Duration) -> ExchangeError {
    ExchangeError::TooMany(TooMany::UnknownOwners { retry_after: wait.as_secs() + 1 })
}
