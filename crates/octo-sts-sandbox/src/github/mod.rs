//! The fake GitHub.
//!
//! What a test does to it is in `build` and `change`; what callers see is in the files named after endpoints. Facts and limits
//! are those of GitHub's documentation and of its `OpenAPI` description, against which the answers are tested.

mod access;
mod activity;
mod app;
mod apps;
mod build;
mod change;
mod commits;
mod contents;
mod fake_app;
mod history;
mod hook;
mod ledger;
mod limits;
mod manifest;
mod mint;
mod page;
mod problem;
mod quota;
mod render;
mod route;
mod state;
mod tree;
mod world;

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize},
    },
};

use octo_sts_types::Permission;

pub use activity::{CheckRun, Issue};
pub use change::Change;
pub use fake_app::FakeApp;
pub use ledger::LedgerEntry;
pub(crate) use render::{Addresses, members};
pub(crate) use state::State;
pub use world::{OwnerKind, PermissionMap, Selection, Visibility};

use crate::{
    Fault,
    call::{Call, CallLog, Service},
    fault::FaultBook,
    lock::{lock, read},
    transport::Listener,
};

/// The fake GitHub: a handle that can be cloned.
#[derive(Clone)]
pub struct FakeGitHub {
    pub(crate) state: Arc<State>,
    log: Arc<CallLog>,
    faults: Arc<FaultBook>,
    listener: Arc<Listener>,
    keys: Arc<AtomicUsize>,
    ids: Arc<AtomicU64>,
    installations: Arc<AtomicU64>,
}

impl FakeGitHub {
    pub(crate) fn new(state: Arc<State>, log: Arc<CallLog>, faults: Arc<FaultBook>, listener: Arc<Listener>) -> Self {
        let (keys, ids, installations) = (Arc::default(), Arc::new(AtomicU64::new(5_000)), Arc::new(AtomicU64::new(1_001)));
        Self { state, log, faults, listener, keys, ids, installations }
    }

    /// The address of the API, with the prefix: what `GITHUB_BASE_URL` is set to.
    pub fn base_url(&self) -> String {
        self.state.addresses().api.clone()
    }

    /// The same without TLS; the port answers both.
    pub fn plain_base_url(&self) -> String {
        format!("http://{}{}", self.listener.address(), self.state.settings.path_prefix)
    }

    /// The highest level of every permission in GitHub's description: for [`FakeGitHub::create_app`].
    pub fn all_permissions() -> Vec<(&'static str, &'static str)> {
        let documented = Permission::all().filter(|permission| permission.is_documented());
        documented.filter_map(|permission| permission.levels().last().map(|level| (permission.name(), level.as_str()))).collect()
    }

    /// Every token there was, in order of minting.
    pub fn ledger(&self) -> Vec<LedgerEntry> {
        self.state.ledger.entries()
    }

    /// The tokens that still open something.
    pub fn live_tokens(&self) -> Vec<LedgerEntry> {
        let now = self.state.settings.clock.now();
        self.ledger().into_iter().filter(|entry| entry.is_live(now)).collect()
    }

    /// The calls to GitHub, in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        self.log.calls(|call| call.service == Service::GitHub)
    }

    /// The check runs, in order of creation.
    pub fn check_runs(&self) -> Vec<CheckRun> {
        lock(&self.state.activity).check_runs.iter().map(|(_, run, _)| run.clone()).collect()
    }

    /// The issues, in order of creation.
    pub fn issues(&self) -> Vec<Issue> {
        lock(&self.state.activity).issues.iter().map(|(_, issue, _)| issue.clone()).collect()
    }

    /// The text of a file on the default branch.
    pub fn file(&self, repository: &str, path: &str) -> Option<String> {
        let (owner, name) = build::parts(repository);
        let world = read(&self.state.world);
        let record = world.named(world.owner(owner)?.id, name)?;
        match record.commit(None)?.tree.get(path)? {
            tree::Node::File(blob) => Some(String::from_utf8_lossy(&blob.bytes).into_owned()),
            _ => None,
        }
    }

    /// Lets something go wrong with calls to GitHub.
    pub fn fault(&self, fault: Fault) {
        self.faults.add(fault.of(Service::GitHub));
    }

    /// Ends all connections and refuses new ones, as a GitHub that is not there.
    pub fn stop(&self) {
        self.listener.stop();
    }

    /// Is there again, on the same port.
    pub async fn resume(&self) -> std::io::Result<()> {
        self.listener.resume().await
    }
}

impl fmt::Debug for FakeGitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeGitHub").field("base_url", &self.base_url()).finish_non_exhaustive()
    }
}
