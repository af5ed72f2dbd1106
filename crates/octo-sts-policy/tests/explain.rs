//! Explanations, and test cases beside a policy.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use insta::assert_snapshot;
use octo_sts_policy::{Code, Explanation, MatchContext, ParseOptions, PolicyKind, PolicyTests, TrustPolicy};
use octo_sts_types::{ClaimSet, Scope};
use serde_json::{Value, json};

fn policy(text: &str) -> TrustPolicy {
    TrustPolicy::parse(text, PolicyKind::Repository, &ParseOptions::default()).unwrap_or_else(|error| panic!("{error}\n{text}")).value
}

fn explain(text: &str, claims: &Value) -> Explanation {
    let scope: Scope = "acme/app".parse().unwrap();
    let audiences = ["octo-sts.dev".to_owned(), "https://github.com/{scope}".to_owned()];
    let claims = ClaimSet::from_members(claims.as_object().unwrap().clone()).unwrap();
    policy(text).explain(&claims, &MatchContext { scope: &scope, default_audiences: &audiences })
}

fn note(lines: &str, claims: &Value) -> Option<String> {
    let mut all = json!({"iss": "https://issuer.example", "sub": "me", "aud": "octo-sts.dev"});
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    let explanation = explain(&format!("{lines}\npermissions: {{contents: read}}\n"), &all);
    assert!(!explanation.admitted);
    explanation.clauses.into_iter().find(|clause| !clause.met).unwrap().note
}

#[test]
fn every_clause_is_compared() {
    let text = "issuer: https://token.actions.githubusercontent.com\nsubject_pattern: repo:acme/app:ref:refs/heads/(main|next)\n\
                claim_pattern:\n  environment: prod\n  job_workflow_ref: acme/ci/.*\npermissions:\n  contents: read\n";
    let token = json!({
        "iss": "https://token.actions.githubusercontent.com", "sub": "repo:acme@12/app@34:ref:refs/heads/main",
        "aud": "https://github.com/acme", "environment": "production", "workflow_ref": "x",
    });
    assert_snapshot!(explain(text, &token), @r"
    ok   issuer
         requires `https://token.actions.githubusercontent.com`
         token has `https://token.actions.githubusercontent.com`
    FAIL subject
         requires a match of `repo:acme/app:ref:refs/heads/(main|next)`
         token has `repo:acme@12/app@34:ref:refs/heads/main`
         note: only the form differs: the policy admits `repo:acme/app:ref:refs/heads/main`, and this repository's tokens carry ids; write `subject: 'repo:acme@12/app@34:ref:refs/heads/main'`
    FAIL audience
         requires one of the service's own (`octo-sts.dev`, `https://github.com/acme/app`)
         token has `https://github.com/acme`
         note: ask the issuer for one of these audiences, or write `audience` in the policy
    FAIL claim `environment`
         requires a match of `prod`
         token has `production`
         note: the pattern matches a part; it has to match the whole value
    FAIL claim `job_workflow_ref`
         requires a match of `acme/ci/.*`
         token has no such claim
    The token is not admitted.
    To admit exactly this token, write:
      subject: 'repo:acme@12/app@34:ref:refs/heads/main'
      audience: 'https://github.com/acme'
    ");
}

#[test]
fn an_admitted_token_needs_no_advice() {
    let text = "issuer: https://issuer.example\nsubject: me\npermissions:\n  contents: read\n";
    assert_snapshot!(explain(text, &json!({"iss": "https://issuer.example", "sub": "me", "aud": ["x", "https://github.com/Acme/app"]})), @r"
    ok   issuer
         requires `https://issuer.example`
         token has `https://issuer.example`
    ok   subject
         requires `me`
         token has `me`
    ok   audience
         requires one of the service's own (`octo-sts.dev`, `https://github.com/acme/app`)
         token has `x`, `https://github.com/Acme/app`
    The token is admitted.
    ");
}

#[test]
fn known_differences_are_named() {
    let issuer = "issuer: https://issuer.example";
    let other = format!("{issuer}\nsubject: me");
    for (lines, claims, expected) in [
        ("issuer: https://issuer.example/\nsubject: me", json!({}), "only the slash at the end differs"),
        ("issuer_pattern: https://issuer\\.example/\nsubject: me", json!({}), "only the slash at the end differs"),
        (&format!("{issuer}\nsubject: Me"), json!({}), "only letter case differs"),
        (&format!("{issuer}\nsubject_pattern: M."), json!({}), "only letter case differs"),
        (&format!("{issuer}\nsubject: m.*"), json!({}), "as a pattern it would match"),
        (&format!("{issuer}\nsubject_pattern: m"), json!({}), "the pattern matches a part"),
        (&format!("{issuer}\nsubject: repo:o/r:x"), json!({"sub": "repo:o@1/r@2:x"}), "write `subject: 'repo:o@1/r@2:x'`"),
        (&format!("{issuer}\nsubject: repo:o@1/r@2:x"), json!({"sub": "repo:o/r:x"}), "the policy has ids, and this token has not"),
        (&format!("{other}\nclaim_pattern: {{enviroment: a}}"), json!({"environment": "a"}), "the token has `environment`"),
        (&format!("{other}\nclaim_pattern: {{namespace: a}}"), json!({"kubernetes.io": {"namespace": "a"}}), "`kubernetes.io/namespace`"),
        (&format!("{other}\nclaim_pattern: {{k: a}}"), json!({"k": {"a": "a"}}), "an object never matches"),
        (&format!("{other}\nclaim_pattern: {{k: a}}"), json!({"k": null}), "null never matches"),
        (&other, json!({"aud": "elsewhere"}), "ask the issuer for one of these audiences"),
        (&format!("{other}\naudience: Octo-STS.dev"), json!({}), "only letter case differs"),
    ] {
        let note = note(lines, &claims).unwrap_or_default();
        assert!(note.contains(expected), "Input: {lines} {claims}: {note}");
    }
    assert_eq!(note(&format!("{issuer}\nsubject: other"), &json!({})), None);
    assert_eq!(note(&format!("{issuer}\nsubject_pattern: other"), &json!({})), None);
    assert_eq!(note(&format!("{other}\nclaim_pattern: {{k: a}}"), &json!({"k": 1})), None);
}

const TESTS: &str = "scope: acme/app
cases:
  - name: me
    claims: {iss: https://issuer.example, sub: me, aud: octo-sts.dev, num: 12, ok: true, list: [a, b], nested: {x: '12'}}
    expect: allow
  - claims: {iss: https://issuer.example, sub: you, aud: octo-sts.dev, num: 12, ok: true, list: b, nested: {x: '12'}}
    expect: refuse
    why: subject
  - claims: {iss: https://issuer.example, sub: me, aud: octo-sts.dev, num: '13', ok: 'true', list: b, nested: {x: 12}}
    expect: refuse
    why: num
  - scope: acme/other
    claims: {iss: https://issuer.example, sub: me, aud: https://github.com/acme/other, num: 12, ok: true, list: b, nested: {x: 12}}
    expect: allow
";

const TESTED: &str =
    "issuer: https://issuer.example\nsubject: me\nclaim_pattern: {num: '12', ok: 'true', list: b, nested/x: '12'}\npermissions: {contents: read}\n";

fn run(tests: &str, policy_text: &str) -> Vec<Result<(), String>> {
    let tests = PolicyTests::parse(tests).unwrap_or_else(|error| panic!("{error}")).value;
    let audiences = ["octo-sts.dev".to_owned(), "https://github.com/{scope}".to_owned()];
    tests.run(&policy(policy_text), &"acme/app".parse().unwrap(), &audiences).into_iter().map(|outcome| outcome.result).collect()
}

#[test]
fn cases_that_hold_pass() {
    assert_eq!(run(TESTS, TESTED), [Ok(()), Ok(()), Ok(()), Ok(())]);
}

#[test]
fn cases_that_do_not_hold_say_what_happens_instead() {
    let failed: Vec<_> =
        run(TESTS, &TESTED.replace("subject: me", "subject: you")).into_iter().map(|result| result.err().unwrap_or_default()).collect();
    assert_eq!(
        failed,
        [
            "is refused: subject `me` is not `you`",
            "is admitted",
            "is refused for another reason than `num`: subject `me` is not `you`",
            "is refused: subject `me` is not `you`",
        ]
    );
}

#[test]
fn cases_have_names_and_lines() {
    let tests = PolicyTests::parse(TESTS).unwrap().value;
    let outcomes = tests.run(&policy(TESTED), &"acme/app".parse().unwrap(), &[]);
    let places: Vec<_> = outcomes.iter().map(|outcome| (outcome.case.name.as_str(), outcome.case.span.line)).collect();
    assert_eq!(places, [("me", 3), ("case 2", 6), ("case 3", 9), ("case 4", 12)]);
}

#[test]
fn odd_cases_are_refused() {
    let claims = "claims: {iss: https://a.example, sub: me}";
    for (text, code) in [
        (String::new(), Code::InvalidCase),
        ("cases: []".to_owned(), Code::InvalidCase),
        ("cases: [{expect: allow}]".to_owned(), Code::InvalidCase),
        ("cases: [{claims: {iss: https://a.example}, expect: allow}]".to_owned(), Code::InvalidCase),
        (format!("cases: [{{{claims}}}]"), Code::InvalidCase),
        (format!("cases: [{{{claims}, expect: deny}}]"), Code::InvalidCase),
        (format!("cases: [{{{claims}, expect: allow, why: subject}}]"), Code::InvalidCase),
        (format!("scope: a/b/c\ncases: [{{{claims}, expect: allow}}]"), Code::InvalidCase),
        (format!("cases: [{{{claims}, expects: allow}}]"), Code::UnknownField),
        (format!("cases: {{{claims}}}"), Code::WrongType),
    ] {
        let found = PolicyTests::parse(&text).map(|parsed| parsed.value);
        assert!(found.as_ref().is_err_and(|found| found.errors().iter().any(|error| error.code == code)), "Input: {text}: {found:?}");
    }
}
