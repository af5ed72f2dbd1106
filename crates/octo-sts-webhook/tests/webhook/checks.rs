//! What a check run says.

use octo_sts_policy::{ParseOptions, PolicyKind, TrustPolicy};
use octo_sts_sandbox::Selection;
use serde_json::json;

use crate::support::{BAD, CI, GOOD, World};

#[tokio::test]
async fn a_good_push_has_upstreams_check_run() {
    let world = World::new().await;
    let accepted = world.push_file("acme/app", CI, GOOD).await;
    assert_eq!((accepted.status.as_u16(), accepted.text.as_str()), (200, "checked: success"));
    let run = world.run();
    let head = world.github().head("acme/app", "main");
    assert_eq!(run.body["name"], "Trust Policy Validation");
    assert_eq!((&run.body["head_sha"], &run.body["external_id"]), (&json!(head), &json!(head)));
    assert_eq!((&run.body["status"], &run.body["conclusion"]), (&json!("completed"), &json!("success")));
    assert_eq!(run.body["output"]["title"], "Valid trust policy.");
    assert!(run.annotations.iter().all(|annotation| annotation["annotation_level"] == "warning"), "{:?}", run.annotations);
}

#[tokio::test]
async fn a_bad_push_says_what_is_wrong_and_where() {
    let world = World::new().await;
    assert_eq!(world.push_file("acme/app", CI, BAD).await.text, "checked: failure");
    assert_eq!(world.last(), ("failure".into(), "Invalid trust policy.".into()));
    assert!(world.summary().starts_with("Failed to validate trust policy."), "{}", world.summary());
    let annotations = world.run().annotations;
    let unknown = annotations.iter().find(|annotation| annotation["title"] == "E011: unknown field").unwrap();
    assert_eq!((&unknown["path"], &unknown["start_line"], &unknown["annotation_level"]), (&json!(CI), &json!(2), &json!("failure")));
}

/// T-151: the check succeeds exactly where the exchange's own parse does.
#[tokio::test]
async fn success_is_what_the_exchange_accepts() {
    let world = World::new().await;
    let texts = [
        GOOD.to_owned(),
        String::new(),
        "{}".into(),
        GOOD.replace("subject:", "subject_pattern:"),
        GOOD.replace("subject: ", "subject_pattern: 'a)|(b' # "),
        format!("{GOOD}subject_pattern: .*\n"),
        GOOD.replace("issuer", "# issuer"),
        GOOD.replace("contents: read", "contents: writ"),
        GOOD.replace("contents: read", "organization_hooks: write"),
        GOOD.replace("contents: read", "members: read"),
        GOOD.replace("contents: read", "{}"),
        format!("{GOOD}repositories: []\n"),
        format!("{GOOD}claim_pattern: {{ref: '('}}\n"),
        format!("{GOOD}---\n{GOOD}"),
        "a: &a 1\nb: *a\n".into(),
        "\u{feff}".to_owned() + GOOD,
        GOOD.replace('\n', "\r\n"),
    ];
    for text in texts {
        let accepted = TrustPolicy::parse(&text, PolicyKind::Repository, &ParseOptions::default()).is_ok();
        world.push_file("acme/app", CI, &text).await;
        assert_eq!(world.last().0 == "success", accepted, "Input: {text}");
    }
}

#[tokio::test]
async fn what_is_no_file_fails() {
    let world = World::new().await;
    let before = world.github().head("acme/app", "main");
    world.github().put_submodule("acme/app", ".github/chainguard/sub.sts.yaml", "https://example.com/x");
    world.github().put_symlink("acme/app", ".github/chainguard/dead.sts.yaml", "nowhere");
    world.github().put_directory("acme/app", ".github/chainguard/dir.sts.yaml");
    world.github().put_file("acme/app", ".github/chainguard/-odd.sts.yaml", GOOD);
    let after = world.github().put_bytes("acme/app", ".github/chainguard/binary.sts.yaml", &b"\xff\xfe"[..]);
    for (name, says) in [("sub", "submodule"), ("dead", "symbolic link"), ("dir", "directory"), ("-odd", "E501"), ("binary", "UTF-8")] {
        let path = format!(".github/chainguard/{name}.sts.yaml");
        world.deliver("push", &world.push("acme/app", &before, &after, &path)).await;
        assert_eq!(world.last().0, "failure", "Input: {name}");
        assert!(world.summary().contains(says), "Input: {name} {}", world.summary());
    }
}

#[tokio::test]
async fn an_organisations_policies_allowlist_and_guardrails_are_judged_as_such() {
    let world = World::new().await;
    world.github().put_file("acme/.github", "README.md", "x");
    let organisation = GOOD.replace("contents: read", "members: write") + "repositories: [app]\n";
    world.push_file("acme/.github", CI, &organisation).await;
    assert_eq!(world.last().0, "success", "{}", world.summary());
    let allowlist = ".github/chainguard/trusted-token-issuers.yaml";
    world.push_file("acme/.github", allowlist, "issuers: [https://token.actions.githubusercontent.com]\n").await;
    assert_eq!(world.last().0, "success", "{}", world.summary());
    world.push_file("acme/.github", allowlist, "issuer_patterns: ['https://.*']\n").await;
    assert_eq!(world.last().0, "failure");
    world.push_file("acme/.github", ".github/chainguard/guardrails.yaml", "nonsense: 1\n").await;
    assert_eq!(world.last().0, "failure");
    world.push_file("acme/app", CI, &organisation).await;
    assert_eq!(world.last().0, "failure", "a repository's policy gives nothing over the organisation");
}

#[tokio::test]
async fn permissions_that_the_installation_does_not_hold_fail() {
    let world = World::new().await;
    world.github().set_permissions(world.installation, &[("contents", "read"), ("checks", "write"), ("pull_requests", "write")]);
    world.push_file("acme/app", CI, &GOOD.replace("contents: read", "contents: write\n  issues: read\n  pull_requests: read")).await;
    let run = world.run();
    let lines: Vec<_> = run.annotations.iter().filter(|a| a["annotation_level"] == "failure").map(|a| a["start_line"].as_u64().unwrap()).collect();
    assert_eq!((run.body["conclusion"].as_str(), lines), (Some("failure"), vec![4, 5]), "{}", world.summary());
    assert!(world.summary().contains("was not granted `contents: write`"), "{}", world.summary());
}

#[tokio::test]
async fn repositories_that_do_not_exist_fail() {
    let world = World::new().await;
    world.github().put_file("acme/.github", "README.md", "x");
    world.github().create_repository("acme/other");
    world.push_file("acme/.github", CI, &format!("{GOOD}repositories:\n  - app\n  - other\n")).await;
    assert_eq!(world.last().0, "success", "{}", world.summary());
    world.push_file("acme/.github", CI, &format!("{GOOD}repositories:\n  - app\n  - othre\n")).await;
    assert_eq!(world.last().0, "failure");
    assert!(world.summary().contains("acme/othre"), "{}", world.summary());
    world.github().set_selection(world.installation, &Selection::Only(vec!["app".into(), ".github".into()]));
    world.push_file("acme/.github", CI, &format!("{GOOD}repositories:\n  - other\n")).await;
    assert_eq!(world.last().0, "failure", "the App does not see it");
}

#[tokio::test]
async fn a_policy_for_an_app_that_is_not_configured_fails() {
    let world = World::new().await;
    world.push_file("acme/app", CI, &format!("{GOOD}app: main\n")).await;
    assert_eq!(world.last().0, "success", "{}", world.summary());
    world.push_file("acme/app", CI, &format!("{GOOD}app: other\n")).await;
    assert!(world.summary().contains("No App"), "{}", world.summary());
}

#[tokio::test]
async fn the_summary_says_who_gains_and_who_loses_what() {
    let world = World::new().await;
    world.push_file("acme/app", CI, GOOD).await;
    assert!(world.summary().contains("| ➕ gains | `ci` |"), "{}", world.summary());
    world.push_file("acme/app", CI, &GOOD.replace("contents: read", "issues: write")).await;
    let summary = world.summary();
    assert!(summary.contains("➖ loses") && summary.contains("`contents: read` | this repository"), "{summary}");
    assert!(summary.contains("➕ gains") && summary.contains("`issues: write` | this repository"), "{summary}");
}

#[tokio::test]
async fn test_cases_are_run_with_their_policy() {
    let world = World::new().await;
    let cases = |sub: &str| {
        format!("cases:\n  - claims: {{iss: https://token.actions.githubusercontent.com, sub: '{sub}', aud: octo-sts.test}}\n    expect: allow\n")
    };
    world.push_file("acme/app", CI, GOOD).await;
    let path = ".github/chainguard/ci.sts.test.yaml";
    world.push_file("acme/app", path, &cases("repo:acme/app:ref:refs/heads/main")).await;
    assert_eq!(world.last().0, "success", "{}", world.summary());
    assert!(world.summary().contains("1 test case was run"), "{}", world.summary());
    world.push_file("acme/app", CI, &GOOD.replace("heads/main", "heads/release")).await;
    assert_eq!(world.last().0, "failure", "{}", world.summary());
    assert!(world.github().check_runs().pop().unwrap().annotations.iter().any(|annotation| annotation["path"] == path));
}

#[tokio::test]
async fn the_organisations_allowlist_and_guardrails_count() {
    let world = World::new().await;
    let changed = json!({"action": "edited", "repository": {"full_name": "acme/.github"}});
    world.github().put_file("acme/.github", ".github/chainguard/guardrails.yaml", "permissions: {contents: read}\n");
    world.push_file("acme/app", CI, &GOOD.replace("read", "write")).await;
    assert_eq!(world.last().0, "success", "guardrails count where there is an allowlist: {}", world.summary());
    world.github().put_file(
        "acme/.github",
        ".github/chainguard/trusted-token-issuers.yaml",
        "issuers: [https://token.actions.githubusercontent.com]\n",
    );
    world.deliver("repository", &changed).await;
    world.push_file("acme/app", CI, &GOOD.replace("read", "write # once more")).await;
    assert!(world.last().0 == "success" && world.summary().contains("is lowered to `read`"), "{}", world.summary());
    world.push_file("acme/app", CI, &GOOD.replace("contents", "issues")).await;
    assert!(world.last().0 == "failure" && world.summary().contains("nothing of what the policy gives is left"), "{}", world.summary());
    world.push_file("acme/app", CI, &GOOD.replace("token.actions.githubusercontent.com", "gitlab.com")).await;
    assert!(world.last().0 == "failure" && world.summary().contains("allowlist does not have"), "{}", world.summary());
}

/// T-151: what a change brings counts with the change, and is not remembered before it lands.
#[tokio::test]
async fn bounds_in_the_change_itself_count_for_its_policies() {
    let world = World::new().await;
    let (allowlist, guardrails) = (".github/chainguard/trusted-token-issuers.yaml", ".github/chainguard/guardrails.yaml");
    let before = world.github().put_file("acme/.github", CI, format!("{GOOD}repositories: [app]\n"));
    world.github().put_file("acme/.github", guardrails, "permissions: {issues: read}\n");
    let after = world.github().put_file("acme/.github", allowlist, "issuers: [https://token.actions.githubusercontent.com]\n");
    world.github().remove_file("acme/.github", allowlist);
    let mut push = world.push("acme/.github", &before, &after, CI);
    push["ref"] = json!("refs/heads/topic");
    push["commits"][0]["added"] = json!([CI, guardrails, allowlist]);
    world.deliver("push", &push).await;
    assert!(world.last().0 == "failure" && world.summary().contains("nothing of what the policy gives is left"), "{}", world.summary());
    world.push_file("acme/app", CI, GOOD).await;
    assert_eq!(world.last().0, "success", "the allowlist has not landed: {}", world.summary());
}

#[tokio::test]
async fn symbolic_links_are_refused_where_the_service_refuses_them() {
    for (strict, conclusion) in [(false, "success"), (true, "failure")] {
        let world = World::with(|settings| settings.strict_policy_files = strict).await;
        let before = world.github().put_file("acme/app", "policy.yaml", GOOD);
        let after = world.github().put_symlink("acme/app", CI, "../../policy.yaml");
        world.deliver("push", &world.push("acme/app", &before, &after, CI)).await;
        assert_eq!(world.last().0, conclusion, "Input: {strict}");
    }
}

/// T-152
#[tokio::test]
async fn many_findings_go_up_in_batches_and_the_summary_keeps_its_limit() {
    let world = World::new().await;
    let text = (0..200).fold(String::new(), |text, at| text + &format!("\"@mona `{at}` <b>|{}\": 1\n", "x".repeat(80)));
    world.push_file("acme/app", CI, &text).await;
    let run = world.run();
    assert_eq!(run.body["conclusion"], "failure");
    assert!(run.annotations.len() >= 100, "{}", run.annotations.len());
    let calls = world.github().calls().iter().filter(|call| call.method == "PATCH").count();
    assert_eq!(calls, run.annotations.len().div_ceil(50) - 1);
    assert!(world.summary().len() <= 65_535);
}
