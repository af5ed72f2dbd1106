//! Google Cloud KMS and Secret Manager, against a fake that signs with a real key.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use octo_sts_signer::{GoogleCredentials, SignError, Signer, TokenSource as _, Trouble, gcp_kms, secret, self_check};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    cloud::{Asked, Fixed, client, fake_cloud, public_key, sign_digest},
    keys::{self, chain},
};

const KEY: &str = "projects/p/locations/europe-west1/keyRings/r/cryptoKeys/app/cryptoKeyVersions/1";
const REFUSED: &str = r#"{"error":{"code":403,"message":"Permission 'cloudkms.cryptoKeyVersions.useToSign' denied","status":"PERMISSION_DENIED"}}"#;

fn cloud(asked: &Asked) -> (u16, String) {
    if asked.authorization != "Bearer ya29.test" {
        return (401, String::new());
    }
    match (asked.method.as_str(), asked.path.strip_prefix(&format!("/v1/{KEY}"))) {
        ("GET", Some("/publicKey")) => (200, json!({ "pem": public_key().0, "algorithm": "RSA_SIGN_PKCS1_2048_SHA256" }).to_string()),
        ("POST", Some(":asymmetricSign")) => {
            let digest = STANDARD.decode(asked.json()["digest"]["sha256"].as_str().unwrap()).unwrap();
            (200, json!({ "signature": STANDARD.encode(sign_digest(&digest)), "name": KEY }).to_string())
        }
        _ => (404, String::new()),
    }
}

async fn open(answer: impl Fn(Asked) -> (u16, String) + Send + Sync + 'static) -> Result<Arc<dyn Signer>, SignError> {
    let (address, authority) = fake_cloud(answer).await;
    gcp_kms::open(KEY, &format!("https://localhost:{}", address.port()), client(&authority), Arc::new(Fixed("ya29.test"))).await
}

#[tokio::test]
async fn a_key_in_google_cloud_kms_signs() {
    let signer = open(|asked| cloud(&asked)).await.unwrap();
    self_check(&*signer).await.unwrap();
    assert_eq!(signer.sign(b"jwt").await.unwrap().len(), 256);
    assert_eq!(signer.origin(), format!("Google Cloud KMS key `{KEY}`"));
}

/// T-126
#[tokio::test]
async fn a_throttled_signature_is_tried_once_more() {
    let calls = Arc::new(AtomicUsize::new(0));
    let counter = calls.clone();
    let signer =
        open(move |asked| if asked.method == "POST" && counter.fetch_add(1, Ordering::SeqCst) == 0 { (429, String::new()) } else { cloud(&asked) })
            .await;
    self_check(&*signer.unwrap()).await.unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

/// T-126
#[tokio::test]
async fn what_google_refuses_says_what_to_check() {
    let signer = open(|asked| if asked.method == "POST" { (403, REFUSED.into()) } else { cloud(&asked) }).await.unwrap();
    let refused = chain(&signer.sign(b"jwt").await.unwrap_err());
    assert_eq!(
        refused,
        format!(
            "Google Cloud KMS key `{KEY}` did not sign: access denied: give the service account `roles/cloudkms.signerVerifier` on the key, and switch the Cloud KMS API on (the answer was: Permission 'cloudkms.cryptoKeyVersions.useToSign' denied)"
        )
    );
    let pss = json!({ "pem": public_key().0, "algorithm": "RSA_SIGN_PSS_2048_SHA256" }).to_string();
    let refused = chain(&open(move |_| (200, pss.clone())).await.unwrap_err());
    assert!(refused.contains("cannot be used: the key version must be enabled, with purpose ASYMMETRIC_SIGN"), "{refused}");
    let refused = chain(&open(|_| (200, "{}".into())).await.unwrap_err());
    assert!(refused.contains("cannot be used"), "{refused}");
}

#[tokio::test]
async fn a_secret_is_fetched_from_secret_manager() {
    let (address, authority) = fake_cloud(|asked| match asked.path.as_str() {
        "/v1/projects/p/secrets/webhook/versions/latest:access" => (200, json!({ "payload": { "data": STANDARD.encode("hunter2") } }).to_string()),
        "/v1/projects/p/secrets/binary/versions/1:access" => (200, json!({ "payload": { "data": STANDARD.encode([0xff]) } }).to_string()),
        _ => (404, r#"{"error":{"message":"Secret not found"}}"#.into()),
    })
    .await;
    let endpoint = format!("https://localhost:{}", address.port());
    let fetch = async |name: &str| secret::google::fetch(name, &endpoint, &client(&authority), &Fixed("ya29.test")).await;
    assert_eq!(fetch("projects/p/secrets/webhook/versions/latest").await.unwrap().expose_secret(), "hunter2");
    assert_eq!(fetch("projects/p/secrets/binary/versions/1").await.unwrap_err().trouble, Trouble::Unusable);
    assert_eq!(fetch("projects/p/secrets/other/versions/1").await.unwrap_err().trouble, Trouble::NotFound);
}

/// The environment belongs to the process, so a second process is started with the variable that operators set.
#[tokio::test]
async fn the_key_of_a_service_account_becomes_a_token() {
    const TEST: &str = "google::the_key_of_a_service_account_becomes_a_token";
    if std::env::var_os("GOOGLE_APPLICATION_CREDENTIALS").is_some() {
        let token = GoogleCredentials::find().unwrap().token().await.unwrap();
        assert_eq!(token.expose_secret().split('.').count(), 3, "a JWT");
        return;
    }
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let account = json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": keys::KEY,
        "client_email": "octo-sts@p.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    file.write_all(account.to_string().as_bytes()).unwrap();
    octo_sts_components::again(TEST, &[("GOOGLE_APPLICATION_CREDENTIALS", file.path().to_str().unwrap())]).await;
}
