//! Reading files and directories.

use http::{HeaderValue, StatusCode, Uri};
use octo_sts_types::Repository;

use crate::{
    call::{Call, Class, etag},
    content_reply::{self, Content},
    error::GitHubError,
    github::GitHub,
    reply,
    token::InstallationToken,
    trace::Trace,
};

/// The version of a file, as GitHub names it; sent back to ask whether there is a newer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(pub(crate) HeaderValue);

/// What is at a path where a file is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileRead {
    /// Nothing, or nothing that the token may see.
    Absent,
    /// The version that was known already. Such an answer costs no quota.
    NotModified,
    /// A text file of up to 64 KiB.
    File {
        /// Its text, as it is: a byte order mark stays.
        text: String,
        /// Its version.
        etag: Option<ETag>,
        /// The id of its blob.
        sha: String,
    },
    /// Something else, or a file that is not read.
    NotAFile(OddContent),
}

/// Why what is at a path is not read as a file; the sentence says what it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OddContent {
    /// A directory.
    #[error("it is a directory, not a file")]
    Directory,
    /// A symbolic link that GitHub does not follow: it leads to no file of the repository.
    #[error("it is a symbolic link that leads to no file of this repository")]
    Symlink,
    /// Another repository.
    #[error("it is a submodule, not a file")]
    Submodule,
    /// Longer than a policy may be.
    #[error("the file has {}, and 65,536 bytes are the most", .size.map_or_else(|| "too many bytes".into(), |size| format!("{size} bytes")))]
    TooLarge {
        /// Its size, where GitHub says it.
        size: Option<u64>,
    },
    /// Not text.
    #[error("the file is not UTF-8 text")]
    NotUtf8,
    /// A pointer to a file in Git LFS.
    #[error("the file is kept in Git LFS, and only a pointer to it is here")]
    LfsPointer,
    /// GitHub's answer contradicts itself: no content, bad base64, or not as many bytes as it says.
    #[error("GitHub does not give the file's content: {why}")]
    Unreadable {
        /// What is wrong.
        why: &'static str,
    },
    /// A kind that GitHub's API does not have yet.
    #[error("it is neither a file nor a directory")]
    Unknown,
}

/// What is at a path where a directory is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryRead {
    /// Nothing, or nothing that the token may see.
    Absent,
    /// Its entries: GitHub lists up to 1,000.
    Entries(Vec<Entry>),
    /// Something else.
    NotADirectory,
}

/// An entry of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: EntryKind,
    /// The id of its object.
    pub sha: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What an entry of a directory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// A file. GitHub lists submodules as files, too.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// Another repository.
    Submodule,
    /// A kind that GitHub's API does not have yet.
    Unknown,
}

impl GitHub {
    /// Reads a file on the default branch. With `known`, only if it is no longer that version.
    ///
    /// The path is case sensitive and never encoded by the caller.
    pub async fn read_file(
        &self,
        token: &InstallationToken,
        repository: &Repository,
        path: &str,
        known: Option<&ETag>,
        trace: &Trace,
    ) -> Result<FileRead, GitHubError> {
        self.file_at(token, self.0.endpoint.contents(repository, path), known, trace).await
    }

    /// Lists a directory on the default branch.
    pub async fn list_directory(
        &self,
        token: &InstallationToken,
        repository: &Repository,
        path: &str,
        trace: &Trace,
    ) -> Result<DirectoryRead, GitHubError> {
        self.directory_at(token, self.0.endpoint.contents(repository, path), trace).await
    }

    /// What is at an address; nothing is where a path has none.
    pub(crate) async fn file_at(
        &self,
        token: &InstallationToken,
        address: Option<Result<Uri, http::Error>>,
        known: Option<&ETag>,
        trace: &Trace,
    ) -> Result<FileRead, GitHubError> {
        let Some(uri) = address else { return Ok(FileRead::Absent) };
        let call = Call::get(Class::Contents, reply::address(uri)?).unless(known);
        let response = match self.with_token(token, &call, trace).await {
            Ok(response) => response,
            Err(GitHubError::NotFound) => return Ok(FileRead::Absent),
            Err(error) => return Err(error),
        };
        if response.status == StatusCode::NOT_MODIFIED {
            return if known.is_some() { Ok(FileRead::NotModified) } else { Err(nothing_known()) };
        }
        Ok(match content_reply::file(&response)? {
            Ok(Content { text, sha }) => FileRead::File { text, etag: etag(&response.headers), sha },
            Err(odd) => FileRead::NotAFile(odd),
        })
    }

    /// What the directory at an address holds; nothing is where a path has none.
    pub(crate) async fn directory_at(
        &self,
        token: &InstallationToken,
        address: Option<Result<Uri, http::Error>>,
        trace: &Trace,
    ) -> Result<DirectoryRead, GitHubError> {
        let Some(uri) = address else { return Ok(DirectoryRead::Absent) };
        match self.with_token(token, &Call::get(Class::Directory, reply::address(uri)?), trace).await {
            Ok(response) => Ok(content_reply::entries(&response)?.map_or(DirectoryRead::NotADirectory, DirectoryRead::Entries)),
            Err(GitHubError::NotFound) => Ok(DirectoryRead::Absent),
            Err(error) => Err(error),
        }
    }
}

fn nothing_known() -> GitHubError {
    GitHubError::unexpected(StatusCode::NOT_MODIFIED, "not modified, though no version was named")
}
