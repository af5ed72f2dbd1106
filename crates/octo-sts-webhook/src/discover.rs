//! Which policy files a change touches.
//!
//! Lists of GitHub's end at a number of files without saying so. Where one may have ended, or cannot be had, the policy
//! directory of the head is compared with that of the base, or taken whole. Where that ends, too, the change is not whole,
//! and its check does not succeed.

use std::collections::{HashMap, HashSet};

use octo_sts_github::{ChangedFiles, DirectoryRead, Entry, GitHub, GitHubError, Trace};
use octo_sts_types::CommitId;

use crate::{
    access::Access,
    change::Change,
    job::{Base, Source, Work},
    policy_path::DIRECTORY,
};

/// From this many entries on, GitHub's list of a directory may have ended.
const MOST_ENTRIES: usize = 1_000;
/// Most pull requests of one commit whose files are read.
const MOST_PULLS: usize = 10;

/// Looks for the files of one piece of work.
pub(crate) struct Discovery<'a> {
    pub(crate) github: &'a GitHub,
    pub(crate) access: &'a Access,
    pub(crate) work: &'a Work,
    pub(crate) trace: &'a Trace,
}

impl Discovery<'_> {
    pub(crate) async fn change(&self) -> Result<Change, GitHubError> {
        let mut change = Change::new();
        for source in &self.work.sources {
            self.add(source, &mut change).await?;
        }
        if change.is_empty() && self.work.asked_again {
            self.everything(&mut change).await?;
        }
        Ok(change)
    }

    async fn add(&self, source: &Source, change: &mut Change) -> Result<(), GitHubError> {
        match source {
            Source::Named(files) => {
                change.add_named(files);
                Ok(())
            }
            Source::Since(base) => self.since(base, change).await,
            Source::Pull(number) => self.pull(*number, change).await,
            Source::PullsOfHead => self.pulls_of_head(change).await,
            Source::Differences(base) => self.differences(base, change).await,
            Source::Everything => self.everything(change).await,
        }
    }

    async fn since(&self, base: &CommitId, change: &mut Change) -> Result<(), GitHubError> {
        let Work { repository, head, landed, .. } = self.work;
        match self.github.compare(&self.access.token, repository, base, head, self.trace).await? {
            Some(comparison) if comparison.changed.whole && (comparison.ahead || landed.is_none()) => {
                change.add_changed(&comparison.changed.files);
                Ok(())
            }
            _ => self.differences(base, change).await,
        }
    }

    async fn pull(&self, number: u64, change: &mut Change) -> Result<(), GitHubError> {
        match self.pull_files(number).await? {
            Some(files) if files.whole => {
                change.add_changed(&files.files);
                Ok(())
            }
            _ => match &self.work.base {
                Base::Commit(base) => self.differences(base, change).await,
                Base::DefaultBranch => self.everything(change).await,
            },
        }
    }

    /// `None` where the App may not read pull requests, or there is no such one.
    async fn pull_files(&self, number: u64) -> Result<Option<ChangedFiles>, GitHubError> {
        if !self.access.pulls {
            return Ok(None);
        }
        match self.github.pull_files(&self.access.token, &self.work.repository, number, self.trace).await {
            Err(GitHubError::Forbidden { .. }) => Ok(None),
            other => other,
        }
    }

    async fn pulls_of_head(&self, change: &mut Change) -> Result<(), GitHubError> {
        if !self.access.pulls {
            return Ok(());
        }
        let pulls = self.github.pulls_with_commit(&self.access.token, &self.work.repository, &self.work.head, self.trace).await?;
        for pull in pulls.iter().filter(|pull| pull.open).take(MOST_PULLS) {
            self.pull(pull.number, change).await?;
        }
        Ok(())
    }

    async fn everything(&self, change: &mut Change) -> Result<(), GitHubError> {
        let entries = self.list(&self.work.head, change).await?;
        for entry in &entries {
            change.add(&path(entry), true);
        }
        Ok(())
    }

    /// Two directories, entry by entry: equal ids are equal files.
    async fn differences(&self, base: &CommitId, change: &mut Change) -> Result<(), GitHubError> {
        let (new, old) = (self.list(&self.work.head, change).await?, self.list(base, change).await?);
        let old: HashMap<_, _> = old.iter().map(|entry| (path(entry), &entry.sha)).collect();
        for entry in &new {
            if old.get(&path(entry)).is_none_or(|sha| sha.is_empty() || **sha != entry.sha) {
                change.add(&path(entry), true);
            }
        }
        let there: HashSet<_> = new.iter().map(path).collect();
        old.keys().filter(|path| !there.contains(*path)).for_each(|path| change.add(path, false));
        Ok(())
    }

    /// The entries of the policy directory; none where there is no directory.
    async fn list(&self, commit: &CommitId, change: &mut Change) -> Result<Vec<Entry>, GitHubError> {
        let Work { repository, .. } = self.work;
        let read = self.github.list_directory_at(&self.access.token, repository, DIRECTORY, commit, self.trace).await?;
        let DirectoryRead::Entries(entries) = read else { return Ok(Vec::new()) };
        if entries.len() >= MOST_ENTRIES {
            change.not_whole();
        }
        Ok(entries)
    }
}

fn path(entry: &Entry) -> String {
    format!("{DIRECTORY}/{}", entry.name)
}
