//! Which files are policies, by their path.

use octo_sts_policy::{FileKind, PolicyKind, is_central, tests_name};
use octo_sts_types::{Identity, Repository, RepositoryName};

pub(crate) use octo_sts_policy::DIRECTORY;

/// A file that a check judges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PolicyFile {
    /// A trust policy.
    Policy { identity: Identity, kind: PolicyKind },
    /// Test cases beside a trust policy.
    Tests { identity: Identity, kind: PolicyKind },
    /// The organisation's issuer allowlist.
    Allowlist,
    /// The organisation's guardrails.
    Guardrails,
    /// It looks like one of them, and no exchange can ask for it.
    Unreachable { why: &'static str, hint: Option<String> },
}

/// The path of the test cases of a policy.
pub(crate) fn tests_path(identity: &Identity) -> String {
    format!("{DIRECTORY}/{}", tests_name(identity))
}

/// What the file at `path` of `repository` is; `None` when it is no business of ours.
pub(crate) fn policy_file(path: &str, repository: &Repository, policy_repository: &RepositoryName) -> Option<PolicyFile> {
    let below = path.strip_prefix(DIRECTORY)?.strip_prefix('/')?;
    let (folders, name) = below.rsplit_once('/').map_or((0, below), |(folders, name)| (folders.split('/').count(), name));
    let organisation = repository.name == *policy_repository;
    if is_central(name) && !organisation {
        return None;
    }
    let kind = if organisation { PolicyKind::Organization } else { PolicyKind::Repository };
    Some(match FileKind::of(name, folders)? {
        FileKind::Policy(identity) => PolicyFile::Policy { identity, kind },
        FileKind::Tests(identity) => PolicyFile::Tests { identity, kind },
        FileKind::Allowlist => PolicyFile::Allowlist,
        FileKind::Guardrails => PolicyFile::Guardrails,
        FileKind::Unreachable { why, hint } => PolicyFile::Unreachable { why, hint },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(repository: &str, path: &str) -> Option<PolicyFile> {
        policy_file(path, &repository.parse().unwrap(), &".github".parse().unwrap())
    }

    #[test]
    fn a_policy_is_a_repositorys_or_an_organisations() {
        let policy = |identity: &str, kind| Some(PolicyFile::Policy { identity: identity.parse().unwrap(), kind });
        assert_eq!(file("acme/app", ".github/chainguard/ci.sts.yaml"), policy("ci", PolicyKind::Repository));
        assert_eq!(file("acme/.GitHub", ".github/chainguard/a.b.sts.yaml"), policy("a.b", PolicyKind::Organization));
        assert_eq!(file("acme/.github", ".github/chainguard/trusted-token-issuers.yaml"), Some(PolicyFile::Allowlist));
        assert_eq!(file("acme/.github", ".github/chainguard/guardrails.yaml"), Some(PolicyFile::Guardrails));
        let ci = "ci".parse().unwrap();
        assert_eq!(file("acme/app", &tests_path(&ci)), Some(PolicyFile::Tests { identity: ci, kind: PolicyKind::Repository }));
    }

    #[test]
    fn other_files_are_no_business_of_ours() {
        for path in [
            "",
            "README.md",
            ".github/chainguard",
            ".github/chainguard/",
            ".github/chainguard/README.md",
            ".github/chainguard/ci.yaml",
            ".github/chainguardx/ci.sts.yaml",
            "x/.github/chainguard/ci.sts.yaml",
            ".github/chainguard/trusted-token-issuers.yaml",
            ".github/workflows/ci.sts.yaml",
        ] {
            assert_eq!(file("acme/app", path), None, "Input: {path}");
        }
    }

    /// T-151
    #[test]
    fn a_file_no_exchange_can_ask_for_is_noticed() {
        let long = format!(".github/chainguard/{}.sts.yaml", "a".repeat(256));
        for path in [
            ".github/chainguard/.sts.yaml",
            ".github/chainguard/-x.sts.yaml",
            ".github/chainguard/.hidden.sts.yaml",
            ".github/chainguard/a b.sts.yaml",
            ".github/chainguard/é.sts.yaml",
            ".github/chainguard/old/ci.sts.yaml",
            ".github/chainguard/../x.sts.yaml",
            ".github/chainguard/ci.sts.yml",
            ".github/chainguard/ci.sts.test.yml",
            ".github/chainguard/old/ci.sts.test.yaml",
            ".github/chainguard/-x.sts.test.yaml",
            &long,
        ] {
            assert!(matches!(file("acme/app", path), Some(PolicyFile::Unreachable { .. })), "Input: {path}");
        }
    }

    /// T-151
    #[test]
    fn what_the_organisation_misnames_is_noticed_where_it_would_count() {
        for name in ["trusted-token-issuers.yml", "guardrails.yml", "guardrails.json", "old/guardrails.yaml"] {
            let path = format!("{DIRECTORY}/{name}");
            assert!(matches!(file("acme/.github", &path), Some(PolicyFile::Unreachable { .. })), "Input: {name}");
            assert_eq!(file("acme/app", &path), None, "Input: {name}");
        }
    }
}
