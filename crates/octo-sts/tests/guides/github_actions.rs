//! The promises to workflows: by hand, Renovate, releases, several repositories, several policies, any branch.

use std::fs;

use serde_json::json;

use super::demo::{Branch, Demo, REPOSITORY};

const MAIN: &str = "subject: repo:acme/app:ref:refs/heads/main\n";

#[test]
fn the_exchange_by_hand_hands_a_masked_token_to_later_steps() {
    let demo = Demo::start();
    demo.policy(REPOSITORY, "custom", &format!("{MAIN}permissions:\n  contents: read\n"));
    let outputs = demo.path("outputs");
    let script = r#"
        OIDC=$(curl -sSf -H "Authorization: Bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
          "$ACTIONS_ID_TOKEN_REQUEST_URL&audience=https://github.com/$GITHUB_REPOSITORY" | jq -r '.value')
        ANSWER=$(curl -s -H "Authorization: Bearer $OIDC" "$STS_URL/sts/exchange?scope=$GITHUB_REPOSITORY&identity=custom")
        TOKEN=$(echo "$ANSWER" | jq -r '.access_token')
        echo "::add-mask::$TOKEN"
        echo "token=$TOKEN" >>"$GITHUB_OUTPUT""#;
    let said = demo.prints(script, &[("GITHUB_OUTPUT", outputs.to_str().unwrap())]);
    let token = said.strip_prefix("::add-mask::").unwrap();
    assert_eq!(fs::read_to_string(outputs).unwrap().trim_end(), format!("token={token}"));
    assert!(demo.reads(token, REPOSITORY));
}

#[test]
fn a_policy_for_renovate_is_granted_whole() {
    let demo = Demo::start();
    let wanted = json!({"checks": "write", "contents": "write", "issues": "write", "members": "read", "pull_requests": "write",
        "statuses": "write", "workflows": "write"});
    let lines: String = wanted.as_object().unwrap().iter().map(|(name, level)| ["  ", name, ": ", level.as_str().unwrap(), "\n"].concat()).collect();
    demo.policy(REPOSITORY, "renovate", &format!("{MAIN}permissions:\n{lines}"));
    let mut reply = demo.exchange(Branch::Main, REPOSITORY, "renovate");
    assert!(demo.writes(reply.token(), REPOSITORY));
    // GitHub adds this one to every token.
    reply.body["permissions"].as_object_mut().unwrap().remove("metadata");
    assert_eq!(reply.body["permissions"], wanted);
}

#[test]
fn policies_of_one_repository_give_each_its_own() {
    let demo = Demo::start();
    demo.policy(REPOSITORY, "ci", &format!("{MAIN}permissions:\n  contents: read\n  checks: write\n"));
    demo.policy(REPOSITORY, "deploy", &format!("{MAIN}permissions:\n  contents: write\n  deployments: write\n"));
    demo.policy(REPOSITORY, "release", &format!("{MAIN}permissions:\n  contents: write\n  pull_requests: write\n  issues: write\n"));
    let permissions = |identity| demo.exchange(Branch::Main, REPOSITORY, identity).body["permissions"].clone();
    assert_eq!(permissions("ci"), json!({"checks": "write", "contents": "read", "metadata": "read"}));
    assert_eq!(permissions("deploy"), json!({"contents": "write", "deployments": "write", "metadata": "read"}));
    assert_eq!(permissions("release"), json!({"contents": "write", "issues": "write", "metadata": "read", "pull_requests": "write"}));
    assert!(!demo.writes(demo.exchange(Branch::Main, REPOSITORY, "ci").token(), REPOSITORY));
    assert!(demo.writes(demo.exchange(Branch::Main, REPOSITORY, "deploy").token(), REPOSITORY));
}

#[test]
fn a_pattern_admits_every_branch_and_a_subject_only_one() {
    let demo = Demo::start();
    let permissions = "permissions:\n  contents: read\n";
    demo.policy(REPOSITORY, "any", &format!("subject_pattern: \"repo:acme/app:ref:refs/heads/.*\"\n{permissions}"));
    demo.policy(REPOSITORY, "main", &format!("{MAIN}{permissions}"));
    demo.policy(REPOSITORY, "tags", &format!("subject_pattern: \"repo:acme/app:ref:refs/tags/.*\"\n{permissions}"));
    for (branch, identity, status) in [
        (Branch::Main, "any", 200),
        (Branch::Feature, "any", 200),
        (Branch::Main, "main", 200),
        (Branch::Feature, "main", 403),
        (Branch::Main, "tags", 403),
    ] {
        assert_eq!(demo.exchange(branch, REPOSITORY, identity).status, status, "{branch:?} under {identity}");
    }
}

const LISTED: [&str; 3] = ["acme/repo-one", "acme/repo-two", "acme/repo-three"];

/// A policy in an ordinary repository lists others, as `ORG/name`.
fn demo_with_a_list() -> Demo {
    let demo = Demo::start();
    let permissions = "permissions:\n  contents: read\n  issues: write\n  pull_requests: write\n";
    let list: String = LISTED.iter().map(|repository| ["  - ", repository, "\n"].concat()).collect();
    demo.policy(REPOSITORY, "multi-repo", &format!("{MAIN}{permissions}repositories:\n{list}"));
    for repository in LISTED {
        demo.policy(repository, "multi-repo", &format!("{MAIN}{permissions}"));
    }
    demo
}

#[test]
fn a_list_of_repositories_is_granted_with_the_consent_of_each() {
    let demo = demo_with_a_list();
    let reply = demo.exchange(Branch::Main, REPOSITORY, "multi-repo");
    for repository in LISTED {
        assert_eq!(demo.github(reply.token(), "GET", &format!("/repos/{repository}/issues"), ""), 200, "{repository}");
    }
    assert!(!demo.reads(reply.token(), "acme/other"), "what is not listed is not reached");
    demo.policy(LISTED[1], "multi-repo", &format!("{MAIN}permissions:\n  contents: read\n  issues: read\n"));
    let narrower = demo.exchange(Branch::Main, REPOSITORY, "multi-repo");
    assert_eq!(narrower.body["permissions"], json!({"contents": "read", "issues": "read", "metadata": "read"}), "what all of them grant");
}

#[test]
fn a_list_of_repositories_is_refused_when_one_does_not_consent() {
    let demo = demo_with_a_list();
    demo.policy(LISTED[2], "multi-repo", "subject: repo:acme/other:ref:refs/heads/main\npermissions:\n  contents: read\n");
    let another = demo.exchange(Branch::Main, REPOSITORY, "multi-repo");
    demo.remove(LISTED[2], "multi-repo");
    let silent = demo.exchange(Branch::Main, REPOSITORY, "multi-repo");
    for refused in [another, silent] {
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert!(!refused.body.to_string().contains("repo-three"), "who refused is not for the caller: {}", refused.body);
    }
}
