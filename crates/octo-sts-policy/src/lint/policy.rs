//! Fields together.

use std::ops::Range;

use octo_sts_types::Level;

use super::tenant;
use crate::{
    PolicyKind, Requirement, TrustPolicy,
    diagnostics::{Code, Reporter},
    fields::{Fields, list},
};

/// Permissions whose holder can change files or settings that policies rest on.
const REWRITING: &[&str] = &["contents", "workflows", "administration"];
/// The usual name of the policy repository.
const POLICY_REPOSITORY: &str = ".github";
/// Events of GitHub Actions that anybody can cause and that run as the repository.
const UNTRUSTED_EVENTS: &[&str] = &["pull_request_target", "issue_comment", "workflow_run"];

/// Looks at a policy that is valid as far as its fields go alone.
pub(crate) fn policy(policy: &TrustPolicy, fields: &Fields<'_>, reporter: &mut Reporter<'_>) {
    let field = |names: [&str; 2]| names.iter().find_map(|name| fields.entry(name)).map_or(0..0, |entry| entry.value.span.clone());
    shared_issuer(policy, field(["subject", "subject_pattern"]), reporter);
    name_only_subject(policy, field(["subject", "subject_pattern"]), reporter);
    every_repository(policy, field(["permissions", ""]), reporter);
    untrusted_event(policy, field(["claim_pattern", ""]), reporter);
    can_rewrite_policy(policy, fields, reporter);
    keys_do_not_rotate(policy, fields, reporter);
}

fn shared_issuer(policy: &TrustPolicy, span: Range<usize>, reporter: &mut Reporter<'_>) {
    let Some(shared) = tenant::open_to_all(policy) else { return };
    let message = "Everybody can get tokens from this issuer, and the policy does not say whose it means.";
    let claims = &shared.claims[..shared.claims.len().min(4)];
    reporter.report(Code::SharedIssuer, span, message, format!("name the organisation in the subject, or require one of {}", list(claims)));
}

fn name_only_subject(policy: &TrustPolicy, span: Range<usize>, reporter: &mut Reporter<'_>) {
    let pinned = policy.claim_names().any(|name| matches!(name, "repository_id" | "repository_owner_id"));
    if pinned || !policy.issuer().admits(tenant::GITHUB) || policy.issuer().exact().is_none() {
        return;
    }
    let subjects = match policy.subject() {
        Requirement::Exact(text) => vec![text.to_string()],
        Requirement::Pattern(pattern) => tenant::beginnings(pattern).unwrap_or_default(),
    };
    let by_name = |text: &String| text.strip_prefix("repo:").and_then(|rest| rest.split_once('/')).is_some_and(|(owner, _)| !owner.contains('@'));
    if !subjects.is_empty() && subjects.iter().all(by_name) {
        let message = "Repositories created, renamed or transferred since July 2026 have subjects with ids, which this does not match.";
        let with_ids = policy.subject().exact().and_then(with_ids).unwrap_or_else(|| "repo:OWNER@OWNER_ID/NAME@ID:…".to_owned());
        let hint = format!("write `{with_ids}` where tokens have it, or pin `repository_id` under `claim_pattern`");
        reporter.report(Code::NameOnlySubject, span, message, hint);
    }
}

/// The subject with places for the ids.
fn with_ids(subject: &str) -> Option<String> {
    let (owner, rest) = subject.strip_prefix("repo:")?.split_once('/')?;
    let (name, rest) = rest.split_once(':')?;
    Some(format!("repo:{owner}@OWNER_ID/{name}@ID:{rest}"))
}

fn keys_do_not_rotate(policy: &TrustPolicy, fields: &Fields<'_>, reporter: &mut Reporter<'_>) {
    let Some(entry) = fields.entry("jwks").filter(|_| policy.jwks().is_some()) else { return };
    let message = "The keys stand here, so they do not change when the issuer's do.";
    let hint = "copy the issuer's keys here before it signs with new ones, and delete those that it has given up".to_owned();
    reporter.report(Code::KeysDoNotRotate, entry.key_span.clone(), message, hint);
}

fn every_repository(policy: &TrustPolicy, span: Range<usize>, reporter: &mut Reporter<'_>) {
    if policy.kind() == PolicyKind::Organization && policy.repositories().is_none() {
        let message = "Asked for the whole organisation, this policy gives its permissions on every repository the App can see.";
        reporter.report(Code::EveryRepository, span, message, "write `repositories:` and the names that are needed".to_owned());
    }
}

fn untrusted_event(policy: &TrustPolicy, span: Range<usize>, reporter: &mut Reporter<'_>) {
    let Some((_, pattern)) = policy.claims().find(|(name, _)| *name == "event_name") else { return };
    let admitted: Vec<_> = UNTRUSTED_EVENTS.iter().copied().filter(|event| pattern.matches(event)).collect();
    if !admitted.is_empty() && !policy.claim_names().any(|name| name == "job_workflow_ref") {
        let message = format!("Strangers can cause {}, which this policy admits.", list(&admitted));
        reporter.report(Code::UntrustedEvent, span, message, "require other events, or pin `job_workflow_ref`".to_owned());
    }
}

fn can_rewrite_policy(policy: &TrustPolicy, fields: &Fields<'_>, reporter: &mut Reporter<'_>) {
    let over_policies = match (policy.kind(), policy.repositories()) {
        (PolicyKind::Repository, _) | (PolicyKind::Organization, None) => true,
        (PolicyKind::Organization, Some(names)) => names.iter().any(|name| name.is(POLICY_REPOSITORY)),
    };
    let Some(entry) = fields.entry("permissions").filter(|_| over_policies) else { return };
    let crate::yaml::Value::Map(lines) = &entry.value.value else { return };
    for line in lines.iter().filter(|line| REWRITING.contains(&line.key.as_str())) {
        if policy.permissions().level_of(&line.key).is_some_and(|level| level >= Level::Write) {
            let message = format!("With `{}: write` the token can change the policy that gave it.", line.key);
            let hint = "protect the default branch with a ruleset, or keep this policy in the policy repository".to_owned();
            reporter.report(Code::CanRewritePolicy, line.key_span.start..line.value.span.end, message, hint);
        }
    }
}
