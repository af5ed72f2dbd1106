//! Deliveries that are not what they seem, come twice, or come too many at once.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use octo_sts_sandbox::Fault;
use serde_json::{Value, json};

use crate::support::{BAD, CI, GOOD, SECRET, World, bytes, headers, signature, signed};

/// T-140, T-141, T-144: nothing is called.
#[tokio::test]
async fn what_is_not_signed_is_refused() {
    let world = World::new().await;
    let body = bytes(&world.push("acme/app", &"1".repeat(40), &"2".repeat(40), CI));
    let (json, event) = (("content-type", "application/json"), ("x-github-event", "push"));
    let other = signature("another secret of good length", &body);
    for signatures in [&[][..], &[("x-hub-signature-256", other.as_str())], &[("x-hub-signature", "sha1=0123456789012345678901234567890123456789")]] {
        let mut fields = vec![json, event];
        fields.extend(signatures);
        let accepted = world.webhook.accept(&headers(&fields), body.clone()).await;
        assert_eq!(accepted.status, 401, "Input: {signatures:?}");
    }
    let huge = vec![b' '; octo_sts_webhook::MOST_BODY + 1];
    assert_eq!(world.webhook.accept(&signed("a", "push", b"x"), huge.into()).await.status, 413);
    assert!(world.sandbox.calls().is_empty());
}

#[tokio::test]
async fn bodies_that_are_no_payload_are_refused() {
    let world = World::new().await;
    for (event, body) in [("push", "{"), ("push", "{}"), ("push", ""), ("check_suite", r#"{"ref":"x"}"#), ("", "{}")] {
        let accepted = world.webhook.accept(&signed("a", event, body.as_bytes()), body.into()).await;
        assert_eq!(accepted.status, 400, "Input: {event} {body}");
    }
    let mut evil = signed("a", "push", b"{}");
    evil.insert("x-github-delivery", "a b".parse().unwrap());
    assert_eq!(world.webhook.accept(&evil, "{}".into()).await.status, 400);
    let ping = r#"{"zen":"x"}"#;
    assert_eq!(world.webhook.accept(&signed("b", "ping", ping.as_bytes()), ping.into()).await.status, 202);
    assert_eq!(world.webhook.accept(&signed("c", "star", ping.as_bytes()), ping.into()).await.status, 202);
}

#[tokio::test]
async fn a_form_is_a_payload_too() {
    let world = World::new().await;
    let before = world.github().head("acme/app", "main");
    let after = world.github().put_file("acme/app", CI, GOOD);
    let json: String = world.push("acme/app", &before, &after, CI).to_string();
    let body = format!("payload={}", json.bytes().fold(String::new(), |text, byte| text + &format!("%{byte:02X}")));
    let mut fields = signed("a", "push", body.as_bytes());
    fields.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    assert_eq!(world.webhook.accept(&fields, body.into()).await.text, "checked: success");
}

/// T-145
#[tokio::test]
async fn a_delivery_is_handled_once_and_again_when_it_failed() {
    let world = World::new().await;
    let before = world.github().head("acme/app", "main");
    let after = world.github().put_file("acme/app", CI, GOOD);
    let push = world.push("acme/app", &before, &after, CI);
    world.github().fault(Fault::on(http::Method::POST, "check-runs").respond(403, &json!({"message": "Resource not accessible by integration"})));
    assert_eq!(world.deliver_as("one", "push", &push).await.status, 500);
    world.sandbox.clear_faults();
    assert_eq!(world.deliver_as("one", "push", &push).await.text, "checked: success");
    assert_eq!(world.deliver_as("one", "push", &push).await.text, "this delivery is known already");
    assert_eq!(world.github().check_runs().len(), 1);
}

/// T-154: each is judged at its own commit, and what was said of a newer one stands.
#[tokio::test]
async fn deliveries_out_of_order_change_nothing_that_was_said_of_a_newer_commit() {
    let world = World::new().await;
    let first = world.github().head("acme/app", "main");
    let older = world.github().put_file("acme/app", CI, BAD);
    let newer = world.github().put_file("acme/app", CI, GOOD);
    assert_eq!(world.deliver("push", &world.push("acme/app", &older, &newer, CI)).await.text, "checked: success");
    assert_eq!(world.deliver("push", &world.push("acme/app", &first, &older, CI)).await.text, "checked: failure");
    let said = world.github().check_runs().into_iter().map(|run| (run.body["head_sha"].clone(), run.body["conclusion"].clone()));
    assert_eq!(said.collect::<Vec<_>>(), [(json!(newer), json!("success")), (json!(older), json!("failure"))]);
}

#[tokio::test]
async fn ordinary_deliveries_without_work_call_nobody() {
    let world = World::new().await;
    let push = |change: &dyn Fn(&mut Value)| {
        let mut push = world.push("acme/app", &"1".repeat(40), &"2".repeat(40), CI);
        change(&mut push);
        push
    };
    for payload in [
        push(&|push| push["installation"] = Value::Null),
        push(&|push| push["after"] = json!("0".repeat(40))),
        push(&|push| push["commits"] = json!([{"modified": ["README.md"]}])),
    ] {
        assert!(world.deliver("push", &payload).await.status.is_success());
    }
    let nobody = push(&|push| push["installation"] = Value::Null);
    assert_eq!(world.deliver("push", &nobody).await.status, 202);
    assert!(world.sandbox.calls().is_empty());
}

/// T-146: the installation is looked up, not believed.
#[tokio::test]
async fn an_unknown_or_foreign_installation_opens_nothing() {
    let world = World::new().await;
    world.github().put_file("other/app", CI, GOOD);
    let foreign = world.app.install("other", &octo_sts_sandbox::Selection::All);
    let head = world.github().put_file("acme/app", CI, GOOD);
    for (repository, installation) in [("acme/app", foreign.0), ("acme/app", 999_999), ("nobody/here", world.installation.0)] {
        let mut push = world.push(repository, &"1".repeat(40), &head, CI);
        push["installation"]["id"] = json!(installation);
        assert_eq!(world.deliver("push", &push).await.status, 202, "Input: {repository} {installation}");
    }
    assert!(world.github().check_runs().is_empty());
    assert!(world.github().ledger().is_empty());
}

#[tokio::test]
async fn the_organisation_filter_leaves_others_out() {
    let world = World::with(|settings| settings.organisations = vec!["ACME".parse().unwrap()]).await;
    assert_eq!(world.push_file("acme/app", CI, GOOD).await.text, "checked: success");
    world.told.take();
    let other = world.push("other/app", &"1".repeat(40), &"2".repeat(40), CI);
    let accepted = world.deliver("push", &other).await;
    assert_eq!((accepted.status.as_u16(), world.told.take()), (202, vec![]));
}

/// T-153
#[tokio::test]
async fn a_full_queue_is_answered_503_and_the_delivery_may_come_again() {
    let world = World::with(|settings| {
        settings.queue = 1;
        settings.workers = 1;
        settings.patience = Duration::ZERO;
    })
    .await;
    let before = world.github().head("acme/app", "main");
    let after = world.github().put_file("acme/app", CI, GOOD);
    let push = world.push("acme/app", &before, &after, CI);
    world.sandbox.set_latency(Duration::from_millis(30));
    let mut refused = Vec::new();
    for at in 0..10 {
        let id = format!("d{at}");
        if world.deliver_as(&id, "push", &push).await.status == 503 {
            refused.push(id);
        }
    }
    assert!(!refused.is_empty() && refused.len() < 10, "{refused:?}");
    world.sandbox.set_latency(Duration::ZERO);
    let accepted = 10 - refused.len();
    assert!(world.eventually(|github| github.check_runs().len() == accepted).await);
    assert_eq!(world.deliver_as(&refused[0], "push", &push).await.status, 200);
    assert!(world.eventually(|github| github.check_runs().len() == accepted + 1).await);
}

#[tokio::test]
async fn a_shutdown_finishes_what_was_accepted_and_takes_no_more() {
    let mut world = World::with(|settings| settings.patience = Duration::ZERO).await;
    let before = world.github().head("acme/app", "main");
    let after = world.github().put_file("acme/app", CI, GOOD);
    let push = world.push("acme/app", &before, &after, CI);
    world.sandbox.set_latency(Duration::from_millis(20));
    for _ in 0..20 {
        assert_eq!(world.deliver("push", &push).await.status, 200, "handled, though its check is still to come");
    }
    let left = world.worker.take().unwrap().finish(Duration::from_secs(20)).await;
    assert_eq!((left.len(), world.github().check_runs().len()), (0, 20));
    assert_eq!(world.deliver("push", &push).await.status, 503);
    assert!(world.eventually(|github| github.live_tokens().is_empty()).await, "its tokens are revoked");
}

#[tokio::test]
async fn a_shutdown_says_what_it_leaves() {
    let mut world = World::with(|settings| settings.patience = Duration::ZERO).await;
    let after = world.github().put_file("acme/app", CI, GOOD);
    world.github().fault(Fault::on_any("").hang());
    world.deliver_as("left-behind", "push", &world.push("acme/app", &"1".repeat(40), &after, CI)).await;
    let left = world.worker.take().unwrap().finish(Duration::from_millis(50)).await;
    assert_eq!(left, ["left-behind"]);
}

#[tokio::test]
async fn what_waits_for_github_is_tried_once_more_at_the_end() {
    for (comes_back, left) in [(true, vec![]), (false, vec!["waits".to_owned()])] {
        let mut world = World::with(|settings| {
            settings.patience = Duration::ZERO;
            settings.first_pause = Duration::from_mins(10);
        })
        .await;
        let after = world.github().put_file("acme/app", CI, GOOD);
        world.github().fault(Fault::on_any("mint").respond(502, &json!({})));
        world.deliver_as("waits", "push", &world.push("acme/app", &"1".repeat(40), &after, CI)).await;
        assert!(world.eventually(|github| github.calls().iter().any(|call| call.class == "mint")).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
        if comes_back {
            world.sandbox.clear_faults();
        }
        assert_eq!(world.worker.take().unwrap().finish(Duration::from_secs(10)).await, left);
        assert_eq!(world.github().check_runs().is_empty(), !comes_back);
    }
}

/// T-144
#[tokio::test]
async fn requests_are_answered_as_deliveries() {
    let world = World::new().await;
    let before = world.github().head("acme/app", "main");
    let after = world.github().put_file("acme/app", CI, GOOD);
    let body = bytes(&world.push("acme/app", &before, &after, CI));
    let request = |method: &str, body: Bytes| {
        let mut request = Request::new(Full::from(body.clone()));
        *request.method_mut() = method.parse().unwrap();
        *request.headers_mut() = signed("a", "push", &body);
        request
    };
    assert_eq!(world.webhook.respond(request("POST", body.clone())).await.status(), 200);
    assert_eq!(world.webhook.respond(request("GET", body)).await.status(), 400);
    let huge = Bytes::from(vec![b' '; octo_sts_webhook::MOST_BODY + 1]);
    assert_eq!(world.webhook.respond(request("POST", huge)).await.status(), 413);
    let unsigned = world.webhook.respond(Request::post("/").body(Full::from("{}")).unwrap()).await;
    assert_eq!(unsigned.status(), 401);
    assert_eq!(unsigned.headers()["content-type"], "text/plain; charset=utf-8");
}

/// T-105
#[tokio::test]
async fn no_secret_is_printed() {
    let world = World::new().await;
    assert!(!format!("{:?}", world.webhook).contains(SECRET));
}
