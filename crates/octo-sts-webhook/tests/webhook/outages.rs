//! GitHub limits or fails: a check is made later, and is never a verdict.

use std::time::Duration;

use http::Method;
use octo_sts_sandbox::Fault;
use serde_json::json;

use crate::support::{CI, GOOD, World};

async fn survives(fault: Fault) {
    let world = World::with(|settings| settings.patience = Duration::from_millis(10)).await;
    let before = world.github().head("acme/app", "main");
    let after = world.github().put_file("acme/app", CI, GOOD);
    world.github().fault(fault);
    assert!(world.deliver("push", &world.push("acme/app", &before, &after, CI)).await.status.is_success());
    assert!(world.eventually(|github| !github.check_runs().is_empty()).await);
    assert_eq!(world.last().0, "success", "{}", world.summary());
    let runs: Vec<_> = world.github().check_runs().iter().map(|run| run.body["conclusion"].clone()).collect();
    assert!(runs.iter().all(|conclusion| conclusion == "success"), "{runs:?}");
}

#[tokio::test]
async fn a_check_is_made_when_github_is_back() {
    for needle in ["repository_installation", "mint", "contents", "check_runs"] {
        survives(Fault::on_any(needle).times(5).respond(502, &json!({"message": "Server Error"}))).await;
        survives(Fault::on_any(needle).times(2).reset()).await;
    }
}

/// T-122
#[tokio::test]
async fn a_check_is_made_when_the_limit_is_lifted() {
    for needle in ["mint", "contents", "check_runs"] {
        survives(Fault::on_any(needle).times(1).secondary_limit(403, Some(Duration::from_secs(1)))).await;
    }
}

#[tokio::test]
async fn a_token_that_is_revoked_is_replaced() {
    survives(Fault::on_any("contents").times(1).respond(401, &json!({"message": "Bad credentials"}))).await;
}

#[tokio::test]
async fn a_commit_that_github_does_not_know_yet_is_asked_for_again() {
    survives(Fault::on(Method::POST, "check-runs").times(1).respond(422, &json!({"message": "No commit found for SHA: x"}))).await;
    survives(Fault::on_any("contents").times(1).respond(404, &json!({"message": "Not Found"}))).await;
}

#[tokio::test]
async fn what_github_forbids_is_not_tried_forever() {
    let world = World::new().await;
    world.github().suspend(world.installation, true);
    assert_eq!(world.push_file("acme/app", CI, GOOD).await.status, 500);
    let calls = world.sandbox.calls().len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((world.sandbox.calls().len(), world.github().check_runs().len()), (calls, 0));
}

#[tokio::test]
async fn annotations_go_on_where_they_stopped() {
    let world = World::new().await;
    world.github().fault(Fault::on(Method::PATCH, "check-runs").times(1).respond(502, &json!({})));
    let text = (0..90).fold(String::new(), |text, at| text + &format!("field{at}: 1\n"));
    world.push_file("acme/app", CI, &text).await;
    let complete = |run: &octo_sts_sandbox::CheckRun| run.annotations.len() > 50;
    assert!(world.eventually(|github| github.check_runs().first().is_some_and(complete)).await);
    let run = world.run();
    let mut lines: Vec<_> = run.annotations.iter().map(|annotation| annotation["message"].to_string()).collect();
    lines.sort();
    let all = lines.len();
    lines.dedup();
    assert_eq!(lines.len(), all, "no annotation goes up twice");
}
