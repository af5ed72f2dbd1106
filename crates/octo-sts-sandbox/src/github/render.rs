//! The JSON forms of Apps, accounts, repositories and installations.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{
    app::client_id,
    world::{AppRecord, InstallationRecord, OwnerKind, OwnerRecord, RepositoryRecord, World},
};

/// Links of a repository: member, and what comes after the repository's API address.
const LINKS: &[(&str, &str)] = &[
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
    ("url", ""),
];

/// Counters of a repository that a sandbox has no use for.
const COUNTERS: &[&str] = &[
    "forks",
    "forks_count",
    "network_count",
    "open_issues",
    "open_issues_count",
    "size",
    "stargazers_count",
    "subscribers_count",
    "watchers",
    "watchers_count",
];

/// Switches of a repository that are all off.
const SWITCHES: &[&str] =
    &["disabled", "fork", "has_discussions", "has_downloads", "has_pages", "has_projects", "has_wiki", "is_template", "allow_forking"];

/// Links of an account: member, and what comes after the account's API address.
const ACCOUNT_LINKS: &[(&str, &str)] = &[
    ("events_url", "/events{/privacy}"),
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("organizations_url", "/orgs"),
    ("received_events_url", "/received_events"),
    ("repos_url", "/repos"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("url", ""),
];

/// Where links lead: the API's address, and the address of pages for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Addresses {
    pub(crate) api: String,
    pub(crate) html: String,
}

/// A time as GitHub writes it, in whole seconds.
pub(crate) fn time(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

impl Addresses {
    /// The API's address of a repository.
    pub(crate) fn repository(&self, world: &World, repository: &RepositoryRecord) -> String {
        format!("{}/repos/{}", self.api, world.full_name(repository))
    }

    /// A `simple-user`.
    pub(crate) fn account(&self, owner: &OwnerRecord) -> Value {
        let mut account = Map::new();
        let api = format!("{}/users/{}", self.api, owner.login);
        for (member, rest) in ACCOUNT_LINKS {
            account.insert((*member).to_owned(), format!("{api}{rest}").into());
        }
        account.extend(members(json!({
            "login": owner.login,
            "id": owner.id,
            "node_id": format!("O_{}", owner.id),
            "avatar_url": format!("{}/avatars/{}", self.html, owner.id),
            "gravatar_id": "",
            "html_url": format!("{}/{}", self.html, owner.login),
            "type": kind(owner.kind),
            "site_admin": false,
        })));
        Value::Object(account)
    }

    /// A `full-repository`, as text, made once and kept until the repository changes.
    pub(crate) fn repository_text(&self, world: &World, repository: &RepositoryRecord) -> Arc<str> {
        Arc::clone(repository.rendered.get_or_init(|| self.repository_value(world, repository).to_string().into()))
    }

    pub(crate) fn repository_value(&self, world: &World, repository: &RepositoryRecord) -> Value {
        let api = self.repository(world, repository);
        let full_name = world.full_name(repository);
        let html = format!("{}/{full_name}", self.html);
        let mut all = Map::new();
        all.extend(LINKS.iter().map(|(member, rest)| ((*member).to_owned(), format!("{api}{rest}").into())));
        all.extend(COUNTERS.iter().map(|member| ((*member).to_owned(), 0.into())));
        all.extend(SWITCHES.iter().map(|member| ((*member).to_owned(), false.into())));
        all.extend(["description", "homepage", "language", "license", "mirror_url"].map(|member| (member.to_owned(), Value::Null)));
        all.extend(["created_at", "updated_at", "pushed_at"].map(|member| (member.to_owned(), time(repository.created_at).into())));
        all.extend(members(json!({
            "id": repository.id,
            "node_id": format!("R_{}", repository.id),
            "name": repository.name,
            "full_name": full_name,
            "owner": world.owners.get(&repository.owner).map(|owner| self.account(owner)),
            "private": repository.private(),
            "visibility": if repository.private() { "private" } else { "public" },
            "archived": repository.archived,
            "has_issues": true,
            "default_branch": repository.default_branch,
            "html_url": html,
            "clone_url": format!("{html}.git"),
            "svn_url": html,
            "git_url": format!("git:{}.git", html.split_once(':').map_or("", |(_, rest)| rest)),
            "ssh_url": format!("git@localhost:{full_name}.git"),
        })));
        Value::Object(all)
    }

    /// An `integration`.
    pub(crate) fn app(&self, app: &AppRecord) -> Value {
        let owner =
            OwnerRecord { id: octo_sts_types::AccountId(1), login: "app-maker".to_owned(), kind: OwnerKind::Organization, repositories: Vec::new() };
        json!({
            "id": app.id,
            "slug": app.slug,
            "client_id": client_id(app.id),
            "node_id": format!("A_{}", app.id),
            "owner": self.account(&owner),
            "name": app.slug,
            "description": null,
            "external_url": format!("{}/apps/{}", self.html, app.slug),
            "html_url": format!("{}/apps/{}", self.html, app.slug),
            "created_at": time(app.created_at),
            "updated_at": time(app.created_at),
            "permissions": *app.permissions,
            "events": app.events,
            "installations_count": app.installations.len(),
        })
    }

    /// An `installation`.
    pub(crate) fn installation(&self, world: &World, installation: &InstallationRecord) -> Value {
        let account = world.owners.get(&installation.account);
        let slug = world.apps.get(&installation.app).map_or("", |app| app.slug.as_str());
        let id = installation.id;
        json!({
            "id": id,
            "client_id": client_id(installation.app),
            "account": account.map(|owner| self.account(owner)),
            "app_id": installation.app,
            "app_slug": slug,
            "target_id": installation.account,
            "target_type": account.map(|owner| kind(owner.kind)),
            "single_file_name": null,
            "repository_selection": if installation.selected.is_some() { "selected" } else { "all" },
            "access_tokens_url": format!("{}/app/installations/{id}/access_tokens", self.api),
            "repositories_url": format!("{}/installation/repositories", self.api),
            "html_url": format!("{}/settings/installations/{id}", self.html),
            "permissions": *installation.permissions,
            "events": ["push", "pull_request"],
            "created_at": time(installation.created_at),
            "updated_at": time(installation.created_at),
            "suspended_by": installation.suspended_at.and(account).map(|owner| self.account(owner)),
            "suspended_at": installation.suspended_at.map(time),
        })
    }
}

/// The members of an object.
pub(crate) fn members(value: Value) -> Map<String, Value> {
    if let Value::Object(map) = value { map } else { Map::new() }
}

fn kind(kind: OwnerKind) -> &'static str {
    match kind {
        OwnerKind::Organization => "Organization",
        OwnerKind::User => "User",
    }
}
