//! A key in Google Cloud KMS.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use octo_sts_http::Client;
use serde_json::{Value, json};

use crate::{
    InvalidKeyName, KeyProvider, ServiceError, SignError, Signer, TokenSource, Trouble,
    key_service::{KeyService, RemoteSigner},
    rest::{self, Checks},
};

/// Google Cloud KMS.
pub const GOOGLE_KMS: &str = "https://cloudkms.googleapis.com";

const CHECKS: Checks = Checks {
    no_credentials: "Google does not accept the token: check the service account this runs as, and the clock",
    denied: "give the service account `roles/cloudkms.signerVerifier` on the key, and switch the Cloud KMS API on",
    not_found: "check project, location, key ring, key and version in the name",
    unusable: "the key version must be enabled, with purpose ASYMMETRIC_SIGN and an algorithm RSA_SIGN_PKCS1_…_SHA256",
};

/// The key version `name` as a signer.
///
/// `name` is `projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N`. `endpoint` is [`GOOGLE_KMS`], but for
/// tests and private endpoints.
pub async fn open(name: &str, endpoint: &str, client: Client, tokens: Arc<dyn TokenSource>) -> Result<Arc<dyn Signer>, SignError> {
    RemoteSigner::open(GoogleKey { name: name.to_owned(), endpoint: endpoint.trim_end_matches('/').to_owned(), client, tokens }).await
}

/// Whether `name` is the full name of a key version.
pub(crate) fn check_name(name: &str) -> Result<(), InvalidKeyName> {
    let parts: Vec<&str> = name.split('/').collect();
    let words: Vec<&str> = parts.iter().step_by(2).copied().collect();
    let plain =
        |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte)) && !part.starts_with('.');
    let good = parts.len() == 10 && words == ["projects", "locations", "keyRings", "cryptoKeys", "cryptoKeyVersions"] && parts.iter().all(plain);
    if good { Ok(()) } else { Err(InvalidKeyName { provider: KeyProvider::Google }) }
}

#[derive(Debug)]
struct GoogleKey {
    name: String,
    endpoint: String,
    client: Client,
    tokens: Arc<dyn TokenSource>,
}

impl GoogleKey {
    async fn call(&self, verb: &str, body: Option<&Value>) -> Result<Value, ServiceError> {
        let url = format!("{}/v1/{}{verb}", self.endpoint, self.name);
        let token = self.tokens.token().await?;
        rest::call(&self.client, &url, rest::bearer(&token), body, &CHECKS).await
    }
}

#[async_trait]
impl KeyService for GoogleKey {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        let digest = STANDARD.encode(digest::digest(&digest::SHA256, message));
        let answer = self.call(":asymmetricSign", Some(&json!({ "digest": { "sha256": digest } }))).await?;
        let signature = answer.get("signature").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok());
        signature.ok_or_else(|| ServiceError::new(Trouble::Unexpected, "the answer has no signature"))
    }

    async fn public_key(&self) -> Result<Vec<u8>, ServiceError> {
        let answer = self.call("/publicKey", None).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        let algorithm = text("algorithm");
        if !(algorithm.starts_with("RSA_SIGN_PKCS1_") && algorithm.ends_with("_SHA256")) {
            return Err(ServiceError::new(Trouble::Unusable, CHECKS.unusable).saying(algorithm));
        }
        let block = pem::parse(text("pem")).map_err(|_| ServiceError::new(Trouble::Unexpected, "the public key in the answer is not PEM"))?;
        Ok(block.into_contents())
    }

    fn origin(&self) -> String {
        format!("Google Cloud KMS key `{}`", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_full_name_of_a_key_version_is_one() {
        check_name("projects/p-1/locations/europe-west1/keyRings/r/cryptoKeys/app/cryptoKeyVersions/1").unwrap();
        check_name("projects/example.com:p/locations/global/keyRings/r/cryptoKeys/app/cryptoKeyVersions/12").unwrap();
        for name in [
            "",
            "app",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/",
            "projects/p/locations/l/keyRings/../cryptoKeys/k/cryptoKeyVersions/1",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1/..",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1?x=",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k#/cryptoKeyVersions/1",
            "/projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
        ] {
            assert!(check_name(name).is_err(), "Input: {name}");
        }
    }
}
