//! A webhook, a sandbox behind it, and signed deliveries.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::hmac;
use bytes::Bytes;
use http::{HeaderMap, HeaderName};
use octo_sts_audit::{Audit, AuditSettings, AuditTask};
use octo_sts_github::{App, GitHub, GitHubSettings, client_settings};
use octo_sts_http::{Client, Roots};
use octo_sts_sandbox::{CheckRun, FakeApp, FakeGitHub, Sandbox, SandboxSettings, Selection};
use octo_sts_signer::{PemSigner, Signer};
use octo_sts_types::{InstallationId, Owner, Repository, SystemClock};
use octo_sts_webhook::{Accepted, PolicyCaches, Pools, Webhook, WebhookParts, WebhookSecrets, WebhookSettings, WebhookWorker};
use serde_json::{Value, json};

pub(crate) const SECRET: &str = "It's a Secret to Everybody";
pub(crate) const CI: &str = ".github/chainguard/ci.sts.yaml";
pub(crate) const GOOD: &str =
    "issuer: https://token.actions.githubusercontent.com\nsubject: repo:acme/app:ref:refs/heads/main\npermissions:\n  contents: read\n";
pub(crate) const BAD: &str = "issuer: https://token.actions.githubusercontent.com\nnonsense: 1\n";

/// The longest a test waits for something that is to happen.
const SOON: Duration = Duration::from_secs(20);

/// One App on the organisation `acme`, and what it is told.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) app: FakeApp,
    pub(crate) installation: InstallationId,
    pub(crate) webhook: Webhook,
    pub(crate) worker: Option<WebhookWorker>,
    pub(crate) told: Arc<Told>,
    audit: Option<AuditTask>,
    folder: tempfile::TempDir,
    serial: AtomicU64,
}

/// What the caches heard.
#[derive(Default)]
pub(crate) struct Told(Mutex<Vec<String>>);

impl Told {
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    fn hear(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }
}

#[async_trait::async_trait]
impl PolicyCaches for Told {
    async fn policy_changed(&self, repository: &Repository) {
        self.hear(format!("policies of {repository}"));
    }

    async fn installation_changed(&self, owner: &Owner) {
        self.hear(format!("installation on {owner}"));
    }

    async fn pushes_arrive(&self, repository: &Repository) {
        self.hear(format!("push of {repository}"));
    }
}

struct One(Arc<App>);

impl Pools for One {
    fn serving(&self, _: &Owner) -> Vec<Arc<App>> {
        vec![Arc::clone(&self.0)]
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut WebhookSettings)) -> Self {
        let settings =
            SandboxSettings { path_prefix: "/api/v3".into(), hourly_quota: 1_000_000, remembered_calls: 2_000, ..SandboxSettings::default() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let app = sandbox.github().create_app(4242, &FakeGitHub::all_permissions());
        sandbox.github().put_file("acme/app", "README.md", "hello");
        let installation = app.install("acme", &Selection::All);
        let folder = tempfile::tempdir().unwrap();
        let (audit, task) = audit(folder.path().join("audit.jsonl"));
        let told = Arc::new(Told::default());
        let parts = WebhookParts {
            github: github(&sandbox),
            apps: Arc::new(One(Arc::new(speaker(&app)))),
            audit,
            caches: vec![Arc::clone(&told) as Arc<dyn PolicyCaches>],
            clock: Arc::new(SystemClock),
        };
        let secrets = WebhookSecrets::from_list(&SECRET.into()).unwrap();
        let mut settings = WebhookSettings::new(secrets, ".github".parse().unwrap());
        settings.patience = SOON;
        settings.first_pause = Duration::from_millis(20);
        settings.default_audiences = vec!["octo-sts.test".into()];
        change(&mut settings);
        let (webhook, worker) = Webhook::start(settings, parts);
        Self { sandbox, app, installation, webhook, worker: Some(worker), told, audit: Some(task), folder, serial: AtomicU64::new(1) }
    }

    pub(crate) fn github(&self) -> &FakeGitHub {
        self.sandbox.github()
    }

    /// Delivers under an id of its own.
    pub(crate) async fn deliver(&self, event: &str, payload: &Value) -> Accepted {
        let id = format!("delivery-{}", self.serial.fetch_add(1, Ordering::Relaxed));
        self.deliver_as(&id, event, payload).await
    }

    pub(crate) async fn deliver_as(&self, id: &str, event: &str, payload: &Value) -> Accepted {
        let body = payload.to_string();
        self.webhook.accept(&signed(id, event, body.as_bytes()), body.into()).await
    }

    /// A push to the default branch that changes `path`.
    pub(crate) fn push(&self, repository: &str, before: &str, after: &str, path: &str) -> Value {
        let (owner, name) = repository.split_once('/').unwrap();
        json!({
            "ref": "refs/heads/main", "before": before, "after": after, "forced": false,
            "commits": [{"id": after, "added": [], "modified": [path], "removed": []}],
            "repository": {"name": name, "full_name": repository, "owner": {"login": owner}, "default_branch": "main"},
            "installation": {"id": self.installation.0}, "sender": {"login": "mona"}, "pusher": {"name": "mona"},
        })
    }

    /// Commits a file to the default branch and delivers the push.
    pub(crate) async fn push_file(&self, repository: &str, path: &str, text: &str) -> Accepted {
        self.github().put_file(repository, "seen", "1");
        let before = self.github().head(repository, "main");
        let after = self.github().put_file(repository, path, text);
        self.deliver("push", &self.push(repository, &before, &after, path)).await
    }

    pub(crate) fn pull_request(&self, repository: &str, number: u64, base: &str, head: &str) -> Value {
        json!({
            "action": "opened", "number": number,
            "pull_request": {"number": number, "head": {"sha": head, "repo": null}, "base": {"sha": base}},
            "repository": {"full_name": repository, "default_branch": "main"},
            "installation": {"id": self.installation.0}, "sender": {"login": "mona"},
        })
    }

    /// The only check run there is.
    pub(crate) fn run(&self) -> CheckRun {
        let runs = self.github().check_runs();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs[0].clone()
    }

    /// The conclusion and title of the last check run.
    pub(crate) fn last(&self) -> (String, String) {
        let run = self.github().check_runs().pop().expect("there is a check run");
        (text(&run.body["conclusion"]), text(&run.body["output"]["title"]))
    }

    pub(crate) fn summary(&self) -> String {
        text(&self.github().check_runs().pop().expect("there is a check run").body["output"]["summary"])
    }

    /// Waits for something that the work behind the answers makes true.
    pub(crate) async fn eventually(&self, condition: impl Fn(&FakeGitHub) -> bool) -> bool {
        self.sandbox.eventually(SOON, |sandbox| condition(sandbox.github())).await
    }

    /// Ends everything, and gives the audit's events of policies.
    pub(crate) async fn events(mut self) -> Vec<Value> {
        self.worker.take().unwrap().finish(SOON).await;
        self.audit.take().unwrap().finish(SOON).await;
        let text = std::fs::read_to_string(self.folder.path().join("audit.jsonl")).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["type"] == "dev.octo-sts.policy").collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn audit(file: std::path::PathBuf) -> (Audit, AuditTask) {
    let settings = AuditSettings { domain: "octo-sts.test".into(), file: Some(file), ..AuditSettings::default() };
    Audit::start(settings, None, Arc::new(SystemClock)).unwrap()
}

fn github(sandbox: &Sandbox) -> GitHub {
    let http = Client::new(client_settings(Roots::from_pem(sandbox.ca_pem()).unwrap())).unwrap();
    let base_url = sandbox.github().plain_base_url().parse().unwrap();
    GitHub::new(GitHubSettings { base_url, http }, Arc::new(SystemClock)).unwrap()
}

fn speaker(app: &FakeApp) -> App {
    let signer = PemSigner::from_pem(&app.private_key_pem().into(), "a test").unwrap();
    App::new(app.id(), Some("main".into()), vec![Arc::new(signer) as Arc<dyn Signer>])
}

/// The headers GitHub sends, signed with the secret.
pub(crate) fn signed(id: &str, event: &str, body: &[u8]) -> HeaderMap {
    headers(&[
        ("x-github-event", event),
        ("x-github-delivery", id),
        ("content-type", "application/json"),
        ("x-hub-signature-256", &signature(SECRET, body)),
    ])
}

pub(crate) fn headers(headers: &[(&str, &str)]) -> HeaderMap {
    headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap())).collect()
}

pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), body);
    tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"))
}

pub(crate) fn bytes(payload: &Value) -> Bytes {
    payload.to_string().into()
}
