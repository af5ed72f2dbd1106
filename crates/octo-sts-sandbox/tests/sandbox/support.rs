//! What the tests of the sandbox share: a client, and an organisation with an App on it.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use octo_sts_http::{Client, ClientSettings, HttpError, Protocol, Response, Roots};
use octo_sts_sandbox::{FakeApp, Sandbox, SandboxSettings, Selection};
use octo_sts_types::InstallationId;
use serde_json::Value;

/// What the App of [`World`] has.
pub(crate) const PERMISSIONS: &[(&str, &str)] = &[("checks", "write"), ("contents", "write"), ("issues", "write"), ("pull_requests", "read")];

/// A sandbox with App 4242 on `acme`, and `acme/app` with a policy.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) app: FakeApp,
    pub(crate) installation: InstallationId,
    pub(crate) client: Client,
    impatient: Client,
}

/// Where [`World`] has its policy.
pub(crate) const POLICY: &str = ".github/chainguard/ci.sts.yaml";

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(SandboxSettings::default()).await
    }

    pub(crate) async fn with(settings: SandboxSettings) -> Self {
        Self::speaking(settings, Protocol::Http1).await
    }

    pub(crate) async fn speaking(settings: SandboxSettings, protocol: Protocol) -> Self {
        let sandbox = Sandbox::start(settings).await.unwrap();
        let app = sandbox.github().create_app(4242, PERMISSIONS);
        sandbox.github().put_file("acme/app", POLICY, "issuer: x\n");
        sandbox.github().create_repository("acme/other");
        let installation = app.install("acme", &Selection::All);
        let client = client(&sandbox, protocol, Duration::from_secs(10));
        let impatient = self::client(&sandbox, protocol, Duration::from_millis(400));
        Self { sandbox, app, installation, client, impatient }
    }

    /// Sends a request to the API; no credentials when they are empty.
    pub(crate) async fn call(&self, method: Method, path: &str, credentials: &str, body: &str) -> Response {
        self.client.send(self.request(method, path, credentials, body)).await.unwrap()
    }

    /// The same for calls that may fail, and within 400 ms.
    pub(crate) async fn try_call(&self, method: Method, path: &str, credentials: &str, body: &str) -> Result<Response, HttpError> {
        self.impatient.send(self.request(method, path, credentials, body)).await
    }

    fn request(&self, method: Method, path: &str, credentials: &str, body: &str) -> Request<Bytes> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.sandbox.github().base_url()));
        if !credentials.is_empty() {
            request = request.header("authorization", format!("Bearer {credentials}"));
        }
        request.body(Bytes::from(body.to_owned())).unwrap()
    }

    pub(crate) async fn get(&self, path: &str, credentials: &str) -> Response {
        self.call(Method::GET, path, credentials, "").await
    }

    /// The answer to a mint request.
    pub(crate) async fn mint(&self, body: &str) -> Response {
        let path = format!("/app/installations/{}/access_tokens", self.installation);
        self.call(Method::POST, &path, &self.app.jwt(), body).await
    }

    /// A token that must be given.
    pub(crate) async fn token(&self, body: &str) -> String {
        let response = self.mint(body).await;
        assert_eq!(response.status, 201, "{}", text(&response));
        json(&response)["token"].as_str().unwrap().to_owned()
    }
}

fn client(sandbox: &Sandbox, protocol: Protocol, deadline: Duration) -> Client {
    Client::new(ClientSettings {
        user_agent: "sandbox-test".to_owned(),
        roots: Roots::from_pem(sandbox.ca_pem()).unwrap(),
        protocol,
        guard: None,
        connect_timeout: Duration::from_secs(2),
        deadline,
        max_body: 8 << 20,
    })
    .unwrap()
}

pub(crate) fn text(response: &Response) -> String {
    String::from_utf8_lossy(&response.body).into_owned()
}

pub(crate) fn json(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_else(|_| panic!("not JSON: {}", text(response)))
}

pub(crate) fn message(response: &Response) -> String {
    json(response)["message"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}
