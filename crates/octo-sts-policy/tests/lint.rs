//! Warnings: what each one fires on, and what it leaves alone.

use octo_sts_policy::{Code, ParseOptions, PolicyKind, TrustPolicy};

fn warnings_as(text: &str, kind: PolicyKind) -> Vec<Code> {
    let parsed = TrustPolicy::parse(text, kind, &ParseOptions::default()).unwrap_or_else(|error| panic!("{error}\n{text}"));
    parsed.warnings.iter().map(|warning| warning.code).collect()
}

fn warnings(lines: &str) -> Vec<Code> {
    warnings_as(&format!("{lines}\npermissions: {{issues: write}}\n"), PolicyKind::Repository)
}

const GITHUB: &str = "issuer: https://token.actions.githubusercontent.com";

/// T-07D
#[test]
fn a_shared_issuer_needs_a_tenant() {
    for lines in [
        "issuer: https://gitlab.com\nsubject_pattern: .*:ref:main",
        "issuer: https://gitlab.com\nsubject_pattern: project_path:[^/]+/app:ref_type:branch:ref:main",
        "issuer: https://agent.buildkite.com\nsubject_pattern: organization:.*:pipeline:deploy:.*",
        "issuer: https://app.terraform.io\nsubject_pattern: 'organization:(acme|.*):project:x'",
        "issuer: https://accounts.google.com\nsubject_pattern: \\d+",
        "issuer: https://accounts.google.com\nsubject_pattern: \\d+\nclaim_pattern: {email: .+}",
        "issuer_pattern: https://gitlab\\.com\nsubject_pattern: project_path:.*",
    ] {
        assert_eq!(warnings(lines), [Code::SharedIssuer], "Input: {lines}");
    }
    for lines in [
        "issuer: https://gitlab.com\nsubject_pattern: project_path:acme/.*",
        "issuer: https://gitlab.com\nsubject_pattern: 'project_path:(acme|bcme)/app:.*'",
        "issuer: https://gitlab.com\nsubject_pattern: .+:main\nclaim_pattern: {namespace_id: '12'}",
        "issuer: https://agent.buildkite.com\nsubject_pattern: organization:acme:pipeline:.*",
        "issuer: https://accounts.google.com\nsubject_pattern: \\d+\nclaim_pattern: {email: 'ci@acme\\.example'}",
        "issuer: https://gitlab.acme.example\nsubject_pattern: .+:main",
        "issuer: https://accounts.google.com\nsubject: '117'",
    ] {
        assert_eq!(warnings(lines), [], "Input: {lines}");
    }
}

#[test]
fn a_github_subject_by_name_needs_an_id() {
    for subject in ["subject: repo:acme/app:ref:refs/heads/main", "subject_pattern: 'repo:acme/(app|web):.*'"] {
        assert_eq!(warnings(&format!("{GITHUB}\n{subject}")), [Code::NameOnlySubject], "Input: {subject}");
        assert_eq!(warnings(&format!("{GITHUB}\n{subject}\nclaim_pattern: {{repository_id: '7'}}")), [], "Input: {subject}");
    }
    for subject in ["subject: repo:acme@1/app@2:ref:refs/heads/main", "subject_pattern: 'repo:acme@1/app@2:.*'"] {
        assert_eq!(warnings(&format!("{GITHUB}\n{subject}")), [], "Input: {subject}");
    }
}

/// T-07C, T-07D
#[test]
fn a_pattern_that_matches_everything_is_told() {
    for pattern in [".*", ".+", "^.*$", "(?s).*", "[^\\x00]*", "(a|.*)"] {
        let lines = format!("issuer: https://a.example\nsubject_pattern: '{pattern}'");
        assert_eq!(warnings(&lines), [Code::MatchesEverything], "Input: {pattern}");
        let lines = format!("issuer: https://a.example\nsubject: me\naudience_pattern: '{pattern}'");
        assert_eq!(warnings(&lines), [Code::AnyAudience], "Input: {pattern}");
    }
    assert_eq!(warnings("issuer_pattern: https://.*\nsubject: me"), [], "a host of any name is for the author to want");
}

#[test]
fn slips_in_patterns_are_told() {
    for (pattern, code) in [
        ("refs/*", Code::GlobInPattern),
        ("repo:org/*:ref", Code::GlobInPattern),
        ("v*", Code::GlobInPattern),
        (r"v1\\.2", Code::DoubleEscape),
        (r"\\d+", Code::DoubleEscape),
        ("^a", Code::RedundantAnchors),
        ("a$", Code::RedundantAnchors),
        ("(?m)a", Code::MultilineFlag),
        ("(?im:a)", Code::MultilineFlag),
        ("https://a.example/x", Code::UnescapedDot),
        (".*@acme.example", Code::UnescapedDot),
        ("https://[a-z]+.acme.example", Code::UnescapedDot),
    ] {
        let lines = format!("issuer: https://a.example\nsubject: me\nclaim_pattern: {{c: '{pattern}'}}");
        assert_eq!(warnings(&lines), [code], "Input: {pattern}");
    }
    for pattern in [
        r"repo:o/r:ref:refs/(heads|tags)/v\d+\.\d+",
        "[a-z/*]+",
        r"a/\*",
        ".*",
        r"a\$",
        r"https://a\.example",
        "acme/app/.github/workflows/ci.yaml@refs/heads/main",
        "acme/app/.github/workflows/ci.yaml@v1.2",
        "(?i)a",
        "a+",
        "x|y",
        r"https://[^/]+\.example",
    ] {
        let lines = format!("issuer: https://a.example\nsubject: me\nclaim_pattern: {{c: '{pattern}'}}");
        assert_eq!(warnings(&lines), [], "Input: {pattern}");
    }
}

#[test]
fn values_no_token_can_have_are_told() {
    for (lines, code) in [
        ("issuer: https://A.example\nsubject: me", Code::NeverMatches),
        ("issuer: https://a.example:443\nsubject: me", Code::NeverMatches),
        ("issuer: token.actions.githubusercontent.com\nsubject: me", Code::NeverMatches),
        ("issuer: https://a.example\nsubject: \"a\\x01b\"", Code::NeverMatches),
        ("issuer: https://a.example\nsubject: me\naudience: a b", Code::NeverMatches),
        ("issuer: https://*.example\nsubject: me", Code::PatternInExactField),
        ("issuer: https://a.example\nsubject: me\naudience: .*", Code::PatternInExactField),
        ("issuer: https://a.example\nsubject: me\napp: w.*", Code::PatternInExactField),
        ("issuer: https://a.example\nsubject: me\nclaim_pattern: {c: ''}", Code::EmptyPattern),
        ("issuer: https://a.example\nsubject: me # \u{200b}", Code::InvisibleCharacter),
        ("issuer: https://a.example\nsubject: me\nclaim_pattern: {event_name: 'push|pull_request_target'}", Code::UntrustedEvent),
    ] {
        assert_eq!(warnings(lines), [code], "Input: {lines}");
    }
}

/// T-085
#[test]
fn permissions_that_reach_the_policy_itself_are_told() {
    let with = |permission: &str, kind, more: &str| {
        warnings_as(&format!("issuer: https://a.example\nsubject: me\npermissions: {{{permission}}}\n{more}"), kind)
    };
    for permission in ["contents: write", "workflows: write", "administration: write"] {
        assert_eq!(with(permission, PolicyKind::Repository, ""), [Code::CanRewritePolicy], "Input: {permission}");
        assert_eq!(with(permission, PolicyKind::Organization, "repositories: [app]"), [], "Input: {permission}");
        assert_eq!(with(permission, PolicyKind::Organization, "repositories: [.GitHub]"), [Code::CanRewritePolicy], "Input: {permission}");
        assert_eq!(with(permission, PolicyKind::Organization, "").len(), 2, "Input: {permission}");
    }
    assert_eq!(with("contents: read", PolicyKind::Repository, ""), []);
    assert_eq!(with("issues: read", PolicyKind::Organization, ""), [Code::EveryRepository]);
    assert_eq!(with("issues: read", PolicyKind::Organization, "repositories: [a, A]"), [Code::DuplicateRepository]);
    assert_eq!(with("actions_variables: read", PolicyKind::Repository, ""), [Code::UndocumentedPermission]);
}
