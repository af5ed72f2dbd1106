//! Why an exchange was refused.

use std::sync::Arc;

use octo_sts_github::{GitHubError, OddContent};
use octo_sts_oidc::{TokenFormError, VerifyError};
use octo_sts_policy::{ConsentError, Diagnostics, GuardrailRefusal, Mismatch};
use octo_sts_store::StoreError;
use octo_sts_types::{InvalidIdentity, InvalidScope};

/// Why an exchange was refused.
///
/// `Display` is for the operator's log and does not repeat its source: the logger walks the chain. What the caller reads,
/// and under which code, is decided in one file of the server (`status.rs`).
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// `scopes` holds more than one.
    #[error("more than one scope was asked for")]
    SeveralScopes,
    /// There is no `authorization`.
    #[error("the request carries no authorization")]
    NoAuthorization,
    /// There is more than one `authorization`.
    #[error("the request carries more than one authorization")]
    SeveralAuthorizations,
    /// The bearer is not a JWT, or names no issuer.
    #[error("the bearer is not a token")]
    NotAToken(#[source] TokenFormError),
    /// Neither `scope` nor `scopes` says anything.
    #[error("no scope was asked for")]
    NoScope,
    /// `identity` says nothing.
    #[error("no identity was asked for")]
    NoIdentity,
    /// The scope fails the grammar.
    #[error("the scope is not one")]
    Scope(#[source] InvalidScope),
    /// The identity fails the grammar.
    #[error("the identity is not one")]
    Identity(#[source] InvalidIdentity),
    /// The issuer was not admitted or not reachable, or the token did not verify, or its claims are odd.
    #[error("the token was not verified")]
    Token(#[source] VerifyError),
    /// This caller, or everybody together, asks too often.
    #[error("too many requests: {0}")]
    TooMany(TooMany),
    /// No App is configured for the owner.
    #[error("no App is configured for the owner")]
    NoPool,
    /// No configured App is installed on the owner.
    #[error("no App is installed on the owner")]
    NotInstalled,
    /// The organisation's allowlist is in force and does not name the issuer.
    #[error("the organisation's allowlist does not name the issuer")]
    IssuerNotListed,
    /// The allowlist is invalid, and no earlier version is known.
    #[error("the organisation's allowlist is invalid")]
    AllowlistInvalid(#[source] Diagnostics),
    /// The allowlist's path holds something that is no file.
    #[error("the organisation's allowlist cannot be read: {0}")]
    AllowlistOdd(OddContent),
    /// There is no such policy, or the repository is out of the App's sight.
    #[error("there is no such policy")]
    PolicyAbsent,
    /// The policy is not YAML of the known form.
    #[error("the policy does not parse")]
    PolicyUnparsable(#[source] Diagnostics),
    /// The policy parses and contradicts itself, or holds a bad pattern.
    #[error("the policy does not compile")]
    PolicyUncompilable(#[source] Diagnostics),
    /// The policy's path holds something that is no readable file.
    #[error("the policy cannot be read: {0}")]
    PolicyOdd(OddContent),
    /// No key of the policy that is asked for signed the token, for whatever reason: it is the source, and the caller is not told.
    #[error("no policy verifies the token")]
    NotVerifiedByPolicy(#[source] Arc<ExchangeError>),
    /// The policy has no keys for the token's issuer, which is verified by policies alone.
    #[error("the policy has no keys for the token's issuer")]
    NoKeysInPolicy,
    /// The policy has keys, and the operator does not let policies have any for this issuer.
    #[error("the policy has keys for an issuer that STS_POLICY_JWKS_ISSUERS does not list")]
    PolicyKeysNotAllowed,
    /// The policy does not admit the token.
    #[error("the policy does not admit the token")]
    Mismatch(#[source] Mismatch),
    /// The policy names an App that is not among those configured for the owner.
    #[error("the policy names an App that is not configured for the owner")]
    NoSuchApp,
    /// The policy lists other repositories, and not all of them agree.
    #[error("not every repository that the policy lists consents")]
    NoConsent(#[source] ConsentError),
    /// Guardrails leave nothing of the grant.
    #[error("guardrails refuse the grant")]
    Guardrails(#[source] GuardrailRefusal),
    /// The organisation's guardrails are invalid, and no earlier version is known.
    #[error("the organisation's guardrails are invalid")]
    GuardrailsInvalid(#[source] Diagnostics),
    /// The guardrails' path holds something that is no file.
    #[error("the organisation's guardrails cannot be read: {0}")]
    GuardrailsOdd(OddContent),
    /// The token counts once, and was exchanged before.
    #[error("the token was exchanged before, and counts once")]
    UsedBefore,
    /// Whether the token was exchanged before cannot be found out.
    #[error("whether the token was exchanged before is not known")]
    UsesUnknown(#[source] StoreError),
    /// GitHub failed, refused or asked us to wait.
    #[error("GitHub: {during}")]
    GitHub {
        /// What was being done.
        during: During,
        /// How it failed.
        #[source]
        source: GitHubError,
    },
    /// The installation is suspended.
    #[error("the installation is suspended")]
    Suspended,
    /// GitHub knows the repository under another owner or name now.
    #[error("the repository goes by another name now")]
    Renamed,
    /// Something of ours broke; the log says what.
    #[error("the exchange broke off")]
    Broken,
    /// The whole exchange took longer than its deadline.
    #[error("the exchange took longer than its deadline")]
    TimedOut,
    /// As many exchanges are under way as the operator allows.
    #[error("as many exchanges are under way as this service takes at once")]
    Overloaded,
    /// The service is going down.
    #[error("the service is shutting down")]
    Draining,
}

/// Which bound was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMany {
    /// Lookups of owners that no App is installed on, per issuer.
    UnknownOwners {
        /// When to ask again, in seconds.
        retry_after: u64,
    },
    /// Repositories and policies of a known owner that are not there, per issuer.
    UnknownNames {
        /// When to ask again, in seconds.
        retry_after: u64,
    },
    /// Exchanges of one issuer and subject.
    Exchanges {
        /// When to ask again, in seconds.
        retry_after: u64,
    },
    /// Requests from one address whose token did not verify.
    Failures {
        /// When to ask again, in seconds.
        retry_after: u64,
    },
}

impl std::fmt::Display for TooMany {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownOwners { .. } => f.write_str("unknown owners asked for under this issuer"),
            Self::UnknownNames { .. } => f.write_str("names of this owner that are not there asked for under this issuer"),
            Self::Exchanges { .. } => f.write_str("exchanges of this issuer and subject"),
            Self::Failures { .. } => f.write_str("tokens from this address that did not verify"),
        }
    }
}

/// What was being done at GitHub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum During {
    /// Looking for the installation.
    Installation,
    /// Reading the issuer allowlist, its reader token included.
    Allowlist,
    /// Reading the guardrails.
    Guardrails,
    /// Reading the policy, its reader token included.
    Policy,
    /// Minting the caller's token.
    Mint,
}

impl std::fmt::Display for During {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Installation => "looking for the installation",
            Self::Allowlist => "reading the issuer allowlist",
            Self::Guardrails => "reading the guardrails",
            Self::Policy => "reading the policy",
            Self::Mint => "minting the token",
        })
    }
}
