//! Why there is no token.

use std::{collections::BTreeMap, fmt, time::Duration};

use http::StatusCode;
use octo_sts_http::HttpError;
use octo_sts_types::Printable;
use serde::Deserialize;

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum StsError {
    /// The service said no; asking again changes nothing.
    #[error("{0}")]
    Refused(Refusal),
    /// The service could not answer, however often it was asked.
    #[error("the service at {address} could not answer ({attempts} attempts): {last}")]
    Unavailable {
        /// Where it was asked.
        address: String,
        /// How often.
        attempts: u32,
        /// What it said last.
        last: Refusal,
    },
    /// Nothing answered.
    #[error("the service at {address} cannot be reached ({attempts} attempts)")]
    Unreachable {
        /// Where it was asked.
        address: String,
        /// How often.
        attempts: u32,
        /// What happened last.
        #[source]
        last: HttpError,
    },
    /// Something answered that is not the service.
    #[error("what answers at {address} is not this service: {what}")]
    NotTheService {
        /// Where it was asked.
        address: String,
        /// What came.
        what: String,
    },
    /// The token cannot stand in a header.
    #[error("the OIDC token holds characters that no token has")]
    OddToken,
}

/// A refusal, in the service's own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// The gRPC code.
    pub code: Option<u32>,
    /// What the service says.
    pub message: String,
    /// The stable word for it.
    pub reason: Option<String>,
    /// The id to name to whoever runs the service.
    pub request_id: Option<String>,
    /// When to ask again.
    pub retry_after: Option<Duration>,
    /// What the service told of the caller's own token, and the stage.
    pub facts: BTreeMap<String, String>,
}

/// An error's body: grpc-gateway's form, and `google.rpc.ErrorInfo` in its details; or that of RFC 6749.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Body {
    code: Option<u32>,
    message: String,
    details: Vec<Detail>,
    error: Option<String>,
    error_description: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Detail {
    reason: Option<String>,
    metadata: BTreeMap<String, String>,
}

impl Refusal {
    /// Reads an answer that is no success. A body in another form leaves the status to speak.
    pub(crate) fn read(response: &octo_sts_http::Response) -> Self {
        let header = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned);
        let body: Body = serde_json::from_slice(&response.body).unwrap_or_default();
        let (mut reason, mut facts) = (None, BTreeMap::new());
        for detail in body.details {
            reason = reason.or(detail.reason);
            facts.extend(detail.metadata);
        }
        Self {
            status: response.status,
            code: body.code,
            message: if body.message.is_empty() { body.error_description } else { body.message },
            reason: reason.or(body.error),
            request_id: header("x-request-id"),
            retry_after: header("retry-after").and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs),
            facts,
        }
    }

    /// Whether the answer has the service's form at all.
    pub(crate) fn is_ours(&self) -> bool {
        self.code.is_some()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            write!(f, "HTTP {}", self.status)?;
        } else {
            write!(f, "{}", Printable(&self.message))?;
        }
        if let Some(reason) = &self.reason {
            write!(f, " [{}]", Printable(reason))?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {})", Printable(id))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;

    use super::*;

    fn read(body: &'static str, headers: &[(&'static str, &'static str)]) -> Refusal {
        let headers: HeaderMap = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        Refusal::read(&octo_sts_http::Response { status: StatusCode::FORBIDDEN, headers, body: body.into() })
    }

    #[test]
    fn a_refusal_is_told_in_the_services_own_words() {
        let body = r#"{"code":7,"message":"token does not match trust policy","details":[{"reason":"subject_mismatch","metadata":{"stage":"match","sub":"me"}}]}"#;
        let refusal = read(body, &[("x-request-id", "r-1"), ("retry-after", "7")]);
        assert_eq!(refusal.to_string(), "token does not match trust policy [subject_mismatch] (request r-1)");
        assert_eq!((refusal.code, refusal.retry_after), (Some(7), Some(Duration::from_secs(7))));
        assert_eq!(refusal.facts["stage"], "match");
    }

    #[test]
    fn a_refusal_of_oauths_is_told_as_well() {
        let refusal = read(r#"{"error":"unsupported_token_type","error_description":"this is no installation token"}"#, &[]);
        assert_eq!(refusal.to_string(), "this is no installation token [unsupported_token_type]");
        assert_eq!(read(r#"{"error":"x"}"#, &[]).to_string(), "HTTP 403 Forbidden [x]");
    }

    /// T-104
    #[test]
    fn a_hostile_answer_cannot_drive_a_terminal() {
        let refusal = read("{\"code\":7,\"message\":\"a\\u001b[2Jb\\nc\"}", &[]);
        assert_eq!(refusal.to_string(), "a\\u{1b}[2Jb\\u{a}c");
    }

    #[test]
    fn another_form_leaves_the_status_to_speak() {
        for body in ["", "<html>", "[]", r#"{"code":"x"}"#] {
            let refusal = read(body, &[]);
            assert_eq!(refusal.to_string(), "HTTP 403 Forbidden", "Input: {body}");
            assert!(!refusal.is_ours());
        }
    }
}
