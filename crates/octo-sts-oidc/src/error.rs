//! Why a bearer led to no claims, and what its holder can do about it.
//!
//! `Display` is for the operator. What a caller may hear is in `what_to_do`: it speaks of the caller's own token and of
//! nothing else.

use std::{borrow::Cow, sync::Arc, time::Duration};

use http::StatusCode;
use octo_sts_http::HttpError;
use octo_sts_types::{ClaimsError, InvalidIssuer, Printable};

use crate::{admission::IssuerRefused, algorithm::Algorithm, discovery::DocumentFault, header::HeaderFault, times::TimeFault, token::NotAToken};

/// Why a bearer is not a token with an issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFormError {
    /// It is not a JWT that names an issuer.
    #[error("the bearer is not a JWT with an issuer: {0}")]
    NotAToken(NotAToken),
    /// It is, and the issuer fails the grammar.
    #[error("the token's `iss` is not an issuer")]
    Issuer(#[source] InvalidIssuer),
}

/// Why a token was not verified; the variants differ in what the caller hears.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The issuer is not admitted here. Nothing was fetched.
    #[error("the issuer is not admitted")]
    IssuerRefused(#[source] IssuerRefused),
    /// The issuer's discovery document was not to be had, or is not one.
    #[error("the issuer's discovery failed")]
    Discovery(#[source] Arc<IssuerError>),
    /// Header, times, keys or signature.
    #[error("the token did not verify")]
    Token(#[source] TokenFault),
    /// The token is genuine, and its subject or audience fails the grammar.
    #[error("the token's claims are not usable")]
    Claims(#[source] ClaimsError),
    /// The token is genuine, and is not what the operator requires of tokens of its issuer.
    #[error("the token is not one that the operator admits from its issuer")]
    Unmet(#[source] Unmet),
}

/// What of the operator's requirements a token does not meet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unmet {
    /// A claim is missing, or is not what is required.
    #[error("its claim `{}` is missing, or not what this service requires of its issuer's tokens", Printable(name))]
    Claim {
        /// The claim's name.
        name: String,
    },
    /// From `iat` to `exp` it is longer than is allowed.
    #[error("it is good for longer (from `iat` to `exp`) than this service accepts from its issuer")]
    Life,
    /// How long it is good for is limited, and it has no `iat`.
    #[error("it does not say when it was issued (`iat`), which this service requires of its issuer's tokens")]
    NoLife,
}

/// What is wrong with a token, or with finding the key that it was signed with.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenFault {
    /// Its header.
    #[error("its header is refused")]
    Header(#[source] HeaderFault),
    /// Its times.
    #[error("its times are refused")]
    Times(#[source] TimeFault),
    /// The issuer does not say that it signs with this algorithm.
    #[error("its algorithm, {0}, is not among those of the issuer")]
    AlgorithmNotAdvertised(Algorithm),
    /// The issuer has no key of that name for that algorithm.
    #[error("the issuer has no {algorithm} key named `{}`", Printable(kid))]
    UnknownKey {
        /// The token's algorithm.
        algorithm: Algorithm,
        /// The token's `kid`.
        kid: Box<str>,
    },
    /// It names no key, and the issuer does not have exactly one for its algorithm.
    #[error("it names no key, and the issuer has {usable} {algorithm} keys")]
    NoKeyId {
        /// The token's algorithm.
        algorithm: Algorithm,
        /// How many keys could have signed it.
        usable: usize,
    },
    /// The signature is not base64url, or is not that of the key.
    #[error("its signature is not that of the issuer's key")]
    Signature,
    /// The issuer's keys were not to be had.
    #[error("the issuer's keys were not to be had")]
    Keys(#[source] Arc<IssuerError>),
}

/// Why the keys of an issuer are not known.
#[derive(Debug, thiserror::Error)]
pub enum IssuerError {
    /// No answer.
    #[error("`{url}` does not answer")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// How it failed.
        #[source]
        source: HttpError,
    },
    /// An answer that is not 200.
    #[error("`{url}` answers {status}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status.
        status: StatusCode,
    },
    /// A redirect that is not followed: only one is, to another path of the same host.
    #[error("`{url}` redirects to a place that is not followed")]
    Redirect {
        /// What was asked for.
        url: String,
    },
    /// The answer is not what it should be.
    #[error("`{url}` is not usable")]
    Document {
        /// What was asked for.
        url: String,
        /// What is wrong with it.
        #[source]
        source: DocumentFault,
    },
    /// Discovery and keys together took too long.
    #[error("discovery and keys took longer than {within:?}")]
    TimedOut {
        /// The time allowed for both.
        within: Duration,
    },
    /// Too many issuers are being discovered at once.
    #[error("too many issuers are being discovered at once")]
    Busy,
    /// The fetch ended without a word.
    #[error("the fetch was broken off")]
    BrokenOff,
}

/// Which part of a fetch failed; they are answered differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Discovery,
    Keys,
}

impl IssuerError {
    /// Whether it may well work in a moment: no answer, or an answer that says so.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => {
                !matches!(source, HttpError::Blocked(_) | HttpError::TooLarge { .. } | HttpError::HeadersTooLarge { .. })
            }
            Self::Status { status, .. } => status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS,
            // An issuer that is just being set up has no keys yet.
            Self::Document { source: DocumentFault::NoUsableKey, .. } | Self::TimedOut { .. } | Self::Busy | Self::BrokenOff => true,
            Self::Redirect { .. } | Self::Document { .. } => false,
        }
    }
}

impl From<NotAToken> for TokenFormError {
    fn from(why: NotAToken) -> Self {
        Self::NotAToken(why)
    }
}

impl TokenFormError {
    /// What the caller can do, in a sentence about the bearer alone.
    pub fn what_to_do(&self) -> Cow<'static, str> {
        match self {
            Self::NotAToken(why) => format!("send an OIDC token as the bearer: what was sent is not one, {why}").into(),
            Self::Issuer(_) => "the token's `iss` must be an https URL in its plainest spelling".into(),
        }
    }
}

impl VerifyError {
    /// Whether the same token may well be verified in a moment.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Discovery(error) | Self::Token(TokenFault::Keys(error)) => error.is_transient(),
            Self::IssuerRefused(_) | Self::Token(_) | Self::Claims(_) | Self::Unmet(_) => false,
        }
    }

    /// What the caller can do, in a sentence about the token alone.
    pub fn what_to_do(&self) -> Cow<'static, str> {
        match self {
            Self::IssuerRefused(refused) => format!("its issuer `{}` was refused: {}", refused.issuer, refused.because).into(),
            Self::Discovery(error) if error.is_transient() => "the token's issuer does not answer; try again in a moment".into(),
            Self::Discovery(_) => {
                "the token's issuer must serve a discovery document at `/.well-known/openid-configuration` that names this very issuer".into()
            }
            Self::Token(fault) => fault.what_to_do(),
            Self::Claims(error) => format!("request a token with other claims: {error}").into(),
            Self::Unmet(unmet) => unmet.to_string().into(),
        }
    }
}

impl TokenFault {
    /// Whether the token may be signed with a key that its issuer has published since.
    pub(crate) fn may_pass_with_newer_keys(&self) -> bool {
        matches!(self, Self::UnknownKey { .. } | Self::NoKeyId { .. } | Self::Signature)
    }

    /// What the caller can do, in a sentence about the token alone.
    pub fn what_to_do(&self) -> Cow<'static, str> {
        match self {
            Self::Header(fault) => format!("request a token in plain signed form: {fault}").into(),
            Self::Times(fault @ TimeFault::Expired { .. }) => format!("{fault}; request a new one").into(),
            Self::Times(fault @ (TimeFault::NotYetValid { .. } | TimeFault::IssuedInTheFuture { .. })) => {
                format!("{fault}; check the clock of the issuer").into()
            }
            Self::Times(fault) => format!("{fault}; request a token that has one").into(),
            Self::AlgorithmNotAdvertised(algorithm) => format!("the token is signed with {algorithm}, which its issuer does not advertise").into(),
            Self::UnknownKey { .. } => "the token is signed with a key that its issuer does not publish; request a new one".into(),
            Self::NoKeyId { .. } => "the token does not say which of its issuer's keys signed it (`kid`)".into(),
            Self::Signature => "the token's signature is not that of its issuer; request a new one, and send it unchanged".into(),
            Self::Keys(_) => "the keys of the token's issuer are not to be had; try again in a moment".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn only_what_may_pass_is_transient() {
        let status = |code: u16| IssuerError::Status { url: String::new(), status: StatusCode::from_u16(code).unwrap() }.is_transient();
        assert!([500, 502, 503, 504, 429].into_iter().all(status));
        assert!(![400, 401, 403, 404, 410, 204].into_iter().any(status));
        let http = |source| IssuerError::Unreachable { url: String::new(), source }.is_transient();
        assert!(http(HttpError::Timeout { after: Duration::ZERO }));
        assert!(!http(HttpError::TooLarge { limit: 1 }));
        assert!(VerifyError::Discovery(Arc::new(IssuerError::Busy)).is_transient());
        assert!(VerifyError::Token(TokenFault::Keys(Arc::new(IssuerError::BrokenOff))).is_transient());
        assert!(!VerifyError::Token(TokenFault::Signature).is_transient());
    }

    #[test]
    fn advice_names_what_the_token_says() {
        let expired = VerifyError::Token(TokenFault::Times(TimeFault::Expired { at: Timestamp::from_second(0).unwrap() }));
        assert_eq!(expired.what_to_do(), "the token expired at 1970-01-01T00:00:00Z; request a new one");
        let form = TokenFormError::from(NotAToken::NoIssuer);
        assert_eq!(form.what_to_do(), "send an OIDC token as the bearer: what was sent is not one, it names no issuer");
    }
}
