//! What an exchanger is made of, and what the operator decides.

use std::sync::Arc;

use octo_sts_audit::Audit;
use octo_sts_github::GitHub;
use octo_sts_oidc::{IssuerFilter, Verifier};
use octo_sts_policy::{Guardrails, OrgPermissions};
use octo_sts_store::{StickyStore, UsedTokens};
use octo_sts_types::{Clock, RepositoryName};

use crate::{apps::AppPools, limits::CallerLimits, routing::QuotaFloors};

/// What the operator decides about exchanges.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The service's public name.
    pub domain: String,
    /// The repository that holds organisation policies and the issuer allowlist.
    pub policy_repository: RepositoryName,
    /// The audiences accepted where a policy names none. `{scope}` stands for the repository asked for; an entry with it
    /// does not count for a scope without a repository.
    pub default_audiences: Vec<String>,
    /// What repository policies may grant over the organisation.
    pub org_permissions: OrgPermissions,
    /// Whether a policy that is a symbolic link is refused, at the price of one listing for each change.
    pub strict_policy_files: bool,
    /// When an App counts as short of quota.
    pub quota: QuotaFloors,
    /// Where the guardrails of organisations are read.
    pub org_guardrails: OrgGuardrails,
    /// What bounds every grant of this service.
    pub guardrails: Option<Guardrails>,
    /// How often a token may be exchanged.
    pub replay: Replay,
    /// How often callers may exchange, and fail.
    pub limits: CallerLimits,
    /// Issuers whose tokens are verified with the keys in the policies that trust them; `None`: none.
    pub policy_key_issuers: Option<IssuerFilter>,
}

/// Where the guardrails of organisations are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrgGuardrails {
    /// Where there is an issuer allowlist beside them: an exchange that knows nothing yet makes five calls.
    #[default]
    WithAllowlist,
    /// Everywhere: it makes six, in as many round trips.
    Always,
}

/// How often one OIDC token may be exchanged, where no guardrail says once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replay {
    /// As often as its holder likes while it is valid: a job may act under several identities.
    #[default]
    Allow,
    /// Once.
    Once,
}

/// What an [`Exchanger`](crate::Exchanger) is made of.
pub struct Parts {
    /// Verifies the caller's token.
    pub verifier: Arc<Verifier>,
    /// Speaks to GitHub.
    pub github: GitHub,
    /// The configured Apps.
    pub apps: AppPools,
    /// Takes the record of each exchange.
    pub audit: Audit,
    /// Remembers which tokens were exchanged, where that is asked for.
    pub used_tokens: Arc<dyn UsedTokens>,
    /// Remembers which App a caller who writes checks was given; without it, the computed order counts.
    pub sticky: Option<Arc<dyn StickyStore>>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// What the operator decides.
    pub settings: Settings,
}
