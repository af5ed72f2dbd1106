//! Keys in a policy.

use octo_sts_policy::{
    Code, ParseOptions, PolicyKind, TrustPolicy,
    diagnostics::render::{self, FileReport},
};
use serde_json::json;

const ED25519: &str = r#"{"kty":"OKP","crv":"Ed25519","kid":"a","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;

fn policy(jwks: &str) -> String {
    format!("issuer: https://kubernetes.default.svc\nsubject: system:serviceaccount:ci:deploy\n{jwks}\npermissions: {{issues: write}}\n")
}

fn codes(text: &str) -> Vec<Code> {
    match TrustPolicy::parse(text, PolicyKind::Repository, &ParseOptions::default()) {
        Ok(parsed) => parsed.warnings.iter().map(|warning| warning.code).collect(),
        Err(diagnostics) => diagnostics.errors().iter().map(|error| error.code).collect(),
    }
}

fn with(keys: &[&str]) -> String {
    policy(&format!("jwks: '{{\"keys\":[{}]}}'", keys.join(",")))
}

#[test]
fn keys_are_written_as_yaml_as_json_and_as_a_text() {
    let yaml = policy("jwks:\n  keys:\n    - kty: OKP\n      crv: Ed25519\n      kid: a\n      x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    let json = policy(&format!("jwks: {{\"keys\": [{ED25519}]}}"));
    let expected = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
    for text in [yaml, json, with(&[ED25519]), policy(&format!("jwks: |\n  {{\"keys\": [{ED25519}]}}"))] {
        let parsed = TrustPolicy::parse(&text, PolicyKind::Repository, &ParseOptions::default());
        let parsed = parsed.unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(parsed.value.jwks(), Some(&expected), "Input: {text}");
        assert_eq!(parsed.warnings.iter().map(|warning| warning.code).collect::<Vec<_>>(), [Code::KeysDoNotRotate], "Input: {text}");
        assert_eq!(serde_json::to_value(&parsed.value).map(|printed| printed["jwks"].clone()).ok(), Some(expected.clone()));
    }
    assert_eq!(codes(&policy("jwks:")), []);
}

#[test]
fn keys_need_the_issuer_whose_they_are() {
    let pattern = with(&[ED25519]).replace("issuer: https://kubernetes.default.svc", "issuer_pattern: https://kubernetes\\.default\\.svc");
    assert_eq!(codes(&pattern), [Code::KeysWithoutIssuer]);
}

/// T-009, T-105
#[test]
fn a_secret_is_an_error_that_does_not_show_it() {
    let secrets = [r#"{"kty":"oct","k":"c2VjcmV0"}"#.to_owned(), ED25519.replace("\"x\"", "\"d\":\"c2VjcmV0\",\"x\"")];
    for secret in &secrets {
        let block = policy(&format!("jwks:\n  {{\"keys\": [{ED25519},\n  {secret}]}}"));
        let first = format!("jwks: '{{\"keys\":[{secret}]}}'\nissuer: https://a.example\nsubject: a\npermissions: {{issues: write}}\n");
        for text in [with(&[ED25519, secret]), block, first] {
            let outcome = TrustPolicy::parse(&text, PolicyKind::Repository, &ParseOptions::default());
            assert_eq!(codes(&text), [Code::SecretKey], "Input: {text}");
            let terminal = render::terminal(&FileReport::of("x.sts.yaml", &text, &outcome), render::Colour::Off);
            let shown = format!("{terminal}{}", outcome.err().map(|refused| refused.to_string()).unwrap_or_default());
            assert!(!shown.contains("c2VjcmV0"), "{shown}");
        }
    }
}

/// T-010, T-011, T-012
#[test]
fn each_key_is_one_that_can_verify() {
    assert_eq!(codes(&with(&vec![ED25519; 17])), [Code::TooManyKeys]);
    assert_eq!(codes(&with(&[&ED25519.replace("\"kid\":\"a\"", &format!("\"x5c\":\"{}\"", "A".repeat(9_000)))])), [Code::TooManyKeys]);
    for odd in [
        r#"{"kty":"RSA","n":"AQAB","e":"AQAB"}"#,
        r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#,
        r#"{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}"#,
        r#"{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        r#"{"kty":"OKP","crv":"Ed25519"}"#,
        r#"{"kty":"OKP","crv":"Ed25519","x":"+/=="}"#,
        "{}",
        "1",
    ] {
        assert_eq!(codes(&with(&[odd])), [Code::InvalidKeys], "Input: {odd}");
    }
    for odd in ["jwks: []", "jwks: {}", "jwks: x", "jwks: {keys: x}", "jwks: {keys: []}", "jwks: '{\"keys\":[],\"keys\":[]}'"] {
        assert_eq!(codes(&policy(odd)), [Code::InvalidKeys], "Input: {odd}");
    }
    let other = ED25519.replace("\"kid\":\"a\"", "\"use\":\"enc\"");
    assert_eq!(codes(&with(&[&other])), [Code::InvalidKeys]);
    assert_eq!(codes(&with(&[ED25519, &other])), [Code::KeysDoNotRotate]);
}
