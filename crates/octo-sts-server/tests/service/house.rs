//! A whole service in front of a sandbox, and a caller.

use std::{net::SocketAddr, time::Duration};

use octo_sts_sandbox::{ActionsJob, FakeApp, FakeIssuer, Sandbox, SandboxSettings, Selection};
use octo_sts_server::{
    Config, Running,
    config::{AppConfig, AppsSource, KeySource, OwnerApps},
    start,
};
use octo_sts_types::AppId;
use secrecy::SecretString;
use tokio::time::timeout;

use crate::wire;
pub(crate) use crate::wire::{Answer, LONG};

/// The service's public name.
pub(crate) const DOMAIN: &str = "sts.example.com";
/// Where the policy of most tests is.
pub(crate) const POLICY: &str = ".github/chainguard/ci.sts.yaml";

/// A sandbox with one App on `acme`, and the policy `ci` in `acme/app`.
pub(crate) struct House {
    pub(crate) sandbox: Sandbox,
    pub(crate) app: FakeApp,
    pub(crate) issuer: FakeIssuer,
}

impl House {
    pub(crate) async fn build() -> Self {
        Self::with(SandboxSettings::default()).await
    }

    pub(crate) async fn with(settings: SandboxSettings) -> Self {
        let sandbox = Sandbox::start(settings).await.unwrap();
        let app = sandbox
            .github()
            .create_app(4242, &[("contents", "write"), ("issues", "write"), ("checks", "write"), ("pull_requests", "read"), ("metadata", "read")]);
        let issuer = sandbox.issuer("gha");
        let house = Self { sandbox, app, issuer };
        house.sandbox.github().put_file("acme/app", POLICY, house.policy("contents: read"));
        house.app.install("acme", &Selection::All);
        house
    }

    pub(crate) fn policy(&self, permissions: &str) -> String {
        format!("issuer: {}\nsubject: repo:acme/app:ref:refs/heads/main\npermissions:\n  {permissions}\n", self.issuer.url())
    }

    /// A configuration for this house: ports of the system's choice, and nothing fetched beforehand.
    pub(crate) fn config(&self) -> Config {
        self.config_with(4242, KeySource::PemText { text: SecretString::from(self.app.private_key_pem()), origin: "the test".into() })
    }

    pub(crate) fn config_with(&self, id: u64, key: KeySource) -> Config {
        let apps = AppsSource::Fixed(vec![OwnerApps { owner: None, apps: vec![AppConfig { id: AppId(id), name: None, key }] }]);
        let mut config = Config::new(DOMAIN, apps);
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.github_base_url = self.sandbox.github().base_url().parse().unwrap();
        config.extra_roots = Some(self.sandbox.ca_pem().to_owned());
        config.issuers.allow_localhost = true;
        config.issuers.prefetch.clear();
        config
    }

    /// The service, ready.
    pub(crate) async fn serve(&self) -> Running {
        let running = start(self.config()).await.unwrap();
        timeout(LONG, running.wait_ready()).await.unwrap().unwrap();
        running
    }

    /// A token as a workflow on the branch `main` of `acme/app` would get it.
    pub(crate) fn token(&self) -> String {
        self.issuer.token(&self.issuer.actions_claims(&ActionsJob::new("acme/app"), Some(DOMAIN)))
    }
}

impl Answer {
    /// Cuts the token out as shell scripts do.
    pub(crate) fn token(&self) -> &str {
        self.body.split_once(r#""token":""#).unwrap().1.split('"').next().unwrap()
    }
}

/// One request, on a connection of its own.
pub(crate) async fn request(address: SocketAddr, head: &str, body: &str) -> Answer {
    wire::request(address, DOMAIN, head, body).await
}

pub(crate) async fn get(address: SocketAddr, target: &str) -> Answer {
    request(address, &format!("GET {target} HTTP/1.1"), "").await
}

/// One exchange with this bearer.
pub(crate) async fn exchange(address: SocketAddr, query: &str, bearer: &str) -> Answer {
    request(address, &format!("GET /sts/exchange?{query} HTTP/1.1\r\nAuthorization: Bearer {bearer}"), "").await
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..4_000 {
        if condition() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("never happened: {what}");
}
