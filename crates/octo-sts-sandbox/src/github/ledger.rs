//! Every installation token there ever was.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use jiff::Timestamp;
use octo_sts_types::{AppId, InstallationId, RepositoryId};

use super::world::PermissionMap;
use crate::lock::{read, write};

/// What the ledger says of one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Place in the order of minting, from 1. [`crate::Caller::Token`] names tokens by it.
    pub number: u64,
    /// The token itself.
    pub token: String,
    /// The App that asked for it.
    pub app: AppId,
    /// The installation it is a token of.
    pub installation: InstallationId,
    /// The permissions in the request; none when the request had no such member.
    pub requested_permissions: Option<PermissionMap>,
    /// The repository names in the request; none when the request had no such member.
    pub requested_repositories: Option<Vec<String>>,
    /// The repository ids in the request; none when the request had no such member.
    pub requested_repository_ids: Option<Vec<RepositoryId>>,
    /// The permissions it has.
    pub permissions: PermissionMap,
    /// Full names, at the time of minting, of the repositories it is limited to; none when it reaches all that the installation covers.
    pub repositories: Option<Vec<String>>,
    /// When it was minted.
    pub minted_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// Whether it was revoked.
    pub revoked: bool,
    /// How often it was shown and accepted, its revocation included.
    pub uses: u64,
}

impl LedgerEntry {
    /// Whether it still opened anything at that time.
    pub fn is_live(&self, now: Timestamp) -> bool {
        !self.revoked && self.expires_at > now
    }
}

/// What a token may do.
pub(crate) struct TokenRecord {
    pub(crate) number: u64,
    pub(crate) token: String,
    pub(crate) app: AppId,
    pub(crate) installation: InstallationId,
    pub(crate) request: MintRequest,
    pub(crate) permissions: Arc<PermissionMap>,
    pub(crate) repositories: Option<Vec<(RepositoryId, String)>>,
    pub(crate) minted_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    revoked: AtomicBool,
    uses: AtomicU64,
}

/// The body of a mint request.
#[derive(Clone, Debug, Default)]
pub(crate) struct MintRequest {
    pub(crate) permissions: Option<PermissionMap>,
    pub(crate) repositories: Option<Vec<String>>,
    pub(crate) repository_ids: Option<Vec<RepositoryId>>,
}

/// What a new token is to be.
pub(crate) struct NewToken {
    pub(crate) token: String,
    pub(crate) app: AppId,
    pub(crate) installation: InstallationId,
    pub(crate) request: MintRequest,
    pub(crate) permissions: Arc<PermissionMap>,
    pub(crate) repositories: Option<Vec<(RepositoryId, String)>>,
    pub(crate) minted_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// The tokens in order of minting, and by their text.
pub(crate) struct Ledger {
    limit: usize,
    state: RwLock<State>,
}

#[derive(Default)]
struct State {
    minted: u64,
    records: VecDeque<Arc<TokenRecord>>,
    by_token: HashMap<String, Arc<TokenRecord>>,
}

impl Ledger {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), state: RwLock::default() }
    }

    pub(crate) fn enter(&self, new: NewToken) -> Arc<TokenRecord> {
        let NewToken { token, app, installation, request, permissions, repositories, minted_at, expires_at } = new;
        let (revoked, uses) = (AtomicBool::new(false), AtomicU64::new(0));
        let mut state = write(&self.state);
        state.minted += 1;
        let number = state.minted;
        let record =
            Arc::new(TokenRecord { number, token, app, installation, request, permissions, repositories, minted_at, expires_at, revoked, uses });
        if state.records.len() >= self.limit
            && let Some(oldest) = state.records.pop_front()
        {
            state.by_token.remove(&oldest.token);
        }
        state.records.push_back(Arc::clone(&record));
        state.by_token.insert(record.token.clone(), Arc::clone(&record));
        record
    }

    /// The record of a token that is neither revoked nor expired. Counts the use.
    pub(crate) fn open(&self, token: &str, now: Timestamp) -> Option<Arc<TokenRecord>> {
        let record = Arc::clone(read(&self.state).by_token.get(token)?);
        if record.revoked.load(Ordering::Acquire) || record.expires_at <= now {
            return None;
        }
        record.uses.fetch_add(1, Ordering::Relaxed);
        Some(record)
    }

    pub(crate) fn entries(&self) -> Vec<LedgerEntry> {
        read(&self.state).records.iter().map(|record| record.entry()).collect()
    }
}

impl TokenRecord {
    /// Ends the token.
    pub(crate) fn revoke(&self) {
        self.revoked.store(true, Ordering::Release);
    }

    /// Whether it is limited to repositories and this is none of them.
    pub(crate) fn excludes(&self, repository: RepositoryId) -> bool {
        self.repositories.as_ref().is_some_and(|repositories| repositories.iter().all(|(id, _)| *id != repository))
    }

    fn entry(&self) -> LedgerEntry {
        LedgerEntry {
            number: self.number,
            token: self.token.clone(),
            app: self.app,
            installation: self.installation,
            requested_permissions: self.request.permissions.clone(),
            requested_repositories: self.request.repositories.clone(),
            requested_repository_ids: self.request.repository_ids.clone(),
            permissions: PermissionMap::clone(&self.permissions),
            repositories: self.repositories.as_ref().map(|all| all.iter().map(|(_, name)| name.clone()).collect()),
            minted_at: self.minted_at,
            expires_at: self.expires_at,
            revoked: self.revoked.load(Ordering::Acquire),
            uses: self.uses.load(Ordering::Relaxed),
        }
    }
}
