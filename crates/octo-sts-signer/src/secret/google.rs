//! Secrets in Google Secret Manager.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use octo_sts_http::Client;
use secrecy::SecretString;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{
    ServiceError, TokenSource, Trouble,
    rest::{self, Checks},
};

/// Google Secret Manager.
pub const SECRET_MANAGER: &str = "https://secretmanager.googleapis.com";

const CHECKS: Checks = Checks {
    no_credentials: "Google does not accept the token: check the service account this runs as, and the clock",
    denied: "give the service account `roles/secretmanager.secretAccessor` on the secret, and switch the Secret Manager API on",
    not_found: "check project, secret and version in the name",
    unusable: "the version must be enabled and not destroyed",
};

/// The version `name` (`projects/P/secrets/S/versions/V`) of a secret. `endpoint` is [`SECRET_MANAGER`], but for tests.
pub async fn fetch(name: &str, endpoint: &str, client: &Client, tokens: &dyn TokenSource) -> Result<SecretString, ServiceError> {
    let url = format!("{}/v1/{name}:access", endpoint.trim_end_matches('/'));
    let token = tokens.token().await?;
    let answer = rest::call(client, &url, rest::bearer(&token), None, &CHECKS).await?;
    let data = answer.pointer("/payload/data").and_then(Value::as_str).and_then(|text| STANDARD.decode(text).ok()).map(Zeroizing::new);
    let data = data.ok_or_else(|| ServiceError::new(Trouble::Unexpected, "the answer has no secret"))?;
    let text = std::str::from_utf8(&data).map_err(|_| ServiceError::new(Trouble::Unusable, "the secret is not text"))?;
    Ok(text.into())
}
