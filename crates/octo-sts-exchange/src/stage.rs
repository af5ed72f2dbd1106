//! How far an exchange came before it was refused.

use octo_sts_oidc::VerifyError;

use crate::error::{During, ExchangeError, TooMany};

/// How far an exchange came; the word that callers, logs and metrics see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Reading the request.
    Request,
    /// Admitting the issuer and fetching its keys.
    Issuer,
    /// Verifying signature and times.
    Signature,
    /// Reading the claims.
    Claims,
    /// Finding App and installation.
    Installation,
    /// The organisation's issuer allowlist.
    Allowlist,
    /// Reading the trust policy.
    Policy,
    /// Matching the claims.
    Match,
    /// Guardrails, and tokens that count once.
    Guardrails,
    /// Minting.
    Mint,
    /// Everything passed.
    Done,
}

impl Stage {
    /// The word used in answers, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Issuer => "issuer",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Installation => "installation",
            Self::Allowlist => "allowlist",
            Self::Policy => "policy",
            Self::Match => "match",
            Self::Guardrails => "guardrails",
            Self::Mint => "mint",
            Self::Done => "done",
        }
    }
}

impl ExchangeError {
    /// The stage that refused.
    pub fn stage(&self) -> Stage {
        match self {
            Self::SeveralScopes
            | Self::NoAuthorization
            | Self::SeveralAuthorizations
            | Self::NotAToken(_)
            | Self::NoScope
            | Self::NoIdentity
            | Self::Scope(_)
            | Self::Identity(_)
            | Self::TimedOut
            | Self::Broken
            | Self::TooMany(TooMany::Failures { .. })
            | Self::Overloaded
            | Self::Draining => Stage::Request,
            Self::TooMany(TooMany::Exchanges { .. }) => Stage::Claims,
            Self::Token(error) => match error {
                VerifyError::IssuerRefused(_) | VerifyError::Discovery(_) => Stage::Issuer,
                VerifyError::Token(_) => Stage::Signature,
                VerifyError::Claims(_) | VerifyError::Unmet(_) => Stage::Claims,
            },
            Self::NoPool
            | Self::NotInstalled
            | Self::Suspended
            | Self::Renamed
            | Self::TooMany(TooMany::UnknownOwners { .. })
            | Self::GitHub { during: During::Installation, .. } => Stage::Installation,
            Self::IssuerNotListed | Self::AllowlistInvalid(_) | Self::AllowlistOdd(_) | Self::GitHub { during: During::Allowlist, .. } => {
                Stage::Allowlist
            }
            Self::NotVerifiedByPolicy(_) | Self::NoKeysInPolicy => Stage::Signature,
            Self::PolicyAbsent
            | Self::PolicyKeysNotAllowed
            | Self::TooMany(TooMany::UnknownNames { .. })
            | Self::PolicyUnparsable(_)
            | Self::PolicyUncompilable(_)
            | Self::PolicyOdd(_)
            | Self::GitHub { during: During::Policy, .. } => Stage::Policy,
            Self::Mismatch(_) | Self::NoConsent(_) => Stage::Match,
            Self::Guardrails(_)
            | Self::GuardrailsInvalid(_)
            | Self::GuardrailsOdd(_)
            | Self::UsedBefore
            | Self::UsesUnknown(_)
            | Self::GitHub { during: During::Guardrails, .. } => Stage::Guardrails,
            Self::NoSuchApp | Self::GitHub { during: During::Mint, .. } => Stage::Mint,
        }
    }
}
