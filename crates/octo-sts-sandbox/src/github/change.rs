//! Changing what is on the fake GitHub: files, names, owners, branches, pull requests.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use octo_sts_types::RepositoryId;

use super::{
    FakeGitHub,
    build::parts,
    tree::{Blob, Node, Tree},
    world::{Files, PullRecord, RepositoryRecord, Visibility, World},
};
use crate::lock::{read, write};

/// A change of one file in a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The file has this text.
    Put(String, String),
    /// The file is gone.
    Remove(String),
    /// The file has another path.
    Rename {
        /// Where it was.
        from: String,
        /// Where it is.
        to: String,
    },
}

impl FakeGitHub {
    /// Commits a file to the default branch; the repository, if there is none, is created. Returns the commit's id.
    pub fn put_file(&self, repository: &str, path: &str, text: impl Into<String>) -> String {
        self.put_bytes(repository, path, text.into())
    }

    /// Commits a file of any bytes.
    pub fn put_bytes(&self, repository: &str, path: &str, bytes: impl Into<Bytes>) -> String {
        let (owner, name) = parts(repository);
        let world = read(&self.state.world);
        let there = world.owner(owner).is_some_and(|owner| world.named(owner.id, name).is_some());
        drop(world);
        if !there {
            self.create_repository(repository);
        }
        self.put(repository, path, Node::File(Blob::new(bytes)))
    }

    /// Commits a directory with one file in it.
    pub fn put_directory(&self, repository: &str, path: &str) -> String {
        self.put(repository, &format!("{path}/.gitkeep"), Node::File(Blob::new("")))
    }

    /// Commits a symbolic link. Where it leads to a regular file of the repository, GitHub answers with that file.
    pub fn put_symlink(&self, repository: &str, path: &str, target: &str) -> String {
        self.put(repository, path, Node::Symlink { target: target.to_owned() })
    }

    /// Commits a submodule.
    pub fn put_submodule(&self, repository: &str, path: &str, url: &str) -> String {
        self.put(repository, path, Node::Submodule { url: url.to_owned() })
    }

    /// Commits the removal of a file or directory.
    pub fn remove_file(&self, repository: &str, path: &str) -> String {
        self.edit(repository, |tree| {
            tree.remove(path);
        })
    }

    fn put(&self, repository: &str, path: &str, node: Node) -> String {
        self.edit(repository, |tree| tree.put(path, node))
    }

    fn edit(&self, repository: &str, change: impl FnOnce(&mut Tree)) -> String {
        self.repository(repository, |record| {
            let branch = record.default_branch.clone();
            commit(record, &branch, "Update", change)
        })
    }

    /// Commits changes to a branch. Returns the commit's id.
    pub fn commit(&self, repository: &str, branch: &str, message: &str, changes: &[Change]) -> String {
        self.repository(repository, |record| commit(record, branch, message, |tree| changes.iter().for_each(|change| change.apply(tree))))
    }

    /// Makes a branch where another one stands. Returns the commit's id.
    ///
    /// # Panics
    ///
    /// When there is no such branch.
    pub fn create_branch(&self, repository: &str, name: &str, from: &str) -> String {
        self.repository(repository, |record| {
            let commit = record.commit(Some(from)).unwrap_or_else(|| panic!("`{repository}` has no branch `{from}`")).clone();
            record.history_mut().set_branch(name, Arc::clone(&commit));
            commit.sha.clone()
        })
    }

    /// The id of the commit where a branch stands.
    ///
    /// # Panics
    ///
    /// When there is no such branch.
    pub fn head(&self, repository: &str, branch: &str) -> String {
        self.repository(repository, |record| {
            record.commit(Some(branch)).unwrap_or_else(|| panic!("`{repository}` has no branch `{branch}`")).sha.clone()
        })
    }

    /// Renames the default branch.
    pub fn set_default_branch(&self, repository: &str, name: &str) {
        self.repository(repository, |record| {
            let old = std::mem::replace(&mut record.default_branch, name.to_owned());
            if let Files::Changed(history) = &mut record.history {
                history.rename_branch(&old, name);
            }
        });
    }

    /// Copies a repository, with its history and its default branch, to another owner.
    pub fn fork(&self, repository: &str, fork: &str) -> RepositoryId {
        let (history, default_branch) = self.repository(repository, |record| (record.history(), record.default_branch.clone()));
        let id = self.create_repository(fork);
        self.repository(fork, |record| {
            record.history = Files::Changed(Box::new(history));
            record.default_branch = default_branch;
        });
        id
    }

    /// Opens a pull request from a branch of `head_repository`, which may be a fork. Returns its number.
    pub fn open_pull(&self, repository: &str, base: &str, head_repository: &str, head: &str) -> u64 {
        let (head_repository, source) = self.repository(head_repository, |record| (record.id, record.history()));
        self.repository(repository, |record| {
            // As GitHub does under `refs/pull`: the fork's commits can be read, compared and checked here.
            if head_repository != record.id {
                record.history_mut().fetch(&source);
            }
            let number = record.pulls.len() as u64 + 1;
            let (head, base) = (head.to_owned(), base.to_owned());
            record.pulls.push(PullRecord { number, title: format!("Pull {number}"), head_repository, head, base, open: true });
            number
        })
    }

    /// Closes a pull request.
    pub fn close_pull(&self, repository: &str, number: u64) {
        self.repository(repository, |record| record.pulls.iter_mut().filter(|pull| pull.number == number).for_each(|pull| pull.open = false));
    }

    /// Deletes a branch. Its commits stay.
    pub fn delete_branch(&self, repository: &str, name: &str) {
        self.repository(repository, |record| record.history_mut().delete_branch(name));
    }

    /// Shows a repository to everybody, or hides it.
    pub fn set_visibility(&self, repository: &str, visibility: Visibility) {
        self.repository(repository, |record| record.visibility = visibility);
    }

    /// Makes a repository read-only, or writable again.
    pub fn archive(&self, repository: &str, archived: bool) {
        self.repository(repository, |record| record.archived = archived);
    }

    /// Gives a repository another name; the old one redirects until somebody takes it.
    pub fn rename_repository(&self, repository: &str, name: &str) {
        let id = self.repository(repository, |record| record.id);
        let (owner, old) = parts(repository);
        write(&self.state.world).rehome(id, owner, old, owner, name);
    }

    /// Gives a repository to another account; the old name redirects until somebody takes it.
    pub fn transfer(&self, repository: &str, new_owner: &str) {
        let id = self.repository(repository, |record| record.id);
        let (owner, name) = parts(repository);
        write(&self.state.world).rehome(id, owner, name, new_owner, name);
    }

    /// Deletes a repository.
    pub fn delete_repository(&self, repository: &str) {
        let id = self.repository(repository, |record| record.id);
        write(&self.state.world).delete(id);
    }

    /// Deletes an account with its repositories and installations. Anybody may take the name.
    ///
    /// # Panics
    ///
    /// When there is no such account.
    pub fn delete_owner(&self, login: &str) {
        let mut world = write(&self.state.world);
        let id = world.logins.remove(&login.to_ascii_lowercase()).unwrap_or_else(|| panic!("the sandbox has no account `{login}`"));
        let repositories = world.owners.get(&id).map(|owner| owner.repositories.clone()).unwrap_or_default();
        for repository in repositories {
            world.delete(repository);
        }
        let installations: Vec<_> = world.installations.values().filter(|one| one.account == id).map(|one| one.id).collect();
        for installation in installations {
            world.uninstall(installation);
        }
        world.owners.remove(&id);
    }

    /// Gives an account another name. Its repositories redirect from the old name; the account itself does not, and anybody may take the name.
    ///
    /// # Panics
    ///
    /// When there is no such account, or the new name is taken.
    pub fn rename_owner(&self, login: &str, new_login: &str) {
        let mut world = write(&self.state.world);
        assert!(world.owner(new_login).is_none_or(|other| other.login.eq_ignore_ascii_case(login)), "`{new_login}` is taken");
        let id = world.logins.remove(&login.to_ascii_lowercase()).unwrap_or_else(|| panic!("the sandbox has no account `{login}`"));
        world.logins.insert(new_login.to_ascii_lowercase(), id);
        let repositories = world.owners.get_mut(&id).map(|owner| {
            new_login.clone_into(&mut owner.login);
            owner.repositories.clone()
        });
        for repository in repositories.unwrap_or_default() {
            if let Some(record) = world.repositories.get_mut(&repository) {
                record.rendered = OnceLock::new();
                let name = record.name.to_ascii_lowercase();
                world.moved.insert((login.to_ascii_lowercase(), name), repository);
            }
        }
    }

    /// Does something with a repository that must be there.
    fn repository<T>(&self, full_name: &str, change: impl FnOnce(&mut RepositoryRecord) -> T) -> T {
        let (owner, name) = parts(full_name);
        let mut world = write(&self.state.world);
        let id = world.owner(owner).and_then(|owner| world.named(owner.id, name)).map(|repository| repository.id);
        let record = id.and_then(|id| world.repositories.get_mut(&id)).unwrap_or_else(|| panic!("the sandbox has no repository `{full_name}`"));
        record.rendered = OnceLock::new();
        change(record)
    }
}

impl World {
    fn delete(&mut self, id: RepositoryId) {
        self.moved.retain(|_, other| *other != id);
        if let Some(record) = self.repositories.remove(&id) {
            self.forget(&record);
        }
    }

    fn forget(&mut self, record: &RepositoryRecord) {
        self.names.remove(&(record.owner, record.name.to_ascii_lowercase()));
        if let Some(owner) = self.owners.get_mut(&record.owner) {
            owner.repositories.retain(|other| *other != record.id);
        }
    }

    fn rehome(&mut self, id: RepositoryId, old_owner: &str, old_name: &str, new_owner: &str, new_name: &str) {
        let owner = self.owner(new_owner).unwrap_or_else(|| panic!("the sandbox has no account `{new_owner}`")).id;
        assert!(self.named(owner, new_name).is_none(), "the sandbox has a repository `{new_owner}/{new_name}` already");
        let Some(mut record) = self.repositories.remove(&id) else { return };
        self.forget(&record);
        record.owner = owner;
        new_name.clone_into(&mut record.name);
        self.names.insert((owner, new_name.to_ascii_lowercase()), id);
        if let Some(owner) = self.owners.get_mut(&owner) {
            owner.repositories.push(id);
        }
        self.repositories.insert(id, record);
        self.moved.insert((old_owner.to_ascii_lowercase(), old_name.to_ascii_lowercase()), id);
    }
}

impl Change {
    fn apply(&self, tree: &mut Tree) {
        match self {
            Self::Put(path, text) => tree.put(path, Node::File(Blob::new(text.clone()))),
            Self::Remove(path) => {
                tree.remove(path);
            }
            Self::Rename { from, to } => {
                let node = tree.get(from).unwrap_or_else(|| panic!("there is no file `{from}`")).clone();
                tree.remove(from);
                tree.put(to, node);
            }
        }
    }
}

fn commit(record: &mut RepositoryRecord, branch: &str, message: &str, change: impl FnOnce(&mut Tree)) -> String {
    let name = record.name.clone();
    record.history_mut().add(branch, message, change).unwrap_or_else(|| panic!("`{name}` has no branch `{branch}`")).sha.clone()
}
