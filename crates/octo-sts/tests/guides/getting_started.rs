//! The promises of a first visit: a policy, a token, its use, a refusal, and a correction that counts at once.

use std::{fs, path::Path};

use super::demo::{Branch, Demo, REPOSITORY};

const FIRST: &str = "subject: repo:acme/app:ref:refs/heads/main\n\npermissions:\n  contents: read\n  issues: write\n";

#[test]
fn a_policy_is_a_token_that_can_what_the_policy_says() {
    let demo = Demo::start();
    demo.policy(REPOSITORY, "first", FIRST);
    let reply = demo.exchange(Branch::Main, REPOSITORY, "first");
    let token = reply.token();
    assert_eq!(reply.body["access_token"], token, "both names stand for the same token");
    assert_eq!(reply.body["token_type"], "Bearer");
    assert!((3_500..=3_600).contains(&reply.body["expires_in"].as_u64().unwrap()), "it lives an hour: {}", reply.body);
    let name = r#"curl -sSf -H "Authorization: Bearer $TOKEN" "$GITHUB_API/repos/$GITHUB_REPOSITORY" | jq -r .name"#;
    assert_eq!(demo.prints(name, &[("TOKEN", token)]), "app");
    assert_eq!(demo.github(token, "POST", "/repos/acme/app/issues", r#"{"title":"Hello"}"#), 201);
    assert!(!demo.writes(token, REPOSITORY), "contents: read does not write");
    assert_eq!(demo.github(token, "DELETE", "/installation/token", ""), 204);
    assert!(!demo.reads(token, REPOSITORY), "an ended token reads nothing");
}

#[test]
fn a_changed_policy_counts_for_the_very_next_exchange() {
    let demo = Demo::start();
    demo.policy(REPOSITORY, "first", FIRST);
    let before = demo.exchange(Branch::Main, REPOSITORY, "first");
    demo.policy(REPOSITORY, "first", &FIRST.replace("heads/main", "heads/develop"));
    let refused = demo.exchange(Branch::Main, REPOSITORY, "first");
    assert_eq!((refused.status, &refused.body["code"]), (403, &7.into()), "{}", refused.body);
    assert!(!refused.body.to_string().contains("develop"), "the policy's text is not for the caller: {}", refused.body);
    assert!(demo.reads(before.token(), REPOSITORY), "a token that is out keeps what it has");
    demo.policy(REPOSITORY, "first", &FIRST.replace("issues: write", "issues: read"));
    let after = demo.exchange(Branch::Main, REPOSITORY, "first");
    assert_eq!(after.body["permissions"]["issues"], "read", "{}", after.body);
    demo.remove(REPOSITORY, "first");
    assert_eq!(demo.exchange(Branch::Main, REPOSITORY, "first").status, 404);
}

#[test]
fn no_policy_and_a_broken_policy_give_no_token() {
    let demo = Demo::start();
    let absent = demo.exchange(Branch::Main, REPOSITORY, "nobody");
    assert_eq!((absent.status, &absent.body["code"]), (404, &5.into()), "{}", absent.body);
    for (identity, text) in [("colon", "issuer https://example.com\n"), ("unknown", "subject: x\npermission:\n  contents: read\n")] {
        demo.policy(REPOSITORY, identity, text);
        assert_eq!(demo.exchange(Branch::Main, REPOSITORY, identity).status, 404, "{identity}");
    }
}

/// The page's own policy, with names and host replaced as the demo says.
#[test]
fn the_policy_of_the_page_admits_what_the_page_says() {
    let demo = Demo::start();
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/getting-started.md")).unwrap();
    let policy = page.split("```yaml\n").nth(1).unwrap().split("```").next().unwrap();
    let policy = policy.replace("YOUR-ORG/YOUR-REPO", REPOSITORY).replace("https://token.actions.githubusercontent.com", &demo.issuer);
    demo.commit(REPOSITORY, "page", &policy);
    demo.exchange(Branch::Main, REPOSITORY, "page").token();
    assert_eq!(demo.exchange(Branch::Feature, REPOSITORY, "page").status, 403);
}
