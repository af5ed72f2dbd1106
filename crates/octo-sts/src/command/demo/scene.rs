//! The fake GitHub, the fake issuer, and the real service between them.

use std::net::SocketAddr;

use anyhow::{Context as _, Result};
use octo_sts_sandbox::{Algorithm, FakeApp, FakeGitHub, FakeIssuer, Sandbox, SandboxSettings, Selection};
use octo_sts_server::{
    Config, Running,
    config::{AppConfig, AppsSource, IssuerSettings, KeySource, OwnerApps},
};
use octo_sts_types::Issuer;

/// The name the service goes by.
pub(crate) const DOMAIN: &str = "octo-sts.localhost";
/// The App that the service signs as.
const APP: u64 = 1;

/// Everything that runs.
pub(crate) struct Scene {
    pub(crate) sandbox: Sandbox,
    pub(crate) issuer: FakeIssuer,
    pub(crate) app: FakeApp,
    pub(crate) service: Running,
    pub(crate) audit_file: std::path::PathBuf,
    _folder: tempfile::TempDir,
}

impl Scene {
    /// Starts the sandbox and the service on these ports; 0 lets the system choose.
    pub(crate) async fn set(ports: [u16; 3]) -> Result<Self> {
        let [service_port, github_port, issuer_port] = ports;
        let settings = SandboxSettings { github_address: local(github_port), issuers_address: local(issuer_port), ..SandboxSettings::default() };
        let sandbox = Sandbox::start(settings).await?;
        let app = sandbox.github().create_app(APP, &FakeGitHub::all_permissions());
        let issuer = sandbox.issuer("actions");
        // The key set must not be empty when the service fetches it at start.
        issuer.kid(Algorithm::Rs256);
        let folder = tempfile::tempdir()?;
        let audit_file = folder.path().join("audit.jsonl");
        let mut config = Config::new(DOMAIN, AppsSource::Fixed(vec![key_of(&app)]));
        config.listen = local(service_port);
        // Clients that are told nothing but the address ask for a token made for it, some with the port and some without.
        config.default_audiences.extend([config.listen.ip().to_string(), config.listen.to_string()]);
        config.github_base_url = sandbox.github().base_url().parse()?;
        config.audit_file = Some(audit_file.clone());
        config.issuers = IssuerSettings { allow_localhost: true, prefetch: vec![Issuer::parse(&issuer.url())?], ..IssuerSettings::default() };
        let service = octo_sts_server::start(config).await.context("the service does not start")?;
        service.wait_ready().await?;
        Ok(Self { sandbox, issuer, app, service, audit_file, _folder: folder })
    }

    /// Installs the App on an owner that the sandbox has made just now.
    pub(crate) fn install(&self, owner: &str) {
        self.app.install(owner, &Selection::All);
    }

    /// Where the service answers.
    pub(crate) fn service_url(&self) -> String {
        format!("http://{}", self.service.address())
    }

    /// Ends the service in good order, then the sandbox.
    pub(crate) async fn end(self) {
        self.service.shutdown().await;
        self.sandbox.shutdown();
    }
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

fn key_of(app: &FakeApp) -> OwnerApps {
    let key = KeySource::PemText { text: app.private_key_pem().into(), origin: "the demo's own key".to_owned() };
    OwnerApps { owner: None, apps: vec![AppConfig { id: app.id(), name: None, key }] }
}
