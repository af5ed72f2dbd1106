//! What a measurement needs around the service: a GitHub with an App, a repository and a policy, an issuer, tokens.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result, ensure};
use aws_lc_rs::hmac;
use octo_sts_sandbox::{ActionsJob, Algorithm, FakeIssuer, Sandbox, SandboxSettings, Selection};
use serde_json::{Value, json};

use crate::{
    load::{self, Requests},
    process::Service,
};

/// The policy that every measurement exchanges under.
const POLICY: &str = ".github/chainguard/ci.sts.yaml";
/// The service's public name.
pub(crate) const DOMAIN: &str = "octo-sts.test";
/// The App that the service signs as.
const APP: u64 = 4_242;

/// What deliveries are signed with.
const WEBHOOK_SECRET: &str = "a secret of the benches, long enough to be one";

/// A sandbox that is set up, and the files a service needs.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    issuer: FakeIssuer,
    /// Of the App on `acme`.
    installation: u64,
    folder: tempfile::TempDir,
}

impl Stage {
    /// One organisation with a repository and a policy in it, and so many other installations of the same App.
    pub(crate) async fn set(other_installations: usize) -> Result<Self> {
        let sandbox =
            Sandbox::start(SandboxSettings { tls: true, path_prefix: "/api/v3".into(), hourly_quota: 100_000_000, ..Default::default() }).await?;
        let github = sandbox.github();
        let app = github.create_app(APP, &[("contents", "write"), ("issues", "write"), ("checks", "write"), ("pull_requests", "read")]);
        let issuer = sandbox.issuer("gha");
        // The key set must not be empty when the service fetches it at start.
        issuer.kid(Algorithm::Rs256);
        github.create_repository("acme/app");
        github.create_repository("acme/.github");
        let policy = format!("issuer: {}\nsubject: repo:acme/app:ref:refs/heads/main\npermissions:\n  contents: read\n", issuer.url());
        github.put_file("acme/app", POLICY, policy);
        let installation = app.install("acme", &Selection::All).0;
        github.populate("other", other_installations, 1, &[]);
        for at in 0..other_installations {
            app.install(&format!("other-{at}"), &Selection::All);
        }
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("app.pem"), app.private_key_pem())?;
        std::fs::write(folder.path().join("ca.pem"), sandbox.ca_pem())?;
        Ok(Self { sandbox, issuer, installation, folder })
    }

    /// Starts a process that takes the service's variables, and these.
    pub(crate) fn process(&self, binary: &Path, more: &[(&str, &str)]) -> Result<(Service, u16)> {
        let port = free_port()?;
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let environment = [
            ("STS_DOMAIN", DOMAIN.to_owned()),
            ("GITHUB_APP_IDS", APP.to_string()),
            ("APP_SECRET_CERTIFICATE_FILE", file("app.pem")),
            ("GITHUB_BASE_URL", self.sandbox.github().base_url()),
            ("SSL_CERT_FILE", file("ca.pem")),
            ("STS_ALLOW_LOCALHOST_ISSUERS", "true".to_owned()),
            ("STS_PREFETCH_ISSUERS", self.issuer.url()),
            ("METRICS_PORT", free_port()?.to_string()),
            ("GITHUB_WEBHOOK_SECRET", WEBHOOK_SECRET.to_owned()),
        ];
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let environment: Vec<_> = environment.into_iter().chain(more).map(|(name, value)| (name.to_owned(), value)).collect();
        Ok((Service::start(binary, port, &environment)?, port))
    }

    /// Tokens that the policy admits, each with an id of its own.
    pub(crate) fn tokens(&self, count: usize) -> Result<Vec<String>> {
        let job = ActionsJob::new("acme/app");
        let claims = self.issuer.actions_claims(&job, Some(DOMAIN));
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let tokens = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..threads)
                .map(|thread| {
                    let (issuer, claims) = (&self.issuer, &claims);
                    scope.spawn(move || (thread..count).step_by(threads).map(|at| issuer.token(&numbered(claims, at))).collect::<Vec<_>>())
                })
                .collect();
            workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Result<Vec<_>, _>>()
        });
        Ok(tokens.ok().context("a signing thread broke")?.concat())
    }

    /// Tells the service of a push to the repository, as GitHub would, so that it knows that pushes arrive.
    pub(crate) async fn push(&self, port: u16) -> Result<()> {
        let request = delivery("bench", &self.push_of("README.md", None));
        let (status, _) = load::once(&Requests::of(port, vec![request])).await?;
        ensure!((200..300).contains(&status), "the push was not taken: {status}");
        Ok(())
    }

    /// A delivery under this id: the policy was pushed, and wants a check.
    pub(crate) fn pushed(&self, id: &str) -> Vec<u8> {
        delivery(id, &self.push_of(POLICY, Some(self.installation)))
    }

    fn push_of(&self, file: &str, installation: Option<u64>) -> Value {
        let head = self.sandbox.github().head("acme/app", "main");
        json!({
            "ref": "refs/heads/main", "before": "0".repeat(40), "after": head,
            "commits": [{"added": [], "removed": [], "modified": [file]}],
            "repository": {"id": 1, "name": "app", "full_name": "acme/app", "default_branch": "main", "owner": {"login": "acme"}},
            "installation": installation.map(|id| json!({"id": id})), "sender": {"login": "mona"},
        })
    }

    /// The variables of a job of the repository, by which it gets its OIDC token.
    pub(crate) fn job(&self) -> Vec<(&'static str, String)> {
        let job = self.issuer.start_job(ActionsJob::new("acme/app"));
        vec![("ACTIONS_ID_TOKEN_REQUEST_URL", job.request_url), ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", job.request_token)]
    }

    /// Lets every call to GitHub and to the issuer take so long.
    pub(crate) fn slow_down(&self, latency: Duration) {
        self.sandbox.set_latency(latency);
    }
}

/// Requests for the policy, one with each token.
pub(crate) fn requests(port: u16, tokens: &[String]) -> Requests {
    Requests::new(port, "/sts/exchange?scope=acme%2Fapp&identity=ci", tokens)
}

/// The claims with a token id of their own, and an hour to live.
fn numbered(claims: &Value, at: usize) -> Value {
    let mut claims = claims.clone();
    claims["jti"] = json!(format!("bench-{at}"));
    if let Some(issued) = claims["iat"].as_i64() {
        claims["exp"] = json!(issued + 3_600);
    }
    claims
}

/// A delivery of a push, signed.
fn delivery(id: &str, push: &Value) -> Vec<u8> {
    let body = push.to_string();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, WEBHOOK_SECRET.as_bytes()), body.as_bytes());
    let signature = tag.as_ref().iter().fold("sha256=".to_owned(), |text, byte| text + &format!("{byte:02x}"));
    let head = format!("POST /webhook HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}", body.len());
    let fields = format!("X-GitHub-Event: push\r\nX-GitHub-Delivery: {id}\r\nX-Hub-Signature-256: {signature}");
    format!("{head}\r\n{fields}\r\n\r\n{body}").into_bytes()
}

/// A port that nothing listens on.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
