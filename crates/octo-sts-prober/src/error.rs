//! Why a probe failed.

use std::time::Duration;

use octo_sts_client::{SourceError, StsError};
use octo_sts_http::HttpError;

use crate::expect::{Answered, Wanted};

/// Why a probe failed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// There is no OIDC token to probe with.
    #[error("there is no OIDC token to probe with")]
    NoToken(#[source] SourceError),
    /// The OIDC token is not one whose claims can be read.
    #[error("the OIDC token to probe with is not a JWT: its claims are not a JSON object")]
    NotAJwt,
    /// The operator's expired token has not expired.
    #[error("the token in PROBER_EXPIRED_TOKEN_FILE has not expired yet")]
    NotExpired,
    /// The exchange that must work did not.
    #[error("the exchange failed")]
    Exchange(#[source] StsError),
    /// A token came where none may come.
    #[error("the service gave a token where it must refuse with {wanted}; {end}")]
    Granted {
        /// What had to come.
        wanted: Wanted,
        /// What became of that token.
        end: &'static str,
    },
    /// A refusal came, and not the one that had to come.
    #[error("the service must refuse with {wanted}, and answered {answered}")]
    OtherRefusal {
        /// What had to come.
        wanted: Wanted,
        /// What came.
        answered: Answered,
    },
    /// No refusal came, because no answer did, or one of something else.
    #[error("the service must refuse with {wanted}, and gave no such answer")]
    NoRefusal {
        /// What had to come.
        wanted: Wanted,
        /// What came.
        #[source]
        source: StsError,
    },
    /// GitHub did not answer as it must.
    #[error("{step}: GitHub must answer {wanted}, and answered {status}{why}")]
    GitHub {
        /// What was asked.
        step: Step,
        /// The status that had to come.
        wanted: u16,
        /// The status that came.
        status: u16,
        /// What is known about it; empty, or it begins with a colon.
        why: String,
    },
    /// GitHub did not answer.
    #[error("{step}: GitHub does not answer")]
    NoAnswer {
        /// What was asked.
        step: Step,
        /// How it failed.
        #[source]
        source: HttpError,
    },
    /// The token could not be revoked.
    #[error("the token could not be revoked")]
    Revoke(#[source] StsError),
    /// The token had ended before it was revoked.
    #[error("the token had ended before it was revoked")]
    EndedBefore,
    /// The token opens doors after its revocation.
    #[error("the token still works {0:?} after its revocation")]
    StillWorks(Duration),
}

/// A call to GitHub with the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Reading the policy's own file, which must be readable.
    Read,
    /// Listing issues, which must be possible.
    List,
    /// Creating an issue, which must be forbidden.
    Write,
    /// Reading once more after the token was revoked.
    Reuse,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Read => "reading the policy",
            Self::List => "listing issues",
            Self::Write => "the forbidden write",
            Self::Reuse => "using the revoked token",
        })
    }
}

impl ProbeError {
    /// The step at which the probe failed, as reports and metrics name it.
    pub fn step(&self) -> &'static str {
        match self {
            Self::NoToken(_) | Self::NotAJwt | Self::NotExpired => "token",
            Self::Exchange(_) => "exchange",
            Self::Granted { .. } => "granted",
            Self::OtherRefusal { .. } | Self::NoRefusal { .. } => "refusal",
            Self::GitHub { step, .. } | Self::NoAnswer { step, .. } => match step {
                Step::Read => "read",
                Step::List => "list",
                Step::Write => "write",
                Step::Reuse => "reuse",
            },
            Self::Revoke(_) | Self::EndedBefore => "revoke",
            Self::StillWorks(_) => "reuse",
        }
    }

    /// The reason and its causes on one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}
