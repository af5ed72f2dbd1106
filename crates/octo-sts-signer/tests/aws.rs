//! AWS KMS and Secrets Manager, against moto.
//!
//! moto reads its port from the command line; credentials, region and endpoint are given here as the environment would.

#![expect(clippy::unwrap_used, reason = "what a test stands on must be there")]

mod common;

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_kms::{
    Client,
    config::Credentials,
    types::{KeySpec, KeyUsageType},
};
use common::{chain, program};
use octo_sts_signer::{KeyProvider, Outside, Trouble, aws_kms, secret, self_check};
use secrecy::ExposeSecret as _;

/// A running moto; it ends with the test.
struct Moto {
    process: Child,
    endpoint: String,
}

impl Moto {
    async fn start() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let moto = program("moto_server", "MOTO_SERVER", "python3 -m venv target/venv && target/venv/bin/pip install 'moto[server]==5.2.5'");
        let python = interpreter(&moto);
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/moto_with_digests.py");
        let process = Command::new(python).args([script, "-p", &port.to_string()]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let moto = Self { process, endpoint: format!("http://127.0.0.1:{port}") };
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return moto;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("moto did not start within 30 s");
    }

    async fn configuration(&self) -> SdkConfig {
        configuration(&self.endpoint).await
    }

    async fn key(&self, spec: KeySpec, usage: KeyUsageType) -> String {
        let created = Client::new(&self.configuration().await).create_key().key_spec(spec).key_usage(usage).send().await.unwrap();
        created.key_metadata.unwrap().key_id
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// The Python that has moto, from the first line of its command.
fn interpreter(command: &Path) -> String {
    let text = std::fs::read_to_string(command).unwrap();
    text.lines().next().and_then(|line| line.strip_prefix("#!")).unwrap().to_owned()
}

async fn configuration(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIATEST", "secret", None, None, "test");
    let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new("eu-west-1")).retry_config(RetryConfig::disabled());
    loader.endpoint_url(endpoint).credentials_provider(credentials).load().await
}

#[tokio::test]
async fn a_key_in_aws_kms_signs_by_id_arn_and_alias() {
    let moto = Moto::start().await;
    let id = moto.key(KeySpec::Rsa2048, KeyUsageType::SignVerify).await;
    let kms = Client::new(&moto.configuration().await);
    kms.create_alias().alias_name("alias/app").target_key_id(&id).send().await.unwrap();
    for name in [id.clone(), format!("arn:aws:kms:eu-west-1:123456789012:key/{id}"), "alias/app".into()] {
        let signer = aws_kms::open(&name, &moto.configuration().await).await.unwrap();
        self_check(&*signer).await.unwrap();
        assert_eq!(signer.sign(b"jwt").await.unwrap().len(), 256);
        assert_eq!(signer.origin(), format!("AWS KMS key `{name}`"));
    }
}

/// T-126
#[tokio::test]
async fn what_aws_refuses_says_what_to_check() {
    let moto = Moto::start().await;
    let elliptic = moto.key(KeySpec::EccNistP256, KeyUsageType::SignVerify).await;
    for (name, expected) in [
        ("alias/nobody", "not found: check the key's id, ARN or alias, the account, and the region (`AWS_REGION`)"),
        (&elliptic, "cannot be used: the key must be enabled, with spec RSA_2048 or larger"),
    ] {
        let refused = chain(&aws_kms::open(name, &moto.configuration().await).await.unwrap_err());
        assert!(refused.contains(expected), "{refused}");
    }
    for name in ["", "a b", "key?x"] {
        let refused = aws_kms::open(name, &moto.configuration().await).await.unwrap_err();
        assert_eq!(refused.to_string(), "this names no key of AWS KMS: write a key id, an ARN, or `alias/NAME`");
    }
}

/// T-126
#[tokio::test]
async fn a_kms_that_is_away_fails_within_the_deadline() {
    let mut moto = Moto::start().await;
    let id = moto.key(KeySpec::Rsa2048, KeyUsageType::SignVerify).await;
    let signer = aws_kms::open(&id, &moto.configuration().await).await.unwrap();
    signer.sign(b"jwt").await.unwrap();
    moto.process.kill().unwrap();
    moto.process.wait().unwrap();
    let start = tokio::time::Instant::now();
    let away = chain(&signer.sign(b"jwt").await.unwrap_err());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(away.contains("not reachable: check region, endpoint, and that this machine may connect to it"), "{away}");
}

#[tokio::test]
async fn a_secret_is_fetched_whole_or_by_field() {
    let moto = Moto::start().await;
    let configuration = moto.configuration().await;
    let manager = aws_sdk_secretsmanager::Client::new(&configuration);
    for (name, text) in [("plain", "hunter2"), ("octo-sts/json", r#"{"webhook":"hunter3"}"#)] {
        manager.create_secret().name(name).secret_string(text).send().await.unwrap();
    }
    let binary = aws_sdk_secretsmanager::primitives::Blob::new([0xff, 0xfe]);
    manager.create_secret().name("binary").secret_binary(binary).send().await.unwrap();
    let fetch = async |id: &str, field: Option<&str>| secret::aws::fetch(id, field, &configuration).await;
    assert_eq!(fetch("plain", None).await.unwrap().expose_secret(), "hunter2");
    assert_eq!(fetch("octo-sts/json", Some("webhook")).await.unwrap().expose_secret(), "hunter3");
    assert_eq!(fetch("octo-sts/json", Some("other")).await.unwrap_err().trouble, Trouble::NotFound);
    assert_eq!(fetch("plain", Some("webhook")).await.unwrap_err().trouble, Trouble::Unusable);
    assert_eq!(fetch("binary", None).await.unwrap_err().trouble, Trouble::Unusable);
    assert_eq!(fetch("nobody", None).await.unwrap_err().trouble, Trouble::NotFound);
}

/// The environment belongs to the process, so a second process is started with the variables that operators set.
#[tokio::test]
async fn region_credentials_and_endpoint_come_from_the_environment() {
    const TEST: &str = "region_credentials_and_endpoint_come_from_the_environment";
    let authority = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    let outside = Outside::new(octo_sts_http::Roots::from_pem(&authority).unwrap(), &|_| None).unwrap();
    if let Ok(key) = std::env::var("TEST_KEY") {
        self_check(&*KeyProvider::Aws.open(&key, &outside).await.unwrap()).await.unwrap();
        let secrets = secret::Secrets::new(outside);
        let value = secrets.value("GITHUB_WEBHOOK_SECRET", "aws-sm://octo-sts#webhook".into()).await.unwrap();
        assert_eq!(value.expose_secret(), "hunter2");
        return;
    }
    let moto = Moto::start().await;
    let key = moto.key(KeySpec::Rsa2048, KeyUsageType::SignVerify).await;
    let manager = aws_sdk_secretsmanager::Client::new(&moto.configuration().await);
    manager.create_secret().name("octo-sts").secret_string(r#"{"webhook":"hunter2"}"#).send().await.unwrap();
    let variables = [
        ("TEST_KEY", key.as_str()),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ENDPOINT_URL", &moto.endpoint),
        ("AWS_ACCESS_KEY_ID", "AKIATEST"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
    ];
    common::again(TEST, &variables).await;
    let refused = common::output(
        TEST,
        &[("TEST_KEY", key.as_str()), ("AWS_REGION", "eu-west-1"), ("AWS_ENDPOINT_URL", &moto.endpoint), ("AWS_EC2_METADATA_DISABLED", "true")],
    )
    .await;
    assert!(refused.contains("NoCredentials"), "{refused}");
}
