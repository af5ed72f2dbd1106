//! A key in an Azure Key Vault or a managed HSM.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use aws_lc_rs::{digest, encoding::AsDer as _, signature::RsaPublicKeyComponents};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use octo_sts_http::Client;
use serde_json::{Value, json};

use crate::{
    AzureCredentials, InvalidKeyName, KeyProvider, Outside, ServiceError, SignError, Signer, TokenSource, Trouble,
    azure_address::{Kind, VaultAddress},
    key_service::{KeyService, RemoteSigner},
    rest::{self, Checks},
};

pub(crate) const API: &str = "api-version=7.4";

const CHECKS: Checks = Checks {
    no_credentials: "Azure does not accept the token: check tenant and identity",
    denied: "give the identity the role `Key Vault Crypto User` on the key (or `get` and `sign` in an access policy), and let the vault's firewall admit this machine",
    not_found: "check vault, name and version of the key",
    unusable: "the key must be enabled, not expired, of type RSA or RSA-HSM, and its operations must include `sign`",
};

/// The key at `url` as a signer, as the identity this process runs as.
pub async fn open(url: &str, outside: &Outside) -> Result<Arc<dyn Signer>, super::OpenKeyError> {
    let name = InvalidKeyName { provider: KeyProvider::Azure };
    let address = VaultAddress::parse(url, Kind::Key).ok_or_else(|| name.clone())?;
    let resource = address.resource().ok_or(name)?;
    let tokens =
        AzureCredentials::find(outside, resource).map_err(|error| SignError::Failed { origin: origin(&address), source: Arc::new(error) })?;
    open_with(url, outside.http().clone(), Arc::new(tokens)).await
}

/// The key at `url`, at any host, as a signer, with another source of tokens.
pub async fn open_with(url: &str, client: Client, tokens: Arc<dyn TokenSource>) -> Result<Arc<dyn Signer>, super::OpenKeyError> {
    let address = VaultAddress::parse(url, Kind::Key).ok_or(InvalidKeyName { provider: KeyProvider::Azure })?;
    let version = RwLock::new(address.version.clone());
    Ok(RemoteSigner::open(AzureKey { address, version, client, tokens }).await?)
}

fn origin(address: &VaultAddress) -> String {
    format!("Azure key `{}/{}`", address.vault, address.path)
}

#[derive(Debug)]
struct AzureKey {
    address: VaultAddress,
    /// The version that signs: the one in the address, else the one that is current when the public half is fetched.
    version: RwLock<Option<String>>,
    client: Client,
    tokens: Arc<dyn TokenSource>,
}

impl AzureKey {
    async fn call(&self, verb: &str, version: Option<&str>, body: Option<&Value>) -> Result<Value, ServiceError> {
        let VaultAddress { vault, path, .. } = &self.address;
        let version = version.map(|version| format!("/{version}")).unwrap_or_default();
        let url = format!("{vault}/{path}{version}{verb}?{API}");
        let token = self.tokens.token().await?;
        rest::call(&self.client, &url, rest::bearer(&token), body, &CHECKS).await
    }
}

#[async_trait]
impl KeyService for AzureKey {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        let digest = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, message));
        let version = self.version.read().unwrap_or_else(PoisonError::into_inner).clone();
        let answer = self.call("/sign", version.as_deref(), Some(&json!({ "alg": "RS256", "value": digest }))).await?;
        let signature = answer.get("value").and_then(Value::as_str).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        signature.ok_or_else(|| ServiceError::new(Trouble::Unexpected, "the answer has no signature"))
    }

    async fn public_key(&self) -> Result<Vec<u8>, ServiceError> {
        let answer = self.call("", self.address.version.as_deref(), None).await?;
        let version = answer.pointer("/key/kid").and_then(Value::as_str).and_then(|kid| VaultAddress::parse(kid, Kind::Key)?.version);
        if let (None, Some(current)) = (&self.address.version, version) {
            *self.version.write().unwrap_or_else(PoisonError::into_inner) = Some(current);
        }
        let number = |name: &str| answer.pointer(name).and_then(Value::as_str).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        let (Some(n), Some(e)) = (number("/key/n"), number("/key/e")) else { return Err(ServiceError::new(Trouble::Unusable, CHECKS.unusable)) };
        let key = RsaPublicKeyComponents { n, e };
        Ok(key.as_der().map_err(|_| ServiceError::new(Trouble::Unusable, CHECKS.unusable))?.as_ref().to_vec())
    }

    fn origin(&self) -> String {
        origin(&self.address)
    }
}
