//! What caches and the record hear.

use serde_json::{Value, json};

use crate::support::{BAD, CI, GOOD, World};

#[tokio::test]
async fn a_push_to_the_default_branch_makes_policies_live_before_it_is_answered() {
    let world = World::new().await;
    world.push_file("acme/app", CI, GOOD).await;
    assert_eq!(world.told.take(), ["policies of acme/app"]);
    let mut topic = world.push("acme/app", &"1".repeat(40), &"2".repeat(40), "README.md");
    topic["ref"] = json!("refs/heads/topic");
    world.deliver("push", &topic).await;
    assert_eq!(world.told.take(), ["push of acme/app"]);
}

#[tokio::test]
async fn installations_and_repositories_that_change_are_told() {
    let world = World::new().await;
    let installation = json!({"action": "suspend", "installation": {"id": 7, "account": {"login": "acme"}}});
    for event in ["installation", "installation_repositories"] {
        assert_eq!(world.deliver(event, &installation).await.status, 200);
        assert_eq!(world.told.take(), ["installation on acme"], "Input: {event}");
    }
    let renamed = json!({"action": "renamed", "account": {"login": "acme2"}, "changes": {"login": {"from": "acme"}}, "installation": {"id": 7}});
    world.deliver("installation_target", &renamed).await;
    assert_eq!(world.told.take(), ["installation on acme2", "installation on acme"]);
    world.deliver("repository", &json!({"action": "archived", "repository": {"full_name": "acme/app"}})).await;
    assert_eq!(world.told.take(), ["policies of acme/app"]);
}

#[tokio::test]
async fn policies_that_come_change_and_go_are_recorded() {
    let world = World::new().await;
    world.push_file("acme/app", CI, GOOD).await;
    world.push_file("acme/app", CI, BAD).await;
    let before = world.github().head("acme/app", "main");
    let after = world.github().remove_file("acme/app", CI);
    let mut push = world.push("acme/app", &before, &after, CI);
    push["commits"] = json!([{"added": [], "modified": [], "removed": [CI]}]);
    world.deliver("push", &push).await;
    let events = world.events().await;
    let said: Vec<_> =
        events.iter().map(|event| (event["action"].as_str().unwrap(), event["trust_policy"].is_null(), event["error"].is_string())).collect();
    assert_eq!(said, [("created", false, false), ("updated", true, true), ("deleted", true, false)]);
    let first = &events[0];
    assert_eq!((&first["repository"], &first["identity"], &first["path"]), (&json!("acme/app"), &json!("ci"), &json!(CI)));
    assert_eq!((&first["pusher"], &first["installation_id"]), (&json!("mona"), &json!(1001)));
    assert_eq!(first["trust_policy"]["subject"], "repo:acme/app:ref:refs/heads/main");
    assert!(events.iter().all(|event| event["commit"].as_str().is_some_and(|commit| commit.len() == 40)));
}

#[tokio::test]
async fn a_push_to_another_branch_is_not_recorded() {
    let world = World::new().await;
    world.github().create_branch("acme/app", "topic", "main");
    let head = world.github().commit("acme/app", "topic", "new", &[octo_sts_sandbox::Change::Put(CI.into(), GOOD.into())]);
    let mut push = world.push("acme/app", &"1".repeat(40), &head, CI);
    push["ref"] = json!("refs/heads/topic");
    world.deliver("push", &push).await;
    assert_eq!(world.last().0, "success");
    assert_eq!(world.events().await, Vec::<Value>::new());
}
