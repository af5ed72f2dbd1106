//! Issuers that the operator describes, and issuers whose keys stand in policies.

use std::{fs, path::Path, time::Duration};

use crate::house::{DOMAIN, House, LONG, POLICY, exchange, until};
use octo_sts_oidc::IssuerFilter;
use octo_sts_sandbox::{ActionsJob, Algorithm, FakeIssuer, KeyId, Service, SignOptions};
use octo_sts_server::{Config, Running, ServeArgs, config::IssuersFile, start};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

const ASKED: &str = "scope=acme/app&identity=ci";

/// A house, and a folder for the file that describes its issuers.
struct Described {
    house: House,
    folder: TempDir,
}

impl Described {
    async fn build() -> Self {
        Self { house: House::build().await, folder: tempfile::tempdir().unwrap() }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// The configuration as `serve` would read it from variables.
    fn read(&self) -> Result<Config, String> {
        let args = ServeArgs {
            sts_domain: Some(DOMAIN.to_owned()),
            github_app_ids: Some("4242".to_owned()),
            app_secret_certificate_env_var: Some(self.house.app.private_key_pem()),
            sts_issuers_file: Some(self.folder.path().join("issuers.yaml").display().to_string()),
            ..ServeArgs::default()
        };
        Config::from_args(&args, &|_| None).map_err(|error| error.to_string())
    }

    fn file(&self) -> IssuersFile {
        self.read().unwrap().issuers.file.unwrap()
    }

    /// A service that admits no issuer on this machine but those that the file describes.
    async fn serve(&self) -> Running {
        let mut config = self.house.config();
        config.issuers.allow_localhost = false;
        config.issuers.file = Some(self.file());
        ready(config).await
    }

    fn asked_of_issuers(&self) -> usize {
        self.house.sandbox.calls().iter().filter(|call| call.service != Service::GitHub).count()
    }
}

async fn ready(config: Config) -> Running {
    let running = start(config).await.unwrap();
    timeout(LONG, running.wait_ready()).await.unwrap().unwrap();
    running
}

fn key_set(issuer: &FakeIssuer) -> Value {
    json!({"keys": [issuer.jwk(Algorithm::Rs256)]})
}

fn inline(issuer: &FakeIssuer, rest: &str) -> String {
    format!("issuers:\n  - issuer: {}\n    jwks: '{}'\n{rest}", issuer.url(), key_set(issuer))
}

#[tokio::test]
async fn written_keys_verify_tokens_and_the_issuer_is_not_asked() {
    let described = Described::build().await;
    described.write("issuers.yaml", &inline(&described.house.issuer, ""));
    let service = described.serve().await;
    let answer = exchange(service.address(), ASKED, &described.house.token()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let stranger = described.house.sandbox.issuer("stranger");
    let refused = exchange(service.address(), ASKED, &stranger.token(&stranger.actions_claims(&ActionsJob::new("acme/app"), Some(DOMAIN)))).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert_eq!(described.asked_of_issuers(), 0);
}

/// T-031, T-038
#[tokio::test]
async fn a_private_issuer_is_asked_at_its_own_addresses() {
    let described = Described::build().await;
    let issuer = described.house.sandbox.https_issuer("private");
    described.write("ca.pem", described.house.sandbox.ca_pem());
    let policy = format!("issuer: {}\nsubject: repo:acme/app:ref:refs/heads/main\npermissions:\n  contents: read\n", issuer.url());
    described.house.sandbox.github().put_file("acme/app", POLICY, policy);
    let token = issuer.token(&issuer.actions_claims(&ActionsJob::new("acme/app"), Some(DOMAIN)));
    for (addresses, status) in
        [("allowed_addresses: [127.0.0.0/8]", 200), ("private: true", 200), ("allowed_addresses: [10.0.0.0/8]", 400), ("private: false", 400)]
    {
        described.write("issuers.yaml", &format!("issuers:\n  - issuer: {}\n    ca_file: ca.pem\n    {addresses}\n", issuer.url()));
        let service = described.serve().await;
        let answer = exchange(service.address(), ASKED, &token).await;
        assert_eq!(answer.status, status, "{addresses}: {}", answer.body);
    }
}

/// A genuine token that is not what the operator requires hears which of its claims it is, and not what would do.
#[tokio::test]
async fn what_the_operator_requires_of_tokens_is_named_and_not_shown() {
    let described = Described::build().await;
    let issuer = &described.house.issuer;
    described
        .write("issuers.yaml", &inline(issuer, "    required_claims:\n      environment: {pattern: 'prod-(eu|us)'}\n    max_token_lifetime: 15m\n"));
    let service = described.serve().await;
    let of = |job: ActionsJob| issuer.token(&issuer.actions_claims(&job, Some(DOMAIN)));
    let github = described.house.sandbox.github();
    github.put_file("acme/app", POLICY, described.house.policy("contents: read").replace("ref:refs/heads/main", "environment:prod-eu"));
    let job = || ActionsJob::new("acme/app").environment("prod-eu");
    let good = exchange(service.address(), ASKED, &of(job())).await;
    assert_eq!(good.status, 200, "{}", good.body);
    let long = job().claim("iat", 1_000_000_000);
    for (token, part) in [
        (of(ActionsJob::new("acme/app")), "its claim `environment` is missing, or not what this service requires"),
        (of(job().claim("environment", "prod-eu-2")), "its claim `environment` is missing, or not what this service requires"),
        (of(long), "it is good for longer (from `iat` to `exp`) than this service accepts"),
    ] {
        let refused = exchange(service.address(), ASKED, &token).await;
        assert_eq!((refused.status, &refused.json()["code"]), (403, &json!(7)), "{}", refused.body);
        assert!(refused.body.contains(part) && !refused.body.contains("prod-(eu") && !refused.body.contains("15m"), "{}", refused.body);
    }
}

#[tokio::test]
async fn a_changed_file_counts_and_a_broken_one_does_not() {
    let described = Described::build().await;
    let issuer = &described.house.issuer;
    let other = described.house.sandbox.issuer("other");
    described.write("issuers.yaml", &inline(issuer, ""));
    let service = described.serve().await;
    let token = described.house.token();
    assert_eq!(exchange(service.address(), ASKED, &token).await.status, 200);
    // The right keys, of another issuer's name: a file that reads, and takes the issuer away.
    described.write("issuers.yaml", &inline(&other, ""));
    service.reload();
    let address = service.address();
    timeout(LONG, async { while exchange(address, ASKED, &token).await.status == 200 {} }).await.unwrap();
    described.write("issuers.yaml", &inline(issuer, "").replace("jwks", "jwkz"));
    service.reload();
    described.write("issuers.yaml", &inline(issuer, ""));
    // Without being told: by looking, every few seconds.
    timeout(LONG, async { while exchange(address, ASKED, &token).await.status != 200 {} }).await.unwrap();
    described.write("issuers.yaml", "issuers: [{issuer: https://a.example}, {issuer: https://a.example}]\n");
    service.reload();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(exchange(address, ASKED, &token).await.status, 200);
    // Keys in a file of their own are followed, too.
    described.write("keys.json", &key_set(issuer).to_string());
    described.write("issuers.yaml", &format!("issuers:\n  - issuer: {}\n    jwks_file: keys.json\n", issuer.url()));
    service.reload();
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(exchange(address, ASKED, &token).await.status, 200);
    described.write("keys.json", &key_set(&other).to_string());
    timeout(LONG, async { while exchange(address, ASKED, &token).await.status == 200 {} }).await.unwrap();
    until("the issuer is never asked", || described.asked_of_issuers() == 0).await;
}

#[tokio::test]
async fn a_broken_file_ends_the_start_with_its_variable_line_and_remedy() {
    let described = Described::build().await;
    for (text, parts) in [
        ("issuers:\n  - issuer: https://a.example\n    jwks-uri: https://a.example/\n", ["line 3, column 15", "write one of `issuer`, `jwks_uri`"]),
        ("issuers:\n  - issuer: https://a.example\n  - issuer: https://a.example\n", ["line 3, column 5", "write one entry"]),
        (
            "issuers:\n  - issuer: https://a.example\n    jwks: '{\"keys\":[{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}]}'\n",
            ["line 3, column 11", "write its public part alone"],
        ),
    ] {
        described.write("issuers.yaml", text);
        let message = described.read().unwrap_err();
        assert!(message.starts_with("STS_ISSUERS_FILE /") && parts.iter().all(|part| message.contains(part)), "{message}");
        assert!(!message.contains("c2VjcmV0"));
    }
}

/// The answers to a token that no policy verifies, byte for byte but for the id of the request.
#[tokio::test]
async fn tokens_that_no_policy_verifies_get_one_answer() {
    let house = House::build().await;
    let set = key_set(&house.issuer);
    let github = house.sandbox.github();
    github.put_file("acme/app", POLICY, format!("{}jwks: '{set}'\n", house.policy("contents: read")));
    let stranger = key_set(&house.sandbox.issuer("stranger"));
    github.put_file("acme/app", ".github/chainguard/stranger.sts.yaml", format!("{}jwks: '{stranger}'\n", house.policy("contents: read")));
    let mut config = house.config();
    config.issuers.policy_keys = Some(IssuerFilter::parse(&house.issuer.url()).unwrap());
    let service = ready(config).await;
    let good = house.token();
    assert_eq!(exchange(service.address(), ASKED, &good).await.status, 200);
    let options = SignOptions { kid: KeyId::Named("other".to_owned()), ..SignOptions::default() };
    let other_key = house.issuer.token_with(&house.issuer.actions_claims(&ActionsJob::new("acme/app"), Some(DOMAIN)), &options);
    let mut seen = Vec::new();
    for (query, token) in [
        ("scope=nobody/app&identity=ci", good.clone()),
        ("scope=acme/nothing&identity=ci", good.clone()),
        ("scope=acme/app&identity=absent", good.clone()),
        ("scope=acme/app&identity=stranger", good.clone()),
        (ASKED, format!("{}AAAA", &good[..good.len() - 4])),
        (ASKED, other_key),
    ] {
        let answer = exchange(service.address(), query, &token).await;
        let mut body = answer.json();
        assert!(body["details"][0]["metadata"].as_object_mut().unwrap().remove("request_id").is_some(), "{}", answer.body);
        let head: Vec<_> =
            answer.head.lines().filter(|line| !line.starts_with("X-Request-Id: ") && !line.starts_with("Date: ")).map(str::to_owned).collect();
        seen.push((answer.status, head, body));
    }
    assert_eq!(seen[0].0, 401, "{seen:?}");
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
    assert_eq!(house.sandbox.calls().iter().filter(|call| call.service != Service::GitHub).count(), 0);
}

/// The descriptions on the page are read as they stand there, beside files of the names that they use.
#[tokio::test]
async fn every_description_on_the_page_is_read() {
    let described = Described::build().await;
    described.write("ca.pem", described.house.sandbox.ca_pem());
    described.write("keys.json", &key_set(&described.house.issuer).to_string());
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/private-issuers.md")).unwrap();
    let blocks: Vec<_> = page.split("```").filter_map(|block| block.strip_prefix("yaml\n# issuers.yaml\n")).collect();
    assert!(blocks.len() >= 4, "{}", blocks.len());
    for block in blocks {
        described.write("issuers.yaml", block);
        described.read().unwrap_or_else(|error| panic!("{error}\n{block}"));
    }
}
