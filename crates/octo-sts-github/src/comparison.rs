//! What lies between two commits.

use octo_sts_types::{CommitId, Repository};
use serde::Deserialize;

use crate::{
    call::{Call, Class},
    changed_file::{ChangedFile, ChangedFiles},
    error::GitHubError,
    github::GitHub,
    reply,
    token::InstallationToken,
    trace::Trace,
};

/// How many files GitHub shows of a comparison, all on its first page.
const MOST_FILES: usize = 300;

/// Two commits compared: what changed from where their histories parted up to `head`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The files that changed.
    pub changed: ChangedFiles,
    /// Whether `head` has everything `base` has. Where not, history was rewritten, and what `base` has alone is not shown.
    pub ahead: bool,
}

#[derive(Deserialize)]
struct ComparisonReply {
    status: Option<String>,
    files: Option<Vec<ChangedFile>>,
}

impl GitHub {
    /// Compares `base` with `head`. `None`: one of them is not there any more, or they share no history.
    pub async fn compare(
        &self,
        token: &InstallationToken,
        repository: &Repository,
        base: &CommitId,
        head: &CommitId,
        trace: &Trace,
    ) -> Result<Option<Comparison>, GitHubError> {
        // The commits themselves are of no interest: one to a page.
        let uri = self.0.endpoint.within(repository, &format!("compare/{base}...{head}?per_page=1"));
        let call = Call::get(Class::Comparison, reply::address(uri)?);
        let reply: ComparisonReply = match self.with_token(token, &call, trace).await {
            Ok(response) => reply::read(&response)?,
            Err(GitHubError::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        let whole = reply.files.as_ref().is_some_and(|files| files.len() < MOST_FILES);
        let ahead = !matches!(reply.status.as_deref(), Some("behind" | "diverged"));
        Ok(Some(Comparison { changed: ChangedFiles { files: reply.files.unwrap_or_default(), whole }, ahead }))
    }
}
