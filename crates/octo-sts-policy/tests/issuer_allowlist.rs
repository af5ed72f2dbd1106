//! The issuer allowlist.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use octo_sts_policy::{Code, IssuerAllowlist, Mode, Pattern};
use octo_sts_types::Issuer;
use proptest::prelude::*;

fn parse(text: &str) -> Result<IssuerAllowlist, Vec<Code>> {
    IssuerAllowlist::parse(text).map(|parsed| parsed.value).map_err(|found| found.errors().iter().map(|error| error.code).collect())
}

fn admits(list: &IssuerAllowlist, issuer: &str) -> bool {
    list.admits(&Issuer::parse(issuer).unwrap())
}

#[test]
fn listed_issuers_are_admitted_byte_for_byte() {
    let list = parse("issuers:\n  - https://a.example\n  - https://b.example/\nissuer_patterns:\n  - https://[a-z0-9-]+\\.c\\.example\n").unwrap();
    assert_eq!(list.mode(), Mode::Enforce);
    for issuer in ["https://a.example", "https://b.example/", "https://x-1.c.example"] {
        assert!(admits(&list, issuer), "Input: {issuer}");
    }
    for issuer in
        ["https://a.example/", "https://b.example", "https://x.c.example/", "https://x.y.c.example", "https://xc.example", "https://c.example"]
    {
        assert!(!admits(&list, issuer), "Input: {issuer}");
    }
    assert_eq!(parse("mode: audit\nissuers: [https://a.example]\n").unwrap().mode(), Mode::Audit);
}

#[test]
fn an_odd_allowlist_is_refused() {
    let many = format!("issuers: [{}]", "'https://a.example',".repeat(257));
    for (text, code) in [
        ("", Code::EmptyAllowlist),
        ("issuers: []", Code::EmptyAllowlist),
        ("mode: audit", Code::EmptyAllowlist),
        ("mode: Enforce\nissuers: [https://a.example]", Code::UnknownMode),
        ("issuers: https://a.example", Code::WrongType),
        ("issuer: [https://a.example]", Code::UnknownField),
        ("issuer_patterns: ['(']", Code::InvalidPattern),
        (&many, Code::TooManyIssuers),
    ] {
        assert!(parse(text).is_err_and(|codes| codes.contains(&code)), "Input: {text}");
    }
}

/// T-109
#[test]
fn a_pattern_that_could_reach_over_a_slash_is_refused() {
    for pattern in [
        "https://.*",
        "https://.+\\.example",
        "https://[^.]+\\.example",
        "https://[^\\n]+",
        "https://\\S+",
        "https://\\W+",
        "(?i)https://\\D+\\.example",
        "(?s)https://.",
        "https:/+a",
        "https://a(/b)*",
        "https://a(/b){2}",
        "https:\\x2f/a",
        "https://[-./a-z]+",
        "https://[!-z]+",
        "https://\\PL+",
        "https://[[:^alpha:]]+",
        "https://a|https://.",
    ] {
        assert_eq!(parse(&format!("issuer_patterns: ['{pattern}']")), Err(vec![Code::PatternSpansSegments]), "Input: {pattern}");
    }
    for pattern in [
        "https://[^/]+\\.example",
        "https://[a-z]+\\.example/id/[0-9A-F]{32}",
        "https://(a|b)\\.example(/x)?",
        "https:[/]/a\\.example",
        "https://\\w+",
    ] {
        assert!(parse(&format!("issuer_patterns: ['{pattern}']")).is_ok(), "Input: {pattern}");
    }
}

proptest! {
    /// T-109
    #[test]
    fn an_accepted_pattern_matches_no_more_slashes_than_it_has(
        parts in proptest::collection::vec(prop::sample::select(vec![
            "a", "/", ".", "[^a]", "[a-z]", "\\S", "\\w", "(", ")", "*", "+", "{2}", "|", "\\x2f", "[/]", "(?i)", "(?s)", "?", "[!-~]", "//",
        ]), 1..8),
        value in "[a/b]{0,8}",
    ) {
        let pattern = parts.concat();
        if let Ok(compiled) = Pattern::parse(&pattern)
            && parse(&format!("issuer_patterns: ['{pattern}']")).is_ok()
            && compiled.matches(&value)
        {
            prop_assert!(value.matches('/').count() <= pattern.matches('/').count(), "{pattern} matches {value}");
        }
    }
}
