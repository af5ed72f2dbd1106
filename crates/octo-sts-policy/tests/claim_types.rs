//! Claims whose JSON type is not the one a policy's author had in mind.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]
#![expect(clippy::disallowed_methods, reason = "tests make claims without a signature")]

use octo_sts_policy::{Field, MatchContext, ParseOptions, PolicyKind, TrustPolicy};
use octo_sts_types::{ClaimSet, Claims, Scope};
use serde_json::{Value, json};

fn verdict(pattern: &str, members: &Value) -> Result<(), Field> {
    let text = format!("issuer: https://issuer.example\nsubject: me\nclaim_pattern:\n  x: '{pattern}'\npermissions:\n  contents: read\n");
    let policy = TrustPolicy::parse(&text, PolicyKind::Repository, &ParseOptions::default()).unwrap().value;
    let mut token = json!({"iss": "https://issuer.example", "sub": "me", "aud": "sts.example"});
    token.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let claims = Claims::from_verified(ClaimSet::from_members(token.as_object().unwrap().clone()).unwrap());
    let (scope, audiences): (Scope, _) = ("acme/app".parse().unwrap(), ["sts.example".to_owned()]);
    policy.grant(&claims, &MatchContext { scope: &scope, default_audiences: &audiences }).map(drop).map_err(|mismatch| mismatch.field())
}

/// T-02A: scalars match by their one text, arrays by a scalar in them; nothing else matches even what admits everything.
#[test]
fn a_claim_of_another_type_matches_by_its_one_text_or_not_at_all() {
    for (pattern, value) in [
        ("true", json!("true")),
        ("true", json!(true)),
        ("1", json!("1")),
        ("1", json!(1)),
        ("1", json!(1.0)),
        ("a", json!(["a"])),
        ("a", json!(["b", "a"])),
        ("1", json!([1])),
    ] {
        assert_eq!(verdict(pattern, &json!({"x": value})), Ok(()), "Input: {pattern} {value}");
    }
    for (pattern, value) in [
        ("true", json!("True")),
        ("true", json!(1)),
        ("1", json!(true)),
        ("1", json!("01")),
        ("1", json!(1.5)),
        ("null|", json!(null)),
        ("(?s).*", json!(null)),
        ("(?s).*", json!({})),
        ("(?s).*", json!({"x": "a"})),
        ("(?s).*", json!([])),
        ("(?s).*", json!([["a"], {"x": "a"}, null])),
        ("ab", json!(["a", "b"])),
        ("a,b", json!(["a", "b"])),
    ] {
        assert_eq!(verdict(pattern, &json!({"x": value})), Err(Field::Claim), "Input: {pattern} {value}");
    }
    assert_eq!(verdict("(?s).*", &json!({})), Err(Field::Claim));
    assert_eq!(verdict("(?s).*", &json!({"X": "a"})), Err(Field::Claim));
}

/// T-02B: what a token says of other parties never stands in for a claim of its own.
#[test]
fn delegation_and_distributed_claims_are_members_like_any_other() {
    let elsewhere = json!({
        "act": {"sub": "root", "x": "a"}, "may_act": {"x": "a"}, "cnf": {"jkt": "a"}, "nonce": "a", "azp": "a",
        "_claim_names": {"x": "src"}, "_claim_sources": {"src": {"JWT": "a", "endpoint": "https://elsewhere.example/", "x": "a"}},
    });
    assert_eq!(verdict("(?s).*", &elsewhere), Err(Field::Claim));
    let mut own = elsewhere;
    own["x"] = json!("a");
    assert_eq!(verdict("a", &own), Ok(()));
}
