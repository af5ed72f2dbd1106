//! Whether files have changed.

use std::{fs, os::unix::fs::MetadataExt as _, path::PathBuf};

/// Looks at files from time to time. What counts is the file that a path leads to, so that a link that is turned to another
/// file is a change, too: that is how Kubernetes replaces secrets.
#[derive(Debug)]
pub(crate) struct Changes {
    paths: Vec<PathBuf>,
    seen: Vec<Option<Mark>>,
}

/// What tells one state of a file from the next: device, inode, length, and time of change in seconds and nanoseconds.
type Mark = (u64, u64, u64, i64, i64);

fn mark(path: &PathBuf) -> Option<Mark> {
    let of = fs::metadata(path).ok()?;
    Some((of.dev(), of.ino(), of.len(), of.mtime(), of.mtime_nsec()))
}

impl Changes {
    /// Begins to look at these files.
    pub(crate) fn of(paths: Vec<PathBuf>) -> Self {
        let seen = paths.iter().map(mark).collect();
        Self { paths, seen }
    }

    /// Whether there is anything to look at.
    pub(crate) fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// Whether any of them changed since the last look. A file that is gone for a moment is not yet a change.
    pub(crate) fn happened(&mut self) -> bool {
        let now: Vec<_> = self.paths.iter().map(mark).collect();
        let changed = now.iter().zip(&self.seen).any(|(now, seen)| now.is_some() && now != seen);
        if changed {
            self.seen = now;
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rewritten_and_a_replaced_file_are_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("link"));
        fs::write(&path, "1").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut changes = Changes::of(vec![link.clone()]);
        assert!(!changes.happened());
        fs::write(&path, "22").unwrap();
        assert!(changes.happened() && !changes.happened());
        let other = folder.path().join("b");
        fs::write(&other, "22").unwrap();
        fs::remove_file(&link).unwrap();
        assert!(!changes.happened());
        std::os::unix::fs::symlink(&other, &link).unwrap();
        assert!(changes.happened());
    }
}
