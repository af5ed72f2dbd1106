//! Which files are policies, by their path.

use octo_sts_policy::{Guardrails, IssuerAllowlist, PolicyKind};
use octo_sts_types::{Identity, Repository, RepositoryName};

/// Where policies are.
pub(crate) const DIRECTORY: &str = ".github/chainguard";
/// How the name of a policy file ends.
const ENDING: &str = ".sts.yaml";
/// How the name of a file of test cases ends.
const TESTS_ENDING: &str = ".sts.test.yaml";
/// What people write instead.
const WRONG_ENDINGS: [&str; 2] = [".sts.yml", ".sts.json"];

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
    /// It looks like a policy, and no exchange can ask for it.
    Unreachable { why: &'static str },
}

/// The path of the test cases of a policy.
pub(crate) fn tests_path(identity: &Identity) -> String {
    format!("{DIRECTORY}/{identity}{TESTS_ENDING}")
}

/// What the file at `path` of `repository` is; `None` when it is no business of ours.
pub(crate) fn policy_file(path: &str, repository: &Repository, policy_repository: &RepositoryName) -> Option<PolicyFile> {
    let name = path.strip_prefix(DIRECTORY)?.strip_prefix('/')?;
    let organisation = repository.name == *policy_repository;
    if organisation && path == IssuerAllowlist::PATH {
        return Some(PolicyFile::Allowlist);
    }
    if organisation && path == Guardrails::PATH {
        return Some(PolicyFile::Guardrails);
    }
    if WRONG_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return Some(PolicyFile::Unreachable { why: "The name of a policy file ends in `.sts.yaml`." });
    }
    let kind = if organisation { PolicyKind::Organization } else { PolicyKind::Repository };
    if let Some(identity) = name.strip_suffix(TESTS_ENDING).and_then(|stem| stem.parse().ok()) {
        return Some(PolicyFile::Tests { identity, kind });
    }
    let stem = name.strip_suffix(ENDING)?;
    if stem.contains('/') {
        return Some(PolicyFile::Unreachable { why: "Policies are directly in `.github/chainguard/`, not in a folder below it." });
    }
    Some(match stem.parse() {
        Ok(identity) => PolicyFile::Policy { identity, kind },
        Err(_) => PolicyFile::Unreachable {
            why: "An identity begins with a letter, a digit or `_` and has up to 255 of `A-Z a-z 0-9 . _ -`, so no exchange can ask for this file.",
        },
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
            &long,
        ] {
            assert!(matches!(file("acme/app", path), Some(PolicyFile::Unreachable { .. })), "Input: {path}");
        }
    }
}
