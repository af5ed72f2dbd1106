//! Why GitHub did not do what it was asked.

use std::{sync::Arc, time::Duration};

use octo_sts_http::HttpError;
use octo_sts_signer::SignError;

/// Why GitHub did not do what it was asked; each variant is one thing a caller can do about it.
///
/// `message` is GitHub's own text, cut and with control characters escaped; empty where the answer had none.
#[derive(Clone, Debug, thiserror::Error)]
pub enum GitHubError {
    /// 401 to an App JWT, with every signer of the App: the key is not, or no longer, one of this App.
    #[error("GitHub refuses the App's key: {message}")]
    KeyRefused {
        /// GitHub's text.
        message: String,
    },
    /// 401 to an installation token: it is revoked or expired, or its installation is gone.
    #[error("GitHub refuses the installation token")]
    TokenRefused,
    /// 403 or 451 that is neither a limit nor a suspension: a missing permission, SAML, an IP allow list.
    #[error("GitHub forbids it: {message}")]
    Forbidden {
        /// GitHub's text.
        message: String,
    },
    /// The installation is suspended.
    #[error("the installation is suspended")]
    Suspended,
    /// 404: it is not there, or out of sight; GitHub makes no difference.
    #[error("GitHub knows no such thing, or the App may not see it")]
    NotFound,
    /// A redirect, which is never followed: the repository or its owner has another name now.
    #[error("it has moved: use its new name")]
    Moved,
    /// A rate limit, or a window of one that GitHub asked us to wait out.
    #[error("GitHub's {kind} rate limit is reached")]
    RateLimited {
        /// Which.
        kind: Limit,
        /// For how long no call may be made.
        retry_after: Option<Duration>,
    },
    /// 422: GitHub understood and will not do it.
    #[error("GitHub refuses it: {message}")]
    Unprocessable {
        /// GitHub's text.
        message: String,
    },
    /// A mint that is, or would be, wider than the grant. A token that came is revoked and nobody gets it.
    #[error("wider than the grant: {what}")]
    Wider {
        /// What was wider.
        what: String,
    },
    /// An answer that GitHub's API does not give.
    #[error("unexpected answer {}: {what}", status.map_or_else(String::new, |status| status.to_string()))]
    Unexpected {
        /// The status, when there was an answer.
        status: Option<u16>,
        /// What was odd.
        what: String,
    },
    /// GitHub is down or not reachable, or did not answer in time.
    #[error("GitHub is not available")]
    Unavailable {
        /// How that showed.
        #[source]
        outage: Outage,
        /// When GitHub wants to be asked again, where it says so.
        retry_after: Option<Duration>,
    },
    /// The App's key did not sign.
    #[error("the App JWT could not be signed")]
    Sign(#[source] SignError),
}

/// Which rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Calls per hour.
    Primary,
    /// Too many at once, or too costly ones. Going on may get the App banned.
    Secondary,
}

/// How GitHub showed that it is not available.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Outage {
    /// It answered 408 or 5xx.
    #[error("it answered {0}")]
    Status(u16),
    /// There was no answer.
    #[error("there was no answer")]
    Transport(#[source] Arc<HttpError>),
    /// The request's own deadline passed.
    #[error("there was no answer before the request's deadline")]
    Deadline,
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        })
    }
}

impl GitHubError {
    /// When to ask again, as far as anybody knows.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Unavailable { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// A proven limit or outage: another App may have better luck, and what was known a moment ago may still be used.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::RateLimited { .. } | Self::Unavailable { .. })
    }

    /// Of a mint: whether nobody can hold a token that came of it. GitHub answered without one, or never got the call. `false`
    /// where the answer was lost: then a token may live that nobody knows of, and a second mint would leave two.
    pub fn left_no_token(&self) -> bool {
        match self {
            Self::Unavailable { outage: Outage::Transport(source), .. } => source.never_sent(),
            Self::Unavailable { outage: Outage::Deadline, .. } | Self::Unexpected { status: None, .. } => false,
            _ => true,
        }
    }

    pub(crate) fn deadline() -> Self {
        Self::Unavailable { outage: Outage::Deadline, retry_after: None }
    }

    pub(crate) fn unexpected(status: http::StatusCode, what: impl Into<String>) -> Self {
        Self::Unexpected { status: Some(status.as_u16()), what: what.into() }
    }

    /// The word for metrics: a closed set.
    pub(crate) fn label(&self) -> &'static str {
        match self {
            Self::KeyRefused { .. } | Self::TokenRefused => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::Suspended => "suspended",
            Self::NotFound => "not_found",
            Self::Moved => "moved",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unprocessable { .. } => "unprocessable",
            Self::Wider { .. } => "wider",
            Self::Unexpected { .. } => "unexpected",
            Self::Unavailable { outage: Outage::Status(_), .. } => "server_error",
            Self::Unavailable { outage: Outage::Transport(_), .. } => "no_answer",
            Self::Unavailable { outage: Outage::Deadline, .. } => "deadline",
            Self::Sign(_) => "unsigned",
        }
    }
}
