//! Lists that come in pages.
//!
//! Pages are asked for by number. The addresses in GitHub's `Link` header only say whether there is a next one: no address
//! from an answer is ever called.

use octo_sts_types::Repository;
use serde::de::DeserializeOwned;

use crate::{
    call::{Call, Class},
    error::GitHubError,
    github::GitHub,
    headers, reply,
    token::InstallationToken,
    trace::Trace,
};

/// Entries to a page: GitHub's most.
const PER_PAGE: usize = 100;

/// A list, as far as it was read.
#[derive(Debug)]
pub(crate) struct Listed<T> {
    pub(crate) entries: Vec<T>,
    /// Whether GitHub had no further page.
    pub(crate) ended: bool,
}

impl GitHub {
    /// Reads a list below `/repos/{owner}/{repo}/` up to its end, or `most` pages of it.
    pub(crate) async fn pages<T: DeserializeOwned>(
        &self,
        token: &InstallationToken,
        repository: &Repository,
        class: Class,
        list: &str,
        most: u32,
        trace: &Trace,
    ) -> Result<Listed<T>, GitHubError> {
        let mut entries = Vec::new();
        for page in 1..=most {
            let uri = self.0.endpoint.within(repository, &format!("{list}?per_page={PER_PAGE}&page={page}"));
            let response = self.with_token(token, &Call::get(class, reply::address(uri)?), trace).await?;
            let found: Vec<T> = reply::read(&response)?;
            let more = match headers::text(&response.headers, "link") {
                Some(links) => links.contains(r#"rel="next""#),
                None => found.len() >= PER_PAGE,
            };
            entries.extend(found);
            if !more {
                return Ok(Listed { entries, ended: true });
            }
        }
        Ok(Listed { entries, ended: false })
    }
}
