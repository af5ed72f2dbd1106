//! Putting accounts, repositories and installations on the fake GitHub, and taking them away.

use std::sync::{Arc, OnceLock, atomic::Ordering};

use octo_sts_types::{AccountId, AppId, InstallationId, RepositoryId};

use super::{
    FakeGitHub,
    app::AppKey,
    fake_app::FakeApp,
    history::Commit,
    quota::Quota,
    tree::{Blob, Node, Tree},
    world::{AppRecord, Files, InstallationRecord, OwnerKind, OwnerRecord, PermissionMap, RepositoryRecord, Selection, Visibility, World},
};
use crate::{
    keys::{Family, InvalidKey, SigningKey, pooled},
    lock::{read, write},
};

impl FakeGitHub {
    /// Registers an App with a key out of the pool; see [`FakeApp::private_key_pem`].
    ///
    /// # Panics
    ///
    /// When there is an App with this id already.
    pub fn create_app(&self, id: u64, permissions: &[(&str, &str)]) -> FakeApp {
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        self.register(id, permissions, pooled(Family::Rsa, number))
    }

    /// Registers an App with this RSA key, in PKCS#1 or PKCS#8.
    pub fn create_app_with_key(&self, id: u64, permissions: &[(&str, &str)], pem: &str) -> Result<FakeApp, InvalidKey> {
        SigningKey::from_pem(pem).map(|key| self.register(id, permissions, Arc::new(key)))
    }

    fn register(&self, id: u64, permissions: &[(&str, &str)], key: Arc<SigningKey>) -> FakeApp {
        let permissions = Arc::new(map(permissions));
        let created_at = self.state.settings.clock.now();
        let record = AppRecord {
            id: AppId(id),
            slug: format!("octo-sts-{id}"),
            permissions: Arc::clone(&permissions),
            keys: AppKey::of(&key).into_iter().collect(),
            installations: Vec::new(),
            created_at,
            events: ["check_run", "check_suite", "pull_request", "push"].map(str::to_owned).to_vec(),
            hook: None,
        };
        let mut world = write(&self.state.world);
        assert!(!world.apps.contains_key(&record.id), "the sandbox has an App {id} already");
        world.apps.insert(record.id, record);
        drop(world);
        FakeApp::new(self.clone(), AppId(id), key, permissions)
    }

    /// Creates an account.
    ///
    /// # Panics
    ///
    /// When the name is taken, in whatever letter case.
    pub fn create_owner(&self, login: &str, kind: OwnerKind) -> AccountId {
        let id = AccountId(self.next_id());
        let mut world = write(&self.state.world);
        let taken = world.logins.insert(login.to_ascii_lowercase(), id);
        assert!(taken.is_none(), "the sandbox has an account `{login}` already");
        world.owners.insert(id, OwnerRecord { id, login: login.to_owned(), kind, repositories: Vec::new() });
        id
    }

    /// Creates a private repository with one commit and no files on `main`, and its owner as an organisation where there is none.
    ///
    /// # Panics
    ///
    /// When the name is not `OWNER/NAME`, or is taken.
    pub fn create_repository(&self, full_name: &str) -> RepositoryId {
        self.create_repository_from(full_name, &Commit::first(Arc::default()))
    }

    fn create_repository_from(&self, full_name: &str, first: &Arc<Commit>) -> RepositoryId {
        let (owner, name) = parts(full_name);
        let known = read(&self.state.world).owner(owner).map(|owner| owner.id);
        let owner = known.unwrap_or_else(|| self.create_owner(owner, OwnerKind::Organization));
        let record = RepositoryRecord {
            id: RepositoryId(self.next_id()),
            owner,
            name: name.to_owned(),
            visibility: Visibility::Private,
            archived: false,
            default_branch: "main".to_owned(),
            created_at: self.state.settings.clock.now(),
            history: Files::Pristine(Arc::clone(first)),
            pulls: Vec::new(),
            rendered: OnceLock::new(),
        };
        write(&self.state.world).add(record)
    }

    /// Creates organisations with equal repositories, all with the same files: `NAME-0` with `repo-0`, `repo-1`, … and so on.
    ///
    /// Repositories share their files until one is changed, so that 100,000 of them take some 50 MB.
    pub fn populate(&self, name: &str, organizations: usize, repositories_each: usize, files: &[(&str, &str)]) {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.put(path, Node::File(Blob::new((*text).to_owned())));
        }
        let first = Commit::first(Arc::new(tree));
        for organization in 0..organizations {
            let owner = format!("{name}-{organization}");
            self.create_owner(&owner, OwnerKind::Organization);
            for repository in 0..repositories_each {
                self.create_repository_from(&format!("{owner}/repo-{repository}"), &first);
            }
        }
    }

    /// Installs an App on an account, with these permissions.
    ///
    /// # Panics
    ///
    /// When there is no such App, account or repository, or the App is installed there already.
    pub fn install(&self, app: u64, owner: &str, selection: &Selection, permissions: &[(&str, &str)]) -> InstallationId {
        self.install_with(AppId(app), owner, selection, Arc::new(map(permissions)))
    }

    pub(crate) fn install_with(&self, app: AppId, owner: &str, selection: &Selection, permissions: Arc<PermissionMap>) -> InstallationId {
        let id = InstallationId(self.installations.fetch_add(1, Ordering::Relaxed));
        let now = self.state.settings.clock.now();
        let mut world = write(&self.state.world);
        let account = world.owner(owner).unwrap_or_else(|| panic!("the sandbox has no account `{owner}`")).id;
        let selected = match selection {
            Selection::All => None,
            Selection::Only(names) => Some(names.iter().map(|name| world.known(account, name)).collect()),
        };
        let quota = Arc::new(Quota::new(self.state.settings.hourly_quota, now));
        let record = InstallationRecord { id, app, account, selected, permissions, suspended_at: None, created_at: now, quota };
        assert!(world.by_account.insert((app, account), id).is_none(), "App {app} is installed on `{owner}` already");
        world.apps.get_mut(&app).unwrap_or_else(|| panic!("the sandbox has no App {app}")).installations.push(id);
        world.installations.insert(id, record);
        id
    }

    /// Uninstalls an App. Its tokens end.
    pub fn uninstall(&self, id: InstallationId) {
        write(&self.state.world).uninstall(id);
    }

    /// Suspends an installation, or ends the suspension.
    pub fn suspend(&self, id: InstallationId, suspended: bool) {
        let now = self.state.settings.clock.now();
        self.installation(id, |installation| installation.suspended_at = suspended.then_some(now));
    }

    /// Sets what an installation was granted, as when an owner accepts new permissions.
    pub fn set_permissions(&self, id: InstallationId, permissions: &[(&str, &str)]) {
        self.installation(id, |installation| installation.permissions = Arc::new(map(permissions)));
    }

    /// Sets an installation's quota of the running hour.
    pub fn set_quota(&self, id: InstallationId, limit: u64, remaining: u64) {
        self.installation(id, |installation| installation.quota.set(limit, remaining));
    }

    /// Sets which repositories an installation covers.
    ///
    /// # Panics
    ///
    /// When there is no such installation or repository.
    pub fn set_selection(&self, id: InstallationId, selection: &Selection) {
        let mut world = write(&self.state.world);
        let account = world.installations.get(&id).unwrap_or_else(|| panic!("the sandbox has no installation {id}")).account;
        let selected = match selection {
            Selection::All => None,
            Selection::Only(names) => Some(names.iter().map(|name| world.known(account, name)).collect()),
        };
        if let Some(installation) = world.installations.get_mut(&id) {
            installation.selected = selected;
        }
    }

    fn installation(&self, id: InstallationId, change: impl FnOnce(&mut InstallationRecord)) {
        let mut world = write(&self.state.world);
        change(world.installations.get_mut(&id).unwrap_or_else(|| panic!("the sandbox has no installation {id}")));
    }

    fn next_id(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }
}

impl World {
    fn add(&mut self, record: RepositoryRecord) -> RepositoryId {
        let id = record.id;
        let taken = self.names.insert((record.owner, record.name.to_ascii_lowercase()), id);
        assert!(taken.is_none(), "the sandbox has a repository `{}` already", self.full_name(&record));
        if let Some(owner) = self.owners.get_mut(&record.owner) {
            owner.repositories.push(id);
        }
        self.repositories.insert(id, record);
        id
    }

    /// The id of a repository that must be there.
    fn known(&self, account: AccountId, name: &str) -> RepositoryId {
        self.named(account, name).unwrap_or_else(|| panic!("`{}` has no repository `{name}` in the sandbox", self.login(account))).id
    }
}

/// Owner and name.
pub(crate) fn parts(full_name: &str) -> (&str, &str) {
    full_name.split_once('/').unwrap_or_else(|| panic!("`{full_name}` is not OWNER/NAME"))
}

fn map(permissions: &[(&str, &str)]) -> PermissionMap {
    permissions.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect()
}
