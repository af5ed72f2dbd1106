//! Sources that are asked over HTTP.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request};
use serde_json::Value;
use url::Url;

use super::{SourceError, Surroundings};

/// The token endpoint of a job (`ACTIONS_ID_TOKEN_REQUEST_URL`), which the runner sets when the job may ask.
pub(super) async fn github_actions(audience: &str, surroundings: &Surroundings<'_>) -> Result<String, SourceError> {
    let variable = |name: &str| (surroundings.variable)(name).filter(|value| !value.is_empty());
    let (Some(url), Some(bearer)) = (variable("ACTIONS_ID_TOKEN_REQUEST_URL"), variable("ACTIONS_ID_TOKEN_REQUEST_TOKEN")) else {
        let lines = "    permissions:\n      id-token: write";
        return Err(SourceError::Missing(format!("this job may not ask for an OIDC token; add to the workflow or the job:\n{lines}")));
    };
    let url = with_query(&url, &[("audience", audience)])?;
    let body = get(url, "authorization", &format!("Bearer {bearer}"), "GitHub Actions' token endpoint", surroundings).await?;
    member(&body, "value", "GitHub Actions' token endpoint")
}

/// The identity of the default service account, from the metadata server. `GCE_METADATA_HOST` names another one.
pub(super) async fn google(audience: &str, surroundings: &Surroundings<'_>) -> Result<String, SourceError> {
    let host = (surroundings.variable)("GCE_METADATA_HOST").filter(|host| !host.is_empty()).unwrap_or_else(|| "metadata.google.internal".to_owned());
    let base = format!("http://{host}/computeMetadata/v1/instance/service-accounts/default/identity");
    let url = with_query(&base, &[("audience", audience), ("format", "full")])?;
    get(url, "metadata-flavor", "Google", "Google's metadata server", surroundings).await
}

/// An access token of the managed identity for the resource that the audience names. `AZURE_CLIENT_ID` chooses among identities.
pub(super) async fn azure(audience: &str, surroundings: &Surroundings<'_>) -> Result<String, SourceError> {
    let variable = |name: &str| (surroundings.variable)(name).filter(|value| !value.is_empty());
    let client = variable("AZURE_CLIENT_ID");
    let mut query = vec![("resource", audience)];
    query.extend(client.as_deref().map(|client| ("client_id", client)));
    let place = "Azure's managed identity endpoint";
    let body = if let (Some(endpoint), Some(secret)) = (variable("IDENTITY_ENDPOINT"), variable("IDENTITY_HEADER")) {
        query.push(("api-version", "2019-08-01"));
        get(with_query(&endpoint, &query)?, "x-identity-header", &secret, place, surroundings).await?
    } else {
        query.push(("api-version", "2018-02-01"));
        let base = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST").unwrap_or_else(|| "http://169.254.169.254".to_owned());
        let url = with_query(&format!("{}/metadata/identity/oauth2/token", base.trim_end_matches('/')), &query)?;
        get(url, "metadata", "true", place, surroundings).await?
    };
    member(&body, "access_token", place)
}

/// The URL with these parameters behind those that it has.
fn with_query(url: &str, parameters: &[(&str, &str)]) -> Result<Url, SourceError> {
    let mut url = Url::parse(url).map_err(|_| SourceError::Missing("the environment names a token endpoint that is no URL".to_owned()))?;
    url.query_pairs_mut().extend_pairs(parameters);
    Ok(url)
}

/// Asks with one header, whose value is treated as a secret.
async fn get(url: Url, name: &'static str, value: &str, place: &'static str, surroundings: &Surroundings<'_>) -> Result<String, SourceError> {
    let unsendable = || SourceError::Missing(format!("the environment holds what cannot be sent to {place}"));
    let mut value = HeaderValue::try_from(value).map_err(|_| unsendable())?;
    value.set_sensitive(true);
    let request = Request::get(url.as_str()).header(HeaderName::from_static(name), value).body(Bytes::new()).map_err(|_| unsendable())?;
    let response = surroundings.http.send(request).await.map_err(|source| SourceError::Unreachable { place, source })?;
    let refused = SourceError::Refused { place, status: response.status.as_u16() };
    if !response.status.is_success() {
        return Err(refused);
    }
    String::from_utf8(response.body.into()).map_err(|_| refused)
}

fn member(body: &str, name: &str, place: &'static str) -> Result<String, SourceError> {
    let value: Value = serde_json::from_str(body).unwrap_or_default();
    value[name].as_str().map(ToOwned::to_owned).ok_or_else(|| SourceError::NotAToken(place.to_owned()))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    use super::{
        super::tests::{http, variables},
        *,
    };

    /// Answers one request with a body; gives the request's head in lower case.
    async fn answer(listener: TcpListener, status: &str, body: &str) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 8192];
        let read = stream.read(&mut head).await.unwrap();
        stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
        String::from_utf8_lossy(&head[..read]).to_ascii_lowercase()
    }

    async fn listener() -> (TcpListener, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        (listener, address)
    }

    #[tokio::test]
    async fn github_actions_is_asked_with_the_audience_encoded() {
        let (listener, address) = listener().await;
        let variable = variables(&[
            ("ACTIONS_ID_TOKEN_REQUEST_URL", &format!("http://{address}/token?api-version=2.0")),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner-secret"),
        ]);
        let http = http();
        let surroundings = Surroundings { variable: &variable, exists: &|_| false, http: &http };
        let (token, head) =
            tokio::join!(github_actions("https://a/b?c&d", &surroundings), answer(listener, "200 OK", r#"{"count":1,"value":"a.b.c"}"#));
        assert_eq!(token.unwrap(), "a.b.c");
        assert!(head.starts_with("get /token?api-version=2.0&audience=https%3a%2f%2fa%2fb%3fc%26d http/1.1\r\n"), "{head}");
        assert!(head.contains("authorization: bearer runner-secret\r\n"));
    }

    #[tokio::test]
    async fn a_job_that_may_not_ask_is_told_what_to_write() {
        let (http, variable) = (http(), variables(&[("ACTIONS_ID_TOKEN_REQUEST_URL", "https://x")]));
        let error = github_actions("a", &Surroundings { variable: &variable, exists: &|_| false, http: &http }).await.unwrap_err();
        assert!(error.to_string().ends_with("    permissions:\n      id-token: write"));
    }

    #[tokio::test]
    async fn google_and_azure_are_asked_as_they_want() {
        let http = http();
        let (google_listener, address) = listener().await;
        let variable = variables(&[("GCE_METADATA_HOST", &address)]);
        let surroundings = Surroundings { variable: &variable, exists: &|_| false, http: &http };
        let (token, head) = tokio::join!(google("sts.example", &surroundings), answer(google_listener, "200 OK", "a.b.c"));
        assert_eq!(token.unwrap(), "a.b.c");
        assert!(head.contains("/identity?audience=sts.example&format=full") && head.contains("metadata-flavor: google"), "{head}");

        let (azure_listener, address) = listener().await;
        let variable =
            variables(&[("IDENTITY_ENDPOINT", &format!("http://{address}/msi/token")), ("IDENTITY_HEADER", "s"), ("AZURE_CLIENT_ID", "id")]);
        let surroundings = Surroundings { variable: &variable, exists: &|_| false, http: &http };
        let (token, head) = tokio::join!(azure("api://sts", &surroundings), answer(azure_listener, "200 OK", r#"{"access_token":"a.b.c"}"#));
        assert_eq!(token.unwrap(), "a.b.c");
        assert!(
            head.starts_with("get /msi/token?resource=api%3a%2f%2fsts&client_id=id&api-version=2019-08-01") && head.contains("x-identity-header: s"),
            "{head}"
        );
    }

    #[tokio::test]
    async fn a_refusal_is_told_without_its_body() {
        let (listener, address) = listener().await;
        let (http, variable) = (http(), variables(&[("GCE_METADATA_HOST", &address)]));
        let surroundings = Surroundings { variable: &variable, exists: &|_| false, http: &http };
        let (token, _) = tokio::join!(google("a", &surroundings), answer(listener, "403 Forbidden", "secret detail"));
        assert_eq!(token.unwrap_err().to_string(), "Google's metadata server gave no token (HTTP 403)");
    }
}
