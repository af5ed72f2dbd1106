//! Trust policies: read from GitHub, compiled once, asked about again at every exchange.
//!
//! A compiled policy is only ever used together with GitHub's word that the file is still the same: a conditional read
//! (304 costs no quota) accompanies every use. When GitHub cannot answer because of a proven limit or an outage, the last
//! version counts for 15 minutes more; that is marked in event and metric.

use std::{sync::Arc, sync::Mutex, sync::OnceLock, sync::PoisonError, time::Duration, time::Instant};

use moka::future::Cache;
use octo_sts_github::{DirectoryRead, ETag, EntryKind, FileRead, GitHubError, OddContent, Trace};
use octo_sts_oidc::StaticKeySet;
use octo_sts_policy::{Class, Diagnostics, ParseOptions, PolicyKind, TrustPolicy};
use octo_sts_types::{AccountId, Clock, Identity, Issuer, Owner, Repository, RepositoryName};
use serde_json::value::RawValue;

use crate::{
    budget::Budget,
    changes::Pushes,
    error::{During, ExchangeError},
    readers::{Place, ReaderError, Readers},
    recent::Recent,
    unknown_names::UnknownNames,
};

/// Where policies are.
const DIRECTORY: &str = ".github/chainguard";
/// How long the last known version counts while GitHub limits or fails.
const STALE_FOR: Duration = Duration::from_mins(15);
/// How long an absence is remembered once a caller has used up his misses.
const ABSENT_FOR: Duration = Duration::from_mins(1);
/// Absent policies that tokens of one issuer may ask for in a minute, per owner, before absences are remembered.
const MISSES: u32 = 30;
/// Most (issuer, owner) pairs whose misses are counted.
const MOST_CALLERS: usize = 20_000;
/// Memory that compiled policies may take, by estimate.
const MOST_BYTES: u64 = 64 << 20;
/// Most absences that are remembered.
const MOST_ABSENT: usize = 20_000;

/// Which file.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PolicyKey {
    /// The account the installation is on: whoever takes its name later has another.
    pub(crate) account: AccountId,
    pub(crate) repository: Repository,
    pub(crate) identity: Identity,
}

/// One version of a policy file, judged.
pub(crate) struct Loaded {
    verdict: Result<TrustPolicy, Invalid>,
    /// The blob's id at GitHub: equal ids are equal texts.
    pub(crate) sha: String,
    etag: Option<ETag>,
    bytes: u32,
    validated: Mutex<Instant>,
    json: OnceLock<Option<Arc<RawValue>>>,
    pub(crate) keys: OnceLock<Option<StaticKeySet>>,
}

#[derive(Clone)]
enum Invalid {
    Unparsable(Diagnostics),
    Uncompilable(Diagnostics),
}

/// What GitHub says of a version we know.
pub(crate) enum Freshness {
    /// It is still the one.
    Same,
    /// GitHub cannot say, and the version is young enough to count.
    Stale,
    /// There is another.
    Changed(Arc<Loaded>),
}

impl Loaded {
    /// The compiled policy, or why there is none.
    pub(crate) fn policy(&self) -> Result<&TrustPolicy, ExchangeError> {
        self.verdict.as_ref().map_err(|invalid| match invalid.clone() {
            Invalid::Unparsable(diagnostics) => ExchangeError::PolicyUnparsable(diagnostics),
            Invalid::Uncompilable(diagnostics) => ExchangeError::PolicyUncompilable(diagnostics),
        })
    }

    /// The policy as parsed, for the audit event; `None` when it does not parse.
    pub(crate) fn json(&self) -> Option<Arc<RawValue>> {
        self.json.get_or_init(|| self.verdict.as_ref().ok().and_then(|policy| serde_json::value::to_raw_value(policy).ok()).map(Arc::from)).clone()
    }

    fn validated(&self) -> Instant {
        *self.validated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn validate(&self, now: Instant) {
        *self.validated.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }
}

pub(crate) struct Policies {
    readers: Arc<Readers>,
    clock: Arc<dyn Clock>,
    policy_repository: RepositoryName,
    options: ParseOptions,
    strict_files: bool,
    known: Cache<PolicyKey, Arc<Loaded>>,
    absent: Recent<PolicyKey>,
    misses: Budget<(Issuer, Owner)>,
    unknown: Arc<UnknownNames>,
    pushes: Pushes,
}

impl Policies {
    pub(crate) fn new(
        readers: Arc<Readers>,
        clock: Arc<dyn Clock>,
        policy_repository: RepositoryName,
        options: ParseOptions,
        strict_files: bool,
        unknown: Arc<UnknownNames>,
    ) -> Self {
        Self {
            readers,
            clock,
            policy_repository,
            options,
            strict_files,
            known: Cache::builder().max_capacity(MOST_BYTES).weigher(|_, loaded: &Arc<Loaded>| loaded.bytes).build(),
            absent: Recent::new(ABSENT_FOR, MOST_ABSENT),
            misses: Budget::new(MISSES, Duration::from_mins(1), MOST_CALLERS),
            unknown,
            pushes: Pushes::default(),
        }
    }

    pub(crate) fn pushes(&self) -> &Pushes {
        &self.pushes
    }

    /// The version that was current last time, without asking.
    pub(crate) async fn known(&self, key: &PolicyKey) -> Option<Arc<Loaded>> {
        self.known.get(key).await
    }

    /// The current version and whether it is stale: asked about if known, read if not.
    pub(crate) async fn load(
        &self,
        place: &Place,
        key: &PolicyKey,
        issuer: &Issuer,
        trace: &Trace,
    ) -> Result<(Arc<Loaded>, bool), Arc<ExchangeError>> {
        if let Some(known) = self.known(key).await {
            return Ok(match self.revalidate(place, key, &known, trace).await? {
                Freshness::Same => (known, false),
                Freshness::Stale => (known, true),
                Freshness::Changed(loaded) => (loaded, false),
            });
        }
        let now = self.clock.monotonic();
        if self.known_absent(key, now) {
            return Err(ExchangeError::PolicyAbsent.into());
        }
        self.unknown.check(issuer, &place.owner, now).map_err(ExchangeError::from)?;
        let loaded = self.known.try_get_with(key.clone(), Box::pin(self.fetch(place, key, trace))).await;
        if let Err(error) = &loaded
            && matches!(**error, ExchangeError::PolicyAbsent)
        {
            self.missed(place, key, issuer, now);
        }
        loaded.map(|loaded| (loaded, false))
    }

    fn missed(&self, place: &Place, key: &PolicyKey, issuer: &Issuer, now: Instant) {
        self.unknown.missed(issuer, &place.owner, now);
        if self.misses.take(&(issuer.clone(), place.owner.clone()), now).is_err() {
            self.absent.note(key.clone(), now);
        }
    }

    fn known_absent(&self, key: &PolicyKey, now: Instant) -> bool {
        self.absent.last(key, now).is_some_and(|at| !self.pushes.came_after(&key.repository, at, now))
    }

    /// Asks GitHub whether `known` is still the current version.
    pub(crate) async fn revalidate(
        &self,
        place: &Place,
        key: &PolicyKey,
        known: &Arc<Loaded>,
        trace: &Trace,
    ) -> Result<Freshness, Arc<ExchangeError>> {
        if self.pushes.vouch_for(&key.repository, known.validated(), self.clock.monotonic()) {
            return Ok(Freshness::Same);
        }
        let read = self.readers.read(place, &key.repository.name, &key.identity.policy_path(), known.etag.as_ref(), trace).await;
        match read {
            Ok(FileRead::NotModified) => {
                known.validate(self.clock.monotonic());
                Ok(Freshness::Same)
            }
            Ok(FileRead::File { sha, .. }) if sha == known.sha => {
                known.validate(self.clock.monotonic());
                Ok(Freshness::Same)
            }
            Ok(read) => {
                self.known.invalidate(key).await;
                let loaded = self.judge(place, key, read, trace).await?;
                self.known.insert(key.clone(), Arc::clone(&loaded)).await;
                Ok(Freshness::Changed(loaded))
            }
            Err(error) if self.may_be_stale(&error, known) => Ok(Freshness::Stale),
            Err(error) => Err(refusal(&error).into()),
        }
    }

    /// Forgets a policy, because GitHub has contradicted what it rests on.
    pub(crate) async fn forget(&self, key: &PolicyKey) {
        self.known.invalidate(key).await;
        self.absent.forget(key);
    }

    fn may_be_stale(&self, error: &ReaderError, known: &Loaded) -> bool {
        let away = matches!(error, ReaderError::GitHub(GitHubError::RateLimited { .. } | GitHubError::Unavailable { .. }));
        away && self.clock.monotonic().saturating_duration_since(known.validated()) <= STALE_FOR
    }

    async fn fetch(&self, place: &Place, key: &PolicyKey, trace: &Trace) -> Result<Arc<Loaded>, ExchangeError> {
        let read = self.readers.read(place, &key.repository.name, &key.identity.policy_path(), None, trace).await.map_err(|error| refusal(&error))?;
        self.judge(place, key, read, trace).await
    }

    /// Compiles what was read, away from the threads that serve requests: a hostile policy costs its own request alone.
    async fn judge(&self, place: &Place, key: &PolicyKey, read: FileRead, trace: &Trace) -> Result<Arc<Loaded>, ExchangeError> {
        let (text, etag, sha) = match read {
            FileRead::File { text, etag, sha } => (text, etag, sha),
            FileRead::NotAFile(odd) => return Err(ExchangeError::PolicyOdd(odd)),
            FileRead::Absent | FileRead::NotModified => return Err(ExchangeError::PolicyAbsent),
        };
        if self.strict_files {
            self.refuse_links(place, key, &sha, trace).await?;
        }
        let options = ParseOptions { owner: Some(key.repository.owner.clone()), ..self.options.clone() };
        let kind = self.kind(key);
        let bytes = estimated_bytes(&text);
        let verdict = tokio::task::spawn_blocking(move || compile(&text, kind, &options)).await.map_err(|_| ExchangeError::Broken)?;
        Ok(Arc::new(Loaded {
            verdict,
            sha,
            etag,
            bytes,
            validated: Mutex::new(self.clock.monotonic()),
            json: OnceLock::new(),
            keys: OnceLock::new(),
        }))
    }

    /// Refuses a policy that GitHub followed a symbolic link to: its file may lie where other people review changes.
    async fn refuse_links(&self, place: &Place, key: &PolicyKey, sha: &str, trace: &Trace) -> Result<(), ExchangeError> {
        let listed = self.readers.list(place, &key.repository.name, DIRECTORY, trace).await.map_err(|error| refusal(&error))?;
        let name = format!("{}.sts.yaml", key.identity);
        let DirectoryRead::Entries(entries) = listed else { return Err(ExchangeError::PolicyOdd(OddContent::Symlink)) };
        let plain = entries.iter().any(|entry| entry.name == name && entry.kind == EntryKind::File && entry.sha == sha);
        if plain { Ok(()) } else { Err(ExchangeError::PolicyOdd(OddContent::Symlink)) }
    }

    /// A policy read from the policy repository is an organisation policy, whatever spelling asked for it.
    fn kind(&self, key: &PolicyKey) -> PolicyKind {
        if key.repository.name == self.policy_repository { PolicyKind::Organization } else { PolicyKind::Repository }
    }
}

/// What a compiled policy of this text takes in memory, roughly: automata are larger than the patterns they come from.
fn estimated_bytes(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX / 8).saturating_mul(8).saturating_add(4_096)
}

fn compile(text: &str, kind: PolicyKind, options: &ParseOptions) -> Result<TrustPolicy, Invalid> {
    TrustPolicy::parse(text, kind, options).map(|parsed| parsed.value).map_err(|diagnostics| match diagnostics.class() {
        Class::Unparsable => Invalid::Unparsable(diagnostics),
        Class::Uncompilable => Invalid::Uncompilable(diagnostics),
    })
}

/// What a failed read means for the exchange.
fn refusal(error: &ReaderError) -> ExchangeError {
    match error {
        ReaderError::GitHub(source) => ExchangeError::GitHub { during: During::Policy, source: source.clone() },
        ReaderError::Renamed => ExchangeError::Renamed,
        ReaderError::Unseen => ExchangeError::PolicyAbsent,
        ReaderError::UsedUp(used_up) => (*used_up).into(),
    }
}
