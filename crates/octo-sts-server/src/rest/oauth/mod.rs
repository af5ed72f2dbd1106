//! The endpoints that speak OAuth 2.0: token exchange (RFC 8693), revocation (RFC 7009), metadata (RFC 8414).
//!
//! They are other doors to the same exchange. Errors are those of RFC 6749 §5.2, with this service's own sentences.

mod grant;
mod metadata;
mod resource;
mod revoke;
mod token;

use http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;
use tonic::Code;

use super::{fields, reply};
use crate::{reply::Reply, status::Answer};

pub(super) use metadata::metadata;
pub(crate) use resource::github_host;
pub(super) use revoke::revoke;
pub(super) use token::token;

/// The words of RFC 6749 §5.2, RFC 7009 §2.2.1 and RFC 8693 §2.2.2 that are used here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    InvalidRequest,
    InvalidGrant,
    InvalidTarget,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnsupportedTokenType,
    TemporarilyUnavailable,
    ServerError,
}

/// A refusal.
#[derive(Debug)]
struct Refused {
    word: Word,
    /// The service's own sentence.
    description: String,
    status: StatusCode,
    /// When to try again, in seconds.
    retry_after: Option<u64>,
    /// What machines tell refusals of an exchange apart by.
    reason: Option<&'static str>,
    /// The rest of the request is not read: the connection ends.
    close: bool,
}

/// The members of a refusal, in the order in which they are written.
#[derive(Serialize)]
struct Body<'a> {
    error: Word,
    error_description: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    request_id: &'a str,
}

impl Refused {
    fn new(word: Word, description: impl Into<String>) -> Self {
        let status = match word {
            Word::TemporarilyUnavailable => StatusCode::SERVICE_UNAVAILABLE,
            Word::ServerError => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::BAD_REQUEST,
        };
        Self { word, description: description.into(), status, retry_after: None, reason: None, close: false }
    }

    /// One that passes in so many seconds.
    fn for_now(description: impl Into<String>, retry_after: u64) -> Self {
        Self { retry_after: Some(retry_after), ..Self::new(Word::TemporarilyUnavailable, description) }
    }

    /// A refused exchange.
    fn exchange(answer: Answer) -> Self {
        let reason = answer.info.as_ref().map(|info| info.reason);
        let refused = Self::new(word(&answer, reason.unwrap_or_default()), answer.message);
        let status = if answer.code == Code::ResourceExhausted { StatusCode::TOO_MANY_REQUESTS } else { refused.status };
        Self { status, retry_after: answer.retry_after, reason, ..refused }
    }

    fn response(self, request_id: &str) -> Response<Reply> {
        let body = Body { error: self.word, error_description: plain(&self.description), reason: self.reason, request_id };
        let text = serde_json::to_string(&body).unwrap_or_else(|_| r#"{"error":"server_error"}"#.to_owned());
        let mut response = answer(self.status, text);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.close { reply::close(response) } else { response }
    }
}

impl From<fields::Refused> for Refused {
    fn from(refused: fields::Refused) -> Self {
        let fields::Refused { status, answer, close } = refused;
        Self { status, close, ..Self::new(Word::InvalidRequest, answer.message) }
    }
}

/// The word for a refused exchange. RFC 8693 §2.2.2 demands `invalid_request` where the subject token is invalid, and
/// `invalid_target` where there is nothing to issue a token for.
fn word(answer: &Answer, reason: &str) -> Word {
    match (reason, answer.code) {
        ("TOKEN_USED_BEFORE", _) => Word::InvalidGrant,
        ("ISSUER_UNREACHABLE", _) if answer.retry_after.is_some() => Word::TemporarilyUnavailable,
        ("INVALID_SCOPE" | "APP_NOT_CONFIGURED", _) | (_, Code::NotFound) => Word::InvalidTarget,
        (_, Code::InvalidArgument | Code::Unauthenticated) => Word::InvalidRequest,
        (_, Code::PermissionDenied | Code::FailedPrecondition) => Word::UnauthorizedClient,
        (_, Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded) => Word::TemporarilyUnavailable,
        _ => Word::ServerError,
    }
}

/// A description holds printable ASCII without quotation marks and backslashes (RFC 6749 §5.2).
fn plain(text: &str) -> String {
    text.chars().map(|c| if (c.is_ascii_graphic() || c == ' ') && !matches!(c, '"' | '\\') { c } else { '\'' }).collect()
}

/// An answer that no cache keeps (RFC 6749 §5.1).
fn answer(status: StatusCode, body: String) -> Response<Reply> {
    let mut response = reply::json(status, body);
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// The one value of a parameter. RFC 6749 §3.2: an empty one counts as left out, and none may stand twice.
fn one(pairs: &[(String, String)], name: &str) -> Result<Option<String>, Refused> {
    let mut values = pairs.iter().filter(|(other, value)| other == name && !value.is_empty()).map(|(_, value)| value);
    let first = values.next().cloned();
    match values.next() {
        None => Ok(first),
        Some(_) => Err(Refused::new(Word::InvalidRequest, format!("the parameter {name} stands more than once"))),
    }
}
