//! Trust policies: who may act as an identity, and what they receive.
//!
//! A policy is one YAML file. [`TrustPolicy::parse`] compiles its text, and [`TrustPolicy::grant`] matches verified claims
//! against it.
//!
//! | File | What |
//! |---|---|
//! | `read` | text → policy, everything wrong with it reported |
//! | `jwks` | keys of an issuer that the service cannot ask |
//! | `permissions`, `repositories` | the two fields that say what is given |
//! | `matching` | claims → grant or mismatch |
//! | `print` | the policy as the audit event records it |

mod jwks;
mod matching;
mod permissions;
mod print;
mod read;
mod repositories;

use octo_sts_types::{Owner, Permissions, RepositoryName};

pub(crate) use jwks::{LONGEST as LONGEST_KEYS, MOST_KEYS};
pub use matching::MatchContext;
pub(crate) use permissions::{allowed_levels, read_permission, read_permissions};
pub(crate) use repositories::read_names;

use crate::{Diagnostics, Parsed, Pattern, Requirement, diagnostics::Reporter};

/// Where a policy was read, which decides what it may give.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyKind {
    /// In a repository, for a scope `OWNER/REPOSITORY`.
    Repository,
    /// In the organisation's policy repository, for `OWNER` or `OWNER/<policy repository>`.
    Organization,
}

/// Whether policies in repositories may give permissions over the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OrgPermissions {
    /// None.
    Deny,
    /// At level `read` only.
    #[default]
    Read,
    /// All, as upstream.
    Allow,
}

/// What a policy is read under.
#[derive(Clone, Debug, Default)]
pub struct ParseOptions {
    /// For policies in repositories.
    pub org_permissions: OrgPermissions,
    /// Whose policy it is: entries `OWNER/name` of another owner are errors. Unknown: they must agree with each other.
    pub owner: Option<Owner>,
}

/// A policy that can be matched.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustPolicy {
    kind: PolicyKind,
    issuer: Requirement,
    subject: Requirement,
    audience: Option<Requirement>,
    /// In the order of the file; each name once.
    claims: Vec<(Box<str>, Pattern)>,
    permissions: Permissions,
    app: Option<AppRequirement>,
    repositories: Option<Repositories>,
    /// A key set with public keys alone; `issuer` is exact.
    jwks: Option<serde_json::Value>,
}

/// The repositories a policy lists: 1 to 500, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Repositories {
    pub(crate) names: Vec<RepositoryName>,
    /// The owner written before any of them.
    pub(crate) owner: Option<Owner>,
}

/// Which of the configured Apps may mint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppRequirement(Requirement);

impl AppRequirement {
    /// Whether an App with this configured name may mint; one without a name never may.
    pub fn admits(&self, app_name: Option<&str>) -> bool {
        app_name.is_some_and(|name| self.0.admits(name))
    }

    /// The name or pattern.
    pub fn requirement(&self) -> &Requirement {
        &self.0
    }
}

impl TrustPolicy {
    /// Compiles a policy, or says everything that is wrong with it.
    pub fn parse(text: &str, kind: PolicyKind, options: &ParseOptions) -> Result<Parsed<Self>, Diagnostics> {
        let mut reporter = Reporter::new(text);
        let policy = read::policy(kind, options, &mut reporter);
        reporter.finish(policy)
    }

    /// Where it was read.
    pub fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// What is required of `iss`.
    pub fn issuer(&self) -> &Requirement {
        &self.issuer
    }

    /// What is required of `sub`.
    pub fn subject(&self) -> &Requirement {
        &self.subject
    }

    /// What is required of `aud`; `None`: one of the service's default audiences.
    pub fn audience(&self) -> Option<&Requirement> {
        self.audience.as_ref()
    }

    /// The names and patterns of `claim_pattern`, in the order of the file.
    pub fn claims(&self) -> impl Iterator<Item = (&str, &Pattern)> {
        self.claims.iter().map(|(name, pattern)| (&**name, pattern))
    }

    /// The names of `claim_pattern`.
    pub fn claim_names(&self) -> impl Iterator<Item = &str> {
        self.claims.iter().map(|(name, _)| &**name)
    }

    /// What it gives.
    pub fn permissions(&self) -> &Permissions {
        &self.permissions
    }

    /// The keys that the issuer's tokens are verified with, in place of those that the issuer publishes.
    pub fn jwks(&self) -> Option<&serde_json::Value> {
        self.jwks.as_ref()
    }

    /// Which App may mint; `None`: any.
    pub fn app(&self) -> Option<&AppRequirement> {
        self.app.as_ref()
    }

    /// The repositories listed, as far as they are.
    pub fn repositories(&self) -> Option<&[RepositoryName]> {
        self.repositories.as_ref().map(|listed| listed.names.as_slice())
    }

    /// The repositories that a policy in a repository lists: each but its own has to consent. Empty for any other policy.
    pub fn other_repositories(&self) -> &[RepositoryName] {
        match (self.kind, &self.repositories) {
            (PolicyKind::Repository, Some(listed)) => &listed.names,
            _ => &[],
        }
    }
}
