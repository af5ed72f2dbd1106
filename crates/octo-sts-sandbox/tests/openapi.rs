//! Our answers against GitHub's own description of them, so that the fake cannot drift from the real API.
//!
//! `npm install --prefix target/npm @octokit/openapi@23.0.2` fetches the description; `OPENAPI_JSON` names another place for it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test that calls them")]

use std::{collections::BTreeSet, fs, path::PathBuf};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use octo_sts_http::{Client, ClientSettings, Protocol, Roots};
use octo_sts_sandbox::{Change, FakeApp, Sandbox, SandboxSettings, Selection};
use serde_json::{Map, Value, json};

const INSTALL: &str = "npm install --prefix target/npm @octokit/openapi@23.0.2";

/// GitHub's description.
struct Description(Value);

impl Description {
    fn load() -> Self {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
        let usual = root.join("target/npm/node_modules/@octokit/openapi/generated/api.github.com.json");
        let path = std::env::var_os("OPENAPI_JSON").map_or(usual, PathBuf::from);
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}. Run `{INSTALL}` in the root of the workspace, or set OPENAPI_JSON.", path.display()));
        let mut description = Self(serde_json::from_str(&text).unwrap());
        // The list spells `installation` out, and there an account is a user *and* an enterprise, which nothing can be.
        let list = "/paths/~1app~1installations/get/responses/200/content/application~1json/schema/items";
        *description.0.pointer_mut(list).unwrap() = json!({"$ref": "#/components/schemas/installation"});
        description
    }

    /// What a reference leads to.
    fn target(&self, reference: &str) -> &Value {
        self.0.pointer(reference.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{reference} leads nowhere"))
    }

    /// The schema of an answer's JSON; none when the answer has no body.
    fn schema(&self, method: &Method, path: &str, status: StatusCode, media: &str) -> Option<&Value> {
        let operation = &self.0["paths"][path][method.as_str().to_ascii_lowercase()];
        assert!(operation.is_object(), "GitHub has no {method} {path}");
        let mut response = &operation["responses"][status.as_str()];
        if response.is_null() && status.is_client_error() {
            // Not every error is listed with every endpoint, but all have one form.
            return Some(&self.0["components"]["schemas"]["basic-error"]);
        }
        assert!(response.is_object(), "GitHub describes no {status} of {method} {path}");
        if let Some(reference) = response["$ref"].as_str() {
            response = self.target(reference);
        }
        response["content"].as_object().map(|content| &content[media]["schema"])
    }

    /// The schema with everything it refers to, as JSON Schema.
    fn standalone(&self, schema: &Value) -> Value {
        let mut wanted = references(schema);
        let mut definitions = Map::new();
        while let Some(name) = wanted.pop_first() {
            if !definitions.contains_key(&name) {
                let definition = &self.0["components"]["schemas"][&name];
                wanted.extend(references(definition));
                definitions.insert(name, json_schema(definition));
            }
        }
        json!({"allOf": [json_schema(schema)], "components": {"schemas": definitions}})
    }

    fn complaints(&self, schema: &Value, answer: &Value) -> Vec<String> {
        let schema = self.standalone(schema);
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        validator.iter_errors(answer).map(|error| format!("{}: {error}", error.instance_path())).collect()
    }
}

/// The names of the schemas that a schema refers to.
fn references(schema: &Value) -> BTreeSet<String> {
    match schema {
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| match value.as_str().and_then(|text| text.strip_prefix("#/components/schemas/")) {
                Some(target) if name == "$ref" => BTreeSet::from([target.to_owned()]),
                _ => references(value),
            })
            .collect(),
        Value::Array(all) => all.iter().flat_map(references).collect(),
        _ => BTreeSet::new(),
    }
}

/// `OpenAPI` 3.0 as JSON Schema: `nullable` becomes a choice, and `oneOf` becomes `anyOf`, because GitHub's alternatives overlap.
fn json_schema(schema: &Value) -> Value {
    match schema {
        Value::Object(members) => {
            let mut converted: Map<String, Value> = members
                .iter()
                .filter(|(name, _)| *name != "example")
                .map(|(name, value)| (converted_name(name).to_owned(), json_schema(value)))
                .collect();
            match converted.remove("nullable") {
                Some(Value::Bool(true)) => json!({"anyOf": [converted, {"type": "null"}]}),
                Some(property) if property.is_object() => {
                    // A property that is called so.
                    converted.insert("nullable".to_owned(), property);
                    Value::Object(converted)
                }
                _ => Value::Object(converted),
            }
        }
        Value::Array(all) => all.iter().map(json_schema).collect(),
        other => other.clone(),
    }
}

fn converted_name(name: &str) -> &str {
    if name == "oneOf" { "anyOf" } else { name }
}

struct World {
    description: Description,
    sandbox: Sandbox,
    app: FakeApp,
    client: Client,
    complaints: Vec<String>,
    checked: usize,
}

impl World {
    async fn new() -> Self {
        let sandbox = Sandbox::start(SandboxSettings { tls: true, path_prefix: "/api/v3".into(), ..SandboxSettings::default() }).await.unwrap();
        let app = sandbox.github().create_app(4242, &octo_sts_sandbox::FakeGitHub::all_permissions());
        sandbox.github().put_file("acme/app", "docs/readme.md", "hello\n");
        app.install("acme", &Selection::All);
        let client = Client::new(ClientSettings {
            user_agent: "openapi-test".to_owned(),
            roots: Roots::from_pem(sandbox.ca_pem()).unwrap(),
            protocol: Protocol::Http1,
            guard: None,
            connect_timeout: std::time::Duration::from_secs(2),
            deadline: std::time::Duration::from_secs(5),
            max_body: 8 << 20,
        });
        Self { description: Description::load(), sandbox, app, client: client.unwrap(), complaints: Vec::new(), checked: 0 }
    }

    /// Calls an endpoint, and holds the answer against the description.
    async fn check(&mut self, method: Method, described: &str, path: &str, credentials: &str, body: &Value, status: u16) -> Value {
        self.check_as("application/json", method, described, path, credentials, body, status).await
    }

    #[expect(clippy::too_many_arguments, reason = "a call and what it must answer")]
    async fn check_as(&mut self, media: &str, method: Method, described: &str, path: &str, credentials: &str, body: &Value, status: u16) -> Value {
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let mut request =
            Request::builder().method(method.clone()).uri(format!("{}{path}", self.sandbox.github().base_url())).header("accept", media);
        if !credentials.is_empty() {
            request = request.header("authorization", format!("Bearer {credentials}"));
        }
        let response = self.client.send(request.body(body).unwrap()).await.unwrap();
        let answer: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        assert_eq!(response.status.as_u16(), status, "{method} {path}: {answer}");
        let found = match self.description.schema(&method, described, response.status, media) {
            Some(schema) => self.description.complaints(schema, &answer),
            None if response.body.is_empty() => Vec::new(),
            None => vec!["a body where none is described".to_owned()],
        };
        self.complaints.extend(found.iter().map(|complaint| format!("{method} {path} {status}: {complaint}")));
        self.checked += 1;
        answer
    }

    async fn app_endpoints(&mut self) -> String {
        let jwt = self.app.jwt();
        let none = Value::Null;
        self.check(Method::GET, "/app", "/app", &jwt, &none, 200).await;
        self.check(Method::GET, "/app", "/app", "a.b.c", &none, 401).await;
        self.check(Method::GET, "/app/hook/config", "/app/hook/config", &jwt, &none, 404).await;
        self.app.deliver_to("https://sts.example.com/webhook", true);
        self.app.delivered("push", StatusCode::BAD_GATEWAY);
        self.check(Method::GET, "/app/hook/config", "/app/hook/config", &jwt, &none, 200).await;
        let (_, code) = self.sandbox.github().register_from(&json!({"name": "x", "url": "https://x.test", "redirect_url": "http://127.0.0.1/"}));
        let convert = "/app-manifests/{code}/conversions";
        self.check(Method::POST, convert, &format!("/app-manifests/{code}/conversions"), "", &none, 201).await;
        self.check(Method::POST, convert, &format!("/app-manifests/{code}/conversions"), "", &none, 404).await;
        self.check(Method::GET, "/app/hook/deliveries", "/app/hook/deliveries?per_page=5", &jwt, &none, 200).await;
        self.check(Method::GET, "/app/installations", "/app/installations?per_page=1", &jwt, &none, 200).await;
        self.check(Method::GET, "/app/installations/{installation_id}", "/app/installations/1001", &jwt, &none, 200).await;
        self.check(Method::GET, "/app/installations/{installation_id}", "/app/installations/1", &jwt, &none, 404).await;
        self.check(Method::GET, "/orgs/{org}/installation", "/orgs/acme/installation", &jwt, &none, 200).await;
        self.check(Method::GET, "/repos/{owner}/{repo}/installation", "/repos/acme/app/installation", &jwt, &none, 200).await;
        self.sandbox.github().create_owner("someone", octo_sts_sandbox::OwnerKind::User);
        self.app.install("someone", &Selection::All);
        self.check(Method::GET, "/users/{username}/installation", "/users/someone/installation", &jwt, &none, 200).await;
        let suspended = "/app/installations/{installation_id}/suspended";
        let mint = "/app/installations/{installation_id}/access_tokens";
        self.check(Method::PUT, suspended, "/app/installations/1002/suspended", &jwt, &none, 204).await;
        self.check(Method::GET, "/app/installations/{installation_id}", "/app/installations/1002", &jwt, &none, 200).await;
        self.check(Method::POST, mint, "/app/installations/1002/access_tokens", &jwt, &none, 403).await;
        self.check(Method::DELETE, suspended, "/app/installations/1002/suspended", &jwt, &none, 204).await;
        self.check(Method::DELETE, "/app/installations/{installation_id}", "/app/installations/1002", &jwt, &none, 204).await;
        self.check(Method::POST, mint, "/app/installations/1002/access_tokens", &jwt, &none, 404).await;
        let unknown = json!({"repositories": ["nope"]});
        self.check(Method::POST, mint, "/app/installations/1001/access_tokens", &jwt, &unknown, 422).await;
        self.check(Method::POST, mint, "/app/installations/1001/access_tokens", &jwt, &none, 201).await;
        let narrow = json!({"repositories": ["app"]});
        let minted = self.check(Method::POST, mint, "/app/installations/1001/access_tokens", &jwt, &narrow, 201).await;
        minted["token"].as_str().unwrap().to_owned()
    }

    async fn repository_endpoints(&mut self, token: &str) {
        let none = Value::Null;
        let get = Method::GET;
        self.check(get.clone(), "/installation/repositories", "/installation/repositories", token, &none, 200).await;
        self.check(get.clone(), "/rate_limit", "/rate_limit", token, &none, 200).await;
        self.check(get.clone(), "/repos/{owner}/{repo}", "/repos/acme/app", token, &none, 200).await;
        self.check(get.clone(), "/repos/{owner}/{repo}", "/repos/acme/nope", token, &none, 404).await;
        self.check(get.clone(), "/repos/{owner}/{repo}", "/repos/acme/app", "ghs_wrong", &none, 401).await;
        self.sandbox.github().rename_repository("acme/app", "application");
        self.check(get.clone(), "/repos/{owner}/{repo}", "/repos/acme/app", token, &none, 301).await;
        let jwt = self.app.jwt();
        self.check(get, "/repos/{owner}/{repo}/installation", "/repos/acme/app/installation", &jwt, &none, 301).await;
        self.sandbox.github().rename_repository("acme/application", "app");
    }

    async fn contents(&mut self, token: &str) {
        let none = Value::Null;
        let github = self.sandbox.github();
        github.put_directory("acme/app", "odd/directory");
        github.put_symlink("acme/app", "odd/dangling", "nowhere");
        github.put_symlink("acme/app", "odd/followed", "../docs/readme.md");
        github.put_submodule("acme/app", "odd/submodule", "https://github.com/acme/sub.git");
        github.put_bytes("acme/app", "odd/large", vec![b'x'; 1_048_577]);
        let described = "/repos/{owner}/{repo}/contents/{path}";
        for (name, status) in [
            ("docs/readme.md", 200),
            ("odd", 200),
            ("odd/dangling", 200),
            ("odd/followed", 200),
            ("odd/submodule", 200),
            ("odd/large", 403),
            ("no", 404),
        ] {
            let path = format!("/repos/acme/app/contents/{name}");
            self.check(Method::GET, described, &path, token, &none, status).await;
        }
        let object = "application/vnd.github.object";
        self.check_as(object, Method::GET, described, "/repos/acme/app/contents/odd", token, &none, 200).await;
        self.check_as(object, Method::GET, described, "/repos/acme/app/contents/odd/large", token, &none, 200).await;
        let body = json!({"message": "m", "content": "aGk="});
        let made = self.check(Method::PUT, described, "/repos/acme/app/contents/new", token, &body, 201).await;
        self.check(Method::PUT, described, "/repos/acme/app/contents/new", token, &body, 422).await;
        let wrong = json!({"message": "m", "content": "aGk=", "sha": "0"});
        self.check(Method::PUT, described, "/repos/acme/app/contents/new", token, &wrong, 409).await;
        let right = json!({"message": "m", "content": "aGkK", "sha": made["content"]["sha"]});
        let changed = self.check(Method::PUT, described, "/repos/acme/app/contents/new", token, &right, 200).await;
        let gone = json!({"message": "m", "sha": changed["content"]["sha"]});
        self.check(Method::DELETE, described, "/repos/acme/app/contents/new", token, &gone, 200).await;
    }

    async fn commits_and_pulls(&mut self, token: &str) {
        let none = Value::Null;
        let get = Method::GET;
        let github = self.sandbox.github();
        github.create_branch("acme/app", "topic", "main");
        let rename = Change::Rename { from: "docs/readme.md".to_owned(), to: "readme.md".to_owned() };
        let head = github.commit("acme/app", "topic", "topic", &[rename, Change::Put("x".to_owned(), "1".to_owned())]);
        github.open_pull("acme/app", "main", "acme/app", "topic");
        self.check(get.clone(), "/repos/{owner}/{repo}/compare/{basehead}", "/repos/acme/app/compare/main...topic", token, &none, 200).await;
        self.check(get.clone(), "/repos/{owner}/{repo}/compare/{basehead}", "/repos/acme/app/compare/main...no", token, &none, 404).await;
        self.check(get.clone(), "/repos/{owner}/{repo}/branches", "/repos/acme/app/branches", token, &none, 200).await;
        self.check(get.clone(), "/repos/{owner}/{repo}/branches/{branch}", "/repos/acme/app/branches/topic", token, &none, 200).await;
        self.check(get.clone(), "/repos/{owner}/{repo}/commits/{ref}", "/repos/acme/app/commits/topic", token, &none, 200).await;
        self.check(get.clone(), "/repos/{owner}/{repo}/commits/{ref}", "/repos/acme/app/commits/no", token, &none, 422).await;
        let path = format!("/repos/acme/app/commits/{head}/pulls");
        self.check(get.clone(), "/repos/{owner}/{repo}/commits/{commit_sha}/pulls", &path, token, &none, 200).await;
        self.check(get.clone(), "/repos/{owner}/{repo}/pulls", "/repos/acme/app/pulls", token, &none, 200).await;
        self.check(get.clone(), "/repos/{owner}/{repo}/pulls/{pull_number}", "/repos/acme/app/pulls/1", token, &none, 200).await;
        self.check(get, "/repos/{owner}/{repo}/pulls/{pull_number}/files", "/repos/acme/app/pulls/1/files", token, &none, 200).await;
    }

    async fn checks_and_issues(&mut self, token: &str) {
        let head = self.sandbox.github().head("acme/app", "main");
        let runs = "/repos/{owner}/{repo}/check-runs";
        let annotation = json!({"path": "x", "start_line": 1, "end_line": 1, "annotation_level": "failure", "message": "m"});
        let output = json!({"title": "t", "summary": "s", "annotations": [annotation]});
        let body = json!({"name": "n", "head_sha": head, "status": "completed", "conclusion": "failure", "output": output});
        let made = self.check(Method::POST, runs, "/repos/acme/app/check-runs", token, &body, 201).await;
        let queued = json!({"name": "n", "head_sha": head});
        self.check(Method::POST, runs, "/repos/acme/app/check-runs", token, &queued, 201).await;
        let path = format!("/repos/acme/app/check-runs/{}", made["id"]);
        let one = "/repos/{owner}/{repo}/check-runs/{check_run_id}";
        self.check(Method::PATCH, one, &path, token, &json!({"conclusion": "success"}), 200).await;
        self.check(Method::GET, one, &path, token, &Value::Null, 200).await;
        let issues = "/repos/{owner}/{repo}/issues";
        self.check(Method::POST, issues, "/repos/acme/app/issues", token, &json!({"title": "t", "body": "b"}), 201).await;
        self.check(Method::POST, issues, "/repos/acme/app/issues", token, &json!({}), 422).await;
        self.check(Method::GET, issues, "/repos/acme/app/issues", token, &Value::Null, 200).await;
        self.check(Method::DELETE, "/installation/token", "/installation/token", token, &Value::Null, 204).await;
        self.check(Method::DELETE, "/installation/token", "/installation/token", token, &Value::Null, 401).await;
    }
}

#[tokio::test]
async fn answers_conform_to_githubs_openapi() {
    let mut world = World::new().await;
    let token = world.app_endpoints().await;
    world.repository_endpoints(&token).await;
    world.contents(&token).await;
    world.commits_and_pulls(&token).await;
    world.checks_and_issues(&token).await;
    assert!(world.complaints.is_empty(), "{} complaints about {} answers:\n{}", world.complaints.len(), world.checked, world.complaints.join("\n"));
}
