//! What a mint asks for.
//!
//! GitHub reads a missing or empty list of repositories as "all of the installation", and missing permissions as "all of
//! the App". An [`Order`] therefore has permissions always, and repositories unless the grant itself says every one.

use std::fmt::Write as _;

use bytes::Bytes;
use octo_sts_types::{Grant, GrantedRepositories, Level, Permissions, RepositoryId, RepositoryName};

use crate::error::GitHubError;

/// How many repositories one token can name.
const MOST_REPOSITORIES: usize = 500;

/// The repositories that stand for a grant.
#[derive(Clone, Copy, Debug)]
pub enum Targets<'a> {
    /// By id, which no rename can turn into another repository.
    Ids(&'a [RepositoryId]),
    /// By name, where no id is known yet.
    Names(&'a [RepositoryName]),
    /// All that the installation sees; only for a grant that says so.
    Every,
}

/// One mint: the body to send, and what may come back.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) body: Bytes,
    pub(crate) permissions: Permissions,
    pub(crate) repositories: Ordered,
}

/// Which repositories were asked for.
#[derive(Clone, Debug)]
pub(crate) enum Ordered {
    Ids(Vec<RepositoryId>),
    Names(Vec<RepositoryName>),
    Every,
}

impl Order {
    /// An order for a grant, refused where the targets could be more than it gives.
    pub(crate) fn for_grant(grant: &Grant, targets: Targets<'_>) -> Result<Self, GitHubError> {
        let most = match grant.repositories() {
            GrantedRepositories::Target => Some(1),
            GrantedRepositories::Named(names) => Some(names.len()),
            GrantedRepositories::Every => None,
        };
        match (targets, grant.repositories()) {
            (Targets::Every, GrantedRepositories::Every) => {}
            (Targets::Every, _) => return Err(wider("every repository is asked for, and the grant names some")),
            (Targets::Ids(ids), _) => admit(ids.len(), most)?,
            (Targets::Names(names), GrantedRepositories::Named(granted)) if !names.iter().all(|name| granted.contains(name)) => {
                return Err(wider("a repository is asked for that the grant does not name"));
            }
            (Targets::Names(names), _) => admit(names.len(), most)?,
        }
        Ok(Self::new(grant.permissions().clone(), targets))
    }

    /// An order for a token that reads contents.
    pub(crate) fn reader(repositories: &[RepositoryName]) -> Result<Self, GitHubError> {
        admit(repositories.len(), None)?;
        Ok(Self::new(Permissions::contents_read(), Targets::Names(repositories)))
    }

    /// An order for a token that reads contents and writes check runs; `pulls` lets it read pull requests, too.
    pub(crate) fn checker(repositories: &[RepositoryName], pulls: bool) -> Result<Self, GitHubError> {
        admit(repositories.len(), None)?;
        let wanted = [("contents", Level::Read), ("checks", Level::Write), ("pull_requests", Level::Read)];
        let wanted = wanted.into_iter().filter(|(name, _)| pulls || *name != "pull_requests");
        let wanted: Vec<_> = wanted.filter_map(|(name, level)| Some((name.parse().ok()?, level))).collect();
        let permissions = Permissions::new(wanted).map_err(|_| wider("nothing is asked for, which GitHub reads as everything"))?;
        Ok(Self::new(permissions, Targets::Names(repositories)))
    }

    fn new(permissions: Permissions, targets: Targets<'_>) -> Self {
        let mut body = String::with_capacity(128);
        let repositories = match targets {
            Targets::Ids(ids) => {
                list(&mut body, "repository_ids", "", ids);
                Ordered::Ids(ids.to_vec())
            }
            Targets::Names(names) => {
                list(&mut body, "repositories", "\"", names);
                Ordered::Names(names.to_vec())
            }
            Targets::Every => {
                body.push('{');
                Ordered::Every
            }
        };
        // Names and levels are words of the catalogue: nothing in them needs escaping.
        body.push_str(r#""permissions":{"#);
        for (at, (permission, level)) in permissions.iter().enumerate() {
            let _ = write!(body, r#"{}"{permission}":"{level}""#, comma(at));
        }
        body.push_str("}}");
        Self { body: body.into(), permissions, repositories }
    }
}

/// `{"member":[…],` with each entry between quotes, where it has them. Ids are digits, and names have no character that
/// JSON escapes.
fn list(body: &mut String, member: &str, quote: &str, entries: &[impl std::fmt::Display]) {
    let _ = write!(body, r#"{{"{member}":["#);
    for (at, entry) in entries.iter().enumerate() {
        let _ = write!(body, "{}{quote}{entry}{quote}", comma(at));
    }
    body.push_str("],");
}

fn comma(at: usize) -> &'static str {
    if at == 0 { "" } else { "," }
}

/// Whether this many repositories may be asked for: at least one, no more than the grant gives.
fn admit(asked: usize, most: Option<usize>) -> Result<(), GitHubError> {
    match (asked, most) {
        (0, _) => Err(wider("no repository is asked for, which GitHub reads as every one")),
        (asked, Some(most)) if asked > most => Err(wider("more repositories are asked for than the grant gives")),
        (asked, _) if asked > MOST_REPOSITORIES => {
            Err(GitHubError::Unprocessable { message: format!("a token names {MOST_REPOSITORIES} repositories at the most") })
        }
        _ => Ok(()),
    }
}

fn wider(what: &str) -> GitHubError {
    GitHubError::Wider { what: what.into() }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests stand in for the policy")]
mod tests {
    use super::*;

    fn name(text: &str) -> RepositoryName {
        text.parse().unwrap()
    }

    fn grant(repositories: GrantedRepositories) -> Grant {
        let permissions = Permissions::new([("issues", Level::Write), ("contents", Level::Read)].map(|(name, level)| (name.parse().unwrap(), level)));
        Grant::from_match(permissions.unwrap(), repositories)
    }

    fn body(grant: &Grant, targets: Targets<'_>) -> String {
        String::from_utf8(Order::for_grant(grant, targets).unwrap().body.to_vec()).unwrap()
    }

    #[test]
    fn the_body_says_permissions_and_repositories() {
        let named = grant(GrantedRepositories::Named(vec![name("a"), name(".github")]));
        for (expected, grant, targets) in [
            (
                r#"{"repository_ids":[5000],"permissions":{"contents":"read","issues":"write"}}"#,
                grant(GrantedRepositories::Target),
                Targets::Ids(&[RepositoryId(5000)]),
            ),
            (
                r#"{"repository_ids":[1,2],"permissions":{"contents":"read","issues":"write"}}"#,
                named.clone(),
                Targets::Ids(&[RepositoryId(1), RepositoryId(2)]),
            ),
            (
                r#"{"repositories":["A",".github"],"permissions":{"contents":"read","issues":"write"}}"#,
                named,
                Targets::Names(&[name("A"), name(".github")]),
            ),
            (r#"{"permissions":{"contents":"read","issues":"write"}}"#, grant(GrantedRepositories::Every), Targets::Every),
        ] {
            assert_eq!(body(&grant, targets), expected);
        }
    }

    #[test]
    fn a_checker_asks_for_what_checking_takes() {
        let body = |pulls| String::from_utf8(Order::checker(&[name("a")], pulls).unwrap().body.to_vec()).unwrap();
        assert_eq!(body(true), r#"{"repositories":["a"],"permissions":{"checks":"write","contents":"read","pull_requests":"read"}}"#);
        assert_eq!(body(false), r#"{"repositories":["a"],"permissions":{"checks":"write","contents":"read"}}"#);
    }

    /// T-081, T-083
    #[test]
    fn no_order_is_wider_than_its_grant() {
        let ids: Vec<_> = (0..501).map(RepositoryId).collect();
        let named = || GrantedRepositories::Named(vec![name("a"), name("b")]);
        for (granted, targets) in [
            (GrantedRepositories::Target, Targets::Every),
            (named(), Targets::Every),
            (GrantedRepositories::Target, Targets::Ids(&[])),
            (GrantedRepositories::Target, Targets::Names(&[])),
            (GrantedRepositories::Every, Targets::Ids(&[])),
            (GrantedRepositories::Target, Targets::Ids(&ids[..2])),
            (named(), Targets::Ids(&ids[..3])),
            (named(), Targets::Names(&[name("a"), name("c")])),
        ] {
            let refused = Order::for_grant(&grant(granted.clone()), targets).unwrap_err();
            assert!(matches!(refused, GitHubError::Wider { .. }), "Input: {granted:?} {targets:?}");
        }
        assert!(matches!(Order::reader(&[]), Err(GitHubError::Wider { .. })));
        assert!(matches!(Order::checker(&[], true), Err(GitHubError::Wider { .. })));
        assert!(matches!(Order::for_grant(&grant(GrantedRepositories::Every), Targets::Ids(&ids)), Err(GitHubError::Unprocessable { .. })));
    }
}
