//! One JSON call to a key service or secret store.

use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, header};
use octo_sts_http::{Client, HttpError};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::{ServiceError, Trouble};

/// The sentences for what a service refuses, one per kind.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Checks {
    pub(crate) no_credentials: &'static str,
    pub(crate) denied: &'static str,
    pub(crate) not_found: &'static str,
    pub(crate) unusable: &'static str,
}

/// A header that carries a credential.
pub(crate) struct Credential<'a> {
    pub(crate) name: &'static str,
    pub(crate) prefix: &'static str,
    pub(crate) value: &'a SecretString,
}

/// `Authorization: Bearer …`
#[cfg(any(test, feature = "gcp", feature = "azure"))]
pub(crate) fn bearer(value: &SecretString) -> Credential<'_> {
    Credential { name: "authorization", prefix: "Bearer ", value }
}

impl Credential<'_> {
    fn header(&self) -> Result<HeaderValue, ServiceError> {
        const CHECK: &str = "the credential has characters that cannot be sent: a line break at its end, perhaps";
        let text = Zeroizing::new(format!("{}{}", self.prefix, self.value.expose_secret()));
        let mut header = HeaderValue::from_str(&text).map_err(|_| ServiceError::new(Trouble::NoCredentials, CHECK))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

/// Sends `body`, or asks with GET when there is none, and reads the JSON answer.
pub(crate) async fn call(
    client: &Client,
    url: &str,
    credential: Credential<'_>,
    body: Option<&Value>,
    checks: &Checks,
) -> Result<Value, ServiceError> {
    const CHECK: &str = "the address cannot be called";
    let request = Request::builder().uri(url).header(header::ACCEPT, "application/json").header(credential.name, credential.header()?);
    let request = match body {
        None => request.method("GET").body(Bytes::new()),
        Some(body) => request.method("POST").header(header::CONTENT_TYPE, "application/json").body(body.to_string().into()),
    };
    let request = request.map_err(|error| ServiceError::new(Trouble::Unexpected, CHECK).because(error))?;
    let response = client.send(request).await.map_err(unreachable)?;
    if response.status.is_success() {
        return serde_json::from_slice(&response.body)
            .map_err(|_| ServiceError::new(Trouble::Unexpected, "the answer is not JSON: is this the right address?"));
    }
    Err(refusal(response.status, checks).saying(&words(&response.body)))
}

/// What it means that a call brought no answer.
pub(crate) fn unreachable(error: HttpError) -> ServiceError {
    let trouble = if error.is_timeout() { Trouble::TimedOut } else { Trouble::Unavailable };
    ServiceError::new(trouble, "check that this machine may connect to it, and that its certificate is trusted (`SSL_CERT_FILE`)").because(error)
}

fn refusal(status: StatusCode, checks: &Checks) -> ServiceError {
    match status.as_u16() {
        401 => ServiceError::new(Trouble::NoCredentials, checks.no_credentials),
        403 => ServiceError::new(Trouble::Denied, checks.denied),
        404 => ServiceError::new(Trouble::NotFound, checks.not_found),
        400 | 405 | 409 | 412 | 422 => ServiceError::new(Trouble::Unusable, checks.unusable),
        429 => ServiceError::new(Trouble::Throttled, "the quota of this service is used up: raise it, or share it with fewer"),
        500..=599 => ServiceError::new(Trouble::Unavailable, "the service has trouble of its own"),
        _ => ServiceError::new(Trouble::Unexpected, "is this the right address?"),
    }
}

/// What a service says about a refusal: `error.message` (Google, Azure), `errors` (Vault), or the text itself.
fn words(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let Ok(json) = serde_json::from_slice::<Value>(body) else { return text.into_owned() };
    let message = json.pointer("/error/message").and_then(Value::as_str).map(str::to_owned);
    let errors = || json.get("errors").and_then(Value::as_array).map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("; "));
    message.or_else(errors).unwrap_or_else(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKS: Checks = Checks { no_credentials: "log in", denied: "ask for it", not_found: "look again", unusable: "take another" };

    #[test]
    fn each_refusal_says_what_to_check() {
        for (status, expected) in [
            (401, "no usable credentials: log in"),
            (403, "access denied: ask for it"),
            (404, "not found: look again"),
            (400, "cannot be used: take another"),
            (429, "too many calls: the quota of this service is used up: raise it, or share it with fewer"),
            (503, "not reachable: the service has trouble of its own"),
            (302, "unexpected answer: is this the right address?"),
        ] {
            assert_eq!(refusal(StatusCode::from_u16(status).unwrap(), &CHECKS).to_string(), expected, "Status: {status}");
        }
    }

    #[test]
    fn the_words_of_each_service_are_found() {
        for (body, expected) in [
            (r#"{"error":{"code":403,"message":"Permission denied","status":"PERMISSION_DENIED"}}"#, "Permission denied"),
            (r#"{"errors":["1 error occurred","permission denied"]}"#, "1 error occurred; permission denied"),
            (r#"{"odd":1}"#, r#"{"odd":1}"#),
            ("<html>", "<html>"),
            ("", ""),
        ] {
            assert_eq!(words(body.as_bytes()), expected, "Input: {body}");
        }
    }

    #[test]
    fn a_credential_that_cannot_be_a_header_is_refused_without_being_shown() {
        let token: SecretString = "secret\nX-Other: 1".into();
        let error = bearer(&token).header().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret\n"));
        assert!(bearer(&"a".into()).header().unwrap().is_sensitive());
    }
}
