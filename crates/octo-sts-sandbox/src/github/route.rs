//! From a path to what it names.

use std::borrow::Cow;

use http::Method;
use octo_sts_types::{InstallationId, RepositoryId};
use percent_encoding::percent_decode_str;

/// A repository as a path names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named<'a> {
    Name {
        owner: &'a str,
        name: &'a str,
    },
    /// `/repositories/ID`, where redirects of renamed repositories lead.
    Id(RepositoryId),
}

/// An endpoint, with what its path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    App,
    Hook,
    Deliveries,
    Convert(&'a str),
    Installations,
    Installation(InstallationId),
    OrganizationInstallation(&'a str),
    UserInstallation(&'a str),
    RepositoryInstallation(Named<'a>),
    Mint(InstallationId),
    Suspend(InstallationId),
    Unsuspend(InstallationId),
    Uninstall(InstallationId),
    Revoke,
    VisibleRepositories,
    RateLimit,
    Of(Named<'a>, Within<'a>),
    Unknown,
}

/// An endpoint of one repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Within<'a> {
    Repository,
    ReadContents(String),
    PutContents(String),
    DeleteContents(String),
    Compare(&'a str),
    Branch(String),
    Branches,
    Commit(String),
    CommitPulls(&'a str),
    Pulls,
    Pull(u64),
    PullFiles(u64),
    CreateCheckRun,
    CheckRun(u64),
    UpdateCheckRun(u64),
    Issues,
    CreateIssue,
}

/// The segments of a path, percent escapes decoded one segment at a time, so that an escaped slash parts nothing.
pub(crate) fn segments(path: &str) -> Vec<Cow<'_, str>> {
    path.trim_start_matches('/').split('/').map(|part| percent_decode_str(part).decode_utf8_lossy()).collect()
}

impl<'a> Route<'a> {
    pub(crate) fn of(method: &Method, segments: &[&'a str]) -> Self {
        let parsed = match segments {
            ["repos", owner, name, rest @ ..] => Self::repository(method, Named::Name { owner, name }, rest),
            ["repositories", id, rest @ ..] => id.parse().ok().and_then(|id| Self::repository(method, Named::Id(RepositoryId(id)), rest)),
            _ => Self::plain(method, segments),
        };
        parsed.unwrap_or(Self::Unknown)
    }

    fn plain(method: &Method, segments: &[&'a str]) -> Option<Self> {
        let installation = |id: &str| id.parse().map(InstallationId).ok();
        Some(match (method.as_str(), segments) {
            ("GET", ["app"]) => Self::App,
            ("GET", ["app", "hook", "config"]) => Self::Hook,
            ("GET", ["app", "hook", "deliveries"]) => Self::Deliveries,
            ("POST", ["app-manifests", code, "conversions"]) => Self::Convert(code),
            ("GET", ["app", "installations"]) => Self::Installations,
            ("GET", ["app", "installations", id]) => Self::Installation(installation(id)?),
            ("DELETE", ["app", "installations", id]) => Self::Uninstall(installation(id)?),
            ("POST", ["app", "installations", id, "access_tokens"]) => Self::Mint(installation(id)?),
            ("PUT", ["app", "installations", id, "suspended"]) => Self::Suspend(installation(id)?),
            ("DELETE", ["app", "installations", id, "suspended"]) => Self::Unsuspend(installation(id)?),
            ("GET", ["orgs", login, "installation"]) => Self::OrganizationInstallation(login),
            ("GET", ["users", login, "installation"]) => Self::UserInstallation(login),
            ("DELETE", ["installation", "token"]) => Self::Revoke,
            ("GET", ["installation", "repositories"]) => Self::VisibleRepositories,
            ("GET", ["rate_limit"]) => Self::RateLimit,
            _ => return None,
        })
    }

    fn repository(method: &Method, named: Named<'a>, rest: &[&'a str]) -> Option<Self> {
        let number = |text: &str| text.parse::<u64>().ok();
        let within = match (method.as_str(), rest) {
            ("GET", ["installation"]) => return Some(Self::RepositoryInstallation(named)),
            ("GET", []) => Within::Repository,
            ("GET", ["contents", path @ ..]) => Within::ReadContents(path.join("/")),
            ("PUT", ["contents", path @ ..]) => Within::PutContents(path.join("/")),
            ("DELETE", ["contents", path @ ..]) => Within::DeleteContents(path.join("/")),
            ("GET", ["compare", basehead]) => Within::Compare(basehead),
            ("GET", ["branches"]) => Within::Branches,
            ("GET", ["branches", name @ ..]) => Within::Branch(name.join("/")),
            ("GET", ["commits", sha, "pulls"]) => Within::CommitPulls(sha),
            ("GET", ["commits", reference @ ..]) => Within::Commit(reference.join("/")),
            ("GET", ["pulls"]) => Within::Pulls,
            ("GET", ["pulls", n]) => Within::Pull(number(n)?),
            ("GET", ["pulls", n, "files"]) => Within::PullFiles(number(n)?),
            ("POST", ["check-runs"]) => Within::CreateCheckRun,
            ("GET", ["check-runs", id]) => Within::CheckRun(number(id)?),
            ("PATCH", ["check-runs", id]) => Within::UpdateCheckRun(number(id)?),
            ("GET", ["issues"]) => Within::Issues,
            ("POST", ["issues"]) => Within::CreateIssue,
            _ => return None,
        };
        Some(Self::Of(named, within))
    }

    /// The word for this kind of call in faults and in the record.
    pub(crate) fn class(&self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Hook | Self::Deliveries => "hook",
            Self::Convert(_) => "conversion",
            Self::Installations => "installations",
            Self::Installation(_) | Self::Uninstall(_) => "installation",
            Self::OrganizationInstallation(_) | Self::UserInstallation(_) => "owner_installation",
            Self::RepositoryInstallation(_) => "repository_installation",
            Self::Mint(_) => "mint",
            Self::Suspend(_) | Self::Unsuspend(_) => "suspend",
            Self::Revoke => "revoke",
            Self::VisibleRepositories => "visible_repositories",
            Self::RateLimit => "rate_limit",
            Self::Of(_, within) => within.class(),
            Self::Unknown => "unknown",
        }
    }

    /// Whether an App JWT is needed, rather than an installation token.
    pub(crate) fn is_for_apps(&self) -> bool {
        !matches!(self, Self::Revoke | Self::VisibleRepositories | Self::RateLimit | Self::Convert(_) | Self::Of(..) | Self::Unknown)
    }
}

impl Within<'_> {
    fn class(&self) -> &'static str {
        match self {
            Self::Repository => "repository",
            Self::ReadContents(_) => "contents",
            Self::PutContents(_) | Self::DeleteContents(_) => "write_contents",
            Self::Compare(_) => "compare",
            Self::Branch(_) | Self::Branches => "branches",
            Self::Commit(_) => "commits",
            Self::CommitPulls(_) | Self::Pulls | Self::Pull(_) => "pulls",
            Self::PullFiles(_) => "pull_files",
            Self::CreateCheckRun | Self::CheckRun(_) | Self::UpdateCheckRun(_) => "check_runs",
            Self::Issues | Self::CreateIssue => "issues",
        }
    }

    /// The permission that the endpoint needs, and whether it writes.
    pub(crate) fn needs(&self) -> (&'static str, bool) {
        match self {
            Self::Repository => ("metadata", false),
            Self::ReadContents(_) | Self::Compare(_) | Self::Branch(_) | Self::Branches | Self::Commit(_) => ("contents", false),
            Self::PutContents(_) | Self::DeleteContents(_) => ("contents", true),
            Self::CommitPulls(_) | Self::Pulls | Self::Pull(_) | Self::PullFiles(_) => ("pull_requests", false),
            Self::CreateCheckRun | Self::UpdateCheckRun(_) => ("checks", true),
            Self::CheckRun(_) => ("checks", false),
            Self::Issues => ("issues", false),
            Self::CreateIssue => ("issues", true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_name_their_endpoint() {
        for (method, path, class) in [
            (Method::GET, "/app", "app"),
            (Method::POST, "/app/installations/7/access_tokens", "mint"),
            (Method::GET, "/repos/acme/app/installation", "repository_installation"),
            (Method::GET, "/repositories/5001/contents/a/b", "contents"),
            (Method::PUT, "/repos/acme/app/contents/a", "write_contents"),
            (Method::POST, "/app/installations/x/access_tokens", "unknown"),
            (Method::POST, "/app", "unknown"),
            (Method::GET, "/", "unknown"),
        ] {
            let parts = segments(path);
            let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
            assert_eq!(Route::of(&method, &parts).class(), class, "Input: {method} {path}");
        }
    }

    #[test]
    fn an_escaped_slash_parts_no_segments() {
        assert_eq!(segments("/repos/acme%2Fother/app"), ["repos", "acme/other", "app"]);
    }
}
