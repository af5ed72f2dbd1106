//! The permissions GitHub Apps can have, as data.
//!
//! Names, categories and levels of the documented ones are those of `app-permissions` in GitHub's `OpenAPI` description
//! (npm `@octokit/openapi` 23.0.2); the others are the fields of go-github v88 that the description lacks.

use crate::{Category, Level};

/// What is known of one permission.
pub(crate) struct Facts {
    pub(crate) name: &'static str,
    pub(crate) category: Category,
    pub(crate) levels: &'static [Level],
    pub(crate) documented: bool,
}

const READ: &[Level] = &[Level::Read];
const WRITE: &[Level] = &[Level::Write];
const READ_WRITE: &[Level] = &[Level::Read, Level::Write];
const READ_WRITE_ADMIN: &[Level] = &[Level::Read, Level::Write, Level::Admin];

const fn documented(name: &'static str, category: Category, levels: &'static [Level]) -> Facts {
    Facts { name, category, levels, documented: true }
}

const fn undocumented(name: &'static str, category: Category) -> Facts {
    Facts { name, category, levels: READ_WRITE, documented: false }
}

/// Sorted by name: it is searched by halves.
pub(crate) const CATALOGUE: &[Facts] = &[
    documented("actions", Category::Repository, READ_WRITE),
    undocumented("actions_variables", Category::Repository),
    documented("administration", Category::Repository, READ_WRITE),
    documented("artifact_metadata", Category::Repository, READ_WRITE),
    documented("attestations", Category::Repository, READ_WRITE),
    undocumented("blocking", Category::Account),
    documented("checks", Category::Repository, READ_WRITE),
    documented("code_quality", Category::Repository, READ_WRITE),
    documented("codespaces", Category::Repository, READ_WRITE),
    undocumented("codespaces_lifecycle_admin", Category::Repository),
    undocumented("codespaces_metadata", Category::Repository),
    undocumented("codespaces_secrets", Category::Repository),
    undocumented("codespaces_user_secrets", Category::Account),
    undocumented("content_references", Category::Repository),
    documented("contents", Category::Repository, READ_WRITE),
    undocumented("copilot_messages", Category::Account),
    documented("custom_properties_for_organizations", Category::Organization, READ_WRITE),
    documented("dependabot_secrets", Category::Repository, READ_WRITE),
    documented("deployments", Category::Repository, READ_WRITE),
    documented("discussions", Category::Repository, READ_WRITE),
    documented("email_addresses", Category::Account, READ_WRITE),
    undocumented("emails", Category::Account),
    documented("enterprise_custom_properties_for_organizations", Category::Enterprise, READ_WRITE_ADMIN),
    documented("environments", Category::Repository, READ_WRITE),
    documented("followers", Category::Account, READ_WRITE),
    undocumented("gists", Category::Account),
    undocumented("git_signing_ssh_public_keys", Category::Account),
    documented("git_ssh_keys", Category::Account, READ_WRITE),
    documented("gpg_keys", Category::Account, READ_WRITE),
    documented("interaction_limits", Category::Account, READ_WRITE),
    documented("issues", Category::Repository, READ_WRITE),
    undocumented("keys", Category::Account),
    documented("members", Category::Organization, READ_WRITE),
    documented("merge_queues", Category::Repository, READ_WRITE),
    documented("metadata", Category::Repository, READ_WRITE),
    undocumented("organization_actions_variables", Category::Organization),
    documented("organization_administration", Category::Organization, READ_WRITE),
    documented("organization_announcement_banners", Category::Organization, READ_WRITE),
    undocumented("organization_api_insights", Category::Organization),
    undocumented("organization_codespaces", Category::Organization),
    undocumented("organization_codespaces_secrets", Category::Organization),
    undocumented("organization_codespaces_settings", Category::Organization),
    documented("organization_copilot_agent_settings", Category::Organization, READ_WRITE),
    undocumented("organization_copilot_metrics", Category::Organization),
    documented("organization_copilot_seat_management", Category::Organization, READ_WRITE),
    documented("organization_custom_org_roles", Category::Organization, READ_WRITE),
    documented("organization_custom_properties", Category::Organization, READ_WRITE_ADMIN),
    documented("organization_custom_roles", Category::Organization, READ_WRITE),
    undocumented("organization_dependabot_secrets", Category::Organization),
    documented("organization_events", Category::Organization, READ),
    documented("organization_hooks", Category::Organization, READ_WRITE),
    undocumented("organization_knowledge_bases", Category::Organization),
    documented("organization_packages", Category::Organization, READ_WRITE),
    documented("organization_personal_access_token_requests", Category::Organization, READ_WRITE),
    documented("organization_personal_access_tokens", Category::Organization, READ_WRITE),
    documented("organization_plan", Category::Organization, READ),
    undocumented("organization_pre_receive_hooks", Category::Organization),
    documented("organization_projects", Category::Organization, READ_WRITE_ADMIN),
    documented("organization_secrets", Category::Organization, READ_WRITE),
    documented("organization_self_hosted_runners", Category::Organization, READ_WRITE),
    documented("organization_user_blocking", Category::Organization, READ_WRITE),
    documented("packages", Category::Repository, READ_WRITE),
    documented("pages", Category::Repository, READ_WRITE),
    undocumented("plan", Category::Account),
    documented("profile", Category::Account, WRITE),
    documented("pull_requests", Category::Repository, READ_WRITE),
    undocumented("repository_advisories", Category::Repository),
    documented("repository_custom_properties", Category::Repository, READ_WRITE),
    documented("repository_hooks", Category::Repository, READ_WRITE),
    undocumented("repository_pre_receive_hooks", Category::Repository),
    documented("repository_projects", Category::Repository, READ_WRITE_ADMIN),
    documented("secret_scanning_alerts", Category::Repository, READ_WRITE),
    documented("secrets", Category::Repository, READ_WRITE),
    documented("security_events", Category::Repository, READ_WRITE),
    documented("single_file", Category::Repository, READ_WRITE),
    documented("starring", Category::Account, READ_WRITE),
    documented("statuses", Category::Repository, READ_WRITE),
    undocumented("team_discussions", Category::Organization),
    undocumented("user_events", Category::Account),
    documented("vulnerability_alerts", Category::Repository, READ_WRITE),
    undocumented("watching", Category::Account),
    documented("workflows", Category::Repository, WRITE),
];
