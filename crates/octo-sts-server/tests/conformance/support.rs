//! A whole service beside a sandbox, callers, and the record of what the service asked of others.

use std::net::SocketAddr;

use octo_sts_sandbox::{FakeApp, FakeIssuer, LedgerEntry, Sandbox, SandboxSettings, Selection, Service};
use octo_sts_server::{
    Config, Running,
    config::{AppConfig, AppsSource, KeySource, OwnerApps},
    start,
};
use octo_sts_types::AppId;
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::wire;
pub(crate) use crate::wire::{Answer, LONG};

/// The service's public name.
pub(crate) const DOMAIN: &str = "octo-sts.test";
/// The subject of the tokens, which the policies admit.
pub(crate) const SUBJECT: &str = "repo:acme/app:ref:refs/heads/main";
/// The request of most situations.
pub(crate) const CI: &str = "scope=acme/app&identity=ci";

/// What a cold exchange asks of others, in order. The two reads go side by side.
pub(crate) const COLD: &str = "discovery jwks repository_installation mint contents contents mint";
/// What a warm exchange asks: the policy's conditional read beside the mint.
pub(crate) const WARM: &str = "contents mint";
/// Nothing was asked.
pub(crate) const NOTHING: &str = "";

/// One App, 4242, on `acme`, which has `acme/app` with the policy `ci`, `acme/x` without any, and a policy repository.
pub(crate) struct House {
    pub(crate) sandbox: Sandbox,
    pub(crate) app: FakeApp,
    pub(crate) issuer: FakeIssuer,
    pub(crate) service: Running,
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(|_, _| {}).await
    }

    /// The same, with the world or the configuration changed before the service starts.
    pub(crate) async fn with(change: impl FnOnce(&Sandbox, &mut Config)) -> Self {
        let (sandbox, app, issuer) = world().await;
        let mut config = config(&sandbox, &app);
        change(&sandbox, &mut config);
        let service = start(config).await.unwrap();
        timeout(LONG, service.wait_ready()).await.unwrap().unwrap();
        sandbox.clear_calls();
        let house = Self { sandbox, app, issuer, service };
        house.policy("acme/app", "ci", "permissions: {contents: read}");
        house
    }

    /// Writes a policy that admits [`SUBJECT`]; `rest` are its other lines.
    pub(crate) fn policy(&self, repository: &str, identity: &str, rest: &str) {
        self.file(repository, identity, &format!("issuer: {}\nsubject: {SUBJECT}\n{rest}\n", self.issuer.url()));
    }

    pub(crate) fn file(&self, repository: &str, identity: &str, text: &str) {
        self.sandbox.github().put_file(repository, &format!(".github/chainguard/{identity}.sts.yaml"), text);
    }

    /// A good token.
    pub(crate) fn token(&self) -> String {
        self.token_of(&json!({}))
    }

    /// A good token with these claims instead of its own.
    pub(crate) fn token_of(&self, claims: &Value) -> String {
        self.issuer.token(&claims_with(claims))
    }

    /// One exchange, and what it asked of others since calls were last cleared.
    pub(crate) async fn exchange(&self, query: &str, bearer: &str) -> (Answer, String) {
        let head = format!("GET /sts/exchange?{query} HTTP/1.1\r\nAuthorization: Bearer {bearer}");
        self.ask(&head, "").await
    }

    /// The same for any request: its head as text, and its body.
    pub(crate) async fn ask(&self, head: &str, body: &str) -> (Answer, String) {
        self.sandbox.clear_calls();
        let answer = request(self.service.address(), head, body).await;
        (answer, self.calls())
    }

    /// What was asked of issuers and GitHub, class by class, in order; revocations apart, which happen when they happen.
    pub(crate) fn calls(&self) -> String {
        let calls = self.sandbox.calls();
        let asked = calls.iter().filter(|call| call.service != Service::Events && call.class != "revoke");
        let words: Vec<_> = asked.map(|call| call.class).collect();
        if words == ["mint", "contents"] { WARM.to_owned() } else { words.join(" ") }
    }

    /// What the ledger knows of a token that an answer holds.
    pub(crate) fn minted(&self, answer: &Answer) -> LedgerEntry {
        let token = answer.token();
        self.sandbox.github().ledger().into_iter().find(|entry| entry.token == token).unwrap()
    }

    /// A granted exchange: the permissions asked for and the repositories reached, as text.
    pub(crate) fn grant(&self, answer: &Answer) -> (String, String) {
        let entry = self.minted(answer);
        let permissions = serde_json::to_string(&entry.requested_permissions).unwrap();
        (permissions, entry.repositories.map_or_else(|| "every".to_owned(), |names| names.join(" ")))
    }

    /// Ends the service: no token is left but those that were handed out.
    pub(crate) async fn close(self, handed_out: &[String]) {
        self.service.shutdown().await;
        let live = self.sandbox.github().live_tokens();
        let orphans: Vec<_> = live.iter().filter(|entry| !handed_out.contains(&entry.token)).collect();
        assert!(orphans.is_empty(), "neither handed out nor revoked: {orphans:#?}");
    }
}

/// The world alone, without a service.
pub(crate) async fn world() -> (Sandbox, FakeApp, FakeIssuer) {
    let sandbox = Sandbox::start(SandboxSettings { tls: true, path_prefix: "/api/v3".into(), ..SandboxSettings::default() }).await.unwrap();
    let app = sandbox.github().create_app(4242, &[("contents", "write"), ("issues", "write"), ("metadata", "read"), ("members", "write")]);
    let issuer = sandbox.issuer("gha");
    for repository in ["acme/app", "acme/x", "acme/.github"] {
        sandbox.github().create_repository(repository);
    }
    app.install("acme", &Selection::All);
    (sandbox, app, issuer)
}

/// A configuration for that world: a port of the system's choice, and nothing fetched beforehand.
pub(crate) fn config(sandbox: &Sandbox, app: &FakeApp) -> Config {
    let key = KeySource::PemText { text: SecretString::from(app.private_key_pem()), origin: "the test".into() };
    let apps = vec![AppConfig { id: AppId(4242), name: None, key }];
    let mut config = Config::new(DOMAIN, AppsSource::Fixed(vec![OwnerApps { owner: None, apps }]));
    config.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.github_base_url = sandbox.github().base_url().parse().unwrap();
    config.extra_roots = Some(sandbox.ca_pem().to_owned());
    config.issuers.allow_localhost = true;
    config.issuers.prefetch.clear();
    config
}

/// The claims of a good token, with these instead of its own.
pub(crate) fn claims_with(other: &Value) -> Value {
    let mut claims = json!({"sub": SUBJECT, "aud": DOMAIN, "ref_type": "branch"});
    claims.as_object_mut().unwrap().extend(other.as_object().unwrap().clone());
    claims
}

/// The time in seconds.
#[expect(clippy::disallowed_methods, reason = "tokens are made for the machine's time")]
pub(crate) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

impl Answer {
    /// Cuts the token out as shell scripts do.
    pub(crate) fn token(&self) -> String {
        let rest = self.body.strip_prefix(r#"{"token":""#).unwrap_or_else(|| panic!("no token: {self:?}"));
        rest.split('"').next().unwrap().to_owned()
    }

    /// A refusal: its status, code, and how its message begins.
    #[track_caller]
    pub(crate) fn refuses(&self, situation: &str, status: u16, code: i64, begins: &str) {
        let reply = self.json();
        assert_eq!((self.status, reply["code"].as_i64()), (status, Some(code)), "{situation}: {}", self.body);
        let message = reply["message"].as_str().unwrap();
        assert!(message.starts_with(begins), "{situation}: {message}");
        assert!(self.body.starts_with(&format!(r#"{{"code":{code},"message":""#)), "{situation}: {}", self.body);
        assert_eq!(self.header("content-type"), Some("application/json"), "{situation}");
        assert!(self.header("x-request-id").is_some(), "{situation}");
    }

    /// A token, with every header and member that clients know.
    #[track_caller]
    pub(crate) fn grants(&self, situation: &str) {
        assert_eq!(self.status, 200, "{situation}: {}", self.body);
        let reply = self.json();
        assert!(self.token().starts_with("ghs_"), "{situation}");
        assert_eq!(
            (&reply["refreshToken"], &reply["token_type"], &reply["access_token"]),
            (&"".into(), &"Bearer".into(), &reply["token"]),
            "{situation}"
        );
        assert!(reply["expiry"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{situation}");
        for (name, value) in [("content-type", "application/json"), ("grpc-metadata-content-type", "application/grpc"), ("cache-control", "no-store")]
        {
            assert_eq!(self.header(name), Some(value), "{situation}: {name}");
        }
    }
}

/// One request, on a connection of its own.
pub(crate) async fn request(address: SocketAddr, head: &str, body: &str) -> Answer {
    wire::request(address, DOMAIN, head, body).await
}
