//! Pull requests, as far as a check of policies needs them.

use octo_sts_types::{CommitId, Repository};
use serde::Deserialize;

use crate::{
    call::Class,
    changed_file::{ChangedFile, ChangedFiles},
    error::GitHubError,
    github::GitHub,
    token::InstallationToken,
    trace::Trace,
};

/// How many files GitHub lists of a pull request, over all pages.
const MOST_FILES: usize = 3_000;
/// Pages of 100 that hold them.
const MOST_PAGES: u32 = 30;

/// A pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in its repository.
    pub number: u64,
    /// Where its base branch stands; `None` where GitHub gives something else than a commit.
    pub base: Option<CommitId>,
    /// Whether it is open.
    pub open: bool,
}

#[derive(Deserialize)]
struct PullReply {
    number: u64,
    state: Option<String>,
    base: Option<End>,
}

#[derive(Deserialize)]
struct End {
    sha: String,
}

impl GitHub {
    /// The files of a pull request, all pages of them. `None`: there is no such pull request, or GitHub cannot compare its ends.
    pub async fn pull_files(
        &self,
        token: &InstallationToken,
        repository: &Repository,
        number: u64,
        trace: &Trace,
    ) -> Result<Option<ChangedFiles>, GitHubError> {
        let list = format!("pulls/{number}/files");
        match self.pages::<ChangedFile>(token, repository, Class::Pulls, &list, MOST_PAGES, trace).await {
            Ok(listed) => {
                let whole = listed.ended && listed.entries.len() < MOST_FILES;
                Ok(Some(ChangedFiles { files: listed.entries, whole }))
            }
            Err(GitHubError::NotFound | GitHubError::Unprocessable { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The pull requests of this repository that a commit is part of: the first hundred.
    pub async fn pulls_with_commit(
        &self,
        token: &InstallationToken,
        repository: &Repository,
        commit: &CommitId,
        trace: &Trace,
    ) -> Result<Vec<PullRequest>, GitHubError> {
        let list = format!("commits/{commit}/pulls");
        match self.pages::<PullReply>(token, repository, Class::Pulls, &list, 1, trace).await {
            Ok(listed) => Ok(listed.entries.into_iter().map(PullReply::pull).collect()),
            // 422: the repository has no such commit.
            Err(GitHubError::NotFound | GitHubError::Unprocessable { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

impl PullReply {
    fn pull(self) -> PullRequest {
        let base = self.base.and_then(|base| base.sha.parse().ok());
        PullRequest { number: self.number, base, open: self.state.as_deref() == Some("open") }
    }
}
