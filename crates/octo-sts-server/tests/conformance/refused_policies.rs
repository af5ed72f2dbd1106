//! Section 2, second half: owners, repositories and policies.

use crate::support::{CI, House, NOTHING};
use octo_sts_sandbox::{OwnerKind, Selection};
use serde_json::json;

const FIND: &str = "unable to find trust policy for";
const PARSE: &str = "unable to parse trust policy found for";
const COMPILE: &str = "unable to compile trust policy found for";
const READ: &str = "unable to read trust policy found for";
const MISMATCH: &str = "token does not match trust policy";
const UNPROCESSABLE: &str = "token exchange failure (StatusUnprocessableEntity)";

/// A house whose issuer, installation and readers are known, as upstream's was.
async fn warm() -> House {
    let house = House::new().await;
    house.exchange(CI, &house.token()).await.0.grants("warm");
    house
}

/// Upstream lists every installation; here an unknown owner is three lookups, once.
#[tokio::test]
async fn owners_and_repositories_that_are_not_there() {
    let house = warm().await;
    let lookups = "repository_installation owner_installation owner_installation";
    for (situation, query, begins, calls) in [
        ("Unknown owner", "scope=nobody&identity=ci", "no installation found for \"nobody\"", "owner_installation owner_installation"),
        ("Unknown owner again", "scope=nobody&identity=ci", "no installation found for \"nobody\"", NOTHING),
        ("Unknown owner of a repository", "scope=stranger/app&identity=ci", "no installation found for \"stranger\"", lookups),
        ("Unknown repository", "scope=acme/nope&identity=ci", &format!("{FIND} \"ci\""), "mint"),
        ("Unknown identity", "scope=acme/app&identity=nope", &format!("{FIND} \"nope\""), "contents"),
        ("Unknown identity again", "scope=acme/app&identity=nope", &format!("{FIND} \"nope\""), "contents"),
    ] {
        let (answer, called) = house.exchange(query, &house.token()).await;
        answer.refuses(situation, 404, 5, begins);
        assert_eq!(called, calls, "{situation}");
    }
}

/// Upstream finds no installation for an owner in another case.
#[tokio::test]
async fn letter_case_of_owners_and_repositories_makes_no_difference() {
    let house = warm().await;
    for (situation, query) in [
        ("Owner in another case (`Acme/app`)", "scope=Acme/app&identity=ci"),
        ("Repository in another case (`acme/APP`)", "scope=acme/APP&identity=ci"),
    ] {
        let (answer, _) = house.exchange(query, &house.token()).await;
        answer.grants(situation);
        assert_eq!(house.grant(&answer).1, "acme/app", "{situation}");
    }
}

/// Upstream tells the caller what the policy requires; here only which part of the token it was.
#[tokio::test]
async fn tokens_that_do_not_match() {
    let house = warm().await;
    let issuer = house.issuer.url();
    let read = "permissions: {contents: read}";
    house.file("acme/app", "other", &format!("issuer: {issuer}\nsubject: secret-other\n{read}\n"));
    house.file("acme/app", "issuer", &format!("issuer: https://secret.example.com\nsubject: {}\n{read}\n", crate::support::SUBJECT));
    house.policy("acme/app", "aud", &format!("audience: secret-audience\n{read}"));
    house.policy("acme/app", "claim", &format!("claim_pattern: {{ref_type: '^secret$'}}\n{read}"));
    house.policy("acme/app", "noclaim", &format!("claim_pattern: {{nothing: '.*secret'}}\n{read}"));
    for (situation, identity, claims, field) in [
        ("Subject does not match", "other", json!({}), "subject"),
        ("Issuer does not match", "issuer", json!({}), "issuer"),
        ("Audience does not match policy", "aud", json!({"aud": "somewhere-else"}), "audience"),
        ("Audience does not match the default (STS_DOMAIN)", "ci", json!({"aud": ["a", "b"]}), "audience"),
        ("claim_pattern does not match", "claim", json!({}), "claim"),
        ("claim_pattern names a missing claim", "noclaim", json!({}), "claim"),
    ] {
        let (answer, called) = house.exchange(&format!("scope=acme/app&identity={identity}"), &house.token_of(&claims)).await;
        answer.refuses(situation, 403, 7, &format!("{MISMATCH}: its {field}"));
        assert!(!answer.body.contains("secret"), "{situation}: {}", answer.body);
        assert_eq!(called, "contents", "{situation}");
    }
}

/// Upstream refuses to match a number.
#[tokio::test]
async fn a_pattern_matches_a_number_as_its_decimal() {
    let house = warm().await;
    house.policy("acme/app", "nonstring", "claim_pattern: {iat: '[0-9]+'}\npermissions: {contents: read}");
    house.exchange("scope=acme/app&identity=nonstring", &house.token()).await.0.grants("claim_pattern on a number");
    house.policy("acme/app", "nonstring", "claim_pattern: {iat: '[a-z]+'}\npermissions: {contents: read}");
    let (answer, _) = house.exchange("scope=acme/app&identity=nonstring", &house.token()).await;
    answer.refuses("claim_pattern on a number that it does not match", 403, 7, MISMATCH);
}

#[tokio::test]
async fn policies_that_are_none() {
    let house = warm().await;
    let issuer = house.issuer.url();
    house.file("acme/app", "badyaml", "issuer: [");
    house.policy("acme/app", "unknownfield", "nonsense: true\npermissions: {contents: read}");
    house.file("acme/app", "badregex", &format!("issuer: {issuer}\nsubject_pattern: '('\npermissions: {{contents: read}}\n"));
    house.file("acme/app", "noissuer", "subject: x\npermissions: {contents: read}\n");
    house.file("acme/app", "empty", "");
    house.policy("acme/app", "big", &format!("permissions: {{contents: read}}\n# {}", "x".repeat(70_000)));
    for (situation, identity, begins) in [
        ("Policy `badyaml`", "badyaml", PARSE),
        ("Policy `unknownfield`", "unknownfield", PARSE),
        ("Policy `badregex`", "badregex", COMPILE),
        ("Policy `noissuer`", "noissuer", COMPILE),
        ("Policy `empty`", "empty", COMPILE),
        ("Policy `big`", "big", READ),
    ] {
        let (answer, called) = house.exchange(&format!("scope=acme/app&identity={identity}"), &house.token()).await;
        answer.refuses(situation, 404, 5, &format!("{begins} \"{identity}\""));
        assert_eq!(called, "contents", "{situation}");
    }
}

/// Upstream refuses to parse `repositories` in a repository's policy; here each listed repository has to consent.
#[tokio::test]
async fn a_policy_that_lists_other_repositories_needs_their_consent() {
    let house = warm().await;
    house.policy("acme/app", "repos", "permissions: {contents: read}\nrepositories: [app, x]");
    let (answer, _) = house.exchange("scope=acme/app&identity=repos", &house.token()).await;
    answer.refuses("Policy `repos`", 403, 7, MISMATCH);
    house.policy("acme/x", "repos", "permissions: {contents: read}");
    let (answer, _) = house.exchange("scope=acme/app&identity=repos", &house.token()).await;
    answer.grants("Policy `repos`, with the consent of `acme/x`");
}

/// GitHub's reason is for callers whose token matched.
#[tokio::test]
async fn grants_that_github_refuses() {
    let house = warm().await;
    house.policy("acme/app", "toomuch", "permissions: {workflows: write}");
    house.policy("acme/.github", "orgbad", "permissions: {contents: read}\nrepositories: [nope]");
    for (situation, query, calls) in [
        ("Policy `toomuch`", "scope=acme/app&identity=toomuch", "contents mint"),
        ("Org policy naming an unknown repository", "scope=acme&identity=orgbad", "contents mint"),
    ] {
        let (answer, called) = house.exchange(query, &house.token()).await;
        answer.refuses(situation, 403, 7, UNPROCESSABLE);
        assert_eq!(called, calls, "{situation}");
        assert!(answer.json()["message"].as_str().unwrap().len() > UNPROCESSABLE.len() + 10, "{situation}: {}", answer.body);
    }
}

/// Upstream answers 503 and 14 to a suspended installation.
#[tokio::test]
async fn a_suspended_installation() {
    let house = warm().await;
    house.sandbox.github().create_owner("sleepy", OwnerKind::Organization);
    house.sandbox.github().create_repository("sleepy/app");
    let id = house.app.install("sleepy", &Selection::All);
    house.sandbox.github().suspend(id, true);
    let (answer, _) = house.exchange("scope=sleepy/app&identity=ci", &house.token()).await;
    answer.refuses("Suspended installation", 403, 7, "installation for \"sleepy\" is suspended");
}

/// Upstream asks GitHub for each of them, dots and slashes included.
#[tokio::test]
async fn identities_that_are_no_file_name() {
    let house = warm().await;
    for (situation, identity) in [
        ("Identity `../../x`", "../../x"),
        ("Identity `a/b`", "a/b"),
        ("Identity `a?ref=x`", "a%3Fref=x"),
        ("Identity `a%2fb` (percent in the value)", "a%252fb"),
        ("Identity with a newline", "a%0Ab"),
    ] {
        let (answer, called) = house.exchange(&format!("scope=acme/app&identity={identity}"), &house.token()).await;
        answer.refuses(situation, 400, 3, "invalid identity");
        assert_eq!(called, NOTHING, "{situation}");
    }
}
