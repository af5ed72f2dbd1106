//! An App's webhook, as GitHub has it.

use octo_sts_http::Response;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    app::App,
    call::{Call, Class},
    error::GitHubError,
    github::GitHub,
    quota::Lane,
    reply,
    trace::Trace,
};

/// Where GitHub delivers the events of an App, and how (REST API, "Get a webhook configuration for an app").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The address.
    pub url: String,
    /// `json`, or `form`.
    pub content_type: String,
    /// Whether GitHub checks the certificate of that address.
    pub verifies_tls: bool,
    /// Whether a secret signs the deliveries.
    pub signed: bool,
}

/// A delivery that GitHub made (REST API, "List deliveries for an app webhook").
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Delivery {
    /// The event's name.
    pub event: String,
    /// When, as RFC 3339.
    pub delivered_at: String,
    /// What became of it, in GitHub's words.
    pub status: String,
    /// The status of the answer; 0 when there was none.
    pub status_code: u16,
}

#[derive(Deserialize)]
struct HookReply {
    url: Option<String>,
    content_type: Option<String>,
    secret: Option<String>,
    #[serde(default)]
    insecure_ssl: Value,
}

impl GitHub {
    /// `GET /app/hook/config`. `None`: the App's webhook is off.
    pub async fn hook(&self, app: &App, trace: &Trace) -> Result<Option<Hook>, GitHubError> {
        let call = Call::get(Class::App, reply::address(self.0.endpoint.hook())?);
        match self.as_app(app, Lane::App(app.id), &call, trace).await {
            Ok(response) => hook(&response),
            Err(GitHubError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `GET /app/hook/deliveries`: the latest `most` deliveries, the latest first; 100 at the most.
    pub async fn deliveries(&self, app: &App, most: u8, trace: &Trace) -> Result<Vec<Delivery>, GitHubError> {
        let call = Call::get(Class::App, reply::address(self.0.endpoint.deliveries(most))?);
        let response = self.as_app(app, Lane::App(app.id), &call, trace).await?;
        reply::read(&response)
    }
}

fn hook(response: &Response) -> Result<Option<Hook>, GitHubError> {
    let read: HookReply = reply::read(response)?;
    let Some(url) = read.url.filter(|url| !url.is_empty()) else { return Ok(None) };
    // A text or a number; GitHub's description has both.
    let verifies_tls = !matches!(&read.insecure_ssl, Value::String(text) if text == "1") && read.insecure_ssl.as_f64() != Some(1.0);
    Ok(Some(Hook {
        url,
        content_type: read.content_type.unwrap_or_else(|| "form".to_owned()),
        verifies_tls,
        signed: read.secret.is_some_and(|secret| !secret.is_empty()),
    }))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;

    fn read(body: &'static str) -> Result<Option<Hook>, GitHubError> {
        hook(&Response { status: StatusCode::OK, headers: HeaderMap::new(), body: body.into() })
    }

    #[test]
    fn a_hook_is_read_in_both_spellings() {
        let whole = Hook { url: "https://sts.example.com/webhook".to_owned(), content_type: "json".to_owned(), verifies_tls: true, signed: true };
        let url = r#""url":"https://sts.example.com/webhook""#;
        for (rest, expected) in [
            (r#","content_type":"json","insecure_ssl":"0","secret":"********""#, whole.clone()),
            (r#","content_type":"json","insecure_ssl":0,"secret":"********""#, whole.clone()),
            (r#","content_type":"json","secret":"********""#, whole.clone()),
            (r#","content_type":"json","insecure_ssl":"1","secret":"********""#, Hook { verifies_tls: false, ..whole.clone() }),
            (r#","content_type":"json","insecure_ssl":1,"secret":"********""#, Hook { verifies_tls: false, ..whole.clone() }),
            (r#","secret":"""#, Hook { content_type: "form".to_owned(), signed: false, ..whole.clone() }),
        ] {
            let body = format!("{{{url}{rest}}}");
            assert_eq!(read(body.clone().leak()).unwrap(), Some(expected), "Input: {body}");
        }
    }

    #[test]
    fn a_hook_without_address_is_off() {
        assert_eq!(read("{}").unwrap(), None);
        assert_eq!(read(r#"{"url":"","content_type":"json"}"#).unwrap(), None);
        assert_eq!(read(r#"{"url":null}"#).unwrap(), None);
        assert!(read("[]").is_err());
    }
}
