//! Secrets in an Azure Key Vault.

use octo_sts_http::Client;
use secrecy::SecretString;

use super::text_field;
use crate::{
    AzureCredentials, Outside, ServiceError, TokenSource, Trouble,
    azure_address::{Kind, VaultAddress},
    azure_key_vault::API,
    rest::{self, Checks},
};

const CHECKS: Checks = Checks {
    no_credentials: "Azure does not accept the token: check tenant and identity",
    denied: "give the identity the role `Key Vault Secrets User` (or `get` on secrets in an access policy), and let the vault's firewall admit this machine",
    not_found: "check vault, name and version of the secret",
    unusable: "the secret must be enabled and not expired",
};

/// The secret at `address`, as the identity this process runs as.
pub(crate) async fn fetch(address: &VaultAddress, outside: &Outside) -> Result<SecretString, ServiceError> {
    let resource = address.resource().ok_or_else(|| ServiceError::new(Trouble::Unusable, "the host must be a vault in Azure"))?;
    get(address, outside.http(), &AzureCredentials::find(outside, resource)?).await
}

/// The secret at `url`, at any host, with another source of tokens.
pub async fn fetch_with(url: &str, client: &Client, tokens: &dyn TokenSource) -> Result<SecretString, ServiceError> {
    let address = VaultAddress::parse(url, Kind::Secret).ok_or_else(|| ServiceError::new(Trouble::Unusable, "this is no address of a secret"))?;
    get(&address, client, tokens).await
}

async fn get(address: &VaultAddress, client: &Client, tokens: &dyn TokenSource) -> Result<SecretString, ServiceError> {
    let VaultAddress { vault, path, version } = address;
    let version = version.as_ref().map(|version| format!("/{version}")).unwrap_or_default();
    let token = tokens.token().await?;
    let answer = rest::call(client, &format!("{vault}/{path}{version}?{API}"), rest::bearer(&token), None, &CHECKS).await?;
    text_field(&answer, "value")
}
