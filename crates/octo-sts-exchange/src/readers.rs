//! Tokens that read policies: `contents: read` on a repository and on the organisation's policy repository, nothing else.
//!
//! One token serves both repositories where GitHub grants it; apart where the policy repository is out of the App's
//! sight. A token is used for up to 50 of its 60 minutes. It is revoked when it is kept no longer, at the latest when the
//! service ends.

mod minting;

use std::{
    future::ready,
    sync::Arc,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
    time::Instant,
};

use moka::{Entry, future::Cache, ops::compute::Op, policy::EvictionPolicy};
use octo_sts_audit::Audit;
use octo_sts_github::{App, DirectoryRead, ETag, FileRead, GitHub, GitHubError, Installation, InstallationToken, Trace};
use octo_sts_types::{Clock, InstallationId, Issuer, Owner, Repository, RepositoryId, RepositoryName};

use crate::{
    budget::Budget,
    recent::Recent,
    unknown_names::{UnknownNames, UsedUp},
};

/// How long a reader token is used.
const USED_FOR: Duration = Duration::from_mins(50);
/// From this age on, a token that finds nothing may be of a repository that is gone.
const DOUBTED_AFTER: Duration = Duration::from_mins(1);
/// How long a policy repository that no token can see is left alone.
const UNSEEN_FOR: Duration = Duration::from_mins(1);
/// Most reader tokens that are kept.
const MOST: u64 = 20_000;
/// How long a repository that no token can see is left alone, once its owner's misses are used up.
const MISSED_FOR: Duration = Duration::from_mins(1);
/// Repositories out of sight that may be asked for in a minute, per installation, before they are remembered: one that was
/// made a moment ago is found at the next request.
const MISSES: u32 = 30;
/// How long a repository that was in sight is looked for, however many others were asked for in vain.
const SEEN_FOR: Duration = Duration::from_hours(24);
/// Most repositories that are known to be out of sight, or in it.
const MOST_MISSED: usize = 50_000;
/// Most installations whose policy repository is known to be out of sight.
const MOST_UNSEEN: usize = 20_000;

/// An installation of an App on an owner.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) app: Arc<App>,
    pub(crate) installation: Arc<Installation>,
    pub(crate) owner: Owner,
}

/// A token that may read, and the repository it was minted for as GitHub knows it now.
pub(crate) struct Reader {
    token: Arc<ReaderToken>,
    pub(crate) repository: RepositoryId,
}

struct ReaderToken {
    token: InstallationToken,
    minted: Instant,
    /// The repositories it is kept for, one or two; it is revoked when it is kept for none.
    kept_for: AtomicUsize,
}

impl Reader {
    /// One repository fewer keeps the token; the last one ends it.
    fn let_go(&self, github: &GitHub) {
        if self.token.kept_for.fetch_sub(1, Ordering::AcqRel) == 1 {
            github.revoke_in_background(self.token.token.clone());
        }
    }
}

/// Why a repository cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReaderError {
    /// The installation does not see the repository, or there is none.
    #[error("the installation does not see the repository")]
    Unseen,
    /// GitHub knows the repository under another owner or name now.
    #[error("the repository goes by another name now")]
    Renamed,
    /// Too many names that are not there were asked for; whether this one is was not asked.
    #[error("the repository was not looked for")]
    UsedUp(#[source] UsedUp),
    /// GitHub failed or refused.
    #[error("GitHub failed")]
    GitHub(#[source] GitHubError),
}

pub(crate) struct Readers {
    github: GitHub,
    clock: Arc<dyn Clock>,
    audit: Audit,
    policy_repository: RepositoryName,
    minted: Cache<(InstallationId, RepositoryName), Arc<Reader>>,
    unseen: Recent<InstallationId>,
    missed: Recent<(InstallationId, RepositoryName)>,
    misses: Budget<InstallationId>,
    seen: Recent<(InstallationId, RepositoryName)>,
    doubted: Recent<(InstallationId, RepositoryName)>,
    unknown: Arc<UnknownNames>,
}

impl Readers {
    pub(crate) fn new(github: GitHub, clock: Arc<dyn Clock>, audit: Audit, policy_repository: RepositoryName, unknown: Arc<UnknownNames>) -> Self {
        let ending = github.clone();
        Self {
            github,
            clock,
            audit,
            policy_repository,
            minted: kept(MOST, move |reader: Arc<Reader>| reader.let_go(&ending)),
            unseen: Recent::new(UNSEEN_FOR, MOST_UNSEEN),
            missed: Recent::new(MISSED_FOR, MOST_MISSED),
            misses: Budget::new(MISSES, Duration::from_mins(1), MOST_UNSEEN),
            seen: Recent::new(SEEN_FOR, MOST_MISSED),
            doubted: Recent::new(DOUBTED_AFTER, MOST_MISSED),
            unknown,
        }
    }

    /// A token for a `name` that a token of `issuer` asks for.
    pub(crate) async fn reader_for(
        &self,
        issuer: &Issuer,
        place: &Place,
        name: &RepositoryName,
        trace: &Trace,
    ) -> Result<Arc<Reader>, Arc<ReaderError>> {
        let key = (place.installation.id, name.clone());
        if let Some(reader) = self.cached(&key).await {
            return Ok(reader);
        }
        let now = self.clock.monotonic();
        if self.seen.last(&key, now).is_none() && self.missed.last(&key, now).is_none() {
            self.unknown.check(issuer, &place.owner, now).map_err(ReaderError::UsedUp)?;
        }
        let reader = self.reader(place, name, trace).await;
        match &reader {
            Ok(_) => self.seen.note(key, now),
            Err(error) if matches!(**error, ReaderError::Unseen) => self.unknown.missed(issuer, &place.owner, now),
            Err(_) => {}
        }
        reader
    }

    /// A token that was minted before and is young enough.
    async fn cached(&self, key: &(InstallationId, RepositoryName)) -> Option<Arc<Reader>> {
        let reader = self.minted.get(key).await?;
        if self.clock.monotonic().saturating_duration_since(reader.token.minted) < USED_FOR {
            return Some(reader);
        }
        self.minted.invalidate(key).await;
        None
    }

    /// A token for `name`, cached or minted; minted together with one for the policy repository where that helps.
    async fn reader(&self, place: &Place, name: &RepositoryName, trace: &Trace) -> Result<Arc<Reader>, Arc<ReaderError>> {
        let key = (place.installation.id, name.clone());
        if let Some(reader) = self.cached(&key).await {
            return Ok(reader);
        }
        let now = self.clock.monotonic();
        if self.missed.last(&key, now).is_some() {
            return Err(Arc::new(ReaderError::Unseen));
        }
        let reader = self.minted.try_get_with(key.clone(), Box::pin(self.mint(place, name, trace))).await;
        if let Err(error) = &reader
            && matches!(**error, ReaderError::Unseen)
            && self.misses.take(&key.0, now).is_err()
        {
            self.missed.note(key, now);
        }
        reader
    }

    /// Whether the policy repository was out of sight a moment ago.
    pub(crate) fn policy_repository_is_unseen(&self, installation: InstallationId) -> bool {
        self.unseen.last(&installation, self.clock.monotonic()).is_some()
    }

    /// Reads a file; a token that GitHub no longer takes is replaced once, and one that no longer reaches the repository.
    pub(crate) async fn read(
        &self,
        place: &Place,
        name: &RepositoryName,
        path: &str,
        known: Option<&ETag>,
        trace: &Trace,
    ) -> Result<FileRead, Arc<ReaderError>> {
        let repository = Repository { owner: place.owner.clone(), name: name.clone() };
        let reader = self.reader(place, name, trace).await?;
        let mut answer = self.github.read_file(&reader.token.token, &repository, path, known, trace).await;
        let other = match &answer {
            Err(GitHubError::TokenRefused) => Some(self.replaced(&reader, place, name, trace).await?),
            Ok(FileRead::Absent) => self.of_another(&reader, place, name, trace).await,
            _ => None,
        };
        if let Some(other) = other {
            answer = self.github.read_file(&other.token.token, &repository, path, known, trace).await;
        }
        answer.map_err(|error| Arc::new(ReaderError::GitHub(error)))
    }

    /// Lists a directory; a token that GitHub no longer takes is replaced once.
    pub(crate) async fn list(&self, place: &Place, name: &RepositoryName, path: &str, trace: &Trace) -> Result<DirectoryRead, Arc<ReaderError>> {
        let repository = Repository { owner: place.owner.clone(), name: name.clone() };
        let reader = self.reader(place, name, trace).await?;
        let mut answer = self.github.list_directory(&reader.token.token, &repository, path, trace).await;
        if matches!(answer, Err(GitHubError::TokenRefused)) {
            let reader = self.replaced(&reader, place, name, trace).await?;
            answer = self.github.list_directory(&reader.token.token, &repository, path, trace).await;
        }
        answer.map_err(|error| Arc::new(ReaderError::GitHub(error)))
    }

    /// A token of the repository that has the name now, where it is another than the one that `reader` was minted for: one that
    /// was deleted and made again has another id, and nothing is there for tokens of the old one. Asked once a minute for each
    /// repository; where there is no new token, what was read stands.
    async fn of_another(&self, reader: &Reader, place: &Place, name: &RepositoryName, trace: &Trace) -> Option<Arc<Reader>> {
        let (key, now) = ((place.installation.id, name.clone()), self.clock.monotonic());
        if now.saturating_duration_since(reader.token.minted) < DOUBTED_AFTER || self.doubted.last(&key, now).is_some() {
            return None;
        }
        self.doubted.note(key.clone(), now);
        let new = self.mint(place, name, trace).await.ok()?;
        self.minted.insert(key, Arc::clone(&new)).await;
        (new.repository != reader.repository).then_some(new)
    }

    /// The repository that `name` stands for, as the token says that is kept for it.
    pub(crate) async fn repository(&self, place: &Place, name: &RepositoryName) -> Option<RepositoryId> {
        Some(self.cached(&(place.installation.id, name.clone())).await?.repository)
    }

    /// Another token than the one that was refused. Where somebody else has replaced it meanwhile, that one serves.
    async fn replaced(&self, refused: &Arc<Reader>, place: &Place, name: &RepositoryName, trace: &Trace) -> Result<Arc<Reader>, Arc<ReaderError>> {
        let entry = self.minted.entry((place.installation.id, name.clone()));
        let is_refused = |kept: Option<Entry<_, Arc<Reader>>>| kept.is_some_and(|kept| Arc::ptr_eq(kept.value(), refused));
        entry.and_compute_with(|kept| ready(if is_refused(kept) { Op::Remove } else { Op::Nop })).await;
        self.reader(place, name, trace).await
    }

    /// Forgets the tokens of an installation that GitHub has contradicted, and revokes them.
    pub(crate) async fn forget(&self, installation: InstallationId, name: &RepositoryName) {
        self.minted.invalidate(&(installation, name.clone())).await;
        self.minted.invalidate(&(installation, self.policy_repository.clone())).await;
        self.unseen.forget(&installation);
        self.missed.forget(&(installation, name.clone()));
    }

    /// Gives every reader token back.
    pub(crate) async fn revoke_all(&self) {
        let keys: Vec<_> = self.minted.iter().map(|(key, _)| (*key).clone()).collect();
        for key in keys {
            self.minted.invalidate(&key).await;
        }
        self.minted.run_pending_tasks().await;
    }
}

/// What is minted, up to so many. However an entry goes, `gone` takes it, so that no token is left alive that nobody uses.
/// The one that was used longest ago goes first: a token that has just been minted is about to be used.
fn kept<V: Clone + Send + Sync + 'static>(most: u64, gone: impl Fn(V) + Send + Sync + 'static) -> Cache<(InstallationId, RepositoryName), V> {
    let builder = Cache::builder().max_capacity(most).time_to_live(USED_FOR).eviction_policy(EvictionPolicy::lru());
    builder.eviction_listener(move |_, value, _| gone(value)).build()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// However often older ones were used.
    #[tokio::test]
    async fn what_was_just_minted_is_not_what_goes() {
        let gone = Arc::new(Mutex::new(Vec::new()));
        let listener = Arc::clone(&gone);
        let kept = kept(100, move |number: u64| listener.lock().unwrap().push(number));
        let key = |number: u64| (InstallationId(number), "app".parse().unwrap());
        for number in 0..1_000 {
            kept.get_with(key(number), async { number }).await;
            for old in number.saturating_sub(50)..number {
                kept.get(&key(old)).await;
            }
            kept.run_pending_tasks().await;
            assert_eq!(kept.get(&key(number)).await, Some(number));
        }
        assert_eq!(gone.lock().unwrap().len(), 900);
    }
}
