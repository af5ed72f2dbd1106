//! Minting and ending tokens.

use crate::support::{World, json, message, text};
use std::time::Duration;

use http::Method;
use octo_sts_sandbox::{Caller, EmptyPermissions, FakeClock, SandboxSettings, Selection, TokenFormat};
use octo_sts_types::AppId;
use serde_json::json;

#[tokio::test]
async fn a_token_is_as_narrow_as_asked() {
    let world = World::new().await;
    let reply = json(&world.mint(r#"{"repositories":["APP"],"permissions":{"contents":"read"}}"#).await);
    assert_eq!(reply["permissions"], json!({"contents": "read", "metadata": "read"}));
    assert_eq!(reply["repository_selection"], "selected");
    assert_eq!(reply["repositories"][0]["full_name"], "acme/app");
    let entry = world.sandbox.github().ledger().pop().unwrap();
    assert_eq!(entry.token, reply["token"].as_str().unwrap());
    assert_eq!(entry.requested_repositories, Some(vec!["APP".to_owned()]));
    assert_eq!(entry.repositories, Some(vec!["acme/app".to_owned()]));
    assert_eq!((entry.expires_at - entry.minted_at).as_secs(), 3_600);
    let call = world.sandbox.calls().pop().unwrap();
    assert_eq!((call.class, call.caller, call.status.unwrap().as_u16()), ("mint", Caller::App(AppId(4242)), 201));
}

#[tokio::test]
async fn what_is_left_out_or_empty_means_everything() {
    let world = World::new().await;
    for body in ["", "{}", r#"{"permissions":{},"repositories":[]}"#, r#"{"permissions":null,"repository_ids":[]}"#] {
        let reply = json(&world.mint(body).await);
        assert_eq!(reply["permissions"]["issues"], "write", "Input: {body}");
        assert_eq!(reply["repository_selection"], "all", "Input: {body}");
        assert!(reply.get("repositories").is_none(), "Input: {body}");
        assert_eq!(world.sandbox.github().ledger().pop().unwrap().repositories, None, "Input: {body}");
    }
}

#[tokio::test]
async fn empty_permissions_mean_what_the_settings_say() {
    for (meaning, status) in [(EmptyPermissions::Nothing, 201), (EmptyPermissions::Refused, 422)] {
        let world = World::with(SandboxSettings { empty_permissions: meaning, ..SandboxSettings::default() }).await;
        let reply = world.mint(r#"{"permissions":{}}"#).await;
        assert_eq!(reply.status, status, "{}", text(&reply));
        if status == 201 {
            assert_eq!(json(&reply)["permissions"], json!({"metadata": "read"}));
        }
    }
}

#[tokio::test]
async fn refusals_are_worded_as_githubs() {
    let world = World::new().await;
    let repository = "There is at least one repository that does not exist or is not accessible to the parent installation.";
    let permission = "The permissions requested are not granted to this installation.";
    for (body, wanted) in [
        (r#"{"repositories":["nope"]}"#.to_owned(), repository),
        (r#"{"repositories":["acme/app"]}"#.to_owned(), repository),
        (r#"{"repositories":["app","nope"]}"#.to_owned(), repository),
        (r#"{"repository_ids":[1]}"#.to_owned(), repository),
        (r#"{"permissions":{"workflows":"write"}}"#.to_owned(), permission),
        (r#"{"permissions":{"pull_requests":"write"}}"#.to_owned(), permission),
        (r#"{"permissions":{"pull-requests":"read"}}"#.to_owned(), permission),
        (r#"{"permissions":{"contents":"everything"}}"#.to_owned(), permission),
        (
            json!({"repositories": vec!["app"; 501]}).to_string(),
            "The number of repositories requested is too large. The maximum number of repositories is 500.",
        ),
    ] {
        let reply = world.mint(&body).await;
        assert_eq!((reply.status.as_u16(), message(&reply).as_str()), (422, wanted), "Input: {}", &body[..body.len().min(99)]);
    }
    assert!(world.sandbox.github().ledger().is_empty());
}

#[tokio::test]
async fn suspended_and_unknown_installations_give_nothing() {
    let world = World::new().await;
    let github = world.sandbox.github();
    let token = world.token("{}").await;
    github.suspend(world.installation, true);
    let reply = world.mint("{}").await;
    assert_eq!((reply.status.as_u16(), message(&reply).as_str()), (403, "This installation has been suspended"));
    assert_eq!(world.get("/repos/acme/app", &token).await.status, 403);
    github.suspend(world.installation, false);
    assert_eq!(world.get("/repos/acme/app", &token).await.status, 200);
    github.uninstall(world.installation);
    assert_eq!(world.mint("{}").await.status, 404);
    assert_eq!(world.get("/repos/acme/app", &token).await.status, 401);
}

/// T-127
#[tokio::test]
async fn another_apps_installation_does_not_exist() {
    let world = World::new().await;
    let stranger = world.sandbox.github().create_app(7, &[("contents", "read")]);
    let path = format!("/app/installations/{}/access_tokens", world.installation);
    assert_eq!(world.call(Method::POST, &path, &stranger.jwt(), "").await.status, 404);
}

#[tokio::test]
async fn the_form_of_tokens_follows_setting_and_header() {
    for (format, dots) in [(TokenFormat::Classic, 0), (TokenFormat::Stateless, 2)] {
        let world = World::with(SandboxSettings { token_format: format, ..SandboxSettings::default() }).await;
        let token = world.token("").await;
        assert_eq!(token.matches('.').count(), dots);
        for (value, dots) in [("enabled", 2), ("disabled", 0), ("maybe", dots)] {
            let url = format!("{}/app/installations/{}/access_tokens", world.sandbox.github().base_url(), world.installation);
            let request =
                http::Request::post(url).header("authorization", format!("Bearer {}", world.app.jwt())).header("x-github-stateless-s2s-token", value);
            let reply = world.client.send(request.body(bytes::Bytes::new()).unwrap()).await.unwrap();
            assert_eq!(json(&reply)["token"].as_str().unwrap().matches('.').count(), dots, "Input: {value}");
        }
        assert_eq!(world.get("/repos/acme/app", &token).await.status, 200);
    }
}

#[tokio::test]
async fn a_revoked_token_opens_nothing() {
    let world = World::new().await;
    let token = world.token("{}").await;
    assert_eq!(world.call(Method::DELETE, "/installation/token", &token, "").await.status, 204);
    let again = world.call(Method::DELETE, "/installation/token", &token, "").await;
    assert_eq!((again.status.as_u16(), message(&again).as_str()), (401, "Bad credentials"));
    let entry = world.sandbox.github().ledger().pop().unwrap();
    assert_eq!((entry.revoked, entry.uses), (true, 1));
    assert!(world.sandbox.github().live_tokens().is_empty());
}

#[tokio::test]
async fn a_token_ends_after_an_hour() {
    let clock = std::sync::Arc::new(FakeClock::new());
    let world = World::with(SandboxSettings { clock: clock.clone(), ..SandboxSettings::default() }).await;
    let token = world.token("{}").await;
    clock.advance(Duration::from_secs(3_599));
    assert_eq!(world.get("/repos/acme/app", &token).await.status, 200);
    clock.advance(Duration::from_secs(1));
    assert_eq!(world.get("/repos/acme/app", &token).await.status, 401);
    assert!(world.sandbox.github().live_tokens().is_empty());
}

#[tokio::test]
async fn an_installation_covers_what_was_selected() {
    let world = World::new().await;
    let github = world.sandbox.github();
    github.set_selection(world.installation, &Selection::Only(vec!["other".to_owned()]));
    assert_eq!(world.mint(r#"{"repositories":["app"]}"#).await.status, 422);
    let token = world.token("{}").await;
    assert_eq!(world.get("/repos/acme/app", &token).await.status, 404);
    assert_eq!(world.get("/repos/acme/other", &token).await.status, 200);
    assert_eq!(json(&world.get("/installation/repositories", &token).await)["total_count"], 1);
    assert_eq!(world.get("/repos/acme/app/installation", &world.app.jwt()).await.status, 404);
}
