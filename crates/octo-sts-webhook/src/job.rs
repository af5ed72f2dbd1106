//! What a delivery asks for.

use octo_sts_types::{CommitId, InstallationId, Owner, Repository};

/// News that makes memories wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// The default branch of a repository moved, or the repository did.
    Policies(Repository),
    /// Pushes of a repository are heard of; its policies are what they were.
    Pushes(Repository),
    /// What is installed on an account changed.
    Installation(Owner),
}

/// A commit whose policies are to be judged. Every part has passed its grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// Where the check run goes, and where files are read: a fork's commits are there as well.
    pub(crate) repository: Repository,
    /// Who tells; looked up before it is believed.
    pub(crate) installation: InstallationId,
    pub(crate) head: CommitId,
    /// What the change is compared with.
    pub(crate) base: Base,
    /// Where the changed files are listed. They are put together.
    pub(crate) sources: Vec<Source>,
    /// Somebody asked for the check again: when nothing changed, everything is judged.
    pub(crate) asked_again: bool,
    /// The default branch moved to `head`.
    pub(crate) landed: Option<Landed>,
}

/// What a change is compared with, to say what it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    Commit(CommitId),
    /// What is in force now.
    DefaultBranch,
}

/// A list of files that a change may have touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Those that the payload itself names: all there are.
    Named(Vec<NamedFile>),
    /// What lies between a commit and the head.
    Since(CommitId),
    /// The files of a pull request.
    Pull(u64),
    /// The pull requests that the head is part of.
    PullsOfHead,
    /// The policy directory of the head, as far as it differs from that of a commit.
    Differences(CommitId),
    /// The whole policy directory of the head.
    Everything,
}

/// A file that a payload names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedFile {
    pub(crate) path: String,
    pub(crate) removed: bool,
}

/// A push to the default branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Landed {
    /// Who pushed: a login, shown to people and never put into an address.
    pub(crate) pusher: String,
}
