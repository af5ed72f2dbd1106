//! The way into a repository: which App, which installation, which token.
//!
//! The installation that a payload names is looked up for the repository it names: a payload about somebody else's opens
//! nothing. A token reaches one repository, reads it and writes check runs; it is used for five minutes and then revoked, so
//! that permissions granted meanwhile are noticed.

use std::{
    collections::HashMap,
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

/// A repository, opened.
pub(crate) struct Access {
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
}

impl Accesses {
    pub(crate) fn new(github: GitHub, apps: Arc<dyn Pools>, clock: Arc<dyn Clock>) -> Self {
        Self { github, apps, clock, held: Mutex::default() }
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

    async fn open(&self, app: Arc<App>, installation: Installation, repository: &Repository, trace: &Trace) -> Result<Access, GitHubError> {
        let names = std::slice::from_ref(&repository.name);
        let pulls = installation.permissions.is_empty() || installation.permissions.contains_key("pull_requests");
        let (token, pulls) = match self.github.mint_checker(&app, installation.id, names, pulls, trace).await {
            // Granted only now, or taken away: the look-up and the mint disagree.
            Err(GitHubError::Unprocessable { .. }) if pulls => (self.github.mint_checker(&app, installation.id, names, false, trace).await?, false),
            minted => (minted?, pulls),
        };
        Ok(Access { app, installation, token, pulls })
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
        let mut done = held.insert(repository.clone(), (Arc::clone(access), now)).map(|(access, _)| access);
        if held.len() > MOST {
            let oldest = held.iter().min_by_key(|(_, (_, since))| *since).map(|(repository, _)| repository.clone());
            done = done.or_else(|| held.remove(&oldest?).map(|(access, _)| access));
        }
        drop(held);
        self.end(done);
    }

    /// Forgets the access to a repository, which GitHub has contradicted.
    pub(crate) fn forget(&self, repository: &Repository) {
        let done = self.lock().remove(repository).map(|(access, _)| access);
        self.end(done);
    }

    /// Forgets every access to an account's repositories.
    pub(crate) fn forget_owner(&self, owner: &Owner) {
        let done: Vec<_> = self.lock().extract_if(|repository, _| repository.owner == *owner).map(|(_, (access, _))| access).collect();
        self.end(done);
    }

    /// Gives every token back, or those that are no longer used.
    pub(crate) fn end_all(&self, only_old: bool) {
        let now = self.clock.monotonic();
        let is_done = |since: Instant| !only_old || now.saturating_duration_since(since) >= USED_FOR;
        let done: Vec<_> = self.lock().extract_if(|_, (_, since)| is_done(*since)).map(|(_, (access, _))| access).collect();
        self.end(done);
    }

    /// Revokes tokens. A check that still works with one of them starts over with another.
    fn end(&self, accesses: impl IntoIterator<Item = Arc<Access>>) {
        for access in accesses {
            self.github.revoke_in_background(access.token.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Repository, (Arc<Access>, Instant)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
