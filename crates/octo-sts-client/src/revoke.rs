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

/// Who ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    GitHub,
    Service,
}

/// Ends an installation token at GitHub's API (`DELETE /installation/token`): `https://api.github.com`, or an Enterprise
/// Server's `https://HOST/api/v3`. Asked once more when nothing, or an error of the server's, came back.
pub async fn revoke(http: &Client, api: &ServiceAddress, token: &SecretString) -> Result<Revoked, StsError> {
    twice(http, At::GitHub, api, token).await
}

/// Has the service end a token (`POST /sts/revoke`), for those who do not reach GitHub. The service does not say whether it had ended before.
pub async fn revoke_at_service(http: &Client, service: &ServiceAddress, token: &SecretString) -> Result<(), StsError> {
    twice(http, At::Service, service, token).await.map(drop)
}

async fn twice(http: &Client, at: At, address: &ServiceAddress, token: &SecretString) -> Result<Revoked, StsError> {
    match attempt(http, at, address, token, 1).await {
        Err(StsError::Unreachable { .. } | StsError::Unavailable { .. }) => attempt(http, at, address, token, 2).await,
        answer => answer,
    }
}

async fn attempt(http: &Client, at: At, address: &ServiceAddress, token: &SecretString, attempts: u32) -> Result<Revoked, StsError> {
    let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.expose_secret())).map_err(|_| StsError::OddToken)?;
    bearer.set_sensitive(true);
    let request = at.request(address).header(AUTHORIZATION, bearer).body(Bytes::new()).map_err(|_| StsError::OddToken)?;
    let address = address.to_string();
    let response = http.send(request).await.map_err(|last| StsError::Unreachable { address: address.clone(), attempts, last })?;
    match (at, response.status) {
        (At::GitHub, StatusCode::NO_CONTENT) | (At::Service, StatusCode::OK) => Ok(Revoked::Now),
        (At::GitHub, StatusCode::UNAUTHORIZED) => Ok(Revoked::Before),
        (_, status) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            Err(StsError::Unavailable { address, attempts, last: Refusal::read(&response) })
        }
        _ => Err(StsError::Refused(Refusal::read(&response))),
    }
}

impl At {
    fn request(self, address: &ServiceAddress) -> http::request::Builder {
        match self {
            Self::GitHub => Request::delete(address.join("installation/token").as_str())
                .header(ACCEPT, "application/vnd.github+json")
                .header("x-github-api-version", "2022-11-28"),
            Self::Service => Request::post(address.join("sts/revoke").as_str()).header(ACCEPT, "application/json"),
        }
    }
}
