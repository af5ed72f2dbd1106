//! What a caller sends, as the transport decoded it: nothing here is checked yet.

use std::net::IpAddr;

use secrecy::SecretString;

/// One request for an exchange. HTTP and gRPC both end here.
#[derive(Debug)]
pub struct Request {
    /// The `authorization` values of the request.
    pub authorization: Authorization,
    /// The deprecated single scope; counts when `scopes` is empty.
    pub scope: String,
    /// The scopes asked for; more than one is refused.
    pub scopes: Vec<String>,
    /// The name of the policy to act under.
    pub identity: String,
    /// The caller's `User-Agent`, for the audit event.
    pub user_agent: Option<String>,
    /// The id that names this request in the answer, the log and the event.
    pub request_id: String,
    /// Where the connection comes from.
    pub peer: Option<IpAddr>,
    /// How the request came in.
    pub transport: Transport,
}

/// The credentials a request carries.
#[derive(Debug)]
pub enum Authorization {
    /// No `authorization` at all.
    None,
    /// More than one.
    Several,
    /// Exactly one: the whole value, scheme included.
    Value(SecretString),
}

/// How a request came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// `/sts/exchange`.
    Http,
    /// `SecurityTokenService/Exchange`.
    Grpc,
}

impl Transport {
    /// The word used in logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Grpc => "grpc",
        }
    }
}

impl Request {
    /// The one scope asked for: `scopes` wins over `scope`; empty when neither says anything.
    pub(crate) fn wanted_scope(&self) -> &str {
        self.scopes.first().map_or(self.scope.as_str(), String::as_str)
    }
}

/// The token in an `authorization` value: what follows the scheme `Bearer` (RFC 9110 §11.1, in any letter case) and one
/// space, or the whole value when there is no scheme, as upstream takes it.
pub(crate) fn bearer(value: &str) -> &str {
    match value.get(..7) {
        Some(scheme) if scheme.eq_ignore_ascii_case("bearer ") => &value[7..],
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-050
    #[test]
    fn the_scheme_may_be_in_any_case_or_missing() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "a.b.c"] {
            assert_eq!(bearer(value), "a.b.c", "Input: {value}");
        }
    }

    /// T-050
    #[test]
    fn other_schemes_and_spacing_stay_in_the_text() {
        for (value, text) in [("Basic eDp5", "Basic eDp5"), ("Bearer  a.b.c", " a.b.c"), ("Bearer", "Bearer"), ("", ""), ("Bearér x", "Bearér x")] {
            assert_eq!(bearer(value), text, "Input: {value}");
        }
    }
}
