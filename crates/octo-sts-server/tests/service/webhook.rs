//! Deliveries of GitHub, on the service's port and alone.

use std::net::SocketAddr;

use aws_lc_rs::hmac;
use octo_sts_sandbox::SandboxSettings;
use octo_sts_server::{
    Config, Role, Running,
    config::{SecretSource, StickyPlace, WebhookConfig},
    start,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::house::{Answer, House, LONG, POLICY, exchange, get, request};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

fn taking_deliveries(config: Config) -> Config {
    let secret = SecretSource::Value { variable: "GITHUB_WEBHOOK_SECRET", text: SECRET.into() };
    Config { webhook: Some(WebhookConfig { secret, organisations: Vec::new() }), ..config }
}

async fn serve(config: Config) -> Running {
    let running = start(config).await.unwrap();
    timeout(LONG, running.wait_ready()).await.unwrap().unwrap();
    running
}

async fn deliver_signed(address: SocketAddr, path: &str, event: &str, body: &str, secret: &str) -> Answer {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body.as_bytes());
    let signature = tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"));
    let head = format!(
        "POST {path} HTTP/1.1\r\nX-GitHub-Event: {event}\r\nContent-Type: application/json\r\nX-Hub-Signature-256: {signature}\r\nContent-Length: {}",
        body.len()
    );
    request(address, &head, body).await
}

async fn deliver(address: SocketAddr, event: &str, payload: &Value) -> Answer {
    deliver_signed(address, "/webhook", event, &payload.to_string(), SECRET).await
}

/// A push to the default branch of `acme/app` that changed the policy.
fn push(before: &str, after: &str) -> Value {
    json!({
        "ref": "refs/heads/main", "before": before, "after": after, "forced": false,
        "commits": [{"id": after, "added": [], "modified": [POLICY], "removed": []}],
        "repository": {"name": "app", "full_name": "acme/app", "owner": {"login": "acme"}, "default_branch": "main"},
        "installation": {"id": 1001}, "sender": {"login": "mona"}, "pusher": {"name": "mona"},
    })
}

/// T-140, T-144
#[tokio::test]
async fn deliveries_are_taken_where_there_is_a_secret_and_only_when_signed_with_it() {
    let house = House::build().await;
    let service = serve(house.config()).await;
    assert_eq!(deliver(service.address(), "ping", &json!({"zen": "x"})).await.status, 404);
    service.shutdown().await;
    let service = serve(taking_deliveries(house.config())).await;
    let ping = json!({"zen": "x".repeat(100_000)}).to_string();
    assert!(deliver_signed(service.address(), "/webhook", "ping", &ping, SECRET).await.status < 300);
    assert_eq!(deliver_signed(service.address(), "/webhook", "ping", &ping, "another secret of length").await.status, 401);
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 200);
    assert_eq!(get(service.address(), "/webhook").await.status, 400);
    service.shutdown().await;
}

/// The GitHub calls of an exchange that is asked right after another.
async fn second_exchange(house: &House, service: &Running) -> Vec<String> {
    let ask = async || assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 200);
    ask().await;
    house.sandbox.clear_calls();
    ask().await;
    house.sandbox.calls().into_iter().map(|call| call.class.to_owned()).collect()
}

/// T-148
#[tokio::test]
async fn a_push_counts_at_once_and_spares_reads_only_where_every_push_is_heard() {
    for (sticky, calls) in [(StickyPlace::Memory, &["mint"][..]), (StickyPlace::Computed, &["contents", "mint"])] {
        let house = House::build().await;
        let mut config = taking_deliveries(house.config());
        config.replicas.sticky = sticky;
        let service = serve(config).await;
        let push = push(&"1".repeat(40), &house.sandbox.github().head("acme/app", "main"));
        assert!(deliver(service.address(), "push", &push).await.status < 300);
        let mut seen = second_exchange(&house, &service).await;
        seen.sort();
        assert_eq!(seen, calls, "{sticky:?}");
        house.sandbox.github().put_file("acme/app", POLICY, house.policy("issues: read"));
        assert!(deliver(service.address(), "push", &push).await.status < 300);
        let answer = exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await;
        assert_eq!(answer.json()["permissions"]["issues"], "read", "{sticky:?}");
        service.shutdown().await;
    }
}

#[tokio::test]
async fn a_receiver_alone_takes_deliveries_and_nothing_else() {
    let house = House::with(SandboxSettings::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit.jsonl");
    let service = serve(Config { role: Role::Receiver, audit_file: Some(audit.clone()), ..taking_deliveries(house.config()) }).await;
    let health = get(service.address(), "/healthcheck").await;
    assert_eq!((health.status, health.body.as_str()), (200, ""));
    assert_eq!(get(service.address(), "/readyz").await.status, 200);
    assert_eq!(exchange(service.address(), "scope=acme/app&identity=ci", &house.token()).await.status, 404);
    let github = house.sandbox.github();
    let before = github.head("acme/app", "main");
    let after = github.put_file("acme/app", POLICY, house.policy("issues: read"));
    let delivered = deliver_signed(service.address(), "/", "push", &push(&before, &after).to_string(), SECRET).await;
    assert!(delivered.status < 300, "{delivered:?}");
    service.shutdown().await;
    let lines = std::fs::read_to_string(audit).unwrap();
    let events: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let event = events.iter().find(|event| event["type"] == "dev.octo-sts.policy").unwrap_or_else(|| panic!("{lines}"));
    assert_eq!((&event["action"], &event["identity"]), (&json!("updated"), &json!("ci")));
}
