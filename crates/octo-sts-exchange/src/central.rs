//! A file of the organisation's policy repository that bounds its policies, and what counts while it cannot be read.
//!
//! | GitHub says | What counts |
//! |---|---|
//! | the file is there and valid | the file |
//! | there is no such file | nothing is bounded |
//! | no App sees the policy repository | nothing is bounded; a warning |
//! | the file is there and invalid | the last valid version; without one, the exchange is refused |
//! | rate limited, or away | the last answer, for 15 minutes; without one, the exchange is refused |
//! | anything else | the exchange is refused |
//!
//! An answer counts for 60 seconds.

use std::{sync::Arc, time::Duration, time::Instant};

use moka::future::Cache;
use octo_sts_github::{ETag, FileRead, OddContent, Trace};
use octo_sts_policy::{Diagnostics, Parsed};
use octo_sts_types::{Clock, Owner, RepositoryName};

use crate::{
    error::{During, ExchangeError},
    readers::{Place, ReaderError, Readers},
};

/// How long an answer counts.
const FRESH_FOR: Duration = Duration::from_mins(1);
/// How long the last answer counts while GitHub limits or fails.
const STALE_FOR: Duration = Duration::from_mins(15);
/// Most owners whose file is remembered.
const MOST: u64 = 20_000;

/// Which file, and how its text is read.
pub(crate) struct Kind<T> {
    pub(crate) path: &'static str,
    pub(crate) during: During,
    pub(crate) parse: fn(&str) -> Result<Parsed<T>, Diagnostics>,
}

/// The last answer for one owner.
pub(crate) struct Known<T> {
    state: State<T>,
    etag: Option<ETag>,
    /// The newest valid version, for when a later one is not.
    last_valid: Option<Arc<T>>,
    validated: Instant,
}

/// What counts.
pub(crate) enum InForce<'k, T> {
    /// Nothing is bounded: there is no file, or nobody can see it.
    Nothing,
    /// This version.
    Version(&'k Arc<T>),
    /// There is a file, and no version of it was ever valid.
    Invalid(&'k Diagnostics),
    /// There is something that is no file.
    Odd(&'k OddContent),
}

enum State<T> {
    Valid(Arc<T>),
    Absent,
    Unseen,
    Invalid(Diagnostics),
    Odd(OddContent),
}

/// One kind of file, for every owner.
pub(crate) struct CentralFile<T> {
    kind: Kind<T>,
    readers: Arc<Readers>,
    clock: Arc<dyn Clock>,
    policy_repository: RepositoryName,
    known: Cache<Owner, Arc<Known<T>>>,
}

impl<T> Known<T> {
    pub(crate) fn in_force(&self) -> InForce<'_, T> {
        match (&self.state, &self.last_valid) {
            (State::Absent | State::Unseen, _) => InForce::Nothing,
            (State::Valid(version), _) | (State::Invalid(_) | State::Odd(_), Some(version)) => InForce::Version(version),
            (State::Invalid(diagnostics), None) => InForce::Invalid(diagnostics),
            (State::Odd(odd), None) => InForce::Odd(odd),
        }
    }
}

impl<T: Send + Sync + 'static> CentralFile<T> {
    pub(crate) fn new(kind: Kind<T>, readers: Arc<Readers>, clock: Arc<dyn Clock>, policy_repository: RepositoryName) -> Self {
        Self { kind, readers, clock, policy_repository, known: Cache::builder().max_capacity(MOST).build() }
    }

    /// Forgets the answer for an owner: the next exchange asks again.
    pub(crate) async fn forget(&self, owner: &Owner) {
        self.known.invalidate(owner).await;
    }

    /// The last answer, if it still counts.
    pub(crate) async fn fresh(&self, owner: &Owner) -> Option<Arc<Known<T>>> {
        self.known.get(owner).await.filter(|known| self.age(known) < FRESH_FOR)
    }

    /// The answer that counts: the last one, or GitHub's.
    pub(crate) async fn current(&self, place: &Place, trace: &Trace) -> Result<Arc<Known<T>>, Arc<ExchangeError>> {
        let before = self.known.get(&place.owner).await;
        if let Some(known) = &before
            && self.age(known) < FRESH_FOR
        {
            return Ok(Arc::clone(known));
        }
        if before.is_some() {
            self.known.invalidate(&place.owner).await;
        }
        let fetched = self.known.try_get_with(place.owner.clone(), Box::pin(self.fetch(place, before.clone(), trace))).await;
        match (fetched, before) {
            (Ok(known), _) => Ok(known),
            (Err(error), Some(known)) if is_away(&error) && self.age(&known) <= STALE_FOR => {
                let seconds = self.age(&known).as_secs();
                tracing::warn!(owner = %place.owner, path = self.kind.path, seconds, "GitHub limits or fails; the last answer counts");
                self.known.insert(place.owner.clone(), Arc::clone(&known)).await;
                Ok(known)
            }
            (Err(error), _) => Err(error),
        }
    }

    fn age(&self, known: &Known<T>) -> Duration {
        self.clock.monotonic().saturating_duration_since(known.validated)
    }

    async fn fetch(&self, place: &Place, before: Option<Arc<Known<T>>>, trace: &Trace) -> Result<Arc<Known<T>>, ExchangeError> {
        let etag = before.as_ref().and_then(|known| known.etag.as_ref());
        let last_valid = before.as_ref().and_then(|known| known.last_valid.clone());
        let (state, etag) = match self.read(place, etag, trace).await {
            Ok(FileRead::NotModified) => before.as_ref().map_or((State::Absent, None), |known| (known.state.same(), known.etag.clone())),
            Ok(FileRead::File { text, etag, .. }) => (self.judge(text).await?, etag),
            Ok(FileRead::Absent) => (State::Absent, None),
            Ok(FileRead::NotAFile(odd)) => (State::Odd(odd), None),
            Err(error) => match &*error {
                ReaderError::Unseen | ReaderError::Renamed => (State::Unseen, None),
                ReaderError::GitHub(source) => return Err(ExchangeError::GitHub { during: self.kind.during, source: source.clone() }),
                ReaderError::UsedUp(used_up) => return Err((*used_up).into()),
            },
        };
        self.report(&place.owner, &state);
        let last_valid = match &state {
            State::Valid(version) => Some(Arc::clone(version)),
            State::Absent | State::Unseen => None,
            State::Invalid(_) | State::Odd(_) => last_valid,
        };
        Ok(Arc::new(Known { state, etag, last_valid, validated: self.clock.monotonic() }))
    }

    async fn read(&self, place: &Place, etag: Option<&ETag>, trace: &Trace) -> Result<FileRead, Arc<ReaderError>> {
        if self.readers.policy_repository_is_unseen(place.installation.id) {
            return Err(Arc::new(ReaderError::Unseen));
        }
        self.readers.read(place, &self.policy_repository, self.kind.path, etag, trace).await
    }

    /// Compiles away from the threads that serve requests.
    async fn judge(&self, text: String) -> Result<State<T>, ExchangeError> {
        let parse = self.kind.parse;
        let parsed = tokio::task::spawn_blocking(move || parse(&text)).await.map_err(|_| ExchangeError::Broken)?;
        Ok(match parsed {
            Ok(parsed) => State::Valid(Arc::new(parsed.value)),
            Err(diagnostics) => State::Invalid(diagnostics),
        })
    }

    fn report(&self, owner: &Owner, state: &State<T>) {
        let path = self.kind.path;
        match state {
            State::Unseen => tracing::warn!(%owner, path, "no App sees the organisation's policy repository: nothing bounds its policies"),
            State::Invalid(diagnostics) => tracing::error!(%owner, path, %diagnostics, "a file that bounds the organisation's policies is invalid"),
            State::Odd(odd) => tracing::error!(%owner, path, %odd, "a file that bounds the organisation's policies cannot be read"),
            State::Valid(_) | State::Absent => {}
        }
    }
}

impl<T> State<T> {
    fn same(&self) -> Self {
        match self {
            Self::Valid(version) => Self::Valid(Arc::clone(version)),
            Self::Absent => Self::Absent,
            Self::Unseen => Self::Unseen,
            Self::Invalid(diagnostics) => Self::Invalid(diagnostics.clone()),
            Self::Odd(odd) => Self::Odd(odd.clone()),
        }
    }
}

fn is_away(error: &ExchangeError) -> bool {
    matches!(error, ExchangeError::GitHub { source, .. } if source.is_transient())
}
