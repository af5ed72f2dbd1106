//! Azure Key Vault, keys and secrets, against a fake over TLS that signs with a real key.

use std::{collections::HashMap, sync::Arc};

use aws_lc_rs::{rsa::KeyPair, signature::KeyPair as _};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use octo_sts_http::Roots;
use octo_sts_signer::{AzureCredentials, OpenKeyError, Outside, Signer, TokenSource as _, Trouble, azure_key_vault, secret, self_check};
use secrecy::ExposeSecret as _;
use serde_json::json;

use crate::{
    cloud::{Asked, Fixed, client, fake_cloud, sign_digest},
    keys::{KEY, chain},
};

/// Modulus and exponent, from the DER form of a public key of 2048 bits (RFC 8017 appendix A.1.1).
fn jwk() -> (String, String) {
    let pair = KeyPair::from_pkcs8(pem::parse(KEY).unwrap().contents()).unwrap();
    let der = pair.public_key().as_ref();
    assert_eq!((der.len(), &der[4..9], &der[265..267]), (270, &[2, 0x82, 1, 1, 0][..], &[2, 3][..]));
    (URL_SAFE_NO_PAD.encode(&der[9..265]), URL_SAFE_NO_PAD.encode(&der[267..]))
}

/// A vault with one key, of which version `v2` is the current one.
fn vault(asked: &Asked) -> (u16, String) {
    if asked.authorization != "Bearer eyJ.test" {
        return (401, String::new());
    }
    let (n, e) = jwk();
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/keys/app?api-version=7.4" | "/keys/app/v2?api-version=7.4") => {
            (200, json!({ "key": { "kid": "https://v.vault.azure.net/keys/app/v2", "kty": "RSA", "n": n, "e": e } }).to_string())
        }
        ("POST", "/keys/app/v2/sign?api-version=7.4") => {
            assert_eq!(asked.json()["alg"], "RS256");
            let digest = URL_SAFE_NO_PAD.decode(asked.json()["value"].as_str().unwrap()).unwrap();
            (200, json!({ "kid": "v2", "value": URL_SAFE_NO_PAD.encode(sign_digest(&digest)) }).to_string())
        }
        ("GET", "/secrets/webhook?api-version=7.4") => (200, json!({ "value": "hunter2" }).to_string()),
        _ => (404, r#"{"error":{"code":"KeyNotFound","message":"A key with (name/id) x was not found"}}"#.into()),
    }
}

async fn open(path: &str, answer: impl Fn(Asked) -> (u16, String) + Send + Sync + 'static) -> Result<Arc<dyn Signer>, OpenKeyError> {
    let (address, authority) = fake_cloud(answer).await;
    azure_key_vault::open_with(&format!("https://localhost:{}/{path}", address.port()), client(&authority), Arc::new(Fixed("eyJ.test"))).await
}

#[tokio::test]
async fn a_key_in_an_azure_vault_signs_with_its_current_version_or_the_one_that_is_named() {
    for path in ["keys/app", "keys/app/v2"] {
        let signer = open(path, |asked| vault(&asked)).await.unwrap();
        self_check(&*signer).await.unwrap();
        assert_eq!(signer.sign(b"jwt").await.unwrap().len(), 256);
    }
}

/// T-126
#[tokio::test]
async fn what_azure_refuses_says_what_to_check() {
    let missing = chain(&open("keys/app/v1", |asked| vault(&asked)).await.unwrap_err());
    assert!(
        missing.contains("not found: check vault, name and version of the key (the answer was: A key with (name/id) x was not found)"),
        "{missing}"
    );
    let elliptic = json!({ "key": { "kid": "https://v.vault.azure.net/keys/app/v2", "kty": "EC", "x": "AA", "y": "AA" } }).to_string();
    let unusable = chain(&open("keys/app", move |_| (200, elliptic.clone())).await.unwrap_err());
    assert!(unusable.contains("cannot be used: the key must be enabled, not expired, of type RSA or RSA-HSM"), "{unusable}");
    let signer = open("keys/app", |asked| if asked.method == "POST" { (403, String::new()) } else { vault(&asked) }).await.unwrap();
    let denied = chain(&signer.sign(b"jwt").await.unwrap_err());
    assert!(denied.contains("access denied: give the identity the role `Key Vault Crypto User` on the key"), "{denied}");
}

/// T-126
#[tokio::test]
async fn a_der_signature_in_place_of_a_plain_one_is_refused() {
    let der = json!({ "value": URL_SAFE_NO_PAD.encode([&[0x30, 0x82, 0x01, 0x00][..], &[7; 256]].concat()) }).to_string();
    let signer = open("keys/app", move |asked| if asked.method == "POST" { (200, der.clone()) } else { vault(&asked) }).await.unwrap();
    assert!(signer.sign(b"jwt").await.unwrap_err().to_string().contains("does not match its public key"));
}

#[tokio::test]
async fn a_secret_is_fetched_from_an_azure_vault() {
    let (address, authority) = fake_cloud(|asked| vault(&asked)).await;
    let fetch = async |path: &str| {
        let url = format!("https://localhost:{}/{path}", address.port());
        secret::azure::fetch_with(&url, &client(&authority), &Fixed("eyJ.test")).await
    };
    assert_eq!(fetch("secrets/webhook").await.unwrap().expose_secret(), "hunter2");
    assert_eq!(fetch("secrets/other").await.unwrap_err().trouble, Trouble::NotFound);
    assert_eq!(fetch("keys/app").await.unwrap_err().trouble, Trouble::Unusable);
}

fn outside(variables: &[(&str, &str)]) -> Outside {
    let authority = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
    let variables: HashMap<String, String> = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Outside::new(Roots::from_pem(&authority).unwrap(), &|name| variables.get(name).cloned()).unwrap()
}

#[tokio::test]
async fn a_workload_identity_without_its_token_file_says_what_to_set() {
    let variables = [("AZURE_TENANT_ID", "t"), ("AZURE_CLIENT_ID", "c"), ("AZURE_FEDERATED_TOKEN_FILE", "/nowhere/token")];
    let credentials = AzureCredentials::find(&outside(&variables), "https://vault.azure.net");
    let refused = match credentials {
        Ok(credentials) => credentials.token().await.unwrap_err(),
        Err(refused) => refused,
    };
    assert_eq!(refused.trouble, Trouble::NoCredentials);
    assert!(refused.to_string().contains("`AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`"));
}

#[tokio::test]
async fn no_token_is_sent_to_a_host_outside_azure() {
    for url in ["https://localhost:1/keys/app", "https://v.vault.azure.net.example.com/keys/app", "app", "http://v.vault.azure.net/keys/app"] {
        let refused = azure_key_vault::open(url, &outside(&[])).await.unwrap_err();
        assert!(matches!(refused, OpenKeyError::Name(_)), "Input: {url}, {refused}");
    }
}

/// The address of Entra ID belongs to the process, so a second process is started with the variables that operators set.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_secret_becomes_a_token_for_the_vault() {
    const TEST: &str = "azure::a_client_secret_becomes_a_token_for_the_vault";
    if let Ok(authority) = std::env::var("TEST_AUTHORITY") {
        let outside = Outside::new(Roots::from_pem(&authority).unwrap(), &|name| std::env::var(name).ok()).unwrap();
        let token = AzureCredentials::find(&outside, "https://vault.azure.net").unwrap().token().await.unwrap();
        assert_eq!(token.expose_secret(), "eyJ.test");
        return;
    }
    let (address, authority) = fake_cloud(|asked| {
        assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/tenant-1/oauth2/v2.0/token"));
        let good = asked.text.contains("client_secret=hunter2") && asked.text.contains("scope=https%3A%2F%2Fvault.azure.net%2F.default");
        let token = json!({ "token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600, "access_token": "eyJ.test" });
        if good { (200, token.to_string()) } else { (400, "{}".into()) }
    })
    .await;
    let host = format!("https://localhost:{}", address.port());
    let variables = [
        ("TEST_AUTHORITY", authority.as_str()),
        ("AZURE_AUTHORITY_HOST", &host),
        ("AZURE_TENANT_ID", "tenant-1"),
        ("AZURE_CLIENT_ID", "client-1"),
        ("AZURE_CLIENT_SECRET", "hunter2"),
    ];
    octo_sts_components::again(TEST, &variables).await;
}
