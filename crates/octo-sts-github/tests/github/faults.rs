//! Every call under every fault: what it means, how often it is sent, and that it ends in time.
#![expect(clippy::disallowed_methods, reason = "the tests stand in for the policy")]

use std::time::Duration;

use octo_sts_github::{GitHubError, InstallationToken, Limit, Outage, Targets};
use octo_sts_types::{Clock as _, Grant, GrantedRepositories, InstallationId, Permissions, RepositoryId, SystemClock};

use crate::support::{Fixture, Reply, reply, reset};

/// Longer than any call is given here. Milliseconds.
const HANGS: u64 = 60_000;
/// What each call is given. Milliseconds.
const GIVEN: u64 = 2_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    App,
    Repository,
    Owner,
    Mint,
    Read,
    List,
    Revoke,
}

const CALLS: [Call; 7] = [Call::App, Call::Repository, Call::Owner, Call::Mint, Call::Read, Call::List, Call::Revoke];

impl Call {
    fn presents_a_token(self) -> bool {
        matches!(self, Self::Read | Self::List | Self::Revoke)
    }
}

/// What the error means, in a word.
fn word(error: &GitHubError) -> &'static str {
    match error {
        GitHubError::KeyRefused { .. } => "key refused",
        GitHubError::TokenRefused => "token refused",
        GitHubError::Forbidden { .. } => "forbidden",
        GitHubError::Suspended => "suspended",
        GitHubError::NotFound => "not found",
        GitHubError::Moved => "moved",
        GitHubError::RateLimited { kind: Limit::Primary, .. } => "primary limit",
        GitHubError::RateLimited { kind: Limit::Secondary, .. } => "secondary limit",
        GitHubError::Unprocessable { .. } => "unprocessable",
        GitHubError::Wider { .. } => "wider",
        GitHubError::Unexpected { .. } => "unexpected",
        GitHubError::Unavailable { outage: Outage::Deadline, .. } => "deadline",
        GitHubError::Unavailable { .. } => "unavailable",
        GitHubError::Sign(_) => "unsigned",
    }
}

/// A fixture that mints one token, and then has the fault in every answer.
async fn broken(fault: Reply) -> (Fixture, InstallationToken) {
    let expires_at = SystemClock.now() + jiff::SignedDuration::from_mins(60);
    let minted = format!(
        r#"{{"token":"ghs_16C7e42F292c6912E7710c838347Ae178B4a","expires_at":"{expires_at:.0}","permissions":{{"contents":"read"}},"repository_selection":"selected","repositories":[{{"id":5000,"full_name":"acme/app"}}]}}"#
    );
    let fixture = Fixture::new(move |at, _| if at == 0 { reply(201, minted.clone()) } else { fault.clone() }).await;
    let token = mint(&fixture, 5000).await.unwrap();
    (fixture, token)
}

async fn mint(fixture: &Fixture, milliseconds: u64) -> Result<InstallationToken, GitHubError> {
    let grant = Grant::from_match(Permissions::contents_read(), GrantedRepositories::Target);
    let targets = Targets::Ids(&[RepositoryId(5000)]);
    fixture.github.mint(&fixture.app, InstallationId(1001), &grant, targets, &fixture.trace(milliseconds)).await
}

/// Makes the call: the word of its error, or what it brought.
async fn make(call: Call, fixture: &Fixture, token: &InstallationToken) -> String {
    let (github, app, trace) = (&fixture.github, &fixture.app, fixture.trace(GIVEN));
    let repository = "acme/app".parse().unwrap();
    let outcome = match call {
        Call::App => github.app(app, &trace).await.map(|_| "facts".to_owned()),
        Call::Repository => github.repository_installation(app, &repository, &trace).await.map(|found| format!("{found:?}")),
        Call::Owner => github.owner_installation(app, &repository.owner, &trace).await.map(|found| format!("{found:?}")),
        Call::Mint => mint(fixture, GIVEN).await.map(|_| "a token".into()),
        Call::Read => github.read_file(token, &repository, "a", None, &trace).await.map(|read| format!("{read:?}")),
        Call::List => github.list_directory(token, &repository, "a", &trace).await.map(|read| format!("{read:?}")),
        Call::Revoke => github.revoke(token, &trace).await.map(|()| "revoked".into()),
    };
    outcome.unwrap_or_else(|error| word(&error).into())
}

/// What a fault means to most calls, and how often a call other than a mint is sent.
fn faults() -> Vec<(Reply, &'static str, usize)> {
    vec![
        (reset(), "unavailable", 2),
        (reply(200, "").after(HANGS), "deadline", 1),
        (reply(200, ""), "unexpected", 1),
        (reply(200, "\u{1f}\u{8b}\u{8}garbage"), "unexpected", 1),
        (reply(200, "{\"id\":"), "unexpected", 1),
        (reply(206, "{}"), "unexpected", 1),
        (reply(301, "").with("location", "http://127.0.0.1:1/"), "moved", 1),
        (reply(302, "").with("location", "/api/v3/app"), "moved", 1),
        (reply(304, ""), "unexpected", 1),
        (reply(400, "{}"), "unexpected", 1),
        (reply(403, r#"{"message":"Resource not accessible by integration"}"#), "forbidden", 1),
        (reply(403, "").with("x-ratelimit-remaining", "0"), "primary limit", 1),
        (reply(403, r#"{"message":"You have exceeded a secondary rate limit."}"#), "secondary limit", 1),
        (reply(403, r#"{"message":"This installation has been suspended"}"#), "suspended", 1),
        (reply(403, r#"{"message":"the `acme` organization has an IP allow list enabled"}"#), "forbidden", 1),
        (reply(409, "{}"), "unexpected", 1),
        (reply(410, "{}"), "unexpected", 1),
        (reply(422, "{}"), "unprocessable", 1),
        (reply(422, "{}").with("retry-after", "60"), "secondary limit", 1),
        (reply(429, ""), "secondary limit", 1),
        (reply(429, "").with("retry-after", "1"), "secondary limit", 1),
        (reply(500, "<html>"), "unavailable", 2),
        (reply(502, ""), "unavailable", 2),
        (reply(503, "").with("retry-after", "1"), "unavailable", 1),
        (reply(504, ""), "unavailable", 2),
        (reply(200, "x".repeat(9 * 1024 * 1024)), "unexpected", 1),
        (reply(200, "").with("x-large", "x".repeat(40_000)), "unexpected", 1),
    ]
}

/// T-120, T-121, T-122, T-123, T-125
#[tokio::test]
async fn every_call_says_what_happened_and_is_sent_twice_at_the_most() {
    let cells = faults().into_iter().flat_map(|(fault, meaning, times)| CALLS.map(|call| tokio::spawn(cell(call, fault.clone(), meaning, times))));
    for cell in cells.collect::<Vec<_>>() {
        cell.await.unwrap();
    }
}

async fn cell(call: Call, fault: Reply, meaning: &str, times: usize) {
    let shown: String = format!("{call:?} {fault:?}").chars().take(120).collect();
    let (fixture, token) = broken(fault).await;
    let outcome = tokio::time::timeout(Duration::from_secs(5), make(call, &fixture, &token)).await.unwrap();
    assert_eq!(outcome, meaning, "Input: {shown}");
    assert_eq!(fixture.seen().len() - 1, if call == Call::Mint { 1 } else { times }, "Input: {shown}");
}

#[tokio::test]
async fn a_401_and_a_404_mean_what_the_call_makes_of_them() {
    for call in CALLS {
        let (fixture, token) = broken(reply(401, "{}")).await;
        let expected = match call {
            Call::Revoke => "revoked",
            _ if call.presents_a_token() => "token refused",
            _ => "key refused",
        };
        assert_eq!(make(call, &fixture, &token).await, expected, "Input: {call:?}");
        let (fixture, token) = broken(reply(404, "{}")).await;
        let expected = match call {
            Call::Repository | Call::Owner => "None",
            Call::Read | Call::List => "Absent",
            _ => "not found",
        };
        assert_eq!(make(call, &fixture, &token).await, expected, "Input: {call:?}");
    }
}

#[tokio::test]
async fn after_the_fault_the_next_call_succeeds() {
    let faults = [reset(), reply(500, ""), reply(404, ""), reply(200, "{"), reply(403, "{}"), reply(401, "{}")];
    let fixture = Fixture::new(move |at, _| faults.get(at).cloned().unwrap_or_else(|| reply(200, r#"{"id":4242,"name":"x"}"#))).await;
    for _ in 0..5 {
        let _ = fixture.github.app(&fixture.app, &fixture.trace(5000)).await;
    }
    assert!(fixture.github.app(&fixture.app, &fixture.trace(5000)).await.is_ok());
}
