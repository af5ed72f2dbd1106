//! The stable word for each refusal.

use octo_sts_github::GitHubError;
use octo_sts_oidc::{TokenFormError, VerifyError};

use crate::error::{During, ExchangeError};

impl ExchangeError {
    /// The stable word for this refusal, in answers and events.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::SeveralScopes => "MULTIPLE_SCOPES",
            Self::NoAuthorization | Self::SeveralAuthorizations => "AUTHORIZATION_REQUIRED",
            Self::NotAToken(TokenFormError::Issuer(_)) => "INVALID_ISSUER",
            Self::NotAToken(_) => "INVALID_TOKEN",
            Self::NoScope | Self::Scope(_) => "INVALID_SCOPE",
            Self::NoIdentity | Self::Identity(_) => "INVALID_IDENTITY",
            Self::Token(VerifyError::IssuerRefused(_)) => "ISSUER_NOT_ADMITTED",
            Self::Token(VerifyError::Discovery(_)) => "ISSUER_UNREACHABLE",
            Self::Token(VerifyError::Token(_)) | Self::NotVerifiedByPolicy(_) | Self::NoKeysInPolicy => "TOKEN_NOT_VERIFIED",
            Self::Token(VerifyError::Claims(_)) => "INVALID_CLAIMS",
            Self::Token(VerifyError::Unmet(_)) => "TOKEN_NOT_ADMITTED",
            Self::TooMany(_) => "TOO_MANY_REQUESTS",
            Self::NoPool => "NO_APP_CONFIGURED",
            Self::NotInstalled => "APP_NOT_INSTALLED",
            Self::Suspended | Self::GitHub { source: GitHubError::Suspended, .. } => "INSTALLATION_SUSPENDED",
            Self::Renamed | Self::GitHub { source: GitHubError::Moved, .. } => "REPOSITORY_RENAMED",
            Self::IssuerNotListed => "ISSUER_NOT_LISTED",
            Self::AllowlistInvalid(_) | Self::AllowlistOdd(_) => "ALLOWLIST_INVALID",
            Self::PolicyAbsent => "POLICY_NOT_FOUND",
            Self::PolicyUnparsable(_) | Self::PolicyUncompilable(_) | Self::PolicyOdd(_) => "POLICY_INVALID",
            Self::PolicyKeysNotAllowed => "POLICY_KEYS_NOT_ALLOWED",
            Self::Mismatch(_) => "POLICY_MISMATCH",
            Self::NoConsent(_) => "REPOSITORY_DOES_NOT_CONSENT",
            Self::Guardrails(_) => "GUARDRAILS",
            Self::GuardrailsInvalid(_) | Self::GuardrailsOdd(_) => "GUARDRAILS_INVALID",
            Self::UsedBefore => "TOKEN_USED_BEFORE",
            Self::UsesUnknown(_) => "TOKEN_USES_UNKNOWN",
            Self::NoSuchApp => "APP_NOT_CONFIGURED",
            Self::GitHub { source, during } => github_reason(source, *during),
            Self::TimedOut => "TIMED_OUT",
            Self::Overloaded => "OVERLOADED",
            Self::Draining => "SHUTTING_DOWN",
            Self::Broken => "INTERNAL",
        }
    }
}

fn github_reason(error: &GitHubError, during: During) -> &'static str {
    match error {
        GitHubError::RateLimited { .. } => "GITHUB_RATE_LIMITED",
        GitHubError::Unavailable { .. } => "GITHUB_UNAVAILABLE",
        GitHubError::KeyRefused { .. } | GitHubError::Sign(_) => "APP_KEY_REFUSED",
        GitHubError::Unprocessable { .. } if during == During::Mint => "PERMISSION_NOT_GRANTED",
        GitHubError::Forbidden { .. } => "GITHUB_FORBIDDEN",
        GitHubError::NotFound if matches!(during, During::Installation | During::Mint) => "APP_NOT_INSTALLED",
        _ => "GITHUB_FAILED",
    }
}
