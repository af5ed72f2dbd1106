//! A GitHub with many Apps, organisations and repositories, and the service in front of it.

use std::path::Path;

use anyhow::{Context as _, Result};
use octo_sts_sandbox::{Algorithm, Call, Caller, FakeApp, FakeIssuer, Sandbox, SandboxSettings, Service as Called};
use serde_json::json;

use crate::{process::Service, traffic::Client};

/// Equal Apps that share every organisation.
const APPS: u64 = 5;
/// The first App's id.
const FIRST_APP: u64 = 4_242;
/// Repositories of each organisation.
pub(crate) const REPOSITORIES: usize = 50;
/// The identities that every repository has a policy for.
pub(crate) const IDENTITIES: [&str; 2] = ["ci", "deploy"];
/// What the service goes by.
const DOMAIN: &str = "octo-sts.test";
/// Who the policies admit.
const SUBJECT: &str = "repo:org-0/repo-0:ref:refs/heads/main";

/// The sandbox, and the files a service needs.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) organisations: usize,
    apps: Vec<FakeApp>,
    issuer: FakeIssuer,
    folder: tempfile::TempDir,
}

/// One policy: the scope and the identity.
pub(crate) type Policy = (String, &'static str);

impl World {
    pub(crate) async fn set(organisations: usize) -> Result<Self> {
        let settings =
            SandboxSettings { tls: true, path_prefix: "/api/v3".into(), hourly_quota: 10_000_000, remembered_calls: 2_000_000, ..Default::default() };
        let sandbox = Sandbox::start(settings).await?;
        let github = sandbox.github();
        let apps: Vec<_> = (0..APPS).map(|at| github.create_app(FIRST_APP + at, &[("contents", "write"), ("issues", "write")])).collect();
        let issuer = sandbox.issuer("gha");
        // The key set must not be empty when the service fetches it at start.
        issuer.kid(Algorithm::Rs256);
        let policy = |permission: &str| format!("issuer: {}\nsubject: {SUBJECT}\npermissions:\n  {permission}: read\n", issuer.url());
        let [ci, deploy] = IDENTITIES.map(|identity| format!(".github/chainguard/{identity}.sts.yaml"));
        github.populate("org", organisations, REPOSITORIES, &[(&ci, &policy("contents")), (&deploy, &policy("issues"))]);
        let folder = tempfile::tempdir()?;
        for app in &apps {
            app.install_everywhere();
            std::fs::write(folder.path().join(format!("{}.pem", app.id())), app.private_key_pem())?;
        }
        std::fs::write(folder.path().join("ca.pem"), sandbox.ca_pem())?;
        std::fs::write(folder.path().join("apps.yaml"), apps_file(&apps, folder.path()))?;
        Ok(Self { sandbox, organisations, apps, issuer, folder })
    }

    /// Starts the service.
    pub(crate) fn start(&self, binary: &Path) -> Result<(Service, Client)> {
        let port = free_port()?;
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let environment = [
            ("STS_DOMAIN", DOMAIN.to_owned()),
            ("APP_CONFIG_FILE", file("apps.yaml")),
            ("GITHUB_BASE_URL", self.sandbox.github().base_url()),
            ("SSL_CERT_FILE", file("ca.pem")),
            ("STS_ALLOW_LOCALHOST_ISSUERS", "true".to_owned()),
            ("STS_PREFETCH_ISSUERS", self.issuer.url()),
            ("METRICS_PORT", free_port()?.to_string()),
        ];
        let environment: Vec<_> = environment.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok((Service::start(binary, port, &environment)?, Client::new(port)?))
    }

    /// A token that every policy admits.
    pub(crate) fn token(&self) -> String {
        token_of(&self.issuer)
    }

    /// A token of somebody who runs an issuer of his own.
    pub(crate) fn strangers_token(&self) -> String {
        token_of(&self.sandbox.issuer("stranger"))
    }

    /// Every policy there is, in an order in which neighbours belong to different organisations.
    pub(crate) fn policies(&self) -> impl Iterator<Item = Policy> + use<> {
        let organisations = self.organisations;
        (0..REPOSITORIES).flat_map(move |repository| {
            IDENTITIES.into_iter().flat_map(move |identity| (0..organisations).map(move |at| (format!("org-{at}/repo-{repository}"), identity)))
        })
    }

    /// The calls to GitHub since they were last cleared.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.sandbox.calls().into_iter().filter(|call| call.service == Called::GitHub).collect()
    }

    /// How many of the calls were made with a key or a token of each App.
    pub(crate) fn shares(&self, calls: &[Call]) -> Vec<usize> {
        let ledger = self.sandbox.github().ledger();
        let first = ledger.first().map_or(0, |token| token.number);
        let app_of = |caller: &Caller| match caller {
            Caller::App(app) => Some(*app),
            Caller::Token(number) => ledger.get(usize::try_from(number.checked_sub(first)?).ok()?).map(|token| token.app),
            Caller::Unknown => None,
        };
        let callers: Vec<_> = calls.iter().filter_map(|call| app_of(&call.caller)).collect();
        self.apps.iter().map(|app| callers.iter().filter(|caller| **caller == app.id()).count()).collect()
    }
}

fn token_of(issuer: &FakeIssuer) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    issuer.token(&json!({"sub": SUBJECT, "aud": DOMAIN, "iat": now, "exp": now + 7_200}))
}

fn apps_file(apps: &[FakeApp], folder: &Path) -> String {
    let key = |app: &FakeApp| folder.join(format!("{}.pem", app.id())).display().to_string();
    let of = |app: &FakeApp| format!("      - {{app_id: {}, private_key_file: '{}'}}\n", app.id(), key(app));
    format!("orgs:\n  - name: '*'\n    apps:\n{}", apps.iter().map(of).collect::<String>())
}

/// A port that nothing listens on.
fn free_port() -> Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?.local_addr()?.port())
}
