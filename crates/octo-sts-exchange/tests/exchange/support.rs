//! A whole exchange around a sandbox: one organisation, one App, one issuer, and time that can be moved.

#![expect(clippy::disallowed_methods, reason = "the test's clock starts from the machine's")]

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use octo_sts_audit::Audit;
use octo_sts_exchange::{
    AppPools, Authorization, CallerLimits, Delivery, ExchangeError, Exchanger, OrgGuardrails, Parts, Pool, QuotaFloors, Refusal, Replay, Request,
    Settings, Transport,
};
use octo_sts_github::{App, GitHub, GitHubSettings, client_settings};
use octo_sts_http::{Client, Roots};
use octo_sts_oidc::{IssuerFilter, Verifier, VerifierSettings};
use octo_sts_policy::OrgPermissions;
use octo_sts_sandbox::{Call, FakeApp, FakeGitHub, FakeIssuer, Sandbox, SandboxSettings, Selection, Service};
use octo_sts_signer::{PemSigner, Signer};
use octo_sts_store::{MemoryTokens, StickyStore};
use octo_sts_types::{AppId, Clock};
use serde_json::json;

/// The audience that the service goes by.
pub(crate) const DOMAIN: &str = "octo-sts.test";
/// The subject that policies of the tests admit.
pub(crate) const SUBJECT: &str = "repo:acme/app:ref:refs/heads/main";

/// Time that moves with the machine's, and can be pushed ahead.
#[derive(Debug, Default)]
pub(crate) struct MovableClock(Mutex<Duration>);

impl MovableClock {
    pub(crate) fn advance(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for MovableClock {
    fn now(&self) -> Timestamp {
        Timestamp::now() + *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Instant {
        Instant::now() + *self.0.lock().unwrap()
    }
}

/// Everything an exchange needs.
pub(crate) struct House {
    pub(crate) sandbox: Sandbox,
    pub(crate) issuer: FakeIssuer,
    pub(crate) apps: Vec<FakeApp>,
    pub(crate) exchanger: Arc<Exchanger>,
    pub(crate) clock: Arc<MovableClock>,
}

impl House {
    /// One App, installed on `acme`, which has `acme/app` with the policy `ci` and an empty policy repository.
    pub(crate) async fn new() -> Self {
        Self::with_apps(1).await
    }

    /// The same with several Apps, all installed on `acme`.
    pub(crate) async fn with_apps(count: u64) -> Self {
        let clock = Arc::new(MovableClock::default());
        let settings = SandboxSettings { tls: true, path_prefix: "/api/v3".into(), clock: clock.clone(), ..SandboxSettings::default() };
        let sandbox = Sandbox::start(settings).await.unwrap();
        let issuer = sandbox.issuer("gha");
        let github = sandbox.github();
        github.create_repository("acme/app");
        github.create_repository("acme/.github");
        let apps: Vec<_> = (0..count).map(|at| github.create_app(4_242 + at, &FakeGitHub::all_permissions())).collect();
        for app in &apps {
            app.install("acme", &Selection::All);
        }
        let exchanger = exchanger(&sandbox, &apps, clock.clone(), Otherwise::default());
        let house = Self { sandbox, issuer, apps, exchanger, clock };
        house.policy("acme/app", "ci", "permissions: {contents: read}");
        house
    }

    /// The same, with a service that takes each token once.
    pub(crate) async fn taking_tokens_once() -> Self {
        let house = Self::new().await;
        house.but(Otherwise { replay: Replay::Once, ..Otherwise::default() })
    }

    /// One more replica of the service, with other settings.
    pub(crate) fn replica(&self, otherwise: Otherwise) -> Arc<Exchanger> {
        exchanger(&self.sandbox, &self.apps, self.clock.clone(), otherwise)
    }

    /// The same house with a service of other settings.
    pub(crate) fn but(self, otherwise: Otherwise) -> Self {
        Self { exchanger: self.replica(otherwise), ..self }
    }

    pub(crate) fn github(&self) -> &FakeGitHub {
        self.sandbox.github()
    }

    /// Writes a policy for [`SUBJECT`]; `rest` are its other lines.
    pub(crate) fn policy(&self, repository: &str, identity: &str, rest: &str) {
        let text = format!("issuer: {}\nsubject: {SUBJECT}\n{rest}\n", self.issuer.url());
        self.github().put_file(repository, &format!(".github/chainguard/{identity}.sts.yaml"), text);
    }

    /// A token for [`SUBJECT`] and [`DOMAIN`].
    pub(crate) fn token(&self) -> String {
        self.token_for(SUBJECT)
    }

    pub(crate) fn token_for(&self, subject: &str) -> String {
        self.issuer.token(&json!({"sub": subject, "aud": DOMAIN}))
    }

    pub(crate) async fn exchange(&self, scope: &str, identity: &str) -> Result<Delivery, Refusal> {
        self.exchange_with(&self.token(), scope, identity).await
    }

    pub(crate) async fn exchange_with(&self, token: &str, scope: &str, identity: &str) -> Result<Delivery, Refusal> {
        self.exchanger.exchange(request(token, scope, identity)).await
    }

    /// An exchange that must succeed; the token is handed over.
    pub(crate) async fn granted(&self, scope: &str, identity: &str) -> String {
        let delivery = self.exchange(scope, identity).await.unwrap();
        let token = delivery.token().expose().to_owned();
        delivery.delivered();
        token
    }

    /// An exchange that must be refused.
    pub(crate) async fn refused(&self, scope: &str, identity: &str) -> Arc<ExchangeError> {
        self.exchange(scope, identity).await.unwrap_err().error
    }

    /// The calls to GitHub since they were last cleared, as `METHOD class`.
    pub(crate) fn github_calls(&self) -> Vec<String> {
        let calls = self.sandbox.calls();
        calls.iter().filter(|call| call.service == Service::GitHub).map(|call| format!("{} {}", call.method, call.class)).collect()
    }

    /// The mints since calls were last cleared.
    pub(crate) fn mints(&self) -> Vec<Call> {
        self.sandbox.calls().into_iter().filter(|call| call.class == "mint").collect()
    }
}

pub(crate) fn request(token: &str, scope: &str, identity: &str) -> Request {
    Request {
        authorization: Authorization::Value(format!("Bearer {token}").into()),
        scope: scope.into(),
        scopes: Vec::new(),
        identity: identity.into(),
        user_agent: None,
        request_id: "test".into(),
        peer: None,
        transport: Transport::Http,
    }
}

/// What a test wants otherwise than usual.
#[derive(Default)]
pub(crate) struct Otherwise {
    pub(crate) replay: Replay,
    pub(crate) limits: CallerLimits,
    /// Issuers that are verified by policies.
    pub(crate) policy_key_issuers: Option<IssuerFilter>,
    pub(crate) sticky: Option<Arc<dyn StickyStore>>,
    pub(crate) org_guardrails: OrgGuardrails,
    /// What signs for every App instead of its key.
    pub(crate) signer: Option<Arc<dyn Signer>>,
}

fn exchanger(sandbox: &Sandbox, apps: &[FakeApp], clock: Arc<dyn Clock>, otherwise: Otherwise) -> Arc<Exchanger> {
    let Otherwise { replay, limits, policy_key_issuers, sticky, org_guardrails, signer } = otherwise;
    let roots = Roots::from_pem(sandbox.ca_pem()).unwrap();
    let http = Client::new(client_settings(roots.clone())).unwrap();
    let base_url = sandbox.github().base_url().parse().unwrap();
    let github = GitHub::new(GitHubSettings { base_url, http }, Arc::clone(&clock)).unwrap();
    let verifier = VerifierSettings { allow_localhost: true, ..VerifierSettings::default() };
    let verifier = Arc::new(Verifier::new(verifier, roots, Arc::clone(&clock)).unwrap());
    let signing = |app: &FakeApp| {
        let key = || Arc::new(PemSigner::from_pem(&app.private_key_pem().into(), "the test's key").unwrap()) as Arc<dyn Signer>;
        Arc::new(App::new(AppId(app.id().0), Some(format!("app-{}", app.id())), vec![signer.clone().unwrap_or_else(key)]))
    };
    let pools = AppPools { fallback: Pool::new(apps.iter().map(signing).collect()), ..AppPools::default() };
    let settings = Settings {
        domain: DOMAIN.into(),
        policy_repository: ".github".parse().unwrap(),
        default_audiences: vec![DOMAIN.into(), format!("https://{DOMAIN}"), "https://github.com/{scope}".into()],
        org_permissions: OrgPermissions::Read,
        strict_policy_files: false,
        quota: QuotaFloors::default(),
        org_guardrails,
        guardrails: None,
        replay,
        limits,
        policy_key_issuers,
    };
    let used_tokens = Arc::new(MemoryTokens::new(1_000, Arc::clone(&clock)));
    Exchanger::new(Parts { verifier, github, apps: pools, audit: Audit::off(), used_tokens, sticky, clock, settings })
}
