//! What exists on the fake GitHub: Apps, accounts, repositories, installations.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;
use octo_sts_types::{AccountId, AppId, InstallationId, RepositoryId};

use super::{
    app::AppKey,
    history::{Commit, History},
    hook::HookRecord,
    manifest::Registration,
    quota::Quota,
};

/// Permission names and levels, as GitHub writes them.
pub type PermissionMap = BTreeMap<String, String>;

/// What kind of account an owner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnerKind {
    /// An organisation.
    Organization,
    /// A user.
    User,
}

/// Who can see a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Those who were given access.
    #[default]
    Private,
    /// Everybody.
    Public,
}

/// Which repositories of its account an installation covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All, also those created later.
    All,
    /// These alone, by name without owner.
    Only(Vec<String>),
}

pub(crate) struct AppRecord {
    pub(crate) id: AppId,
    pub(crate) slug: String,
    pub(crate) permissions: Arc<PermissionMap>,
    pub(crate) keys: Vec<AppKey>,
    pub(crate) installations: Vec<InstallationId>,
    pub(crate) created_at: Timestamp,
    /// The webhook events it subscribes to.
    pub(crate) events: Vec<String>,
    /// Where they go; `None` while the webhook is off.
    pub(crate) hook: Option<HookRecord>,
}

pub(crate) struct OwnerRecord {
    pub(crate) id: AccountId,
    pub(crate) login: String,
    pub(crate) kind: OwnerKind,
    pub(crate) repositories: Vec<RepositoryId>,
}

pub(crate) struct RepositoryRecord {
    pub(crate) id: RepositoryId,
    pub(crate) owner: AccountId,
    pub(crate) name: String,
    pub(crate) visibility: Visibility,
    pub(crate) archived: bool,
    pub(crate) default_branch: String,
    pub(crate) created_at: Timestamp,
    pub(crate) history: Files,
    pub(crate) pulls: Vec<PullRecord>,
    /// The JSON that GitHub's replies show of it, once it was needed.
    pub(crate) rendered: OnceLock<Arc<str>>,
}

/// The files of a repository. Most repositories of a large sandbox never change, and share their one commit.
pub(crate) enum Files {
    Pristine(Arc<Commit>),
    Changed(Box<History>),
}

pub(crate) struct PullRecord {
    pub(crate) number: u64,
    pub(crate) title: String,
    /// The repository that the commits come from; another one when it is a fork.
    pub(crate) head_repository: RepositoryId,
    pub(crate) head: String,
    pub(crate) base: String,
    pub(crate) open: bool,
}

pub(crate) struct InstallationRecord {
    pub(crate) id: InstallationId,
    pub(crate) app: AppId,
    pub(crate) account: AccountId,
    /// None: all repositories of the account.
    pub(crate) selected: Option<BTreeSet<RepositoryId>>,
    pub(crate) permissions: Arc<PermissionMap>,
    pub(crate) suspended_at: Option<Timestamp>,
    pub(crate) created_at: Timestamp,
    pub(crate) quota: Arc<Quota>,
}

/// Everything, with the ways in.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) apps: HashMap<AppId, AppRecord>,
    pub(crate) owners: HashMap<AccountId, OwnerRecord>,
    pub(crate) repositories: HashMap<RepositoryId, RepositoryRecord>,
    pub(crate) installations: HashMap<InstallationId, InstallationRecord>,
    pub(crate) logins: HashMap<String, AccountId>,
    pub(crate) names: HashMap<(AccountId, String), RepositoryId>,
    /// Old names of renamed and transferred repositories: owner's login and name, in lower case.
    pub(crate) moved: HashMap<(String, String), RepositoryId>,
    pub(crate) by_account: HashMap<(AppId, AccountId), InstallationId>,
    /// Counts changes of App keys, so that remembered App JWTs can be judged anew.
    pub(crate) key_changes: u64,
    /// Apps registered from a manifest, by the code that hands out their keys.
    pub(crate) registrations: HashMap<String, Registration>,
}

/// How a repository was found.
pub(crate) enum Lookup<'a> {
    Here(&'a RepositoryRecord),
    /// It had this name before.
    Moved(&'a RepositoryRecord),
}

impl World {
    pub(crate) fn owner(&self, login: &str) -> Option<&OwnerRecord> {
        self.owners.get(self.logins.get(&login.to_ascii_lowercase())?)
    }

    pub(crate) fn named(&self, owner: AccountId, name: &str) -> Option<&RepositoryRecord> {
        self.repositories.get(self.names.get(&(owner, name.to_ascii_lowercase()))?)
    }

    /// Finds a repository by the name it has, else by a name it had.
    pub(crate) fn look_up(&self, owner: &str, name: &str) -> Option<Lookup<'_>> {
        if let Some(found) = self.owner(owner).and_then(|owner| self.named(owner.id, name)) {
            return Some(Lookup::Here(found));
        }
        let id = self.moved.get(&(owner.to_ascii_lowercase(), name.to_ascii_lowercase()))?;
        self.repositories.get(id).map(Lookup::Moved)
    }

    pub(crate) fn installation_of(&self, app: AppId, account: AccountId) -> Option<&InstallationRecord> {
        self.installations.get(self.by_account.get(&(app, account))?)
    }

    pub(crate) fn login(&self, account: AccountId) -> &str {
        self.owners.get(&account).map_or("ghost", |owner| owner.login.as_str())
    }

    pub(crate) fn full_name(&self, repository: &RepositoryRecord) -> String {
        format!("{}/{}", self.login(repository.owner), repository.name)
    }

    /// The repositories that an installation covers, by id.
    pub(crate) fn covered(&self, installation: &InstallationRecord) -> Vec<&RepositoryRecord> {
        let all = self.owners.get(&installation.account).map(|owner| owner.repositories.as_slice()).unwrap_or_default();
        all.iter().filter_map(|id| self.repositories.get(id)).filter(|repository| installation.covers(repository)).collect()
    }
}

impl InstallationRecord {
    pub(crate) fn covers(&self, repository: &RepositoryRecord) -> bool {
        repository.owner == self.account && self.selected.as_ref().is_none_or(|selected| selected.contains(&repository.id))
    }
}

impl RepositoryRecord {
    /// The commit that a reference names; the default branch's when there is none.
    pub(crate) fn commit(&self, reference: Option<&str>) -> Option<&Arc<Commit>> {
        let reference = reference.unwrap_or(&self.default_branch);
        match &self.history {
            Files::Changed(history) => history.resolve(reference),
            Files::Pristine(commit) => {
                let branch = reference.strip_prefix("refs/heads/").unwrap_or(reference);
                (branch == self.default_branch || branch == commit.sha).then_some(commit)
            }
        }
    }

    pub(crate) fn history_mut(&mut self) -> &mut History {
        if let Files::Pristine(commit) = &self.history {
            self.history = Files::Changed(Box::new(History::new(&self.default_branch, Arc::clone(commit))));
        }
        match &mut self.history {
            Files::Changed(history) => history,
            Files::Pristine(_) => unreachable!("made changeable above"),
        }
    }

    /// A copy of the history, for comparisons.
    pub(crate) fn history(&self) -> History {
        match &self.history {
            Files::Changed(history) => History::clone(history),
            Files::Pristine(commit) => History::new(&self.default_branch, Arc::clone(commit)),
        }
    }

    pub(crate) fn private(&self) -> bool {
        self.visibility == Visibility::Private
    }
}
