//! The schemas accept what `parse` accepts, and refuse the slips that editors should underline.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use jsonschema::Validator;
use octo_sts_policy::{Guardrails, IssuerAllowlist, ParseOptions, PolicyKind, PolicyTests, Schema, TrustPolicy};
use serde_json::{Value, json};

fn validator(schema: Schema) -> Validator {
    let schema = schema.generate();
    assert!(jsonschema::meta::is_valid(&schema), "{schema}");
    jsonschema::validator_for(&schema).unwrap()
}

/// JSON is YAML, so one text serves both.
fn parses(schema: Schema, text: &str) -> bool {
    match schema {
        Schema::TrustPolicy => TrustPolicy::parse(text, PolicyKind::Repository, &ParseOptions::default()).is_ok(),
        Schema::OrgTrustPolicy => TrustPolicy::parse(text, PolicyKind::Organization, &ParseOptions::default()).is_ok(),
        Schema::TrustedTokenIssuers => IssuerAllowlist::parse(text).is_ok(),
        Schema::Guardrails => Guardrails::parse(text).is_ok(),
        Schema::PolicyTests => PolicyTests::parse(text).is_ok(),
    }
}

fn policies() -> Vec<Value> {
    let base = json!({"issuer": "https://a.example", "subject": "me", "permissions": {"contents": "read"}});
    let with = |name: &str, value: Value| {
        let mut policy = base.clone();
        policy[name] = value;
        policy
    };
    let mut policies = vec![base.clone(), json!({"issuer_pattern": "https://a", "subject_pattern": ".*", "permissions": {"issues": "write"}})];
    for (name, value) in [
        ("issuer_pattern", json!("")),
        ("issuer_pattern", json!(null)),
        ("audience", json!("x")),
        ("audience_pattern", json!("x|y")),
        ("subject", json!(12_345)),
        ("subject", json!(true)),
        ("subject", json!(1.5)),
        ("claim_pattern", json!({"a/b": "x", "n": 12, "t": true})),
        ("claim_pattern", json!(null)),
        ("claim_pattern", json!({})),
        ("permissions", json!({"contents": "write", "pull_requests": "write", "members": "read", "repository_projects": "admin"})),
        ("repositories", json!(["a"])),
        ("repositories", json!(["acme/a", "acme/b"])),
        ("repositories", json!([12])),
        ("app", json!("writer")),
        ("app_pattern", json!("w.*")),
        ("app", json!("")),
    ] {
        policies.push(with(name, value));
    }
    policies
}

fn wrong_policies() -> Vec<Value> {
    let base = json!({"issuer": "https://a.example", "subject": "me", "permissions": {"contents": "read"}});
    let with = |name: &str, value: Value| {
        let mut policy = base.clone();
        policy[name] = value;
        policy
    };
    vec![
        json!({}),
        json!([]),
        json!({"issuer": "https://a.example", "permissions": {"contents": "read"}}),
        with("issuer_pattern", json!("x")),
        with("subject_pattern", json!("x")),
        with("claim_patterns", json!({})),
        with("permissions", json!({})),
        with("permissions", json!({"contents": "writ"})),
        with("permissions", json!({"pull-requests": "read"})),
        with("permissions", json!({"workflows": "read"})),
        with("permissions", json!(null)),
        with("repositories", json!([])),
        with("repositories", json!(null)),
        with("claim_pattern", json!({"a": null})),
        with("claim_pattern", json!(["a"])),
        with("audience", json!(["a"])),
    ]
}

fn check(schema: Schema, accepted: &[Value], refused: &[Value]) {
    let validator = validator(schema);
    for file in accepted {
        assert!(parses(schema, &file.to_string()), "{} does not parse: {file}", schema.name());
        assert!(
            validator.is_valid(file),
            "{} does not admit {file}: {:?}",
            schema.name(),
            validator.iter_errors(file).map(|e| e.to_string()).collect::<Vec<_>>()
        );
    }
    for file in refused {
        assert!(!parses(schema, &file.to_string()), "{} parses: {file}", schema.name());
        assert!(!validator.is_valid(file), "{} admits {file}", schema.name());
    }
}

#[test]
fn trust_policies() {
    check(Schema::TrustPolicy, &policies(), &wrong_policies());
    check(Schema::OrgTrustPolicy, &policies(), &wrong_policies());
    let members = [json!({"issuer": "https://a.example", "subject": "me", "permissions": {"members": "write"}})];
    check(Schema::TrustPolicy, &[], &members);
    check(Schema::OrgTrustPolicy, &members, &[]);
}

#[test]
fn allowlists() {
    check(
        Schema::TrustedTokenIssuers,
        &[
            json!({"issuers": ["https://a.example"]}),
            json!({"mode": "audit", "issuers": [], "issuer_patterns": ["https://[a-z]+\\.example"]}),
            json!({"mode": null, "issuers": ["https://a.example"], "issuer_patterns": null}),
        ],
        &[
            json!({"mode": "strict", "issuers": ["https://a.example"]}),
            json!({"issuer": ["https://a.example"]}),
            json!({"issuers": "https://a.example"}),
        ],
    );
}

#[test]
fn guardrails() {
    check(
        Schema::Guardrails,
        &[
            json!({}),
            json!({
                "mode": "audit", "policy_source": "org", "permissions": {"contents": "write"}, "denied_permissions": ["administration"],
                "issuers": {"any": ["https://a.example", {"issuer_pattern": "https://[a-z]+\\.example"}], "write": ["https://a.example"], "pages": ["https://a.example"]},
                "require_claims": ["env", ["a", "b"], {"issuer": "https://a.example", "any_of": ["a"]}],
                "refuse_events": ["pull_request_target"], "delegation": [{"from": ["a"], "to": ["b"], "permissions": {"contents": "read"}}],
                "max_token_life": "15m", "single_use": true,
            }),
            json!({"policy_source": "any", "max_token_life": null, "single_use": null, "issuers": null}),
        ],
        &[
            json!({"mode": "off"}),
            json!({"policy_source": "repo"}),
            json!({"permissions": {}}),
            json!({"denied_permissions": []}),
            json!({"denied_permissions": ["pull-requests"]}),
            json!({"issuers": {"writ": ["https://a.example"]}}),
            json!({"issuers": {"write": []}}),
            json!({"require_claims": [[]]}),
            json!({"delegation": [{"from": ["a"]}]}),
            json!({"max_token_live": "15m"}),
        ],
    );
}

#[test]
fn policy_tests() {
    let claims = json!({"iss": "https://a.example", "sub": "me"});
    check(
        Schema::PolicyTests,
        &[
            json!({"scope": "acme/app", "cases": [{"name": "x", "claims": claims, "expect": "refuse", "why": "subject"}, {"claims": claims, "expect": "allow"}]}),
        ],
        &[
            json!({}),
            json!({"cases": []}),
            json!({"cases": [{"claims": {"iss": "https://a.example"}, "expect": "allow"}]}),
            json!({"cases": [{"claims": claims, "expect": "deny"}]}),
        ],
    );
}

#[test]
fn schemas_are_found_by_name() {
    for schema in Schema::ALL {
        assert_eq!(Schema::named(schema.name()), Some(*schema));
        assert_eq!(schema.generate()["$schema"], "https://json-schema.org/draft/2020-12/schema");
    }
    assert_eq!(Schema::named("policy"), None);
}
