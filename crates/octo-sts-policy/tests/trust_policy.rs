//! Trust policies from text to grant.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![expect(clippy::disallowed_methods, reason = "tests make claims without a signature")]

use octo_sts_policy::{Code, Field, MatchContext, OrgPermissions, ParseOptions, PolicyKind, TrustPolicy};
use octo_sts_types::{ClaimSet, Claims, GrantedRepositories, Scope};
use serde_json::{Value, json};

const BASE: &str = "issuer: https://issuer.example\nsubject: me\npermissions:\n  contents: read\n";

fn parse(text: &str) -> TrustPolicy {
    parse_as(text, PolicyKind::Repository)
}

fn parse_as(text: &str, kind: PolicyKind) -> TrustPolicy {
    TrustPolicy::parse(text, kind, &ParseOptions::default()).unwrap_or_else(|error| panic!("{error}\n{text}")).value
}

fn errors(text: &str) -> Vec<Code> {
    errors_as(text, PolicyKind::Repository, &ParseOptions::default())
}

fn errors_as(text: &str, kind: PolicyKind, options: &ParseOptions) -> Vec<Code> {
    match TrustPolicy::parse(text, kind, options) {
        Ok(parsed) => panic!("accepted: {:?}\n{text}", parsed.value),
        Err(found) => found.errors().iter().map(|error| error.code).collect(),
    }
}

fn claims(extra: &Value) -> Claims {
    let mut members = json!({"iss": "https://issuer.example", "sub": "me", "aud": "octo-sts.dev"});
    for (name, value) in extra.as_object().unwrap() {
        members[name] = value.clone();
    }
    Claims::from_verified(ClaimSet::from_members(members.as_object().unwrap().clone()).unwrap())
}

fn audiences() -> Vec<String> {
    ["octo-sts.dev", "https://octo-sts.dev", "https://github.com/{scope}"].map(str::to_owned).to_vec()
}

fn verdict(policy: &TrustPolicy, claims: &Claims, scope: &str) -> Result<GrantedRepositories, Field> {
    let scope: Scope = scope.parse().unwrap();
    let audiences = audiences();
    let context = MatchContext { scope: &scope, default_audiences: &audiences };
    policy.grant(claims, &context).map(|grant| grant.repositories().clone()).map_err(|mismatch| mismatch.field())
}

#[test]
fn the_example_of_the_guides_grants_what_it_says() {
    let policy = parse(
        "issuer: https://token.actions.githubusercontent.com\nsubject: repo:org-name/repo-name:ref:refs/heads/main\n\npermissions:\n  contents: read\n  issues: write\n",
    );
    let token = claims(&json!({"iss": "https://token.actions.githubusercontent.com", "sub": "repo:org-name/repo-name:ref:refs/heads/main"}));
    assert_eq!(verdict(&policy, &token, "org-name/repo-name"), Ok(GrantedRepositories::Target));
    assert_eq!(policy.permissions().to_string(), "contents: read, issues: write");
}

/// T-07C
#[test]
fn each_pair_of_fields_excludes_itself() {
    for (pair, code) in [
        ("issuer_pattern: a", Code::TwoIssuers),
        ("subject_pattern: a", Code::TwoSubjects),
        ("audience: a\naudience_pattern: b", Code::TwoAudiences),
        ("app: a\napp_pattern: b", Code::TwoApps),
    ] {
        assert_eq!(errors(&format!("{BASE}{pair}\n")), [code], "Input: {pair}");
    }
    assert_eq!(errors("permissions: {contents: read}"), [Code::MissingIssuer, Code::MissingSubject]);
}

#[test]
fn empty_text_is_as_if_absent() {
    let policy = parse(&format!("{BASE}issuer_pattern: ''\nsubject_pattern: ''\naudience: ''\naudience_pattern: ~\napp: ''\nclaim_pattern:\n"));
    assert!(policy.audience().is_none() && policy.app().is_none() && policy.claims().next().is_none());
    assert_eq!(errors("issuer: ''\nsubject: ''\npermissions: {contents: read}"), [Code::MissingIssuer, Code::MissingSubject]);
    assert_eq!(errors(&format!("{BASE}repositories: ''\n")), [Code::WrongType]);
}

/// T-07B, T-078
#[test]
fn unknown_fields_are_errors_at_every_level() {
    for (line, hint) in [
        ("claim_patterns: {a: b}", "write `claim_pattern`"),
        ("Issuer: x", "write `issuer`"),
        ("\u{17f}ubject: x", "write `subject`"),
        ("audiences: x", "write `audience`"),
    ] {
        let found = TrustPolicy::parse(&format!("{BASE}{line}\n"), PolicyKind::Repository, &ParseOptions::default()).unwrap_err();
        assert_eq!(found.errors()[0].code, Code::UnknownField, "Input: {line}");
        assert!(found.errors()[0].hint.as_deref().unwrap().contains(hint), "Input: {line}: {found}");
    }
}

/// T-081
#[test]
fn a_policy_always_gives_something() {
    for line in ["", "permissions:\n", "permissions: {}\n", "permissions: ~\n"] {
        assert_eq!(errors(&format!("issuer: https://issuer.example\nsubject: me\n{line}")), [Code::MissingPermissions], "Input: {line}");
    }
    assert_eq!(errors("issuer: https://issuer.example\nsubject: me\npermissions: ''"), [Code::WrongType]);
}

/// T-082
#[test]
fn permissions_have_known_names_and_levels() {
    let with = |line: &str| errors(&format!("issuer: https://issuer.example\nsubject: me\npermissions:\n  {line}\n"));
    for line in ["Contents: read", "pull-requests: read", "content: read", "admin: read", "'': read"] {
        assert_eq!(with(line), [Code::UnknownPermission], "Input: {line}");
    }
    for line in
        ["contents: writ", "contents: none", "contents: ''", "contents:", "contents: admin", "contents: Read", "workflows: read", "contents: true"]
    {
        assert_eq!(with(line), [Code::UnknownLevel], "Input: {line}");
    }
    for permission in octo_sts_types::Permission::all() {
        for level in ["read", "write", "admin", "none", ""] {
            let text = format!("issuer: https://issuer.example\nsubject: me\npermissions: {{{permission}: '{level}'}}\n");
            let options = ParseOptions { org_permissions: OrgPermissions::Allow, owner: None };
            let accepted = TrustPolicy::parse(&text, PolicyKind::Repository, &options).is_ok();
            let known = permission.levels().iter().any(|known| known.as_str() == level);
            let enterprise = permission.category() == octo_sts_types::Category::Enterprise;
            assert_eq!(accepted, known && !enterprise, "Input: {permission}: {level}");
        }
    }
}

#[test]
fn a_level_that_another_permission_has_is_told_from_one_that_none_has() {
    for (line, message, hint) in [
        ("workflows: read", "`workflows` has no level `read`.", "its levels are `write`"),
        ("contents: admin", "`contents` has no level `admin`.", "its levels are `read` and `write`"),
        ("contents: wirte", "There is no level `wirte`.", "write `write`"),
    ] {
        let text = format!("issuer: https://issuer.example\nsubject: me\npermissions: {{{line}}}\n");
        let found = TrustPolicy::parse(&text, PolicyKind::Repository, &ParseOptions::default()).unwrap_err();
        assert_eq!((found.errors()[0].message.as_str(), found.errors()[0].hint.as_deref()), (message, Some(hint)), "Input: {line}");
    }
}

/// T-080
#[test]
fn organisation_permissions_in_repository_policies_are_for_the_operator_to_allow() {
    let with = |line: &str, kind, org_permissions| {
        let text = format!("issuer: https://issuer.example\nsubject: me\npermissions: {{{line}}}\n");
        TrustPolicy::parse(&text, kind, &ParseOptions { org_permissions, owner: None }).is_ok()
    };
    for (line, kind, org, accepted) in [
        ("members: read", PolicyKind::Repository, OrgPermissions::Deny, false),
        ("members: read", PolicyKind::Repository, OrgPermissions::Read, true),
        ("members: write", PolicyKind::Repository, OrgPermissions::Read, false),
        ("members: write", PolicyKind::Repository, OrgPermissions::Allow, true),
        ("organization_projects: admin", PolicyKind::Repository, OrgPermissions::Read, false),
        ("organization_projects: admin", PolicyKind::Organization, OrgPermissions::Deny, true),
        ("members: write", PolicyKind::Organization, OrgPermissions::Deny, true),
        ("contents: write", PolicyKind::Repository, OrgPermissions::Deny, true),
        ("enterprise_custom_properties_for_organizations: read", PolicyKind::Organization, OrgPermissions::Allow, false),
    ] {
        assert_eq!(with(line, kind, org), accepted, "Input: {line}, {kind:?}, {org:?}");
    }
}

/// T-083
#[test]
fn an_odd_list_of_repositories_is_refused() {
    let many = (0..501).map(|at| format!("r{at}")).collect::<Vec<_>>().join(", ");
    for (list, code) in [
        ("[]", Code::EmptyRepositories),
        ("", Code::EmptyRepositories),
        ("~", Code::EmptyRepositories),
        ("['']", Code::InvalidRepository),
        ("['*']", Code::InvalidRepository),
        ("['../x']", Code::InvalidRepository),
        ("[a.git]", Code::InvalidRepository),
        ("[a/b/c]", Code::InvalidRepository),
        ("[evil/x]", Code::ForeignRepository),
        ("{a: b}", Code::WrongType),
        ("app", Code::WrongType),
        ("[[a]]", Code::WrongType),
        ("[~]", Code::WrongType),
        (&format!("[{many}]"), Code::TooManyRepositories),
    ] {
        let options = ParseOptions { owner: Some("acme".parse().unwrap()), ..ParseOptions::default() };
        let text = format!("{BASE}repositories: {list}\n");
        assert_eq!(errors_as(&text, PolicyKind::Organization, &options), [code], "Input: {list}");
    }
    let most = (0..500).map(|at| format!("r{at}")).collect::<Vec<_>>().join(", ");
    let policy = parse_as(&format!("{BASE}repositories: [{most}]\n"), PolicyKind::Organization);
    assert_eq!(policy.repositories().map(<[_]>::len), Some(500));
    assert_eq!(
        errors_as(&format!("{BASE}repositories: [a/x, b/y]\n"), PolicyKind::Organization, &ParseOptions::default()),
        [Code::ForeignRepository]
    );
}

/// T-065
#[test]
fn what_an_organisation_policy_covers_depends_on_scope_and_list() {
    let open = parse_as(BASE, PolicyKind::Organization);
    let listed = parse_as(&format!("{BASE}repositories: [a, ACME/b, A]\n"), PolicyKind::Organization);
    let named = GrantedRepositories::Named(vec!["a".parse().unwrap(), "b".parse().unwrap()]);
    let token = claims(&json!({}));
    assert_eq!(verdict(&open, &token, "acme"), Ok(GrantedRepositories::Every));
    assert_eq!(verdict(&open, &token, "acme/.github"), Ok(GrantedRepositories::Target));
    assert_eq!(verdict(&listed, &token, "acme"), Ok(named.clone()));
    assert_eq!(verdict(&listed, &token, "acme/.github"), Ok(named));
    assert_eq!(verdict(&listed, &token, "evil"), Err(Field::Repositories));
}

#[test]
fn a_repository_policy_gives_nothing_on_others_by_itself() {
    let policy = parse(&format!("{BASE}repositories: [app, infra]\n"));
    assert_eq!(policy.other_repositories().len(), 2);
    assert_eq!(verdict(&policy, &claims(&json!({})), "acme/app"), Err(Field::Repositories));
    let own = parse(&format!("{BASE}repositories: [App]\n"));
    assert_eq!(verdict(&own, &claims(&json!({})), "acme/app"), Ok(GrantedRepositories::Named(vec!["app".parse().unwrap()])));
    assert_eq!(verdict(&parse(BASE), &claims(&json!({})), "acme"), Err(Field::Repositories));
}

#[test]
fn each_requirement_refuses_by_itself() {
    let policy = parse(&format!("{BASE}audience: me\nclaim_pattern:\n  env: prod|stage\n  num: '\\d+'\n"));
    let good = json!({"aud": ["x", "me"], "env": "prod", "num": 12});
    assert_eq!(verdict(&policy, &claims(&good), "acme/app"), Ok(GrantedRepositories::Target));
    for (name, value, field) in [
        ("iss", json!("https://issuer.example/"), Field::Issuer),
        ("sub", json!("Me"), Field::Subject),
        ("aud", json!("octo-sts.dev"), Field::Audience),
        ("aud", json!([]), Field::Audience),
        ("env", json!("production"), Field::Claim),
        ("env", json!(null), Field::Claim),
        ("env", json!({"prod": "prod"}), Field::Claim),
        ("num", json!("12a"), Field::Claim),
        ("num", json!(1.5), Field::Claim),
    ] {
        let mut members = good.clone();
        members[name] = value.clone();
        assert_eq!(verdict(&policy, &claims(&members), "acme/app"), Err(field), "Input: {name} {value}");
    }
}

#[test]
fn without_an_audience_the_service_s_own_count() {
    let policy = parse(BASE);
    for (audience, admitted) in [
        ("octo-sts.dev", true),
        ("https://octo-sts.dev", true),
        ("https://github.com/acme/app", true),
        ("https://github.com/Acme/App", true),
        ("https://github.com/acme/other", false),
        ("https://github.com/acme", false),
        ("https://github.com/acme/app/", false),
        ("octo-sts.dev/", false),
        ("https://github.com/{scope}x", false),
    ] {
        let outcome = verdict(&policy, &claims(&json!({"aud": [audience, "octo"]})), "acme/app");
        assert_eq!(outcome.is_ok(), admitted, "Input: {audience}");
    }
    // What GitHub puts into tokens that ask for no audience is not meant for the service.
    let of_owner = claims(&json!({"aud": "https://github.com/acme"}));
    assert!(verdict(&parse_as(BASE, PolicyKind::Organization), &of_owner, "Acme").is_err());
}

#[test]
fn an_app_is_required_by_name() {
    let exact = parse(&format!("{BASE}app: writer\n"));
    let pattern = parse(&format!("{BASE}app_pattern: w.*|r\n"));
    let admits = |policy: &TrustPolicy, name| policy.app().unwrap().admits(name);
    assert!(admits(&exact, Some("writer")) && !admits(&exact, Some("Writer")) && !admits(&exact, None));
    assert!(admits(&pattern, Some("writer")) && admits(&pattern, Some("r")) && !admits(&pattern, Some("rx")) && !admits(&pattern, None));
}

/// T-075
#[test]
fn bounds_hold() {
    let many: Vec<_> = (0..65).map(|at| format!("c{at}: x")).collect();
    assert_eq!(errors(&format!("{BASE}claim_pattern: {{{}}}\n", many.join(", "))), [Code::TooManyClaims]);
    assert_eq!(parse(&format!("{BASE}claim_pattern: {{{}}}\n", many[..64].join(", "))).claims().count(), 64);
    assert_eq!(errors(&format!("{BASE}claim_pattern: {{a: '{}'}}\n", "x".repeat(1_025))), [Code::PatternTooLarge]);
    assert_eq!(errors(&format!("{BASE}claim_pattern: {{a: '(x{{0,1000}}){{0,1000}}'}}\n")), [Code::InvalidPattern]);
    assert_eq!(errors(&format!("{BASE}claim_pattern: {{a: }}\n")), [Code::NullClaimPattern]);
}

#[test]
fn the_audit_event_holds_what_was_written() {
    let policy = parse(&format!("{BASE}audience_pattern: a|b\nclaim_pattern: {{env: prod}}\nrepositories: [app]\napp: writer\n"));
    assert_eq!(
        serde_json::to_value(&policy).unwrap(),
        json!({
            "issuer": "https://issuer.example", "subject": "me", "audience_pattern": "a|b", "claim_pattern": {"env": "prod"},
            "permissions": {"contents": "read"}, "repositories": ["app"], "app": "writer",
        })
    );
    let printed = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::to_string(&parse(&printed)).unwrap(), printed);
}

#[test]
fn everything_wrong_is_told_at_once() {
    let text = "issuer: https://a.example\nissuer_pattern: b\npermissions:\n  content: read\n  issues: writ\nrepositories: []\nclaim_pattern:\n  a: '('\nzz: x\n";
    assert_eq!(
        errors(text),
        [
            Code::MissingSubject,
            Code::TwoIssuers,
            Code::UnknownPermission,
            Code::UnknownLevel,
            Code::EmptyRepositories,
            Code::InvalidPattern,
            Code::UnknownField
        ]
    );
}
