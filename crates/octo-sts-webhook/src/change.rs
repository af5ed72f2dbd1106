//! The policy files that a change touches.

use std::collections::BTreeMap;

use octo_sts_github::{ChangedFile, FileStatus};

use crate::{job::NamedFile, policy_path::DIRECTORY};

/// Most files that one check judges. A directory listing of GitHub's has no more.
pub(crate) const MOST_FILES: usize = 1_000;

/// What is known of a change: files of the policy directory, and whether they are there afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// By path; `true` where the file is there afterwards.
    files: BTreeMap<String, bool>,
    /// Whether nothing is missing.
    whole: bool,
}

impl Change {
    pub(crate) fn new() -> Self {
        Self { files: BTreeMap::new(), whole: true }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.whole && self.files.len() <= MOST_FILES
    }

    /// Something of the change cannot be seen.
    pub(crate) fn not_whole(&mut self) {
        self.whole = false;
    }

    /// The files, as many as are judged.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&str, bool)> {
        self.files.iter().take(MOST_FILES).map(|(path, there)| (path.as_str(), *there))
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&str) -> bool) {
        self.files.retain(|path, _| keep(path));
    }

    /// Adds a file; what one list calls removed and another does not is there.
    pub(crate) fn add(&mut self, path: &str, there: bool) {
        if path.strip_prefix(DIRECTORY).is_some_and(|rest| rest.starts_with('/')) {
            *self.files.entry(path.to_owned()).or_default() |= there;
        }
    }

    pub(crate) fn add_named(&mut self, files: &[NamedFile]) {
        for file in files {
            self.add(&file.path, !file.removed);
        }
    }

    pub(crate) fn add_changed(&mut self, files: &[ChangedFile]) {
        for file in files {
            self.add(&file.path, file.status != FileStatus::Removed);
            if let (FileStatus::Renamed, Some(previous)) = (file.status, &file.previous) {
                self.add(previous, false);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(path: &str, status: FileStatus, previous: Option<&str>) -> ChangedFile {
        ChangedFile { path: path.into(), status, previous: previous.map(Into::into) }
    }

    #[test]
    fn a_renamed_file_is_gone_from_where_it_was() {
        let mut change = Change::new();
        change.add_changed(&[
            changed(".github/chainguard/new.sts.yaml", FileStatus::Renamed, Some(".github/chainguard/old.sts.yaml")),
            changed(".github/chainguard/copy.sts.yaml", FileStatus::Present, Some(".github/chainguard/kept.sts.yaml")),
            changed("README.md", FileStatus::Added, None),
            changed(".github/chainguard/gone.sts.yaml", FileStatus::Removed, None),
            changed("elsewhere", FileStatus::Renamed, Some(".github/chainguard/left.sts.yaml")),
        ]);
        let found: Vec<_> = change.files().map(|(path, there)| (path.trim_start_matches(".github/chainguard/"), there)).collect();
        let expected = [("copy.sts.yaml", true), ("gone.sts.yaml", false), ("left.sts.yaml", false), ("new.sts.yaml", true), ("old.sts.yaml", false)];
        assert_eq!(found, expected);
    }

    #[test]
    fn more_files_than_are_judged_are_not_whole() {
        let mut change = Change::new();
        (0..MOST_FILES).for_each(|at| change.add(&format!(".github/chainguard/{at}.sts.yaml"), true));
        assert!(change.is_whole());
        change.add(".github/chainguard/one-more.sts.yaml", true);
        assert!(!change.is_whole());
        assert_eq!(change.files().count(), MOST_FILES);
    }
}
