//! What the page asks.

use std::borrow::Cow;

use octo_sts_policy::{OrgPermissions, ParseOptions, PolicyKind};
use octo_sts_types::{Owner, RepositoryName, Scope};
use serde::Deserialize;

/// What stands in the page's fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question<'a> {
    /// The policy's text.
    #[serde(borrow)]
    pub(super) policy: Cow<'a, str>,
    /// A token, or its claims as JSON.
    #[serde(borrow)]
    pub(super) token: Cow<'a, str>,
    /// What is asked for; empty: the token's own repository.
    #[serde(borrow)]
    pub(super) scope: Cow<'a, str>,
    pub(super) service: Service,
    /// Seconds since 1970.
    pub(super) now: i64,
}

/// What the service knows, and neither policy nor token says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Service {
    /// See [`octo_sts_policy::MatchContext::default_audiences`].
    pub(super) audiences: Vec<String>,
    /// The name of the repository that holds an organisation's own policies.
    policy_repository: String,
    org_permissions: Permitted,
}

/// Up to which level policies in repositories may give permissions over the organisation.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Permitted {
    Deny,
    Read,
    Allow,
}

impl Service {
    /// How the service reads the policy for this scope.
    pub(super) fn kind(&self, scope: &Scope) -> PolicyKind {
        let central = self.policy_repository.parse::<RepositoryName>();
        match scope {
            Scope::Repository(repository) if !central.is_ok_and(|name| name == repository.name) => PolicyKind::Repository,
            _ => PolicyKind::Organization,
        }
    }

    pub(super) fn options(&self, owner: Option<&Owner>) -> ParseOptions {
        let org_permissions = match self.org_permissions {
            Permitted::Deny => OrgPermissions::Deny,
            Permitted::Read => OrgPermissions::Read,
            Permitted::Allow => OrgPermissions::Allow,
        };
        ParseOptions { org_permissions, owner: owner.cloned() }
    }
}
