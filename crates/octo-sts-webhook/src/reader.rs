//! Which files a change concerns, and their texts before and after.

use std::collections::{BTreeMap, HashSet};

use octo_sts_github::{DirectoryRead, EntryKind, FileRead, GitHub, GitHubError, Trace};
use octo_sts_policy::IssuerAllowlist;

use crate::{
    access::Access,
    change::Change,
    job::{Base, Work},
    judge::{Side, Versions},
    policy_path::{DIRECTORY, PolicyFile, tests_path},
};

/// A file that is to be read.
pub(crate) struct Planned {
    path: String,
    file: PolicyFile,
    /// Whether the change has it; otherwise only its test cases changed.
    touched: bool,
    there: bool,
}

/// Every policy that a change touches, itself or its test cases.
pub(crate) fn planned(change: &Change, file_at: impl Fn(&str) -> Option<PolicyFile>) -> Vec<Planned> {
    let mut planned: BTreeMap<String, Planned> = BTreeMap::new();
    for (path, there) in change.files() {
        let Some(file) = file_at(path) else { continue };
        let one = match file {
            PolicyFile::Tests { identity, kind } => {
                let path = identity.policy_path();
                Planned { path, file: PolicyFile::Policy { identity, kind }, touched: false, there }
            }
            file => Planned { path: path.to_owned(), file, touched: true, there },
        };
        match planned.get(&one.path) {
            Some(known) if known.touched => {}
            _ => drop(planned.insert(one.path.clone(), one)),
        }
    }
    planned.into_values().collect()
}

/// Reads files at the commit that is judged, and at the one that it is compared with.
pub(crate) struct Reader<'a> {
    pub(crate) github: &'a GitHub,
    pub(crate) access: &'a Access,
    pub(crate) work: &'a Work,
    pub(crate) trace: &'a Trace,
    /// Whether a file that is missing may only be missing yet.
    pub(crate) may_lag: bool,
    /// The paths that are symbolic links, where such policies are refused.
    pub(crate) links: HashSet<String>,
}

/// The symbolic links in the policy directory of the head.
pub(crate) async fn links(github: &GitHub, work: &Work, access: &Access, trace: &Trace) -> Result<HashSet<String>, GitHubError> {
    let listed = github.list_directory_at(&access.token, &work.repository, DIRECTORY, &work.head, trace).await?;
    let DirectoryRead::Entries(entries) = listed else { return Ok(HashSet::new()) };
    let links = entries.iter().filter(|entry| entry.kind == EntryKind::Symlink);
    Ok(links.map(|entry| format!("{DIRECTORY}/{}", entry.name)).collect())
}

impl Reader<'_> {
    /// A file before and after, with its test cases.
    pub(crate) async fn versions(&self, planned: Planned) -> Result<Versions, GitHubError> {
        let Planned { path, file, touched, there } = planned;
        let head = if there || !touched { self.head(&path).await? } else { Side::Absent };
        let head = match head {
            Side::Absent if there && touched && self.may_lag => return Err(GitHubError::NotFound),
            Side::Absent if there && touched => {
                Side::Odd("GitHub lists this file in the change and does not find it at the commit; check again".into())
            }
            Side::Text(_) if self.links.contains(&path) => Side::Odd("it is a symbolic link, which this service refuses".into()),
            head => head,
        };
        let base = match &self.work.base {
            _ if !touched || matches!(file, PolicyFile::Unreachable { .. }) => Side::Absent,
            Base::Commit(commit) => side(self.github.read_file_at(&self.access.token, &self.work.repository, &path, commit, self.trace).await?),
            Base::DefaultBranch => side(self.github.read_file(&self.access.token, &self.work.repository, &path, None, self.trace).await?),
        };
        let tests = match &file {
            PolicyFile::Policy { identity, .. } if there || !touched => {
                let path = tests_path(identity);
                let side = self.head(&path).await?;
                Some((path, side))
            }
            _ => None,
        };
        let without_allowlist = file == PolicyFile::Guardrails && self.head(IssuerAllowlist::PATH).await? == Side::Absent;
        Ok(Versions { path, file, touched, base, head, tests, without_allowlist })
    }

    async fn head(&self, path: &str) -> Result<Side, GitHubError> {
        self.github.read_file_at(&self.access.token, &self.work.repository, path, &self.work.head, self.trace).await.map(side)
    }
}

fn side(read: FileRead) -> Side {
    match read {
        FileRead::Absent | FileRead::NotModified => Side::Absent,
        FileRead::File { text, .. } => Side::Text(text),
        FileRead::NotAFile(odd) => Side::Odd(odd.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy_path::policy_file;

    fn plan(paths: &[(&str, bool)]) -> Vec<(String, bool, bool)> {
        let mut change = Change::new();
        for (path, there) in paths {
            change.add(&format!(".github/chainguard/{path}"), *there);
        }
        let (repository, policies) = ("acme/app".parse().unwrap(), ".github".parse().unwrap());
        let planned = planned(&change, |path| policy_file(path, &repository, &policies));
        planned.into_iter().map(|one| (one.path.trim_start_matches(".github/chainguard/").to_owned(), one.touched, one.there)).collect()
    }

    #[test]
    fn test_cases_bring_their_policy_with_them() {
        assert_eq!(plan(&[("ci.sts.test.yaml", true)]), [("ci.sts.yaml".to_owned(), false, true)]);
        assert_eq!(plan(&[("ci.sts.test.yaml", true), ("ci.sts.yaml", false)]), [("ci.sts.yaml".to_owned(), true, false)]);
        assert_eq!(plan(&[("README.md", true)]), []);
    }
}
