//! Ends a GitHub token.

use bytes::Bytes;
use http::{
    HeaderValue, Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION},
};
use octo_sts_http::Client;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    address::ServiceAddress,
    error::{Refusal, StsError},
};

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It worked until now.
    Now,
    /// It had ended before: there is nothing left to revoke.
    Before,
}

/// Ends an installation token at GitHub's API (`DELETE /installation/token`): `https://api.github.com`, or an Enterprise
/// Server's `https://HOST/api/v3`. Asked once more when nothing, or an error of the server's, came back.
pub async fn revoke(http: &Client, api: &ServiceAddress, token: &SecretString) -> Result<Revoked, StsError> {
    match attempt(http, api, token, 1).await {
        Err(StsError::Unreachable { .. } | StsError::Unavailable { .. }) => attempt(http, api, token, 2).await,
        answer => answer,
    }
}

async fn attempt(http: &Client, api: &ServiceAddress, token: &SecretString, attempts: u32) -> Result<Revoked, StsError> {
    let address = api.to_string();
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).map_err(|_| StsError::OddToken)?;
    bearer.set_sensitive(true);
    let request = Request::delete(api.join("installation/token").as_str())
        .header(AUTHORIZATION, bearer)
        .header(ACCEPT, "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28")
        .body(Bytes::new())
        .map_err(|_| StsError::OddToken)?;
    let response = http.send(request).await.map_err(|last| StsError::Unreachable { address: address.clone(), attempts, last })?;
    match response.status {
        StatusCode::NO_CONTENT => Ok(Revoked::Now),
        StatusCode::UNAUTHORIZED => Ok(Revoked::Before),
        status if status.is_server_error() => Err(StsError::Unavailable { address, attempts, last: Refusal::read(&response) }),
        _ => Err(StsError::Refused(Refusal::read(&response))),
    }
}
