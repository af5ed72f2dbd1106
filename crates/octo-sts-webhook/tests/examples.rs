//! Every payload of npm `@octokit/webhooks-examples` that concerns us, each with a valid and with an invalid policy.
//!
//! The file is looked for at `WEBHOOKS_EXAMPLES_JSON`, or where this installs it:
//! `npm install --prefix target/npm @octokit/webhooks-examples@7.6.1`
#![cfg(test)]

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use octo_sts_audit::Audit;
use octo_sts_github::{App, GitHub, GitHubSettings, client_settings};
use octo_sts_http::{Client, Protocol, Roots};
use octo_sts_signer::{PemSigner, Signer};
use octo_sts_types::{AppId, Clock as _, Owner, SystemClock};
use octo_sts_webhook::{Accepted, Pools, Webhook, WebhookParts, WebhookSecrets, WebhookSettings};
use serde_json::{Value, json};
use tokio::net::TcpListener;

const SECRET: &str = "It's a Secret to Everybody";
const KEY: &str = include_str!("../../octo-sts-signer/tests/keys/pkcs1.pem");
const CERTIFICATE: &str = include_str!("../../octo-sts-signer/tests/keys/certificate.pem");
const CI: &str = ".github/chainguard/ci.sts.yaml";
const GOOD: &str = "issuer: https://i.example\nsubject: s\npermissions: {contents: read}\n";
const INSTALLATION: u64 = 7;
const EVENTS: [&str; 8] =
    ["push", "pull_request", "check_suite", "check_run", "installation", "installation_repositories", "installation_target", "repository"];

fn examples() -> Vec<(String, Value)> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/npm/node_modules/@octokit/webhooks-examples/api.github.com/index.json");
    let path = std::env::var_os("WEBHOOKS_EXAMPLES_JSON").map_or(installed, PathBuf::from);
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; npm install --prefix target/npm @octokit/webhooks-examples@7.6.1", path.display()));
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let of_event = |event: &Value| {
        let name = event["name"].as_str().unwrap_or_default().to_owned();
        let examples = event["examples"].as_array().cloned().unwrap_or_default();
        examples.into_iter().map(move |example| (name.clone(), example))
    };
    all.iter().flat_map(of_event).filter(|(name, _)| EVENTS.contains(&name.as_str())).collect()
}

/// A GitHub where every repository has every commit, and one policy.
#[derive(Default)]
struct Fake {
    policy: Mutex<String>,
    runs: Mutex<Vec<Value>>,
    /// Of the repository that was looked up last.
    owner: Mutex<String>,
}

impl Fake {
    fn answer(&self, method: &Method, path: &str, body: &[u8]) -> (u16, Value) {
        let parts: Vec<&str> = path.split('?').next().unwrap_or_default().trim_start_matches('/').split('/').collect();
        let policy = self.policy.lock().unwrap().clone();
        match (method.as_str(), parts.as_slice()) {
            ("GET", ["repos", owner, _, "installation"]) => {
                (*owner).clone_into(&mut self.owner.lock().unwrap());
                let permissions = json!({"contents": "write", "checks": "write", "pull_requests": "write"});
                let account = json!({"id": 1, "login": owner});
                (200, json!({"id": INSTALLATION, "app_id": 4242, "account": account, "repository_selection": "all", "permissions": permissions}))
            }
            ("POST", ["app", "installations", _, "access_tokens"]) => (201, self.token(&serde_json::from_slice(body).unwrap())),
            ("GET", ["repos", _, _, "compare", _]) => (200, json!({"status": "ahead", "files": [{"filename": CI, "status": "modified"}]})),
            ("GET", ["repos", _, _, "pulls", _, "files"]) => (200, json!([{"filename": CI, "status": "added"}])),
            ("GET", ["repos", _, _, "commits", _, "pulls"]) => (200, json!([])),
            ("GET", ["repos", _, _, "contents", ".github", "chainguard"]) => (200, json!([{"name": "ci.sts.yaml", "type": "file", "sha": "1"}])),
            ("GET", ["repos", _, _, "contents", ".github", "chainguard", "ci.sts.yaml"]) => {
                (200, json!({"type": "file", "encoding": "base64", "size": policy.len(), "sha": "1", "content": STANDARD.encode(policy)}))
            }
            ("POST", ["repos", _, _, "check-runs"]) => {
                self.runs.lock().unwrap().push(serde_json::from_slice(body).unwrap());
                (201, json!({"id": 1}))
            }
            ("DELETE", ["installation", "token"]) => (204, Value::Null),
            _ => (404, json!({"message": "Not Found"})),
        }
    }

    fn token(&self, asked: &Value) -> Value {
        let expires_at = SystemClock.now() + jiff::SignedDuration::from_mins(60);
        let name = asked["repositories"][0].as_str().unwrap();
        let full_name = format!("{}/{name}", self.owner.lock().unwrap());
        json!({
            "token": "ghs_16C7e42F292c6912E7710c838347Ae178B4a", "expires_at": format!("{expires_at:.0}"), "permissions": asked["permissions"],
            "repository_selection": "selected", "repositories": [{"id": 1, "full_name": full_name}],
        })
    }

    async fn serve(self: Arc<Self>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = Arc::clone(&self);
                let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let fake = Arc::clone(&fake);
                    async move {
                        let (head, body) = request.into_parts();
                        let body = body.collect().await?.to_bytes();
                        let (status, value) = fake.answer(&head.method, head.uri.path(), &body);
                        let mut response = Response::new(Full::<Bytes>::from(value.to_string()));
                        *response.status_mut() = status.try_into().unwrap();
                        Ok::<_, hyper::Error>(response)
                    }
                });
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        address
    }
}

struct One(Arc<App>);

impl Pools for One {
    fn serving(&self, _: &Owner) -> Vec<Arc<App>> {
        vec![Arc::clone(&self.0)]
    }
}

async fn webhook(fake: &Arc<Fake>) -> Webhook {
    let address = Arc::clone(fake).serve().await;
    let mut http = client_settings(Roots::from_pem(CERTIFICATE).unwrap());
    http.protocol = Protocol::Http1;
    let settings = GitHubSettings { base_url: format!("http://{address}").parse().unwrap(), http: Client::new(http).unwrap() };
    let signer = Arc::new(PemSigner::from_pem(&KEY.into(), "a test").unwrap()) as Arc<dyn Signer>;
    let parts = WebhookParts {
        github: GitHub::new(settings, Arc::new(SystemClock)).unwrap(),
        apps: Arc::new(One(Arc::new(App::new(AppId(4242), None, vec![signer])))),
        audit: Audit::off(),
        caches: Vec::new(),
        clock: Arc::new(SystemClock),
    };
    let secrets = WebhookSecrets::from_list(&SECRET.into()).unwrap();
    let mut settings = WebhookSettings::new(secrets, ".github".parse().unwrap());
    settings.patience = Duration::from_secs(20);
    let (webhook, worker) = Webhook::start(settings, parts);
    // The tasks live as long as the runtime.
    std::mem::forget(worker);
    webhook
}

async fn deliver(webhook: &Webhook, event: &str, payload: &Value) -> Accepted {
    let body = payload.to_string();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, body.as_bytes());
    let signature = tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"));
    let fields = [("x-github-event", event), ("content-type", "application/json"), ("x-hub-signature-256", &signature)];
    let headers: HeaderMap = fields.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect();
    webhook.accept(&headers, body.into()).await
}

/// The payload with our App installed, sent by a person, and with something to check. Whether a check run must come of it.
fn made_relevant(event: &str, payload: &Value) -> (Value, Option<bool>) {
    let mut payload = payload.clone();
    payload["installation"]["id"] = json!(INSTALLATION);
    payload["sender"]["login"] = json!("mona");
    let due = match event {
        "push" => {
            let branch = payload["ref"].as_str().unwrap_or_default().starts_with("refs/heads/");
            let there = payload["after"].as_str().is_some_and(|after| after.bytes().any(|byte| byte != b'0'));
            let commits = payload["commits"].as_array_mut();
            let changed = commits.and_then(|commits| commits.first_mut()).map(|commit| commit["modified"] = json!([CI])).is_some();
            Some(branch && there && changed)
        }
        "pull_request" => Some(matches!(payload["action"].as_str(), Some("opened" | "synchronize" | "reopened"))),
        "check_run" => {
            payload["action"] = json!("rerequested");
            Some(true)
        }
        "check_suite" => {
            payload["action"] = json!("requested");
            None
        }
        _ => Some(false),
    };
    (payload, due)
}

#[tokio::test]
async fn every_example_is_handled_with_a_valid_and_an_invalid_policy() {
    let fake = Arc::new(Fake::default());
    let webhook = webhook(&fake).await;
    let examples = examples();
    assert!(examples.len() >= 70, "{} examples", examples.len());
    for (policy, conclusion) in [(GOOD, "success"), ("nonsense: 1\n", "failure")] {
        policy.clone_into(&mut fake.policy.lock().unwrap());
        for (at, (event, example)) in examples.iter().enumerate() {
            let accepted = deliver(&webhook, event, example).await;
            assert!(accepted.status.is_success(), "Input: {event} {at} {accepted:?}");
            fake.runs.lock().unwrap().clear();
            let (payload, due) = made_relevant(event, example);
            let accepted = deliver(&webhook, event, &payload).await;
            assert!(accepted.status.is_success(), "Input: {event} {at} {accepted:?}");
            let runs = std::mem::take(&mut *fake.runs.lock().unwrap());
            assert!(due.is_none_or(|due| runs.len() == usize::from(due)), "Input: {event} {at} {accepted:?} {runs:?}");
            assert!(runs.iter().all(|run| run["conclusion"] == conclusion), "Input: {event} {at} {runs:?}");
        }
    }
}
