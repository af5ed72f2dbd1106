//! Single rules.

use octo_sts_types::{Level, Permission, Permissions, RepositoryName};

use crate::{Requirement, TrustPolicy, lint};

/// Which issuers may get something.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct IssuerRule {
    pub(super) reach: Reach,
    pub(super) issuers: Vec<Requirement>,
}

/// What an issuer rule is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reach {
    /// Every permission.
    Any,
    /// Every permission at this level and above.
    From(Level),
    /// One permission at any level.
    Permission(Permission),
}

/// Claims of which a policy has to pin one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RequiredClaims {
    /// Whose tokens this is about; `None`: everybody's.
    pub(super) issuer: Option<Requirement>,
    pub(super) any_of: Vec<Box<str>>,
}

/// Repositories whose policies may reach other repositories.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Delegation {
    pub(super) from: Vec<RepositoryName>,
    pub(super) to: Vec<RepositoryName>,
    pub(super) permissions: Option<Permissions>,
}

impl IssuerRule {
    /// The level of `permission` that tokens of `issuer` may get under this rule, when `level` is asked for.
    pub(super) fn most(&self, permission: Permission, level: Level, issuer: &str) -> Option<Level> {
        if self.issuers.iter().any(|listed| listed.admits(issuer)) {
            return Some(level);
        }
        match self.reach {
            Reach::Any => None,
            Reach::Permission(named) if named == permission => None,
            Reach::From(lowest) if level >= lowest => permission.levels().iter().copied().rfind(|lower| *lower < lowest),
            Reach::Permission(_) | Reach::From(_) => Some(level),
        }
    }
}

impl RequiredClaims {
    /// Whether a policy for this issuer's tokens pins one of the claims: requires it, by a pattern that refuses something.
    pub(super) fn are_pinned(&self, policy: &TrustPolicy, issuer: &str) -> bool {
        if self.issuer.as_ref().is_some_and(|required| !required.admits(issuer)) {
            return true;
        }
        policy.claims().any(|(name, pattern)| self.any_of.iter().any(|required| **required == *name) && !lint::admits_anything(pattern))
    }
}
