//! The code that GitHub sent, exchanged for the App's key and secrets.

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use octo_sts_http::Client;
use octo_sts_types::{AppId, Printable};
use secrecy::SecretString;
use serde::Deserialize;

use super::manifest::GitHubHost;

/// The client secret beside them is not read: nothing here needs it.
#[derive(Deserialize)]
struct Reply {
    id: AppId,
    name: String,
    html_url: String,
    pem: String,
    webhook_secret: Option<String>,
}

/// What GitHub gives for a code, once.
#[derive(Debug)]
pub(crate) struct Registered {
    /// The App's id.
    pub(crate) id: AppId,
    /// Its name, as the person in the browser left it.
    pub(crate) name: String,
    html_url: String,
    /// Its private key.
    pub(crate) pem: SecretString,
    /// The secret that signs its deliveries.
    pub(crate) webhook_secret: Option<SecretString>,
}

impl Registered {
    /// Its public page; what GitHub calls it moves no cursor.
    pub(crate) fn page(&self) -> String {
        Printable(&self.html_url).to_string()
    }
}

/// `POST /app-manifests/{code}/conversions`
pub(crate) async fn convert(http: &Client, github: &GitHubHost, code: &str) -> anyhow::Result<Registered> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("{}/app-manifests/{code}/conversions", github.api()))
        .header(header::ACCEPT, "application/vnd.github+json")
        .header("x-github-api-version", "2022-11-28")
        .body(Bytes::new())?;
    let response = http.send(request).await.with_context(|| format!("{} is not reached", github.api()))?;
    match response.status {
        StatusCode::CREATED => read(&response.body).context("GitHub's answer is not an App's registration"),
        StatusCode::NOT_FOUND => bail!("GitHub does not know the code: it counts once, and for an hour; run this again"),
        status => bail!("GitHub answers {status} to the code; run this again"),
    }
}

fn read(body: &[u8]) -> serde_json::Result<Registered> {
    let Reply { id, name, html_url, pem, webhook_secret } = serde_json::from_slice(body)?;
    Ok(Registered { id, name, html_url, pem: pem.into(), webhook_secret: webhook_secret.map(SecretString::from) })
}
