//! What a trust policy gives.

use crate::{Permissions, RepositoryName};

/// What a policy gives to one caller: permissions, and the repositories they hold for.
///
/// Only `octo-sts-policy` makes a grant, from verified claims; only a grant can be minted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    permissions: Permissions,
    repositories: GrantedRepositories,
}

/// For which repositories a grant holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantedRepositories {
    /// The repository the policy was read for, and no other.
    Target,
    /// These repositories of the same owner: 1 to 500.
    Named(Vec<RepositoryName>),
    /// Every repository the installation sees. Only an organisation policy for scope `OWNER` grants it.
    Every,
}

impl Grant {
    /// For `octo-sts-policy` alone (`clippy.toml` refuses it elsewhere): the outcome of matching verified claims.
    pub fn from_match(permissions: Permissions, repositories: GrantedRepositories) -> Self {
        Self { permissions, repositories }
    }

    /// What the token may do: never empty.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// Where it may do so.
    pub fn repositories(&self) -> &GrantedRepositories {
        &self.repositories
    }

    /// The same grant with fewer permissions; `None` when nothing would be left.
    pub fn narrowed(&self, ceiling: &Permissions) -> Option<Self> {
        let permissions = self.permissions.intersection(ceiling)?;
        Some(Self { permissions, repositories: self.repositories.clone() })
    }
}
