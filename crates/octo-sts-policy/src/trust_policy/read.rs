//! From text to policy. Every field is read whatever was wrong before, so that one run shows everything.

use super::{AppRequirement, ParseOptions, PolicyKind, TrustPolicy, jwks, permissions, repositories};
use crate::{
    Pattern, Requirement,
    diagnostics::{Code, Reporter},
    fields::{self, Choice, Fields},
    lint,
    yaml::{self, Value},
};

/// Most claims that a policy may require.
const MOST_CLAIMS: usize = 64;

/// The fields of a policy, in the order they are documented.
const FIELDS: &[&str] = &[
    "issuer",
    "issuer_pattern",
    "subject",
    "subject_pattern",
    "audience",
    "audience_pattern",
    "claim_pattern",
    "permissions",
    "repositories",
    "app",
    "app_pattern",
    "jwks",
];

/// Reads a policy; `None` when an error was reported.
pub(super) fn policy(kind: PolicyKind, options: &ParseOptions, reporter: &mut Reporter<'_>) -> Option<TrustPolicy> {
    let root = yaml::read(reporter)?;
    let fields = Fields::of(&root, FIELDS, reporter);
    let issuer = required(&fields, ["issuer", "issuer_pattern"], Code::TwoIssuers, reporter);
    let subject = required(&fields, ["subject", "subject_pattern"], Code::TwoSubjects, reporter);
    let audience = optional(&fields, ["audience", "audience_pattern"], Code::TwoAudiences, reporter);
    let app = optional(&fields, ["app", "app_pattern"], Code::TwoApps, reporter).map(AppRequirement);
    let claims = claims(&fields, reporter);
    let permissions = permissions::of_policy(&fields, kind, options.org_permissions, reporter);
    let repositories = repositories::of_policy(&fields, options.owner.as_ref(), reporter);
    let jwks = jwks::of_policy(&fields, reporter);
    let policy = TrustPolicy { kind, issuer: issuer?, subject: subject?, audience, claims, permissions: permissions?, app, repositories, jwks };
    lint::policy(&policy, &fields, reporter);
    (!reporter.has_errors()).then_some(policy)
}

/// A pair of fields of which one must be given.
fn required(fields: &Fields<'_>, names: [&str; 2], code: Code, reporter: &mut Reporter<'_>) -> Option<Requirement> {
    if let Some(choice) = fields.either(names[0], names[1], code, reporter) {
        return requirement(&choice, names[0], reporter);
    }
    let given = |name: &&str| fields.value(name).is_some_and(|node| !matches!(&node.value, Value::Text(text) if text.text.is_empty()));
    if !names.iter().any(given) {
        let (code, example) = match names[0] {
            "issuer" => (Code::MissingIssuer, "issuer: https://token.actions.githubusercontent.com"),
            _ => (Code::MissingSubject, "subject: repo:OWNER/NAME:ref:refs/heads/main"),
        };
        let span = names.iter().find_map(|name| fields.entry(name)).map_or(0..0, |entry| entry.key_span.clone());
        reporter.report(code, span, format!("The policy has neither `{}` nor `{}`.", names[0], names[1]), format!("write `{example}`"));
    }
    None
}

fn optional(fields: &Fields<'_>, names: [&str; 2], code: Code, reporter: &mut Reporter<'_>) -> Option<Requirement> {
    let choice = fields.either(names[0], names[1], code, reporter)?;
    requirement(&choice, names[0], reporter)
}

fn requirement(choice: &Choice<'_>, field: &str, reporter: &mut Reporter<'_>) -> Option<Requirement> {
    match choice {
        Choice::Exact(text) => {
            lint::exact(field, text, reporter);
            Some(Requirement::Exact(text.text.into()))
        }
        Choice::Pattern(text) => {
            let pattern = fields::pattern(text, reporter)?;
            lint::pattern(field, text, &pattern, reporter);
            Some(Requirement::Pattern(pattern))
        }
    }
}

fn claims(fields: &Fields<'_>, reporter: &mut Reporter<'_>) -> Vec<(Box<str>, Pattern)> {
    let Some(node) = fields.value("claim_pattern") else { return Vec::new() };
    let entries = fields::entries(node, "`claim_pattern`", reporter);
    if entries.len() > MOST_CLAIMS {
        let message = format!("The policy requires {} claims; {MOST_CLAIMS} is the most.", entries.len());
        reporter.report(Code::TooManyClaims, entries[MOST_CLAIMS].key_span.clone(), message, None);
        return Vec::new();
    }
    let mut claims = Vec::with_capacity(entries.len());
    for entry in entries {
        if matches!(entry.value.value, Value::Null) {
            let hint = format!("write `{}: '.+'` for any text", entry.key);
            reporter.report(Code::NullClaimPattern, entry.key_span.clone(), format!("The claim `{}` has no pattern.", entry.key), hint);
            continue;
        }
        let Some(text) = fields::text(&entry.value, &format!("The pattern of `{}`", entry.key), reporter) else { continue };
        if let Some(pattern) = fields::pattern(&text, reporter) {
            lint::pattern("claim", &text, &pattern, reporter);
            claims.push((entry.key.as_str().into(), pattern));
        }
    }
    claims
}
