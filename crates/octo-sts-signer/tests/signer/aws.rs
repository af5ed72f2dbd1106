//! AWS KMS and Secrets Manager, against moto.
//!
//! Credentials, region and endpoint are given here as the environment would.

use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig};
use aws_sdk_kms::config::Credentials;
use octo_sts_components::Moto;
use octo_sts_signer::{KeyProvider, Outside, Trouble, aws_kms, secret, self_check};
use secrecy::ExposeSecret as _;

use crate::keys::chain;

/// What a client of moto needs.
async fn configured(moto: &Moto) -> SdkConfig {
    configuration(&moto.endpoint()).await
}

async fn configuration(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new("AKIATEST", "secret", None, None, "test");
    let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new("eu-west-1")).retry_config(RetryConfig::disabled());
    loader.endpoint_url(endpoint).credentials_provider(credentials).load().await
}

#[tokio::test]
async fn a_key_in_aws_kms_signs_by_id_arn_and_alias() {
    let moto = Moto::start().await;
    let id = moto.create_key("RSA_2048").await;
    moto.create_alias("alias/app", &id).await;
    for name in [id.clone(), format!("arn:aws:kms:eu-west-1:123456789012:key/{id}"), "alias/app".into()] {
        let signer = aws_kms::open(&name, &configured(&moto).await).await.unwrap();
        self_check(&*signer).await.unwrap();
        assert_eq!(signer.sign(b"jwt").await.unwrap().len(), 256);
        assert_eq!(signer.origin(), format!("AWS KMS key `{name}`"));
    }
}

/// T-126
#[tokio::test]
async fn what_aws_refuses_says_what_to_check() {
    let moto = Moto::start().await;
    let elliptic = moto.create_key("ECC_NIST_P256").await;
    for (name, expected) in [
        ("alias/nobody", "not found: check the key's id, ARN or alias, the account, and the region (`AWS_REGION`)"),
        (&elliptic, "cannot be used: the key must be enabled, with spec RSA_2048 or larger"),
    ] {
        let refused = chain(&aws_kms::open(name, &configured(&moto).await).await.unwrap_err());
        assert!(refused.contains(expected), "{refused}");
    }
    for name in ["", "a b", "key?x"] {
        let refused = aws_kms::open(name, &configured(&moto).await).await.unwrap_err();
        assert_eq!(refused.to_string(), "this names no key of AWS KMS: write a key id, an ARN, or `alias/NAME`");
    }
}

/// T-126
#[tokio::test]
async fn a_kms_that_is_away_fails_within_the_deadline() {
    let mut moto = Moto::start().await;
    let id = moto.create_key("RSA_2048").await;
    let signer = aws_kms::open(&id, &configured(&moto).await).await.unwrap();
    signer.sign(b"jwt").await.unwrap();
    moto.kill();
    let start = tokio::time::Instant::now();
    let away = chain(&signer.sign(b"jwt").await.unwrap_err());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert!(away.contains("not reachable: check region, endpoint, and that this machine may connect to it"), "{away}");
}

#[tokio::test]
async fn a_secret_is_fetched_whole_or_by_field() {
    let moto = Moto::start().await;
    let configuration = configured(&moto).await;
    let manager = aws_sdk_secretsmanager::Client::new(&configuration);
    for (name, text) in [("plain", "hunter2"), ("octo-sts/json", r#"{"webhook":"hunter3"}"#)] {
        moto.create_secret(name, text).await;
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
    const TEST: &str = "aws::region_credentials_and_endpoint_come_from_the_environment";
    let authority = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    let outside = Outside::new(octo_sts_http::Roots::from_pem(&authority).unwrap(), &|_| None).unwrap();
    if let Ok(key) = std::env::var("TEST_KEY") {
        self_check(&*KeyProvider::Aws.open(&key, &outside).await.unwrap()).await.unwrap();
        let secrets = secret::Secrets::new(outside);
        let value = secrets.value("aws-sm://octo-sts#webhook".into()).await.unwrap();
        assert_eq!(value.expose_secret(), "hunter2");
        return;
    }
    let moto = Moto::start().await;
    let key = moto.create_key("RSA_2048").await;
    moto.create_secret("octo-sts", r#"{"webhook":"hunter2"}"#).await;
    let variables = moto.variables();
    let mut variables: Vec<_> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
    variables.push(("TEST_KEY", &key));
    octo_sts_components::again(TEST, &variables).await;
    variables.retain(|(name, _)| !matches!(*name, "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY"));
    variables.push(("AWS_EC2_METADATA_DISABLED", "true"));
    let refused = octo_sts_components::output(TEST, &variables).await;
    assert!(refused.contains("NoCredentials"), "{refused}");
}
