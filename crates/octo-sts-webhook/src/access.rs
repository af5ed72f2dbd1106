//! The way into a repository: which App, which installation, which token.
//!
//! The installation that a payload names is looked up for the repository it names: a payload about somebody else's opens
//! nothing. A token reaches one repository, reads it and writes check runs; it is used for five minutes and then revoked, so
//! that permissions granted meanwhile are noticed.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use octo_sts_github::{App, GitHub, GitHubError, Installation, InstallationToken, Trace};
use octo_sts_types::{Clock, InstallationId, Owner, Repository};

use crate::Pools;

/// How long a token is used.
const USED_FOR: Duration = Duration::from_mins(5);
/// Most tokens that are held.
const MOST: usize = 512;

/// How many repositories are opened at a time at the most.
const OPENED_AT_A_TIME: usize = 64;

/// A repository, opened. The token is revoked when nobody uses it any more.
pub(crate) struct Access {
    github: GitHub,
    pub(crate) app: Arc<App>,
    pub(crate) installation: Installation,
    pub(crate) token: InstallationToken,
    /// Whether the token may read pull requests.
    pub(crate) pulls: bool,
}

pub(crate) struct Accesses {
    github: GitHub,
    apps: Arc<dyn Pools>,
    clock: Arc<dyn Clock>,
    held: Mutex<HashMap<Repository, (Arc<Access>, Instant)>>,
    /// Held while a repository is opened, so that deliveries that come together open it once.
    opening: Vec<tokio::sync::Mutex<()>>,
}

impl Drop for Access {
    fn drop(&mut self) {
        // Without a runtime the process ends, and the token ends by itself within the hour.
        if tokio::runtime::Handle::try_current().is_ok() {
            self.github.revoke_in_background(self.token.clone());
        }
    }
}

impl Accesses {
    pub(crate) fn new(github: GitHub, apps: Arc<dyn Pools>, clock: Arc<dyn Clock>) -> Self {
        let opening = (0..OPENED_AT_A_TIME).map(|_| tokio::sync::Mutex::default()).collect();
        Self { github, apps, clock, held: Mutex::default(), opening }
    }

    /// The Apps that serve an account.
    pub(crate) fn apps(&self, owner: &Owner) -> Vec<Arc<App>> {
        self.apps.serving(owner)
    }

    /// The access of this installation to this repository; `None` when it has none.
    pub(crate) async fn of(&self, repository: &Repository, wanted: InstallationId, trace: &Trace) -> Result<Option<Arc<Access>>, GitHubError> {
        if let Some(access) = self.fresh(repository, wanted) {
            return Ok(Some(access));
        }
        let _alone = self.opening[self.lane(repository)].lock().await;
        if let Some(access) = self.fresh(repository, wanted) {
            return Ok(Some(access));
        }
        for app in self.apps(&repository.owner) {
            let found = self.github.repository_installation(&app, repository, trace).await?;
            let Some(installation) = found.filter(|found| found.id == wanted && repository.owner.is(&found.account_login)) else { continue };
            if installation.suspended {
                return Err(GitHubError::Suspended);
            }
            let access = Arc::new(self.open(app, installation, repository, trace).await?);
            self.hold(repository, &access);
            return Ok(Some(access));
        }
        Ok(None)
    }

    fn lane(&self, repository: &Repository) -> usize {
        let mut hasher = DefaultHasher::new();
        repository.hash(&mut hasher);
        usize::try_from(hasher.finish() % self.opening.len() as u64).unwrap_or_default()
    }

    async fn open(&self, app: Arc<App>, installation: Installation, repository: &Repository, trace: &Trace) -> Result<Access, GitHubError> {
        let names = std::slice::from_ref(&repository.name);
        let pulls = installation.permissions.is_empty() || installation.permissions.contains_key("pull_requests");
        let (token, pulls) = match self.github.mint_checker(&app, installation.id, names, pulls, trace).await {
            // Granted only now, or taken away: the look-up and the mint disagree.
            Err(GitHubError::Unprocessable { .. }) if pulls => (self.github.mint_checker(&app, installation.id, names, false, trace).await?, false),
            minted => (minted?, pulls),
        };
        Ok(Access { github: self.github.clone(), app, installation, token, pulls })
    }

    fn fresh(&self, repository: &Repository, wanted: InstallationId) -> Option<Arc<Access>> {
        let now = self.clock.monotonic();
        let held = self.lock();
        let (access, since) = held.get(repository)?;
        (access.installation.id == wanted && now.saturating_duration_since(*since) < USED_FOR).then(|| Arc::clone(access))
    }

    fn hold(&self, repository: &Repository, access: &Arc<Access>) {
        let now = self.clock.monotonic();
        let mut held = self.lock();
        let former = held.insert(repository.clone(), (Arc::clone(access), now));
        let oldest = held.iter().min_by_key(|(_, (_, since))| *since).map(|(repository, _)| repository.clone());
        let oldest = if held.len() > MOST { oldest.and_then(|oldest| held.remove(&oldest)) } else { None };
        drop(held);
        drop((former, oldest));
    }

    /// Forgets the access to a repository, which GitHub has contradicted.
    pub(crate) fn forget(&self, repository: &Repository) {
        let done = self.lock().remove(repository);
        drop(done);
    }

    /// Forgets every access to an account's repositories.
    pub(crate) fn forget_owner(&self, owner: &Owner) {
        self.forget_where(|repository, _| repository.owner == *owner);
    }

    /// Forgets what is no longer used.
    pub(crate) fn forget_old(&self) {
        let now = self.clock.monotonic();
        self.forget_where(|_, since| now.saturating_duration_since(since) >= USED_FOR);
    }

    /// Gives every token back.
    pub(crate) fn forget_all(&self) {
        self.forget_where(|_, _| true);
    }

    fn forget_where(&self, is_done: impl Fn(&Repository, Instant) -> bool) {
        // Collected first: tokens are revoked when the lock is free again.
        let done: Vec<_> = self.lock().extract_if(|repository, (_, since)| is_done(repository, *since)).collect();
        drop(done);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Repository, (Arc<Access>, Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
