//! Reading files and directories in the state of a commit.

use octo_sts_types::{CommitId, Repository};

use crate::{
    call::{Call, Class, etag},
    content::{DirectoryRead, FileRead},
    content_reply::{self, Content},
    error::GitHubError,
    github::GitHub,
    reply,
    token::InstallationToken,
    trace::Trace,
};

impl GitHub {
    /// Reads a file as it is in a commit. A commit that the repository does not have counts as one without the file.
    pub async fn read_file_at(
        &self,
        token: &InstallationToken,
        repository: &Repository,
        path: &str,
        commit: &CommitId,
        trace: &Trace,
    ) -> Result<FileRead, GitHubError> {
        let Some(uri) = self.0.endpoint.contents_at(repository, path, commit) else { return Ok(FileRead::Absent) };
        let response = match self.with_token(token, &Call::get(Class::Contents, reply::address(uri)?), trace).await {
            Ok(response) => response,
            Err(GitHubError::NotFound) => return Ok(FileRead::Absent),
            Err(error) => return Err(error),
        };
        Ok(match content_reply::file(&response)? {
            Ok(Content { text, sha }) => FileRead::File { text, etag: etag(&response.headers), sha },
            Err(odd) => FileRead::NotAFile(odd),
        })
    }

    /// Lists a directory as it is in a commit.
    pub async fn list_directory_at(
        &self,
        token: &InstallationToken,
        repository: &Repository,
        path: &str,
        commit: &CommitId,
        trace: &Trace,
    ) -> Result<DirectoryRead, GitHubError> {
        let Some(uri) = self.0.endpoint.contents_at(repository, path, commit) else { return Ok(DirectoryRead::Absent) };
        match self.with_token(token, &Call::get(Class::Directory, reply::address(uri)?), trace).await {
            Ok(response) => Ok(content_reply::entries(&response)?.map_or(DirectoryRead::NotADirectory, DirectoryRead::Entries)),
            Err(GitHubError::NotFound) => Ok(DirectoryRead::Absent),
            Err(error) => Err(error),
        }
    }
}
