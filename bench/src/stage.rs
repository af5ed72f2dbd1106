//! What a measurement needs around the service: a GitHub with an App, a repository and a policy, an issuer, tokens.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, Result};
use octo_sts_sandbox::{ActionsJob, Algorithm, FakeIssuer, Sandbox, SandboxSettings, Selection};
use serde_json::{Value, json};

use crate::{load::Requests, process::Service};

/// The policy that every measurement exchanges under.
const POLICY: &str = ".github/chainguard/ci.sts.yaml";
/// The App that the service signs as.
const APP: u64 = 4_242;

/// A sandbox that is set up, and the files a service needs.
pub(crate) struct Stage {
    pub(crate) sandbox: Sandbox,
    issuer: FakeIssuer,
    folder: tempfile::TempDir,
}

impl Stage {
    /// One organisation with a repository and a policy in it, and so many other installations of the same App.
    pub(crate) async fn set(other_installations: usize) -> Result<Self> {
        let sandbox =
            Sandbox::start(SandboxSettings { tls: true, path_prefix: "/api/v3".into(), hourly_quota: 100_000_000, ..Default::default() }).await?;
        let github = sandbox.github();
        let app = github.create_app(APP, &[("contents", "write"), ("issues", "write")]);
        let issuer = sandbox.issuer("gha");
        // The key set must not be empty when the service fetches it at start.
        issuer.kid(Algorithm::Rs256);
        github.create_repository("acme/app");
        github.create_repository("acme/.github");
        let policy = format!("issuer: {}\nsubject: repo:acme/app:ref:refs/heads/main\npermissions:\n  contents: read\n", issuer.url());
        github.put_file("acme/app", POLICY, policy);
        app.install("acme", &Selection::All);
        github.populate("other", other_installations, 1, &[]);
        for at in 0..other_installations {
            app.install(&format!("other-{at}"), &Selection::All);
        }
        let folder = tempfile::tempdir()?;
        std::fs::write(folder.path().join("app.pem"), app.private_key_pem())?;
        std::fs::write(folder.path().join("ca.pem"), sandbox.ca_pem())?;
        Ok(Self { sandbox, issuer, folder })
    }

    /// Starts the service against this stage.
    pub(crate) fn service(&self, binary: &Path) -> Result<(Service, u16)> {
        let port = free_port()?;
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let environment = [
            ("STS_DOMAIN", "octo-sts.test".to_owned()),
            ("GITHUB_APP_IDS", APP.to_string()),
            ("APP_SECRET_CERTIFICATE_FILE", file("app.pem")),
            ("GITHUB_BASE_URL", self.sandbox.github().base_url()),
            ("SSL_CERT_FILE", file("ca.pem")),
            ("STS_ALLOW_LOCALHOST_ISSUERS", "true".to_owned()),
            ("STS_PREFETCH_ISSUERS", self.issuer.url()),
            ("METRICS_PORT", free_port()?.to_string()),
        ];
        let environment: Vec<_> = environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok((Service::start(binary, port, &environment)?, port))
    }

    /// Requests for the policy, each with a token of its own.
    pub(crate) fn requests(&self, port: u16, count: usize) -> Result<Requests> {
        let job = ActionsJob::new("acme/app");
        let claims = self.issuer.actions_claims(&job, Some("octo-sts.test"));
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
        let tokens = tokens.ok().context("a signing thread broke")?.concat();
        Ok(Requests::new(port, "/sts/exchange?scope=acme%2Fapp&identity=ci", &tokens))
    }

    /// Lets every call to GitHub and to the issuer take so long.
    pub(crate) fn slow_down(&self, latency: Duration) {
        self.sandbox.set_latency(latency);
    }
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

/// A port that nothing listens on.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
