//! The world of a prober: a fake GitHub, an issuer, the real service between them.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test that called it")]

use std::{net::SocketAddr, sync::Arc, time::Duration};

use octo_sts_http::{Client, ClientSettings, Protocol, Roots};
use octo_sts_prober::{Parts, ProbeArgs, Prober, Settings};
use octo_sts_sandbox::{ActionsCredentials, ActionsJob, FakeIssuer, Sandbox, SandboxSettings, Selection};
use octo_sts_server::{
    Config, Running,
    config::{AppConfig, AppsSource, KeySource, OwnerApps},
    start,
};
use octo_sts_types::SystemClock;

pub(crate) const REPOSITORY: &str = "octo-sts/prober";
pub(crate) const DOMAIN: &str = "sts.test";
const READ_ONLY: &str = "permissions:\n  contents: read\n  issues: read\n";

/// A sandbox with the real service on it.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) service: Running,
    pub(crate) issuer: FakeIssuer,
    job: ActionsCredentials,
}

impl World {
    /// With a policy that lets the prober read; `measured` with metrics, which are those of the whole process.
    pub(crate) async fn built(settings: SandboxSettings, measured: bool) -> Self {
        let sandbox = Sandbox::start(settings).await.unwrap();
        let app = sandbox.github().create_app(4242, &[("contents", "write"), ("issues", "write")]);
        let issuer = sandbox.issuer("gha");
        let job = issuer.start_job(ActionsJob::new(REPOSITORY));
        let key = KeySource::PemText { text: app.private_key_pem().into(), origin: "a test".to_owned() };
        let apps = vec![AppConfig { id: app.id(), name: None, key }];
        let mut config = Config::new(DOMAIN, AppsSource::Fixed(vec![OwnerApps { owner: None, apps }]));
        config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
        config.github_base_url = sandbox.github().base_url().parse().unwrap();
        config.extra_roots = Some(sandbox.ca_pem().to_owned());
        config.issuers.allow_localhost = true;
        config.issuers.prefetch = Vec::new();
        config.metrics = measured.then_some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let service = start(config).await.unwrap();
        let world = Self { sandbox, service, issuer, job };
        world.policy("prober", READ_ONLY);
        app.install("octo-sts", &Selection::All);
        world.service.wait_ready().await.unwrap();
        world
    }

    /// A policy that admits the prober and gives it these permissions.
    pub(crate) fn policy(&self, identity: &str, permissions: &str) {
        let text = format!("issuer: {}\nsubject: repo:{REPOSITORY}:ref:refs/heads/main\n{permissions}", self.issuer.url());
        self.sandbox.github().put_file(REPOSITORY, &format!(".github/chainguard/{identity}.sts.yaml"), text);
    }

    /// The arguments of a prober that asks at this address.
    pub(crate) fn args(&self, service: &str) -> ProbeArgs {
        let text = |text: &str| Some(text.to_owned());
        ProbeArgs {
            domain: text(DOMAIN),
            url: text(service),
            identity: text("prober"),
            github_url: Some(self.sandbox.github().base_url()),
            ..ProbeArgs::default()
        }
    }

    /// Where the real service is.
    pub(crate) fn address(&self) -> String {
        format!("http://{}", self.service.address())
    }

    /// A prober in a job of GitHub Actions, asking the real service.
    pub(crate) fn prober(&self) -> Prober {
        self.prober_with(&self.args(&self.address()))
    }

    pub(crate) fn prober_with(&self, args: &ProbeArgs) -> Prober {
        let ActionsCredentials { request_url, request_token } = self.job.clone();
        let variable = move |name: &str| match name {
            "ACTIONS_ID_TOKEN_REQUEST_URL" => Some(request_url.clone()),
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN" => Some(request_token.clone()),
            _ => None,
        };
        let settings = Settings::from_args(args, &variable).unwrap();
        let spread = Duration::from_millis(200);
        Prober::new(Parts { settings, http: client(&self.sandbox), clock: Arc::new(SystemClock), variable: Arc::new(variable), spread })
    }
}

pub(crate) fn client(sandbox: &Sandbox) -> Client {
    Client::new(ClientSettings {
        user_agent: "prober-test".to_owned(),
        roots: Roots::from_pem(sandbox.ca_pem()).unwrap(),
        protocol: Protocol::Http1,
        guard: None,
        connect_timeout: Duration::from_secs(2),
        deadline: Duration::from_secs(5),
        max_body: 1 << 20,
    })
    .unwrap()
}
