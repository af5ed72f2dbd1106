//! Quotas, versions, headers.

use bytes::Bytes;
use http::{Method, Request};
use octo_sts_sandbox::{SandboxSettings, Service};

use crate::support::{POLICY, World, header, json, message};

#[tokio::test]
async fn an_installations_quota_counts_down_to_a_refusal() {
    let world = World::with(SandboxSettings { hourly_quota: 2, ..SandboxSettings::default() }).await;
    let token = world.token("{}").await;
    let left = |response: &octo_sts_http::Response| header(response, "x-ratelimit-remaining").to_owned();
    assert_eq!(left(&world.get("/repos/acme/app", &token).await), "1");
    assert_eq!(left(&world.get("/repos/acme/app", &token).await), "0");
    let refused = world.get("/repos/acme/app", &token).await;
    assert_eq!(
        (refused.status.as_u16(), left(&refused).as_str(), message(&refused)),
        (403, "0", "API rate limit exceeded for installation ID 1001.".to_owned())
    );
    assert!(header(&refused, "x-ratelimit-reset").parse::<i64>().unwrap() > world.app.now().as_second());
    assert_eq!(json(&world.get("/rate_limit", &token).await)["resources"]["core"]["remaining"], 0);
    world.sandbox.github().set_quota(world.installation, 5_000, 7);
    assert_eq!(left(&world.get("/repos/acme/app", &token).await), "6");
}

#[tokio::test]
async fn every_answer_has_a_date_and_a_request_id() {
    let world = World::new().await;
    let (one, two) = (world.get("/app", "").await, world.get("/nowhere", "").await);
    assert_eq!((one.status.as_u16(), two.status.as_u16()), (401, 404));
    assert_ne!(header(&one, "x-github-request-id"), header(&two, "x-github-request-id"));
    assert!(header(&one, "date").ends_with(" GMT"));
    assert_eq!(json(&one)["status"], "401");
}

#[tokio::test]
async fn calls_need_a_user_agent_and_a_version_that_exists() {
    let world = World::new().await;
    let url = format!("{}/app", world.sandbox.github().base_url());
    for (name, value, status) in [
        ("user-agent", "", 403),
        ("x-github-api-version", "2022-11-28", 200),
        ("x-github-api-version", "2026-03-10", 200),
        ("x-github-api-version", "1999-01-01", 410),
    ] {
        let request = Request::get(&url).header("authorization", format!("Bearer {}", world.app.jwt())).header(name, value);
        let reply = world.client.send(request.body(Bytes::new()).unwrap()).await.unwrap();
        assert_eq!(reply.status, status, "Input: {name}: {value}");
    }
}

#[tokio::test]
async fn the_api_can_have_a_prefix() {
    let world = World::with(SandboxSettings { path_prefix: "/api/v3".into(), tls: true, ..SandboxSettings::default() }).await;
    assert!(world.sandbox.github().base_url().starts_with("https://127.0.0.1:"));
    assert_eq!(world.get("/app", &world.app.jwt()).await.status, 200);
    let call = world.sandbox.github().calls().pop().unwrap();
    assert_eq!((call.service, call.method.clone(), call.path.as_str()), (Service::GitHub, Method::GET, "/api/v3/app"));
    let plain = Request::get(format!("{}/app", world.sandbox.github().plain_base_url()));
    assert_eq!(world.client.send(plain.body(Bytes::new()).unwrap()).await.unwrap().status, 401);
}

#[tokio::test]
async fn five_apps_on_2000_organisations_with_100000_repositories_are_cheap() {
    let world = World::new().await;
    let github = world.sandbox.github();
    github.populate("org", 2_000, 50, &[(POLICY, "issuer: x\n")]);
    for number in 1..=5 {
        assert_eq!(github.create_app(number, &[("contents", "read")]).install_everywhere(), 2_001);
    }
    world.app.install_everywhere();
    let found = world.get("/repos/ORG-1999/repo-49/installation", &world.app.jwt()).await;
    let mint = format!("/app/installations/{}/access_tokens", json(&found)["id"]);
    let minted = world.call(Method::POST, &mint, &world.app.jwt(), "").await;
    let token = json(&minted)["token"].as_str().unwrap().to_owned();
    assert_eq!(world.get(&format!("/repos/org-1999/repo-49/contents/{POLICY}"), &token).await.status, 200);
    github.put_file("org-1999/repo-49", POLICY, "changed");
    assert_eq!(github.file("org-1999/repo-48", POLICY).as_deref(), Some("issuer: x\n"), "what one repository changes, the others keep");
}
