//! Apps and where they are installed.

use std::collections::BTreeMap;

use octo_sts_http::Response;
use octo_sts_types::{AccountId, AppId, InstallationId, Owner, Repository};
use serde::Deserialize;

use crate::{
    app::App,
    call::{Call, Class},
    error::GitHubError,
    github::GitHub,
    quota::Lane,
    reply,
    trace::Trace,
};

/// What GitHub says of an App that presents its JWT.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AppFacts {
    /// Its id.
    pub id: AppId,
    /// Its name in URLs.
    pub slug: Option<String>,
    /// Its name.
    pub name: String,
    /// Its page.
    pub html_url: Option<String>,
    /// What it asks of those who install it, by permission name.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
    /// The webhook events it subscribes to.
    #[serde(default)]
    pub events: Vec<String>,
    /// How many installations it has.
    pub installations_count: Option<u64>,
}

/// An App on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// Its id. A reinstallation has another one.
    pub id: InstallationId,
    /// The App.
    pub app_id: AppId,
    /// The account, through every rename.
    pub account_id: AccountId,
    /// The account's login as it is now.
    pub account_login: String,
    /// Whether it is suspended: then nothing can be minted.
    pub suspended: bool,
    /// What the account granted, by permission name.
    pub permissions: BTreeMap<String, String>,
    /// Which repositories it sees.
    pub selection: Selection,
}

/// Which repositories an installation or a token sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Selection {
    /// All of the account, future ones included.
    All,
    /// Chosen ones.
    Selected,
    /// A word that GitHub's API does not have yet.
    #[serde(other)]
    Unknown,
}

#[derive(Deserialize)]
struct InstallationReply {
    id: InstallationId,
    app_id: AppId,
    account: Option<Account>,
    suspended_at: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
    repository_selection: Selection,
}

/// A user or an organisation has a login, an enterprise a slug.
#[derive(Deserialize)]
struct Account {
    id: AccountId,
    login: Option<String>,
    slug: Option<String>,
}

impl GitHub {
    /// `GET /app`: who the key speaks for. An answer about another App than the configured one is refused.
    pub async fn app(&self, app: &App, trace: &Trace) -> Result<AppFacts, GitHubError> {
        let call = Call::get(Class::App, reply::address(self.0.endpoint.app())?);
        let response = self.as_app(app, Lane::App(app.id), &call, trace).await?;
        let facts: AppFacts = reply::read(&response)?;
        if facts.id != app.id {
            return Err(GitHubError::KeyRefused { message: format!("the key belongs to App {}, not to App {}", facts.id, app.id) });
        }
        Ok(facts)
    }

    /// The App's installation that sees `repository`. `None`: there is none, or there is no such repository.
    pub async fn repository_installation(&self, app: &App, repository: &Repository, trace: &Trace) -> Result<Option<Installation>, GitHubError> {
        self.installation(app, self.0.endpoint.repository_installation(repository), trace).await
    }

    /// The App's installation on `owner`, an organisation or else a user. `None`: there is none, or no such account.
    pub async fn owner_installation(&self, app: &App, owner: &Owner, trace: &Trace) -> Result<Option<Installation>, GitHubError> {
        match self.installation(app, self.0.endpoint.organisation_installation(owner), trace).await? {
            Some(installation) => Ok(Some(installation)),
            None => self.installation(app, self.0.endpoint.user_installation(owner), trace).await,
        }
    }

    async fn installation(&self, app: &App, uri: Result<http::Uri, http::Error>, trace: &Trace) -> Result<Option<Installation>, GitHubError> {
        let call = Call::get(Class::Installation, reply::address(uri)?);
        match self.as_app(app, Lane::App(app.id), &call, trace).await {
            Ok(response) => installation(app.id, &response).map(Some),
            Err(GitHubError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn installation(app: AppId, response: &Response) -> Result<Installation, GitHubError> {
    let reply: InstallationReply = reply::read(response)?;
    if reply.app_id != app {
        return Err(GitHubError::unexpected(response.status, format!("the installation belongs to App {}", reply.app_id)));
    }
    let account = reply.account.and_then(|account| Some((account.id, account.login.or(account.slug)?)));
    let (account_id, account_login) = account.ok_or_else(|| GitHubError::unexpected(response.status, "the installation has no account"))?;
    Ok(Installation {
        id: reply.id,
        app_id: reply.app_id,
        account_id,
        account_login,
        suspended: reply.suspended_at.is_some(),
        permissions: reply.permissions,
        selection: reply.repository_selection,
    })
}
