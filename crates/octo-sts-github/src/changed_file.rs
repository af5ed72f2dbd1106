//! Files that a change touches, as comparisons and pull requests list them.

use serde::Deserialize;

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileStatus {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It had another path before.
    Renamed,
    /// Its text or its mode changed, or GitHub has a new word for what happened; it is there in any case.
    #[serde(other)]
    Present,
}

/// A file that a change touches.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct ChangedFile {
    /// Its path.
    #[serde(rename = "filename")]
    pub path: String,
    /// What happened to it.
    pub status: FileStatus,
    /// The path it had before, where it was renamed.
    #[serde(rename = "previous_filename")]
    pub previous: Option<String>,
}

/// The files of a change, as far as GitHub lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangedFiles {
    /// The files.
    pub files: Vec<ChangedFile>,
    /// Whether these are all of them. GitHub's lists end at a number of files and do not say so.
    pub whole: bool,
}
