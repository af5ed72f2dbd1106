//! Whose repository a name stands for.

use std::time::Duration;

use crate::support::House;
use octo_sts_exchange::ExchangeError;
use octo_sts_sandbox::{OwnerKind, Selection, Visibility};

/// T-064
#[tokio::test]
async fn letter_case_makes_no_difference() {
    let house = House::new().await;
    house.granted("ACME/App", "ci").await;
    house.granted("acme/APP", "ci").await;
    let installations = house.github_calls().iter().filter(|call| call.contains("installation")).count();
    assert_eq!(installations, 1);
}

/// T-094
#[tokio::test]
async fn a_stranger_who_takes_a_renamed_owners_name_gets_nothing() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    let github = house.github();
    github.rename_owner("acme", "acme2");
    github.create_owner("acme", OwnerKind::Organization);
    github.create_repository("acme/app");
    github.set_visibility("acme/app", Visibility::Public);
    house.policy("acme/app", "evil", "permissions: {contents: write}");
    house.policy("acme/app", "ci", "permissions: {contents: write}");
    for identity in ["evil", "ci"] {
        let error = house.refused("acme/app", identity).await;
        assert!(matches!(*error, ExchangeError::NotInstalled | ExchangeError::Renamed), "{identity}: {error:?}");
    }
    let writes = |s: &octo_sts_sandbox::Sandbox| {
        s.github().live_tokens().iter().filter(|token| token.permissions.get("contents").is_some_and(|level| level.clone() == "write")).count()
    };
    assert!(house.sandbox.eventually(Duration::from_secs(2), |s| writes(s) == 0).await);
    house.granted("acme2/app", "ci").await;
}

/// T-094: a token on every repository names no owner.
#[tokio::test]
async fn a_stranger_who_takes_a_renamed_owners_name_gets_no_organisation_token_either() {
    let house = House::new().await;
    house.policy("acme/.github", "all", "permissions: {contents: read}");
    house.granted("acme", "all").await;
    let github = house.github();
    github.rename_owner("acme", "acme2");
    github.create_owner("acme", OwnerKind::Organization);
    github.create_repository("acme/.github");
    github.set_visibility("acme/.github", Visibility::Public);
    house.policy("acme/.github", "evil", "permissions: {contents: write}");
    let error = house.refused("acme", "evil").await;
    assert!(matches!(*error, ExchangeError::NotInstalled | ExchangeError::Renamed), "{error:?}");
}

/// Deletes a repository and makes another one under its name.
fn make_again(house: &House, name: &str) {
    house.github().delete_repository(name);
    house.github().create_repository(name);
}

/// A reader token holds for the repository's id: one made again under the name is found all the same.
#[tokio::test]
async fn a_repository_that_was_made_again_is_found_within_a_minute() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    make_again(&house, "acme/app");
    house.policy("acme/app", "ci", "permissions: {contents: read}");
    house.policy("acme/app", "other", "permissions: {contents: read}");
    house.clock.advance(Duration::from_secs(61));
    house.granted("acme/app", "ci").await;
    house.granted("acme/app", "other").await;
}

/// T-107: and so are the rules of an organisation.
#[tokio::test]
async fn a_policy_repository_that_was_made_again_counts_within_a_minute() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    make_again(&house, "acme/.github");
    house.github().put_file("acme/.github", ".github/chainguard/trusted-token-issuers.yaml", "mode: enforce\nissuers: [https://elsewhere.example]\n");
    house.clock.advance(Duration::from_secs(61));
    let error = house.refused("acme/app", "ci").await;
    assert!(matches!(*error, ExchangeError::IssuerNotListed), "{error:?}");
}

/// T-095
#[tokio::test]
async fn a_renamed_repository_is_not_followed() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.github().rename_repository("acme/app", "service");
    let error = house.refused("acme/app", "ci").await;
    assert!(matches!(error.reason(), "REPOSITORY_RENAMED" | "POLICY_NOT_FOUND"), "{error:?}");
    house.granted("acme/service", "ci").await;
}

/// T-066
#[tokio::test]
async fn repositories_of_users_work() {
    let house = House::new().await;
    house.github().create_owner("octocat", OwnerKind::User);
    house.github().create_repository("octocat/hello");
    house.apps[0].install("octocat", &Selection::All);
    house.policy("octocat/hello", "ci", "permissions: {contents: read}");
    house.granted("octocat/hello", "ci").await;
}

/// T-065
#[tokio::test]
async fn organisation_scopes_reach_what_their_policy_says() {
    let house = House::new().await;
    house.policy("acme/.github", "listed", "permissions: {contents: read}\nrepositories: [app]");
    house.policy("acme/.github", "every", "permissions: {contents: read}");
    let reached = async |scope: &str, identity: &str| {
        let token = house.granted(scope, identity).await;
        house.github().ledger().into_iter().find(|entry| entry.token == token).unwrap().repositories
    };
    assert_eq!(reached("acme", "listed").await.as_deref(), Some(&["acme/app".to_owned()][..]));
    assert_eq!(reached("acme/.github", "listed").await.as_deref(), Some(&["acme/app".to_owned()][..]));
    assert_eq!(reached("acme", "every").await, None);
    assert_eq!(reached("acme/.github", "every").await.as_deref(), Some(&["acme/.github".to_owned()][..]));
}

#[tokio::test]
async fn a_repository_out_of_the_apps_sight_has_no_policy() {
    let house = House::new().await;
    assert!(matches!(*house.refused("acme/nope", "ci").await, ExchangeError::PolicyAbsent));
}
