//! Guardrails and consent.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![expect(clippy::disallowed_methods, reason = "tests make claims without a signature")]

use octo_sts_policy::{
    Code, Consent, ConsentError, Delegated, Finding, GuardrailRefusal, Guardrails, JudgedRequest, Judgement, MatchContext, Mode, ParseOptions,
    PolicyKind, TrustPolicy,
};
use octo_sts_types::{ClaimSet, Claims, Scope};
use proptest::prelude::*;
use serde_json::{Value, json};

const GITHUB: &str = "https://token.actions.githubusercontent.com";

fn guardrails(text: &str) -> Guardrails {
    Guardrails::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}")).value
}

fn policy(lines: &str) -> TrustPolicy {
    policy_as(lines, PolicyKind::Repository)
}

fn policy_as(lines: &str, kind: PolicyKind) -> TrustPolicy {
    let text = format!("issuer_pattern: https://.*\nsubject: me\naudience: a\n{lines}\n");
    TrustPolicy::parse(&text, kind, &ParseOptions::default()).unwrap_or_else(|error| panic!("{error}\n{text}")).value
}

fn claims(extra: &Value) -> Claims {
    let mut members = json!({"iss": GITHUB, "sub": "me", "aud": "a", "iat": 1_000_000, "exp": 1_000_600});
    for (name, value) in extra.as_object().unwrap() {
        members[name] = value.clone();
    }
    Claims::from_verified(ClaimSet::from_members(members.as_object().unwrap().clone()).unwrap())
}

fn judge(guardrails: &Guardrails, policy: &TrustPolicy, claims: &Claims) -> Judgement {
    let scope: Scope = "acme/app".parse().unwrap();
    let grant = policy.grant(claims, &MatchContext { scope: &scope, default_audiences: &[] }).unwrap();
    guardrails.judge(&JudgedRequest { policy, claims }, &grant)
}

/// What is left of `permissions`, or the refusal.
fn left(rules: &str, permissions: &str, extra: &Value) -> Result<String, GuardrailRefusal> {
    let judgement = judge(&guardrails(rules), &policy(&format!("permissions: {{{permissions}}}")), &claims(extra));
    judgement.outcome.map(|grant| grant.permissions().to_string())
}

#[test]
fn an_empty_file_bounds_nothing() {
    for text in ["", "# nothing\n", "mode: enforce\npolicy_source: any\nsingle_use: false\n"] {
        assert_eq!(left(text, "contents: write", &json!({})), Ok("contents: write".to_owned()), "Input: {text}");
    }
}

#[test]
fn a_ceiling_lowers_and_takes_away() {
    let rules = "permissions: {contents: read, issues: write}";
    assert_eq!(left(rules, "contents: write, issues: write, pages: read", &json!({})), Ok("contents: read, issues: write".to_owned()));
    assert_eq!(left(rules, "pages: read", &json!({})), Err(GuardrailRefusal::NothingLeft));
    assert_eq!(left("permissions: {workflows: write}", "workflows: write", &json!({})), Ok("workflows: write".to_owned()));
}

#[test]
fn denied_permissions_are_never_given() {
    assert_eq!(left("denied_permissions: [administration]", "contents: read, administration: read", &json!({})), Ok("contents: read".to_owned()));
    assert_eq!(left("denied_permissions: [contents]", "contents: read", &json!({})), Err(GuardrailRefusal::NothingLeft));
}

#[test]
fn issuers_get_what_they_are_listed_for() {
    let rules =
        format!("issuers:\n  any: ['{GITHUB}', {{issuer_pattern: 'https://[a-z]+\\.example'}}]\n  write: ['{GITHUB}']\n  pages: ['{GITHUB}']\n");
    let from = |issuer: &str| left(&rules, "contents: write, workflows: write, pages: read", &json!({"iss": issuer}));
    assert_eq!(from(GITHUB), Ok("contents: write, pages: read, workflows: write".to_owned()));
    assert_eq!(from("https://ci.example"), Ok("contents: read".to_owned()));
    assert_eq!(from("https://ci.evil"), Err(GuardrailRefusal::NothingLeft));
}

#[test]
fn events_policies_and_tokens_are_refused_by_rule() {
    let event = json!({"event_name": "pull_request_target"});
    assert!(matches!(left("refuse_events: [pull_request_target]", "contents: read", &event), Err(GuardrailRefusal::Event(_))));
    assert!(left("refuse_events: [pull_request_target]", "contents: read", &json!({"event_name": "push"})).is_ok());
    assert!(left("refuse_events: [pull_request_target]", "contents: read", &json!({})).is_ok());
    assert_eq!(left("policy_source: org", "contents: read", &json!({})), Err(GuardrailRefusal::PolicySource));
    let organisation = policy_as("permissions: {contents: read}\nrepositories: [app]", PolicyKind::Organization);
    assert!(judge(&guardrails("policy_source: org"), &organisation, &claims(&json!({}))).outcome.is_ok());
}

#[test]
fn policies_pin_one_of_the_required_claims() {
    let any = "require_claims: [[repository_id, job_workflow_ref]]";
    let of_github = format!("require_claims:\n- issuer: {GITHUB}\n  any_of: [repository_id]\n- env\n");
    let outcome = |rules: &str, claim: &str, issuer: &str| {
        let policy = policy(&format!("permissions: {{contents: read}}\nclaim_pattern: {{{claim}}}"));
        let claims = claims(&json!({"iss": issuer, "repository_id": "7", "env": "prod", "x": "z"}));
        judge(&guardrails(rules), &policy, &claims).outcome.is_ok()
    };
    assert!(outcome(any, "repository_id: '7'", GITHUB));
    for unpinned in ["x: z", "repository_id: .+", "repository_id: .*"] {
        assert!(!outcome(any, unpinned, GITHUB), "Input: {unpinned}");
    }
    assert!(outcome(&of_github, "repository_id: '7', env: prod", GITHUB));
    assert!(!outcome(&of_github, "env: prod", GITHUB));
    assert!(outcome(&of_github, "env: prod", "https://other.example"));
    assert!(!outcome(&of_github, "x: z", "https://other.example"));
}

#[test]
fn long_lived_tokens_are_refused() {
    let life = |extra: Value| left("max_token_life: 10m", "contents: read", &extra).map(drop);
    assert_eq!(life(json!({})), Ok(()));
    assert!(matches!(life(json!({"exp": 1_000_601})), Err(GuardrailRefusal::TokenLife(_))));
    for odd in [json!({"iat": null}), json!({"exp": "1000001"}), json!({"exp": 999_999})] {
        assert_eq!(life(odd.clone()), Err(GuardrailRefusal::NoTokenLife), "Input: {odd}");
    }
}

#[test]
fn a_token_that_counts_once_has_an_id() {
    let rules = guardrails("single_use: true");
    let policy = policy("permissions: {contents: read}");
    let judgement = judge(&rules, &policy, &claims(&json!({"jti": "x"})));
    assert!(judgement.outcome.is_ok() && judgement.single_use);
    for odd in [json!({}), json!({"jti": ""}), json!({"jti": 1}), json!({"jti": null})] {
        assert_eq!(judge(&rules, &policy, &claims(&odd)).outcome.unwrap_err(), GuardrailRefusal::NoTokenId, "Input: {odd}");
    }
}

#[test]
fn audit_mode_tells_and_gives_all_the_same() {
    let rules = guardrails("mode: audit\npolicy_source: org\npermissions: {contents: read}\nsingle_use: true\n");
    assert_eq!(rules.mode(), Mode::Audit);
    let judgement = judge(&rules, &policy("permissions: {contents: write, pages: read}"), &claims(&json!({})));
    assert_eq!(judgement.outcome.unwrap().permissions().to_string(), "contents: write, pages: read");
    assert!(!judgement.single_use);
    let told: Vec<_> = judgement.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "refused: policies in repositories give nothing here; the organisation's policy repository does",
            "refused: the caller's token has no `jti`, by which it would count once",
            "`contents: write` is lowered to `read`",
            "`pages: read` is not given",
        ]
    );
    assert!(judgement.findings.iter().any(|finding| matches!(finding, Finding::Refused(GuardrailRefusal::PolicySource))));
}

#[test]
fn odd_guardrails_are_refused() {
    for (text, code) in [
        ("mode: off", Code::AmbiguousScalar),
        ("mode: 'off'", Code::UnknownMode),
        ("policy_source: repo", Code::InvalidGuardrail),
        ("permissions: {}", Code::InvalidGuardrail),
        ("permissions:", Code::InvalidGuardrail),
        ("permissions: {content: read}", Code::UnknownPermission),
        ("denied_permissions: []", Code::InvalidGuardrail),
        ("denied_permissions: [pull-requests]", Code::UnknownPermission),
        ("issuers: {write: []}", Code::InvalidGuardrail),
        ("issuers: {writ: [https://a.example]}", Code::InvalidGuardrail),
        ("issuers: {content: [https://a.example]}", Code::UnknownPermission),
        ("issuers: {any: [{issuer_pattern: 'https://.*'}]}", Code::PatternSpansSegments),
        ("issuers: {any: [{}]}", Code::InvalidGuardrail),
        ("issuers: [https://a.example]", Code::WrongType),
        ("require_claims: [[]]", Code::InvalidGuardrail),
        ("require_claims: [{issuer: https://a.example}]", Code::InvalidGuardrail),
        ("require_claims: env", Code::WrongType),
        ("refuse_events:", Code::InvalidGuardrail),
        ("delegation: [{from: [a]}]", Code::InvalidGuardrail),
        ("delegation: [{from: [a], to: ['*']}]", Code::InvalidRepository),
        ("delegation: [{from: [a], to: [b], permissions: {}}]", Code::InvalidGuardrail),
        ("max_token_life: 15", Code::InvalidDuration),
        ("max_token_life: 0s", Code::InvalidDuration),
        ("single_use: 'true'", Code::WrongType),
        ("single_use: maybe", Code::WrongType),
        ("max_token_live: 15m", Code::UnknownField),
    ] {
        let found = Guardrails::parse(text).map(|parsed| parsed.value);
        assert!(found.as_ref().is_err_and(|found| found.errors().iter().any(|error| error.code == code)), "Input: {text}: {found:?}");
    }
}

#[test]
fn delegation_names_both_ends() {
    let rules = guardrails("delegation:\n- from: [automation]\n  to: [app, infra]\n  permissions: {contents: read}\n- from: [ci]\n  to: [app]\n");
    let delegated = |from: &str, to: &str| rules.delegated(&from.parse().unwrap(), &to.parse().unwrap());
    assert_eq!(delegated("Automation", "APP").unwrap().at_most.unwrap().to_string(), "contents: read");
    assert_eq!(delegated("ci", "app"), Some(Delegated { at_most: None }));
    assert_eq!([delegated("app", "automation"), delegated("ci", "infra"), delegated("x", "app")], [None, None, None]);
}

fn consent<'a>(answer: impl Fn(&str) -> Consent<'a>) -> Result<String, ConsentError> {
    let asking = policy("permissions: {contents: write, issues: write}\nrepositories: [app, infra, web]\napp: writer");
    let scope: Scope = "acme/app".parse().unwrap();
    let context = MatchContext { scope: &scope, default_audiences: &[] };
    let grant = asking.grant_with_consent(&claims(&json!({})), &context, |repository| answer(repository.as_str()))?;
    Ok(format!("{} on {:?}", grant.permissions(), grant.repositories()))
}

#[test]
fn what_all_listed_repositories_give_is_given() {
    let infra = policy("permissions: {contents: read, issues: write}");
    let web = policy("permissions: {contents: write, issues: read, pages: write}\nrepositories: [elsewhere]");
    let answer = |repository: &str| match repository {
        "infra" => Consent::Policy(&infra),
        "web" => Consent::Policy(&web),
        other => panic!("`{other}` is not asked"),
    };
    let all = r#"Named([RepositoryName("app"), RepositoryName("infra"), RepositoryName("web")])"#;
    assert_eq!(consent(answer).unwrap(), format!("contents: read, issues: read on {all}"));
}

#[test]
fn one_repository_without_consent_is_enough_to_refuse() {
    let good = policy("permissions: {contents: write, issues: write}");
    let stranger = policy("claim_pattern: {env: prod}\npermissions: {contents: write}");
    let other_app = policy("permissions: {contents: write}\napp: reader");
    let apart = policy("permissions: {pages: write}");
    let with = |odd: Consent<'static>| odd;
    let outcome = |odd: Consent<'_>| consent(|repository| if repository == "web" { odd } else { Consent::Policy(&good) }).unwrap_err();
    assert_eq!(outcome(with(Consent::None)), ConsentError::Absent("web".parse().unwrap()));
    assert!(matches!(outcome(Consent::Policy(&stranger)), ConsentError::Refused { repository, .. } if repository.is("web")));
    assert_eq!(outcome(Consent::Policy(&other_app)), ConsentError::OtherApp("web".parse().unwrap()));
    assert_eq!(outcome(Consent::Policy(&apart)), ConsentError::NothingInCommon("web".parse().unwrap()));
}

#[test]
fn a_delegation_stands_for_consent_up_to_its_own_bound() {
    let read = octo_sts_types::Permissions::contents_read();
    assert!(consent(|_| Consent::Delegated { at_most: Some(&read) }).unwrap().starts_with("contents: read on"));
    assert!(consent(|_| Consent::Delegated { at_most: None }).unwrap().starts_with("contents: write, issues: write on"));
}

proptest! {
    /// Guardrails only ever take away.
    #[test]
    fn what_is_left_was_given(
        given in proptest::collection::btree_map(prop::sample::select(vec!["contents", "issues", "pages", "workflows", "administration"]), any::<bool>(), 1..5),
        rules in proptest::collection::vec(prop::sample::select(vec![
            "permissions: {contents: read, issues: write, workflows: write}", "denied_permissions: [pages]", "issuers: {write: [https://x.example]}",
            "mode: audit", "refuse_events: [push]", "max_token_life: 5m", "policy_source: org", "single_use: true",
        ]), 0..4),
    ) {
        let rules: std::collections::BTreeSet<_> = rules.into_iter().collect();
        let rules = guardrails(&rules.into_iter().collect::<Vec<_>>().join("\n"));
        let lines: Vec<_> = given.iter().map(|(name, write)| format!("{name}: {}", if *write || *name == "workflows" { "write" } else { "read" })).collect();
        let policy = policy(&format!("permissions: {{{}}}", lines.join(", ")));
        let judgement = judge(&rules, &policy, &claims(&json!({"event_name": "push"})));
        if let Ok(grant) = judgement.outcome {
            prop_assert!(grant.permissions().within(policy.permissions()));
        }
    }
}
