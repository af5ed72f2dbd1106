//! `policy explain`: one token against one policy.

use std::fs;

use octo_sts_sandbox::{ActionsJob, Algorithm, Sandbox, SandboxSettings};
use serde_json::{Value, json};

use super::Folder;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const CI: &str = ".github/chainguard/ci.sts.yaml";

fn policy(issuer: &str) -> String {
    format!(
        "issuer: {issuer}\nsubject: repo:acme/app:ref:refs/heads/main\nclaim_pattern:\n  event_name: push|schedule\npermissions:\n  contents: read\n  issues: write\n"
    )
}

fn claims(sub: &str) -> Value {
    json!({"iss": ISSUER, "sub": sub, "aud": "octo-sts.dev", "repository": "acme/app", "event_name": "push", "exp": 1_000_000_000})
}

/// Explains these claims to a folder with the policy.
fn explain(claims: &Value, more: &[&str]) -> super::Said {
    let folder = Folder::new(&[(CI, &policy(ISSUER))]);
    folder.policy_with(&[&["explain", "--policy", CI, "--claims", "-"], more].concat(), &claims.to_string())
}

/// A token that nobody signed.
fn unsigned(claims: &Value) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.c2ln", part(&json!({"alg": "RS256", "kid": "k"})), part(claims))
}

#[test]
fn an_admitted_token_is_told_what_it_gives() {
    let said = explain(&claims("repo:acme/app:ref:refs/heads/main"), &[]);
    assert_eq!(said.code, 0, "{}", said.err);
    insta::assert_snapshot!(said.out, @r"
    ok   issuer
         requires `https://token.actions.githubusercontent.com`
         token has `https://token.actions.githubusercontent.com`
    ok   subject
         requires `repo:acme/app:ref:refs/heads/main`
         token has `repo:acme/app:ref:refs/heads/main`
    ok   audience
         requires one of the service's own (`octo-sts.dev`, `https://octo-sts.dev`, `https://github.com/acme/app`)
         token has `octo-sts.dev`
    ok   claim `event_name`
         requires a match of `push|schedule`
         token has `push`
    The token is admitted.
    It gives contents: read, issues: write on acme/app.
    ");
}

#[test]
fn a_token_with_ids_gets_the_line_that_admits_it() {
    let said = explain(&claims("repo:acme@12/app@34:ref:refs/heads/main"), &["--scope", "acme/app"]);
    assert_eq!(said.code, 1, "{}", said.err);
    insta::assert_snapshot!(said.out, @r"
    ok   issuer
         requires `https://token.actions.githubusercontent.com`
         token has `https://token.actions.githubusercontent.com`
    FAIL subject
         requires `repo:acme/app:ref:refs/heads/main`
         token has `repo:acme@12/app@34:ref:refs/heads/main`
         note: only the form differs: the policy admits `repo:acme/app:ref:refs/heads/main`, and this repository's tokens carry ids; write `subject: 'repo:acme@12/app@34:ref:refs/heads/main'`
    ok   audience
         requires one of the service's own (`octo-sts.dev`, `https://octo-sts.dev`, `https://github.com/acme/app`)
         token has `octo-sts.dev`
    ok   claim `event_name`
         requires a match of `push|schedule`
         token has `push`
    The token is not admitted.
    To admit exactly this token, write:
      subject: 'repo:acme@12/app@34:ref:refs/heads/main'
    ");
}

#[test]
fn programs_read_json() {
    let said = explain(&claims("repo:acme/app:pull_request"), &["--json", "--domain", "sts.example.com"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &told["admitted"], &told["scope"]), (1, &json!(false), &json!("acme/app")));
    let unmet: Vec<_> = told["clauses"].as_array().unwrap().iter().filter(|clause| clause["met"] == false).map(|clause| &clause["name"]).collect();
    assert_eq!(unmet, ["subject", "audience"]);
    assert_eq!(told["permissions"], json!({"contents": "read", "issues": "write"}));
}

#[test]
fn a_token_is_read_from_standard_input_and_its_end_is_told() {
    let folder = Folder::new(&[(CI, &policy(ISSUER))]);
    let token = unsigned(&claims("repo:acme/app:ref:refs/heads/main"));
    let said = folder.policy_with(&["explain", "--policy", CI, "--token", "-"], &format!("{token}\n"));
    assert_eq!(said.code, 0, "{}", said.err);
    let told = said.out.split_once("The token is admitted.\n").unwrap().1;
    insta::assert_snapshot!(told, @r"
    It gives contents: read, issues: write on acme/app.
    The token's signature was not checked; --verify asks the issuer.
    The token ended at 2001-09-09T01:46:40Z: the service refuses it for that alone.
    ");
    let given = folder.policy(&["explain", "--policy", CI, "--token", &token]);
    assert_eq!(given.out, said.out);
}

#[test]
fn what_cannot_be_read_is_bad_usage() {
    let folder = Folder::new(&[(CI, &policy(ISSUER)), ("wrong.sts.yaml", "issuer: x\n"), ("claims.json", &claims("x").to_string())]);
    for arguments in [
        &["--policy", CI][..],
        &["--policy", CI, "--token", "x"],
        &["--policy", CI, "--claims", "nowhere"],
        &["--policy", CI, "--claims", CI],
        &["--policy", CI, "--claims", "claims.json", "--verify"],
        &["--policy", "nowhere", "--claims", "claims.json"],
        &["--policy", "wrong.sts.yaml", "--claims", "claims.json"],
    ] {
        let said = folder.policy(&[&["explain"], arguments].concat());
        assert!(said.code == 2 && said.out.is_empty() && !said.err.is_empty(), "Input: {arguments:?}: {} {}", said.code, said.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuer_says_whether_a_token_is_genuine() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let issuer = sandbox.issuer("gha");
    let job = ActionsJob::new("acme/app").git_ref("refs/heads/main");
    let mut claims = job.claims();
    claims["iss"] = json!(issuer.url());
    claims["aud"] = json!("octo-sts.dev");
    let token = issuer.token(&claims);
    let folder = Folder::new(&[(CI, &policy(&issuer.url()))]);
    fs::write(folder.path().join("token"), &token).unwrap();
    let verify = |token: String| {
        let folder = Folder::new(&[(CI, &policy(&issuer.url()))]);
        tokio::task::spawn_blocking(move || folder.policy_with(&["explain", "--policy", CI, "--token", "-", "--verify"], &token))
    };
    let said = verify(token.clone()).await.unwrap();
    assert!(said.code == 0 && said.out.ends_with("The token is genuine.\n"), "{} {}", said.out, said.err);
    let (signed, _) = token.rsplit_once('.').unwrap();
    let forged = verify(format!("{signed}.c2ln")).await.unwrap();
    assert!(forged.code == 1 && forged.err.starts_with("octo-sts: the token did not verify"), "{}", forged.err);
    drop(sandbox);
    let silent = verify(token).await.unwrap();
    assert_eq!(silent.code, 3, "{}", silent.err);
}

/// With keys in the policy nobody is asked: the issuer has gone.
#[tokio::test(flavor = "multi_thread")]
async fn keys_in_the_policy_say_whether_a_token_is_genuine() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let (issuer, other) = (sandbox.issuer("gha"), sandbox.issuer("other"));
    let mut claims = ActionsJob::new("acme/app").git_ref("refs/heads/main").claims();
    claims["iss"] = json!(issuer.url());
    claims["aud"] = json!("octo-sts.dev");
    let token = issuer.token(&claims);
    let with = |key: Value| format!("{}jwks: '{}'\n", policy(&issuer.url()), json!({"keys": [key]}));
    let (own, foreign) = (with(issuer.jwk(Algorithm::Rs256)), with(other.jwk(Algorithm::Rs256)));
    drop(sandbox);
    let verify = |policy: String, token: String| {
        let folder = Folder::new(&[(CI, &policy)]);
        tokio::task::spawn_blocking(move || folder.policy_with(&["explain", "--policy", CI, "--token", "-", "--verify"], &token))
    };
    let said = verify(own, token.clone()).await.unwrap();
    assert!(said.code == 0 && said.out.ends_with("The token is genuine.\n"), "{} {}", said.out, said.err);
    let refused = verify(foreign, token).await.unwrap();
    assert!(refused.code == 1 && refused.err.starts_with("octo-sts: the token did not verify"), "{}", refused.err);
}
