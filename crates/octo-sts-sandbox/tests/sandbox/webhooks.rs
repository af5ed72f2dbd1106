//! What the webhook receiver needs: comparisons, pull requests, check runs.

use http::Method;
use octo_sts_sandbox::Change;
use serde_json::json;

use crate::support::{POLICY, World, header, json, message, text};

fn put(path: &str, text: &str) -> Change {
    Change::Put(path.to_owned(), text.to_owned())
}

fn names(value: &serde_json::Value) -> Vec<(&str, &str)> {
    value.as_array().unwrap().iter().map(|file| (file["filename"].as_str().unwrap(), file["status"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_comparison_shows_what_changed_since_the_branches_parted() {
    let world = World::new().await;
    let github = world.sandbox.github();
    let before = github.create_branch("acme/app", "topic", "main");
    github.commit("acme/app", "main", "elsewhere", &[put("unrelated", "1")]);
    let rename = Change::Rename { from: POLICY.to_owned(), to: ".github/chainguard/deploy.sts.yaml".to_owned() };
    let after = github.commit("acme/app", "topic", "rename", &[rename, put("x", "1")]);
    let token = world.token("{}").await;
    let compared = json(&world.get(&format!("/repos/acme/app/compare/{before}...{after}"), &token).await);
    assert_eq!((compared["status"].as_str(), compared["total_commits"].as_u64()), (Some("ahead"), Some(1)));
    assert_eq!(names(&compared["files"]), [(".github/chainguard/deploy.sts.yaml", "renamed"), ("x", "added")]);
    assert_eq!(compared["files"][0]["previous_filename"], POLICY);
    let diverged = json(&world.get("/repos/acme/app/compare/main...topic", &token).await);
    assert_eq!((diverged["status"].as_str(), names(&diverged["files"]).len()), (Some("diverged"), 2));
    assert_eq!(world.get("/repos/acme/app/compare/main...nowhere", &token).await.status, 404);
    let read = world.get(&format!("/repos/acme/app/contents/x?ref={after}"), &token).await;
    assert_eq!(read.status, 200, "{}", text(&read));
}

/// T-150
#[tokio::test]
async fn comparisons_stop_at_300_files_and_pulls_at_3000() {
    let world = World::new().await;
    let github = world.sandbox.github();
    let changes: Vec<Change> = (0..3_010).map(|number| put(&format!("many/{number:04}"), "x")).collect();
    github.fork("acme/app", "forker/app");
    github.commit("forker/app", "main", "many", &changes);
    let number = github.open_pull("acme/app", "main", "forker/app", "main");
    let token = world.token("{}").await;
    let last = world.get(&format!("/repos/acme/app/pulls/{number}/files?per_page=100&page=30"), &token).await;
    assert_eq!(names(&json(&last)).last().unwrap().0, "many/2999");
    assert!(!header(&last, "link").contains("rel=\"next\""));
    assert!(names(&json(&world.get(&format!("/repos/acme/app/pulls/{number}/files?page=101"), &token).await)).is_empty());
    assert_eq!(json(&world.get("/repos/acme/app/pulls", &token).await)[0]["head"]["repo"]["full_name"], "forker/app");
    github.create_branch("acme/app", "large", "main");
    github.commit("acme/app", "large", "many", &changes);
    let compared = json(&world.get("/repos/acme/app/compare/main...large", &token).await);
    assert_eq!(names(&compared["files"]).len(), 300);
}

#[tokio::test]
async fn pulls_are_found_by_their_head() {
    let world = World::new().await;
    let github = world.sandbox.github();
    github.create_branch("acme/app", "topic", "main");
    let head = github.commit("acme/app", "topic", "x", &[put("x", "1")]);
    github.open_pull("acme/app", "main", "acme/app", "topic");
    let token = world.token("{}").await;
    let found = json(&world.get(&format!("/repos/acme/app/commits/{head}/pulls"), &token).await);
    assert_eq!((found[0]["number"].as_u64(), found[0]["head"]["sha"].as_str()), (Some(1), Some(head.as_str())));
    assert_eq!(json(&world.get("/repos/acme/app/pulls/1", &token).await)["changed_files"], 1);
    assert_eq!(json(&world.get("/repos/acme/app/branches/topic", &token).await)["commit"]["sha"], head.as_str());
    github.close_pull("acme/app", 1);
    github.delete_branch("acme/app", "topic");
    assert_eq!(json(&world.get("/repos/acme/app/pulls", &token).await), json!([]));
    assert_eq!(world.get("/repos/acme/app/branches/topic", &token).await.status, 404);
    assert_eq!(world.get(&format!("/repos/acme/app/contents/x?ref={head}"), &token).await.status, 200);
}

#[tokio::test]
async fn check_runs_are_made_and_completed() {
    let world = World::new().await;
    let sha = world.sandbox.github().head("acme/app", "main");
    let token = world.token(r#"{"permissions":{"checks":"write"}}"#).await;
    let body = json!({"name": "Trust Policy Validation", "head_sha": sha, "status": "in_progress"});
    let made = world.call(Method::POST, "/repos/acme/app/check-runs", &token, &body.to_string()).await;
    assert_eq!(made.status, 201, "{}", text(&made));
    let path = format!("/repos/acme/app/check-runs/{}", json(&made)["id"]);
    let annotation = json!({"path": "x", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"});
    let update = json!({"status": "completed", "conclusion": "failure", "output": {"title": "t", "summary": "s", "annotations": [annotation]}});
    for _ in 0..2 {
        assert_eq!(world.call(Method::PATCH, &path, &token, &update.to_string()).await.status, 200);
    }
    let run = world.sandbox.github().check_runs().pop().unwrap();
    assert_eq!((run.body["conclusion"].as_str(), run.annotations.len()), (Some("failure"), 2));
    assert_eq!(json(&world.get(&path, &token).await)["output"]["annotations_count"], 2);

    let unknown = json!({"name": "n", "head_sha": "0".repeat(40)}).to_string();
    assert!(message(&world.call(Method::POST, "/repos/acme/app/check-runs", &token, &unknown).await).starts_with("No commit found"));
    let reader = world.token(r#"{"permissions":{"checks":"read","contents":"write"}}"#).await;
    assert_eq!(world.call(Method::POST, "/repos/acme/app/check-runs", &reader, &body.to_string()).await.status, 403);
}
