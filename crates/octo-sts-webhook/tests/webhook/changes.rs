//! Which files a change touches: positions, pages, limits, forks, renames.

use octo_sts_sandbox::Change;
use serde_json::{Value, json};

use crate::support::{BAD, CI, GOOD, World};

/// A branch with this many changed files, of which the policy is the last by path.
fn branch_of(world: &World, count: usize, policy: &str) -> (String, String) {
    let base = world.github().head("acme/app", "main");
    world.github().create_branch("acme/app", "topic", "main");
    // `!` stands before `.`, so these come first in every list.
    let mut changes: Vec<_> = (1..count).map(|at| Change::Put(format!("!pad/{at:05}"), "x".into())).collect();
    changes.push(Change::Put(CI.into(), policy.into()));
    (base, world.github().commit("acme/app", "topic", "many", &changes))
}

/// T-150
#[tokio::test]
async fn a_policy_at_any_position_of_a_pull_request_is_judged() {
    for count in [1, 31, 301, 2_999, 3_000, 3_001] {
        for (policy, conclusion) in [(GOOD, "success"), (BAD, "failure")] {
            let world = World::new().await;
            let (base, head) = branch_of(&world, count, policy);
            let number = world.github().open_pull("acme/app", "main", "acme/app", "topic");
            world.deliver("pull_request", &world.pull_request("acme/app", number, &base, &head)).await;
            assert_eq!(world.last().0, conclusion, "Input: {count} {}", world.summary());
        }
    }
}

fn suite(world: &World, before: &Value, head: &str, branch: &str, pulls: &Value) -> Value {
    json!({
        "action": "requested",
        "check_suite": {"head_sha": head, "head_branch": branch, "before": before, "pull_requests": pulls},
        "repository": {"full_name": "acme/app", "default_branch": "main"},
        "installation": {"id": world.installation.0}, "sender": {"login": "mona"},
    })
}

/// T-150
#[tokio::test]
async fn a_policy_behind_the_three_hundredth_file_of_a_comparison_is_judged() {
    for count in [299, 300, 301] {
        let world = World::new().await;
        let (base, head) = branch_of(&world, count, BAD);
        world.deliver("check_suite", &suite(&world, &json!(base), &head, "topic", &json!([]))).await;
        assert_eq!(world.last().0, "failure", "Input: {count}");
        assert!(world.summary().contains("E011"), "Input: {count} {}", world.summary());
    }
}

/// T-150: the payload's lists are not asked for more than upstream asks them.
#[tokio::test]
async fn a_push_of_many_commits_is_compared() {
    let world = World::new().await;
    let before = world.github().head("acme/app", "main");
    world.github().put_file("acme/app", CI, BAD);
    let after = world.github().put_file("acme/app", "x", "1");
    let mut push = world.push("acme/app", &before, &after, "x");
    push["commits"] = json!(vec![push["commits"][0].clone(); 20]);
    world.deliver("push", &push).await;
    assert_eq!(world.last().0, "failure");
}

#[tokio::test]
async fn a_directory_that_github_does_not_list_whole_is_never_a_success() {
    let world = World::new().await;
    let base = world.github().head("acme/app", "main");
    world.github().create_branch("acme/app", "topic", "main");
    let mut changes: Vec<_> = (0..1_100).map(|at| Change::Put(format!(".github/chainguard/a{at:05}.txt"), "x".into())).collect();
    changes.extend((0..2_000).map(|at| Change::Put(format!("!pad/{at:05}"), "x".into())));
    changes.push(Change::Put(".github/chainguard/z.sts.yaml".into(), GOOD.into()));
    let head = world.github().commit("acme/app", "topic", "many", &changes);
    let number = world.github().open_pull("acme/app", "main", "acme/app", "topic");
    world.deliver("pull_request", &world.pull_request("acme/app", number, &base, &head)).await;
    assert_eq!(world.last(), ("failure".into(), "Change too large to be checked.".into()));
}

/// T-148
#[tokio::test]
async fn a_pull_request_from_a_fork_is_checked_in_the_repository_it_is_for() {
    let world = World::new().await;
    let base = world.github().head("acme/app", "main");
    world.github().create_owner("mallory", octo_sts_sandbox::OwnerKind::User);
    world.github().fork("acme/app", "mallory/app");
    let head = world.github().commit("mallory/app", "main", "evil", &[Change::Put(CI.into(), BAD.into())]);
    let number = world.github().open_pull("acme/app", "main", "mallory/app", "main");
    world.deliver("pull_request", &world.pull_request("acme/app", number, &base, &head)).await;
    assert_eq!(world.run().repository, "acme/app");
    assert_eq!(world.last().0, "failure");
    assert!(world.github().calls().iter().all(|call| !call.path.contains("mallory")));
}

#[tokio::test]
async fn renamed_and_removed_files() {
    let world = World::new().await;
    world.push_file("acme/app", CI, GOOD).await;
    let base = world.github().head("acme/app", "main");
    world.github().create_branch("acme/app", "topic", "main");
    let rename = Change::Rename { from: CI.into(), to: ".github/chainguard/cd.sts.yaml".into() };
    let head = world.github().commit("acme/app", "topic", "rename", &[rename]);
    let number = world.github().open_pull("acme/app", "main", "acme/app", "topic");
    world.deliver("pull_request", &world.pull_request("acme/app", number, &base, &head)).await;
    let summary = world.summary();
    assert!(summary.contains("| ➕ gains | `cd` |") && summary.contains("| ➖ loses | `ci` |"), "{summary}");
    // A removal alone has nothing to check, as upstream.
    let runs = world.github().check_runs().len();
    let before = world.github().head("acme/app", "main");
    let after = world.github().remove_file("acme/app", CI);
    let mut push = world.push("acme/app", &before, &after, CI);
    push["commits"] = json!([{"added": [], "modified": [], "removed": [CI]}]);
    let answer = world.deliver("push", &push).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, "there is nothing to check"));
    push["after"] = json!("0".repeat(40));
    assert_eq!(world.deliver("push", &push).await.status, 200);
    assert_eq!(world.github().check_runs().len(), runs);
}

#[tokio::test]
async fn a_new_branch_is_judged_whole_where_it_is_proposed() {
    let world = World::new().await;
    world.github().put_file("acme/app", CI, BAD);
    world.github().create_branch("acme/app", "topic", "main");
    let head = world.github().head("acme/app", "topic");
    let ignored = world.deliver("check_suite", &suite(&world, &Value::Null, &head, "topic", &json!([]))).await;
    assert_eq!((ignored.status.as_u16(), world.github().check_runs().len()), (202, 0));
    let number = world.github().open_pull("acme/app", "main", "acme/app", "topic");
    world.deliver("check_suite", &suite(&world, &Value::Null, &head, "topic", &json!([{"number": number}]))).await;
    assert_eq!(world.last().0, "failure");
}

/// T-149
#[tokio::test]
async fn a_persons_request_runs_the_check_again_and_a_bots_does_not() {
    let world = World::new().await;
    world.push_file("acme/app", CI, GOOD).await;
    let head = world.github().head("acme/app", "main");
    let run = |sender: &str, action: &str| {
        json!({
            "action": action,
            "check_run": {"head_sha": head, "name": "Trust Policy Validation", "pull_requests": [], "check_suite": {"before": null, "head_branch": "main"}},
            "repository": {"full_name": "acme/app", "default_branch": "main"},
            "installation": {"id": world.installation.0}, "sender": {"login": sender},
        })
    };
    assert_eq!(world.deliver("check_run", &run("mona", "rerequested")).await.text, "checked: success");
    assert_eq!(world.github().check_runs().len(), 2);
    let calls = world.sandbox.calls().len();
    for (sender, action) in [("octo-sts[bot]", "created"), ("octo-sts[bot]", "completed"), ("octo-sts[bot]", "rerequested"), ("mona", "created")] {
        assert_eq!(world.deliver("check_run", &run(sender, action)).await.status, 202, "Input: {sender} {action}");
    }
    assert_eq!((world.github().check_runs().len(), world.sandbox.calls().len()), (2, calls), "what is not followed costs no call");
}

#[tokio::test]
async fn a_rewritten_default_branch_is_seen_by_its_directory() {
    let world = World::new().await;
    world.push_file("acme/app", CI, GOOD).await;
    let before = world.github().put_file("acme/app", ".github/chainguard/cd.sts.yaml", GOOD);
    let after = world.github().put_file("acme/app", CI, BAD);
    let mut push = world.push("acme/app", &before, &after, "README.md");
    push["forced"] = json!(true);
    push["commits"] = json!([]);
    world.deliver("push", &push).await;
    assert_eq!(world.last().0, "failure");
}
