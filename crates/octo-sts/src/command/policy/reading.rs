//! How policies are read: the arguments that the commands share.

use clap::ValueEnum;
use octo_sts_policy::{OrgPermissions, ParseOptions, PolicyKind};
use octo_sts_types::Owner;

/// What the service that the policies are for knows, and a file does not say.
#[derive(clap::Args, Debug)]
pub(super) struct ReadingArgs {
    /// Read policies as the organisation's own. Without it, those in a repository's folder named `.github`
    #[arg(long)]
    pub(super) org: bool,
    /// Whose policies they are: repositories of another owner in them are errors
    #[arg(long, env = "GITHUB_REPOSITORY_OWNER")]
    owner: Option<Owner>,
    /// Up to which level the service lets policies in repositories give permissions over the organisation
    #[arg(long, env = "STS_REPO_POLICY_ORG_PERMISSIONS", value_enum, default_value = "read", value_name = "LEVEL")]
    org_permissions: OrgPermissionsArg,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OrgPermissionsArg {
    Deny,
    Read,
    Allow,
}

impl ReadingArgs {
    /// The kind of a policy, which may lie in the policy repository.
    pub(super) fn kind(&self, in_policy_repository: bool) -> PolicyKind {
        if self.org || in_policy_repository { PolicyKind::Organization } else { PolicyKind::Repository }
    }

    /// The options for a policy of this owner, where nobody names another.
    pub(super) fn options(&self, owner: Option<&Owner>) -> ParseOptions {
        let org_permissions = match self.org_permissions {
            OrgPermissionsArg::Deny => OrgPermissions::Deny,
            OrgPermissionsArg::Read => OrgPermissions::Read,
            OrgPermissionsArg::Allow => OrgPermissions::Allow,
        };
        ParseOptions { org_permissions, owner: owner.or(self.owner.as_ref()).cloned() }
    }
}

/// The service that tokens are for.
#[derive(clap::Args, Debug)]
pub(super) struct ServiceNameArgs {
    /// The service's domain, from which the audiences follow where a policy names none
    #[arg(long, env = "OCTO_STS_DOMAIN", default_value = "octo-sts.dev")]
    domain: String,
}

impl ServiceNameArgs {
    /// The audiences that a service accepts by default.
    pub(super) fn audiences(&self) -> [String; 3] {
        [self.domain.clone(), format!("https://{}", self.domain), "https://github.com/{scope}".to_owned()]
    }
}
