//! Reading files and directories in the state of a commit.

use octo_sts_types::{CommitId, Repository};

use crate::{
    content::{DirectoryRead, FileRead},
    error::GitHubError,
    github::GitHub,
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
        self.file_at(token, self.0.endpoint.contents_at(repository, path, commit), None, trace).await
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
        self.directory_at(token, self.0.endpoint.contents_at(repository, path, commit), trace).await
    }
}
