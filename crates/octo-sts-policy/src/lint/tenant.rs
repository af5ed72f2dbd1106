//! Issuers that sign tokens for all of their customers, and whether a policy says which customer it means.

use regex_syntax::hir::literal::{ExtractKind, Extractor};

use crate::{Pattern, Requirement, TrustPolicy};

/// GitHub Actions on github.com.
pub(crate) const GITHUB: &str = "https://token.actions.githubusercontent.com";

/// An issuer that many organisations share.
pub(super) struct Shared {
    issuer: &'static str,
    /// How a subject begins that names the tenant, and what ends the tenant's name there.
    subject: Option<(&'static str, char)>,
    /// Claims that name the tenant or something of the tenant's.
    pub(super) claims: &'static [&'static str],
}

const SHARED: &[Shared] = &[
    Shared {
        issuer: GITHUB,
        subject: Some(("repo:", '/')),
        claims: &[
            "repository",
            "repository_id",
            "repository_owner",
            "repository_owner_id",
            "job_workflow_ref",
            "workflow_ref",
            "enterprise",
            "enterprise_id",
        ],
    },
    Shared {
        issuer: "https://gitlab.com",
        subject: Some(("project_path:", '/')),
        claims: &["project_id", "project_path", "namespace_id", "namespace_path", "user_id", "user_login"],
    },
    Shared {
        issuer: "https://agent.buildkite.com",
        subject: Some(("organization:", ':')),
        claims: &["organization_slug", "organization_id", "pipeline_id"],
    },
    Shared {
        issuer: "https://app.terraform.io",
        subject: Some(("organization:", ':')),
        claims: &["terraform_organization_id", "terraform_organization_name", "terraform_workspace_id", "terraform_project_id"],
    },
    Shared { issuer: "https://accounts.google.com", subject: None, claims: &["email", "hd", "azp"] },
];

/// The shared issuer whose tenant the policy leaves open.
pub(super) fn open_to_all(policy: &TrustPolicy) -> Option<&'static Shared> {
    let shared = SHARED.iter().find(|shared| policy.issuer().admits(shared.issuer))?;
    let by_subject = match policy.subject() {
        Requirement::Exact(_) => true,
        Requirement::Pattern(pattern) => shared.subject.is_some_and(|(start, end)| beginnings(pattern).is_some_and(|all| all_name(&all, start, end))),
    };
    let by_claim = policy.claims().any(|(name, pattern)| shared.claims.contains(&name) && !admits_anything(pattern));
    (!by_subject && !by_claim).then_some(shared)
}

fn all_name(beginnings: &[String], start: &str, end: char) -> bool {
    let names = |text: &String| text.strip_prefix(start).and_then(|rest| rest.split_once(end)).is_some_and(|(tenant, _)| !tenant.is_empty());
    !beginnings.is_empty() && beginnings.iter().all(names)
}

/// The texts that every match begins with one of; `None` when there is no such list.
pub(super) fn beginnings(pattern: &Pattern) -> Option<Vec<String>> {
    let hir = Pattern::syntax(pattern.as_str()).ok()?;
    let sequence = Extractor::new().kind(ExtractKind::Prefix).extract(&hir);
    Some(sequence.literals()?.iter().map(|literal| String::from_utf8_lossy(literal.as_bytes()).into_owned()).collect())
}

/// Whether a claim's pattern says no more than that the claim is there.
pub(crate) fn admits_anything(pattern: &Pattern) -> bool {
    ["zz/Q-9@w", "0"].iter().all(|value| pattern.matches(value))
}
