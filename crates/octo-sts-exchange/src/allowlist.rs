//! The organisation's issuer allowlist, consulted before any policy is read.
//!
//! | GitHub says | The issuer is admitted |
//! |---|---|
//! | the file is there and valid | if the list admits it; in mode `audit` always, and the event says what `enforce` would have said |
//! | there is no such file | always |
//! | no App sees the policy repository | always, with a warning |
//! | the file is there and invalid | as the last valid version says; without one, never |
//! | rate limited, or away | as the last answer says, for 15 minutes; without one, never |
//! | anything else | never |
//!
//! An answer counts for 60 seconds.

use std::{sync::Arc, time::Duration, time::Instant};

use moka::future::Cache;
use octo_sts_github::{ETag, FileRead, GitHubError, OddContent, Trace};
use octo_sts_policy::{Diagnostics, IssuerAllowlist, Mode};
use octo_sts_types::{Clock, Issuer, Owner, RepositoryName};

use crate::{
    error::{During, ExchangeError},
    readers::{Place, ReaderError, Readers},
};

/// Where the allowlist is, in the policy repository.
const PATH: &str = ".github/chainguard/trusted-token-issuers.yaml";
/// How long an answer counts.
const FRESH_FOR: Duration = Duration::from_mins(1);
/// How long the last answer counts while GitHub limits or fails.
const STALE_FOR: Duration = Duration::from_mins(15);
/// Most owners whose allowlist is remembered.
const MOST: u64 = 20_000;

/// What the allowlist said of an issuer that it does not name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unlisted {
    pub(crate) mode: Mode,
}

/// The last answer for one owner.
struct Known {
    state: State,
    etag: Option<ETag>,
    /// The newest valid list, for when a later version is not.
    last_valid: Option<Arc<IssuerAllowlist>>,
    validated: Instant,
}

#[derive(Clone)]
enum State {
    Listed(Arc<IssuerAllowlist>),
    Absent,
    Unseen,
    Invalid(Diagnostics),
    Odd(OddContent),
}

pub(crate) struct Allowlists {
    readers: Arc<Readers>,
    clock: Arc<dyn Clock>,
    policy_repository: RepositoryName,
    known: Cache<Owner, Arc<Known>>,
}

impl Allowlists {
    pub(crate) fn new(readers: Arc<Readers>, clock: Arc<dyn Clock>, policy_repository: RepositoryName) -> Self {
        Self { readers, clock, policy_repository, known: Cache::builder().max_capacity(MOST).build() }
    }

    /// Admits `issuer`, or says why not. `Some` when a list in audit mode does not name it.
    pub(crate) async fn admit(&self, place: &Place, issuer: &Issuer, trace: &Trace) -> Result<Option<Unlisted>, Arc<ExchangeError>> {
        let known = self.current(place, trace).await?;
        let list = match (&known.state, &known.last_valid) {
            (State::Absent | State::Unseen, _) => return Ok(None),
            (State::Listed(list), _) | (State::Invalid(_) | State::Odd(_), Some(list)) => list,
            (State::Invalid(diagnostics), None) => return Err(ExchangeError::AllowlistInvalid(diagnostics.clone()).into()),
            (State::Odd(odd), None) => return Err(ExchangeError::AllowlistOdd(odd.clone()).into()),
        };
        match list.mode() {
            _ if list.admits(issuer) => Ok(None),
            Mode::Audit => Ok(Some(Unlisted { mode: Mode::Audit })),
            Mode::Enforce => Err(ExchangeError::IssuerNotListed.into()),
        }
    }

    /// Forgets the answer for an owner: the next exchange asks again.
    pub(crate) async fn forget(&self, owner: &Owner) {
        self.known.invalidate(owner).await;
    }

    async fn current(&self, place: &Place, trace: &Trace) -> Result<Arc<Known>, Arc<ExchangeError>> {
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
                tracing::warn!(owner = %place.owner, "GitHub limits or fails; the issuer allowlist of {} s ago counts", self.age(&known).as_secs());
                self.known.insert(place.owner.clone(), Arc::clone(&known)).await;
                Ok(known)
            }
            (Err(error), _) => Err(error),
        }
    }

    fn age(&self, known: &Known) -> Duration {
        self.clock.monotonic().saturating_duration_since(known.validated)
    }

    async fn fetch(&self, place: &Place, before: Option<Arc<Known>>, trace: &Trace) -> Result<Arc<Known>, ExchangeError> {
        let etag = before.as_ref().and_then(|known| known.etag.as_ref());
        let last_valid = before.as_ref().and_then(|known| known.last_valid.clone());
        let (state, etag) = match self.read(place, etag, trace).await {
            Ok(FileRead::NotModified) => before.as_ref().map_or((State::Absent, None), |known| (known.state.clone(), known.etag.clone())),
            Ok(FileRead::File { text, etag, .. }) => (judge(text).await?, etag),
            Ok(FileRead::Absent) => (State::Absent, None),
            Ok(FileRead::NotAFile(odd)) => (State::Odd(odd), None),
            Err(error) => match &*error {
                ReaderError::Unseen | ReaderError::Renamed => (State::Unseen, None),
                ReaderError::GitHub(source) => return Err(ExchangeError::GitHub { during: During::Allowlist, source: source.clone() }),
            },
        };
        report(&place.owner, &state);
        let last_valid = match &state {
            State::Listed(list) => Some(Arc::clone(list)),
            State::Absent | State::Unseen => None,
            State::Invalid(_) | State::Odd(_) => last_valid,
        };
        Ok(Arc::new(Known { state, etag, last_valid, validated: self.clock.monotonic() }))
    }

    async fn read(&self, place: &Place, etag: Option<&ETag>, trace: &Trace) -> Result<FileRead, Arc<ReaderError>> {
        if self.readers.policy_repository_is_unseen(place.installation.id).await {
            return Err(Arc::new(ReaderError::Unseen));
        }
        self.readers.read(place, &self.policy_repository, PATH, etag, trace).await
    }
}

async fn judge(text: String) -> Result<State, ExchangeError> {
    let parsed = tokio::task::spawn_blocking(move || IssuerAllowlist::parse(&text)).await.map_err(|_| ExchangeError::Broken)?;
    Ok(match parsed {
        Ok(parsed) => State::Listed(Arc::new(parsed.value)),
        Err(diagnostics) => State::Invalid(diagnostics),
    })
}

fn report(owner: &Owner, state: &State) {
    match state {
        State::Unseen => tracing::warn!(%owner, "no App sees the organisation's policy repository: every issuer is admitted"),
        State::Invalid(diagnostics) => tracing::error!(%owner, %diagnostics, "the organisation's issuer allowlist is invalid"),
        State::Odd(odd) => tracing::error!(%owner, %odd, "the organisation's issuer allowlist cannot be read"),
        State::Listed(_) | State::Absent => {}
    }
}

fn is_away(error: &ExchangeError) -> bool {
    matches!(error, ExchangeError::GitHub { source: GitHubError::RateLimited { .. } | GitHubError::Unavailable { .. }, .. })
}
