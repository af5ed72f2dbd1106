//! Secrets in Vault's (or `OpenBao`'s) key-value store, version 2.
//!
//! `VAULT_ADDR` says where it is, `VAULT_TOKEN` or the file that `VAULT_TOKEN_FILE` names (where Vault's agent puts it) lets in;
//! `VAULT_NAMESPACE` and `VAULT_CACERT` as in Vault's own tools.

use octo_sts_http::Client;
use secrecy::SecretString;

use super::{file, text_field};
use crate::{
    Outside, ServiceError, Trouble, outside,
    rest::{self, Checks, Credential},
};

const CHECKS: Checks = Checks {
    no_credentials: "check `VAULT_TOKEN`: it may have expired",
    denied: "the policy of the Vault token must allow `read` on MOUNT/data/PATH, and the token must not have expired",
    not_found: "check mount and path, that the mount is of version 2, and that the version was not deleted",
    unusable: "check mount and path: the mount must be a key-value store of version 2",
};

pub(crate) async fn fetch(outside: &Outside, mount: &str, path: &str, field: &str) -> Result<SecretString, ServiceError> {
    const ADDRESS: &str = "set `VAULT_ADDR`, as `https://vault.example.com:8200`";
    let address = outside.variable("VAULT_ADDR").ok_or_else(|| ServiceError::new(Trouble::Unavailable, ADDRESS))?;
    let namespace = outside.variable("VAULT_NAMESPACE").map(|namespace| format!("{}/", namespace.trim_matches('/'))).unwrap_or_default();
    let url = format!("{}/v1/{namespace}{mount}/data/{path}", address.trim_end_matches('/'));
    let token = token(outside)?;
    let credential = Credential { name: "x-vault-token", prefix: "", value: &token };
    let answer = rest::call(&client(outside)?, &url, credential, None, &CHECKS).await?;
    let data = answer.pointer("/data/data").ok_or_else(|| ServiceError::new(Trouble::Unusable, CHECKS.unusable))?;
    text_field(data, field)
}

fn token(outside: &Outside) -> Result<SecretString, ServiceError> {
    if let Some(token) = outside.variable("VAULT_TOKEN") {
        return Ok(token.trim_end().into());
    }
    let path =
        outside.variable("VAULT_TOKEN_FILE").ok_or_else(|| ServiceError::new(Trouble::NoCredentials, "set `VAULT_TOKEN` or `VAULT_TOKEN_FILE`"))?;
    let text = file::read(path.as_ref())?;
    Ok(secrecy::ExposeSecret::expose_secret(&text).trim_end().into())
}

/// The usual client, or one that trusts the authority of `VAULT_CACERT`, too.
fn client(outside: &Outside) -> Result<Client, ServiceError> {
    const CHECK: &str = "`VAULT_CACERT` must name a readable PEM file with a certificate";
    let Some(path) = outside.variable("VAULT_CACERT") else { return Ok(outside.http().clone()) };
    let text = std::fs::read_to_string(path).map_err(|error| ServiceError::new(Trouble::NotFound, CHECK).because(error))?;
    let roots = outside.roots().clone().and_pem(&text).map_err(|error| ServiceError::new(Trouble::Unusable, CHECK).because(error))?;
    outside::client(roots).map_err(|error| ServiceError::new(Trouble::Unusable, CHECK).because(error))
}
