//! Known ways for a value to be nearly right.

use octo_sts_types::{Audience, ClaimSet};
use serde_json::Value;

use crate::{Pattern, Requirement, diagnostics::closest};

/// Issuers differ by a byte or not at all.
pub(super) fn issuer(required: &Requirement, actual: &str) -> Option<String> {
    let other = actual.strip_suffix('/').map_or_else(|| format!("{actual}/"), str::to_owned);
    if required.admits(&other) {
        return Some("only the slash at the end differs; it makes another issuer".to_owned());
    }
    text(required, actual)
}

/// Letter case, and patterns that match a part.
pub(super) fn text(required: &Requirement, actual: &str) -> Option<String> {
    match required {
        required if matches_without_case(required, actual) => Some("only letter case differs; it counts".to_owned()),
        Requirement::Exact(exact) if looks_matching(exact, actual) => {
            Some("as a pattern it would match; a pattern stands in the `_pattern` field".to_owned())
        }
        Requirement::Pattern(pattern) if matches_part(pattern, actual) => {
            Some("the pattern matches a part; it has to match the whole value".to_owned())
        }
        _ => None,
    }
}

fn matches_without_case(required: &Requirement, actual: &str) -> bool {
    match required {
        Requirement::Exact(exact) => exact.eq_ignore_ascii_case(actual),
        Requirement::Pattern(pattern) => Pattern::parse(&format!("(?i){}", pattern.as_str())).is_ok_and(|folded| folded.matches(actual)),
    }
}

fn looks_matching(exact: &str, actual: &str) -> bool {
    Pattern::parse(exact).is_ok_and(|pattern| pattern.matches(actual))
}

fn matches_part(pattern: &Pattern, actual: &str) -> bool {
    Pattern::parse(&format!("(?s).*(?:{}).*", pattern.as_str())).is_ok_and(|part| part.matches(actual))
}

pub(super) fn audience(required: Option<&Requirement>, audiences: &[Audience]) -> Option<String> {
    match required {
        None => Some("ask the issuer for one of these audiences, or write `audience` in the policy".to_owned()),
        Some(required) => audiences.iter().find_map(|audience| text(required, audience.as_str())),
    }
}

pub(super) fn shape(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null never matches".to_owned()),
        Value::Object(_) => Some("an object never matches; name a member behind a slash".to_owned()),
        _ => None,
    }
}

pub(super) fn missing_claim(claims: &ClaimSet, name: &str) -> Option<String> {
    let members = claims.members();
    let meant = closest(name, members.keys().map(String::as_str)).map(|meant| format!("the token has `{meant}`"));
    let nested =
        || members.iter().find(|(_, value)| value.get(name).is_some()).map(|(parent, _)| format!("the token has it inside: `{parent}/{name}`"));
    meant.or_else(nested)
}
