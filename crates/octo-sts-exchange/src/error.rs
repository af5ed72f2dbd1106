//! Why an exchange was refused.

use std::sync::Arc;

use octo_sts_github::{GitHubError, OddContent};
use octo_sts_oidc::{TokenFormError, VerifyError};
use octo_sts_policy::{ConsentError, Diagnostics, GuardrailRefusal, Mismatch};
use octo_sts_store::StoreError;
use octo_sts_types::{Identity, InvalidIdentity, InvalidScope, Scope};

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

/// A refused exchange: the reason, and what of the caller's own may be told back.
#[derive(Debug)]
pub struct Refusal {
    /// Why; shared with others who waited for the same answer.
    pub error: Arc<ExchangeError>,
    /// Facts of the caller's own token.
    pub facts: TokenFacts,
    /// The scope asked for, once it parsed.
    pub scope: Option<Scope>,
    /// The identity asked for, once it parsed.
    pub identity: Option<Identity>,
}

impl Refusal {
    /// Something of ours broke before anything was known.
    pub(crate) fn broken() -> Self {
        Self { error: Arc::new(ExchangeError::Broken), facts: TokenFacts::default(), scope: None, identity: None }
    }
}

/// What the caller's own token says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFacts {
    /// `iss`; present as soon as it was read, verified or not.
    pub issuer: Option<String>,
    /// `sub`; present only after the signature was verified.
    pub subject: Option<String>,
    /// `aud`; present only after the signature was verified.
    pub audiences: Vec<String>,
}
