//! `installation`, `installation_repositories`, `installation_target`, `repository`: what memories rest on has changed.
//!
//! Only the account or repository that the payload names is forgotten.

use octo_sts_types::{Owner, Repository};
use serde::Deserialize;

use super::{Account, BadPayload, InstallationMember, RepositoryMember, Told, bad, parse};
use crate::job::News;

#[derive(Debug, Deserialize)]
struct InstallationEvent {
    installation: InstallationMember,
    // Every payload that an App gets may have `installation`; only these two events have it with an account.
    action: String,
}

#[derive(Debug, Deserialize)]
struct TargetEvent {
    account: Account,
    changes: Option<TargetChanges>,
}

#[derive(Debug, Deserialize)]
struct TargetChanges {
    login: Option<From>,
}

#[derive(Debug, Deserialize)]
struct RepositoryEvent {
    action: Option<String>,
    repository: RepositoryMember,
    changes: Option<RepositoryChanges>,
}

#[derive(Debug, Deserialize)]
struct RepositoryChanges {
    repository: Option<NameChange>,
    owner: Option<OwnerChange>,
}

#[derive(Debug, Deserialize)]
struct NameChange {
    name: Option<From>,
}

#[derive(Debug, Deserialize)]
struct From {
    from: Option<String>,
}

#[derive(Debug, Deserialize)]
struct OwnerChange {
    from: Option<Former>,
}

#[derive(Debug, Deserialize)]
struct Former {
    user: Option<Account>,
    organization: Option<Account>,
}

pub(super) fn installation(payload: &[u8]) -> Result<Told, BadPayload> {
    let event: InstallationEvent = parse(payload)?;
    // An enterprise has no login.
    let owner = event.installation.account.as_ref().map(Account::owner).transpose()?.flatten();
    let news = owner.clone().map(News::Installation).into_iter().collect();
    let _ = event.action;
    Ok(Told { owner, news, answer: "noted", handled: true, ..Told::default() })
}

pub(super) fn renamed(payload: &[u8]) -> Result<Told, BadPayload> {
    let event: TargetEvent = parse(payload)?;
    let owner = event.account.owner()?;
    let former = event.changes.and_then(|changes| changes.login?.from).map(|login| login.parse::<Owner>());
    let former = former.transpose().map_err(|error| bad("changes.login.from", &error))?;
    let news = owner.clone().into_iter().chain(former).map(News::Installation).collect();
    Ok(Told { owner, news, answer: "noted", handled: true, ..Told::default() })
}

pub(super) fn repository(payload: &[u8]) -> Result<Told, BadPayload> {
    let event: RepositoryEvent = parse(payload)?;
    let now = event.repository.repository()?;
    let former = former(&now, event.changes.as_ref())?;
    let moved = former.is_some() || matches!(event.action.as_deref(), Some("deleted" | "transferred" | "renamed"));
    let mut news = vec![News::Policies(now.clone())];
    if moved {
        news.push(News::Installation(now.owner.clone()));
    }
    if let Some(former) = former {
        news.push(News::Installation(former.owner.clone()));
        news.push(News::Policies(former));
    }
    Ok(Told { owner: Some(now.owner), news, answer: "noted", handled: true, ..Told::default() })
}

/// The owner and name that the repository had before.
fn former(now: &Repository, changes: Option<&RepositoryChanges>) -> Result<Option<Repository>, BadPayload> {
    let Some(changes) = changes else { return Ok(None) };
    let name = changes.repository.as_ref().and_then(|change| change.name.as_ref()?.from.as_deref());
    let owner = changes.owner.as_ref().and_then(|change| change.from.as_ref());
    let owner = owner.and_then(|from| from.user.as_ref().or(from.organization.as_ref())?.login());
    if name.is_none() && owner.is_none() {
        return Ok(None);
    }
    let owner = owner.map_or_else(|| Ok(now.owner.clone()), str::parse).map_err(|error| bad("changes.owner.from", &error))?;
    let name = name.map_or_else(|| Ok(now.name.clone()), str::parse).map_err(|error| bad("changes.repository.name.from", &error))?;
    Ok(Some(Repository { owner, name }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn installation_of(login: &str) -> News {
        News::Installation(login.parse().unwrap())
    }

    fn policies_of(repository: &str) -> News {
        News::Policies(repository.parse().unwrap())
    }

    /// T-155
    #[test]
    fn an_installation_concerns_its_own_account() {
        let payload = json!({"action": "deleted", "installation": {"id": 7, "account": {"login": "acme"}}});
        let told = installation(payload.to_string().as_bytes()).unwrap();
        assert_eq!((told.news, told.owner), (vec![installation_of("acme")], Some("acme".parse().unwrap())));
        let enterprise = json!({"action": "created", "installation": {"id": 7, "account": {"slug": "big"}}});
        assert_eq!(installation(enterprise.to_string().as_bytes()).unwrap().news, []);
    }

    /// T-094
    #[test]
    fn a_renamed_account_is_forgotten_under_both_names() {
        let payload = json!({"action": "renamed", "account": {"login": "acme2"}, "changes": {"login": {"from": "acme"}}, "installation": {"id": 7}});
        assert_eq!(renamed(payload.to_string().as_bytes()).unwrap().news, [installation_of("acme2"), installation_of("acme")]);
        let hostile = json!({"account": {"login": "acme2"}, "changes": {"login": {"from": "../x"}}});
        assert!(renamed(hostile.to_string().as_bytes()).is_err());
    }

    #[test]
    fn a_repository_that_moved_is_forgotten_under_both_names() {
        for (changes, expected) in [
            (json!(null), vec![policies_of("acme/app")]),
            (
                json!({"repository": {"name": {"from": "old"}}}),
                vec![policies_of("acme/app"), installation_of("acme"), installation_of("acme"), policies_of("acme/old")],
            ),
            (
                json!({"owner": {"from": {"organization": {"login": "other"}}}}),
                vec![policies_of("acme/app"), installation_of("acme"), installation_of("other"), policies_of("other/app")],
            ),
        ] {
            let payload = json!({"action": "edited", "repository": {"full_name": "acme/app"}, "changes": changes});
            assert_eq!(repository(payload.to_string().as_bytes()).unwrap().news, expected, "Input: {payload}");
        }
    }
}
