//! Answers over HTTP, header by header.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use secrecy::ExposeSecret as _;
use serde::Serialize;
use serde_json::json;

use crate::{exchange::Issued, reply::Reply, status::Answer};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
/// The type that clients know of the machine-readable part of a refusal.
const ERROR_INFO: &str = "type.googleapis.com/google.rpc.ErrorInfo";

/// An answer in JSON.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Reply> {
    let mut response = Response::new(Reply::whole(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, JSON);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// A refusal, with what machines and people need to go on.
pub(crate) fn refused(answer: &Answer, domain: &str) -> Response<Reply> {
    let mut response = json(answer.http_status(), body(answer, domain));
    let headers = response.headers_mut();
    if let Some(seconds) = answer.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    if answer.http_status() == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, challenge(answer));
    }
    response
}

/// The members of a refusal, in the order in which they are written.
#[derive(Serialize)]
struct Refusal<'a> {
    code: i32,
    message: &'a str,
    details: Vec<serde_json::Value>,
}

fn body(answer: &Answer, domain: &str) -> String {
    let details: Vec<_> = answer
        .info
        .iter()
        .map(|info| {
            let metadata: serde_json::Map<_, _> = info.metadata.iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
            json!({ "@type": ERROR_INFO, "reason": info.reason, "domain": domain, "metadata": metadata })
        })
        .collect();
    let refusal = Refusal { code: answer.code as i32, message: &answer.message, details };
    serde_json::to_string(&refusal).unwrap_or_else(|_| r#"{"code":13,"message":"internal error","details":[]}"#.to_owned())
}

/// RFC 6750 §3: a request without a token is only told the scheme.
fn challenge(answer: &Answer) -> HeaderValue {
    let bearer = HeaderValue::from_static("Bearer");
    if !answer.invalid_token {
        return bearer;
    }
    let plain = |c: char| if (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\') { c } else { '\'' };
    let description: String = answer.message.chars().map(plain).collect();
    HeaderValue::try_from(format!(r#"Bearer error="invalid_token", error_description="{description}""#)).unwrap_or(bearer)
}

/// The mark of everything that upstream's gateway hands on, and what keeps caches away from it.
pub(crate) fn through_gateway(mut response: Response<Reply>) -> Response<Reply> {
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("grpc-metadata-content-type"), HeaderValue::from_static("application/grpc"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Authorization"));
    response
}

/// The connection ends with this answer.
pub(crate) fn close(mut response: Response<Reply>) -> Response<Reply> {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// The members of a reply, in the order in which they are written. Shell scripts cut it at `"token":"`.
#[derive(Serialize)]
struct Granted<'a> {
    token: &'a str,
    #[serde(rename = "refreshToken")]
    refresh_token: &'a str,
    expiry: String,
    access_token: &'a str,
    token_type: &'a str,
    expires_in: i64,
    permissions: &'a octo_sts_types::Permissions,
    #[serde(skip_serializing_if = "Option::is_none")]
    repositories: Option<&'a [String]>,
    repository_selection: &'a str,
}

/// The token, to the caller.
pub(crate) fn token(issued: Issued, now: Timestamp) -> Response<Reply> {
    let token = issued.token.expose_secret();
    let reply = Granted {
        token,
        refresh_token: "",
        expiry: issued.expires_at.to_string(),
        access_token: token,
        token_type: "Bearer",
        expires_in: issued.expires_at.duration_since(now).as_secs().max(0),
        permissions: &issued.permissions,
        repositories: (!issued.every_repository).then_some(&issued.repositories),
        repository_selection: if issued.every_repository { "all" } else { "selected" },
    };
    // As long as most replies are: growing would copy the token from place to place.
    let mut text = Vec::with_capacity(2 * token.len() + 512);
    match serde_json::to_writer(&mut text, &reply) {
        Ok(()) => json(StatusCode::OK, text).map(|body| body.owing(Some(issued.receipt))),
        Err(_) => refused(&Answer::plain(tonic::Code::Internal, "internal error"), ""),
    }
}
