//! Commits, branches, and what differs between two commits.

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use super::tree::{Node, Tree, git_id};

/// A commit. Its files are shared with every other commit that has the same.
#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) message: String,
    pub(crate) tree: Arc<Tree>,
    pub(crate) parent: Option<String>,
}

/// The branches of a repository and all its commits.
#[derive(Clone, Debug)]
pub(crate) struct History {
    branches: BTreeMap<String, Arc<Commit>>,
    commits: HashMap<String, Arc<Commit>>,
}

/// How a file differs between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    pub(crate) path: String,
    pub(crate) status: &'static str,
    /// The path it had before, when it was renamed.
    pub(crate) previous: Option<String>,
    pub(crate) sha: String,
}

impl Commit {
    /// The first commit of a repository with these files.
    pub(crate) fn first(tree: Arc<Tree>) -> Arc<Self> {
        Self::make("Initial commit", tree, None)
    }

    fn make(message: &str, tree: Arc<Tree>, parent: Option<&Self>) -> Arc<Self> {
        let parent = parent.map(|commit| commit.sha.clone());
        let sha = git_id("commit", format!("{} {parent:?} {message}", tree.id("")).as_bytes());
        Arc::new(Self { sha, message: message.to_owned(), tree, parent })
    }
}

impl History {
    pub(crate) fn new(branch: &str, first: Arc<Commit>) -> Self {
        Self { branches: BTreeMap::from([(branch.to_owned(), first)]), commits: HashMap::new() }
    }

    /// The commit that a branch, `refs/heads/…` or a commit id names.
    pub(crate) fn resolve(&self, reference: &str) -> Option<&Arc<Commit>> {
        let branch = reference.strip_prefix("refs/heads/").or_else(|| reference.strip_prefix("heads/")).unwrap_or(reference);
        self.branches.get(branch).or_else(|| self.commit(reference))
    }

    fn commit(&self, sha: &str) -> Option<&Arc<Commit>> {
        self.commits.get(sha).or_else(|| self.branches.values().find(|commit| commit.sha == sha))
    }

    pub(crate) fn branches(&self) -> impl Iterator<Item = (&str, &Arc<Commit>)> {
        self.branches.iter().map(|(name, commit)| (name.as_str(), commit))
    }

    pub(crate) fn set_branch(&mut self, name: &str, commit: Arc<Commit>) {
        self.branches.insert(name.to_owned(), commit);
    }

    pub(crate) fn delete_branch(&mut self, name: &str) {
        if let Some(commit) = self.branches.remove(name) {
            self.commits.insert(commit.sha.clone(), commit);
        }
    }

    pub(crate) fn rename_branch(&mut self, from: &str, to: &str) {
        if let Some(commit) = self.branches.remove(from) {
            self.branches.insert(to.to_owned(), commit);
        }
    }

    /// Adds a commit to a branch; none when there is no such branch.
    pub(crate) fn add(&mut self, branch: &str, message: &str, change: impl FnOnce(&mut Tree)) -> Option<Arc<Commit>> {
        let parent = Arc::clone(self.branches.get(branch)?);
        let mut tree = Tree::clone(&parent.tree);
        change(&mut tree);
        let commit = Commit::make(message, Arc::new(tree), Some(&parent));
        self.commits.insert(parent.sha.clone(), parent);
        self.branches.insert(branch.to_owned(), Arc::clone(&commit));
        Some(commit)
    }

    /// Takes over the commits of a fork, so that they can be compared here.
    pub(crate) fn fetch(&mut self, other: &Self) {
        self.commits.extend(other.commits.iter().map(|(sha, commit)| (sha.clone(), Arc::clone(commit))));
        self.commits.extend(other.branches.values().map(|commit| (commit.sha.clone(), Arc::clone(commit))));
    }

    fn ancestors<'a>(&'a self, of: &'a Arc<Commit>) -> impl Iterator<Item = &'a Arc<Commit>> {
        std::iter::successors(Some(of), |commit| self.commit(commit.parent.as_ref()?))
    }

    /// The newest commit that both have.
    pub(crate) fn merge_base<'a>(&'a self, base: &'a Arc<Commit>, head: &'a Arc<Commit>) -> Option<&'a Arc<Commit>> {
        let behind: HashSet<&str> = self.ancestors(head).map(|commit| commit.sha.as_str()).collect();
        self.ancestors(base).find(|commit| behind.contains(commit.sha.as_str()))
    }

    /// The commits from the one after `base` up to `head`, oldest first.
    pub(crate) fn between<'a>(&'a self, base: &Commit, head: &'a Arc<Commit>) -> VecDeque<&'a Arc<Commit>> {
        let mut commits = VecDeque::new();
        for commit in self.ancestors(head).take_while(|commit| commit.sha != base.sha) {
            commits.push_front(commit);
        }
        commits
    }
}

/// What differs from `old` to `new`, in order of path; a file that moved unchanged is renamed.
pub(crate) fn differences(old: &Tree, new: &Tree) -> Vec<Difference> {
    let mut removed: Vec<(&str, String)> = old.iter().filter(|(path, _)| new.get(path).is_none()).map(|(path, node)| (path, node.sha())).collect();
    let mut found = Vec::new();
    for (path, node) in new.iter() {
        let before = old.get(path);
        if before == Some(node) {
            continue;
        }
        let sha = node.sha();
        let moved = before.is_none().then(|| removed.iter().position(|(_, old)| *old == sha)).flatten().map(|at| removed.swap_remove(at).0);
        found.push(Difference { path: path.to_owned(), status: status(before, moved), previous: moved.map(str::to_owned), sha });
    }
    found.extend(removed.into_iter().map(|(path, sha)| Difference { path: path.to_owned(), status: "removed", previous: None, sha }));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn status(before: Option<&Node>, moved: Option<&str>) -> &'static str {
    match (before, moved) {
        (Some(_), _) => "modified",
        (None, Some(_)) => "renamed",
        (None, None) => "added",
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tree::Blob, *};

    fn put(tree: &mut Tree, path: &str, text: &str) {
        tree.put(path, Node::File(Blob::new(text.to_owned())));
    }

    fn history() -> History {
        let mut tree = Tree::default();
        put(&mut tree, "a", "1");
        put(&mut tree, "b", "2");
        History::new("main", Commit::first(Arc::new(tree)))
    }

    #[test]
    fn added_modified_renamed_and_removed_are_told_apart() {
        let mut history = history();
        let old = Arc::clone(history.resolve("main").unwrap());
        let new = history.add("main", "change", |tree| {
            tree.remove("b");
            put(tree, "c", "2");
            put(tree, "a", "changed");
            put(tree, "d", "4");
        });
        let found = differences(&old.tree, &new.unwrap().tree);
        let found: Vec<_> = found.iter().map(|one| (one.path.as_str(), one.status, one.previous.as_deref())).collect();
        assert_eq!(found, [("a", "modified", None), ("c", "renamed", Some("b")), ("d", "added", None)]);
        assert_eq!(differences(&old.tree, &Tree::default()).len(), 2);
    }

    #[test]
    fn branches_that_parted_have_their_common_commit_as_base() {
        let mut history = history();
        let base = Arc::clone(history.resolve("main").unwrap());
        history.set_branch("topic", Arc::clone(&base));
        history.add("topic", "one", |tree| put(tree, "x", "1"));
        history.add("topic", "two", |tree| put(tree, "y", "1"));
        history.add("main", "three", |tree| put(tree, "z", "1"));
        let (main, topic) = (history.resolve("refs/heads/main").unwrap(), history.resolve("topic").unwrap());
        assert_eq!(history.merge_base(main, topic).unwrap().sha, base.sha);
        assert_eq!(history.between(&base, topic).iter().map(|commit| commit.message.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(history.resolve(&base.sha).unwrap().sha, base.sha);
        assert!(history.resolve("nowhere").is_none());
    }
}
