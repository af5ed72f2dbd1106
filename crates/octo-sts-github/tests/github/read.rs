//! Looking up installations and reading files, against a GitHub that misbehaves.

use std::time::Duration;

use crate::support::{Fixture, Reply, Seen, reply, reset};
use octo_sts_github::{DirectoryRead, FileRead, GitHubError, InstallationToken, OddContent, Selection};
use octo_sts_types::{AccountId, Clock as _, InstallationId, Repository};

const PATH: &str = ".github/chainguard/ci.sts.yaml";
const INSTALLED: &str = r#"{"id":1001,"app_id":4242,"account":{"login":"Acme","id":7,"type":"Organization"},"repository_selection":"selected","permissions":{"contents":"read"},"suspended_at":null,"events":[]}"#;
const FILE: &str = r#"{"type":"file","encoding":"base64","size":9,"sha":"abc","content":"aXNzdWVyOiB4\n"}"#;

fn repository() -> Repository {
    "acme/app".parse().unwrap()
}

/// A fixture whose server mints, and answers everything else by `script`, which counts from 1.
async fn fixture(script: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static) -> (Fixture, InstallationToken) {
    let expires_at = octo_sts_types::SystemClock.now() + jiff::SignedDuration::from_mins(60);
    let minted = format!(
        r#"{{"token":"ghs_16C7e42F292c6912E7710c838347Ae178B4a","expires_at":"{expires_at:.0}","permissions":{{"contents":"read"}},"repository_selection":"selected","repositories":[{{"id":5000,"full_name":"acme/app"}}]}}"#
    );
    let fixture = Fixture::new(move |at, call| if at == 0 { reply(201, minted.clone()) } else { script(at, call) }).await;
    let (names, trace) = ([repository().name], fixture.trace(5000));
    let token = fixture.github.mint_reader(&fixture.app, InstallationId(1001), &names, &trace).await.unwrap();
    (fixture, token)
}

async fn read(fixture: &Fixture, token: &InstallationToken, milliseconds: u64) -> Result<FileRead, GitHubError> {
    fixture.github.read_file(token, &repository(), PATH, None, &fixture.trace(milliseconds)).await
}

#[tokio::test]
async fn a_file_comes_with_its_version_and_is_asked_for_by_it() {
    let (fixture, token) = fixture(|_, call| match call.header("if-none-match") {
        Some("W/\"one\"") => reply(304, ""),
        _ => reply(200, FILE).with("etag", "W/\"one\""),
    })
    .await;
    let FileRead::File { text, etag: Some(etag), sha } = read(&fixture, &token, 5000).await.unwrap() else { panic!() };
    assert_eq!((text.as_str(), sha.as_str()), ("issuer: x", "abc"));
    let again = fixture.github.read_file(&token, &repository(), PATH, Some(&etag), &fixture.trace(5000)).await;
    assert_eq!(again.unwrap(), FileRead::NotModified);
    assert_eq!(fixture.seen()[1].line(), format!("GET /api/v3/repos/acme/app/contents/{PATH}"));
    assert_eq!(fixture.seen()[1].header("authorization"), Some("Bearer ghs_16C7e42F292c6912E7710c838347Ae178B4a"));
}

/// T-098
#[tokio::test]
async fn not_modified_without_a_known_version_is_unexpected() {
    let (fixture, token) = fixture(|_, _| reply(304, "")).await;
    assert!(matches!(read(&fixture, &token, 5000).await, Err(GitHubError::Unexpected { status: Some(304), .. })));
}

/// T-091
#[tokio::test]
async fn nothing_and_a_directory_are_told_apart() {
    let (fixture, token) = fixture(|_, call| if call.path.ends_with("chainguard") { reply(200, "[]") } else { reply(404, "") }).await;
    assert_eq!(read(&fixture, &token, 5000).await.unwrap(), FileRead::Absent);
    let (repository, trace) = (repository(), fixture.trace(5000));
    let directory = fixture.github.read_file(&token, &repository, ".github/chainguard", None, &trace).await.unwrap();
    assert_eq!(directory, FileRead::NotAFile(OddContent::Directory));
    let listed = fixture.github.list_directory(&token, &repository, ".github/chainguard", &trace).await.unwrap();
    assert_eq!(listed, DirectoryRead::Entries(vec![]));
    assert_eq!(fixture.github.list_directory(&token, &repository, "nowhere", &trace).await.unwrap(), DirectoryRead::Absent);
}

/// T-062
#[tokio::test]
async fn a_path_that_leads_elsewhere_is_not_asked_for() {
    let (fixture, token) = fixture(|_, _| reply(200, FILE)).await;
    let read = fixture.github.read_file(&token, &repository(), "../../../installation/token", None, &fixture.trace(5000)).await;
    assert_eq!(read.unwrap(), FileRead::Absent);
    assert_eq!(fixture.seen().len(), 1);
}

/// T-095
#[tokio::test]
async fn a_redirect_is_not_followed() {
    for status in [301, 302, 307, 308] {
        let (fixture, token) = fixture(move |_, _| reply(status, "").with("location", "/api/v3/repositories/5000/contents/x")).await;
        assert!(matches!(read(&fixture, &token, 5000).await, Err(GitHubError::Moved)), "Input: {status}");
        assert_eq!(fixture.seen().len(), 2, "Input: {status}");
    }
}

/// T-120
#[tokio::test]
async fn a_read_is_made_again_once_after_an_outage() {
    for fault in [reply(500, ""), reply(502, "<html>"), reply(503, ""), reply(504, ""), reset()] {
        let once = fault.clone();
        let (healed, token) = fixture(move |at, _| if at == 1 { once.clone() } else { reply(200, FILE) }).await;
        let trace = healed.trace(5000);
        let read_again = healed.github.read_file(&token, &repository(), PATH, None, &trace).await;
        assert!(matches!(read_again, Ok(FileRead::File { .. })), "Input: {fault:?}");
        assert_eq!(trace.calls(), 2);
        let shown = format!("{fault:?}");
        let (broken, token) = fixture(move |_, _| fault.clone()).await;
        assert!(matches!(read(&broken, &token, 5000).await, Err(GitHubError::Unavailable { .. })), "Input: {shown}");
        assert_eq!(broken.seen().len(), 3, "Input: {shown}");
    }
}

#[tokio::test]
async fn a_read_is_not_made_again_where_that_cannot_help() {
    for fault in [reply(503, "").with("retry-after", "5"), reply(403, ""), reply(401, ""), reply(404, ""), reply(200, "{"), reply(418, "")] {
        let (fixture, token) = fixture(move |_, _| fault.clone()).await;
        let _ = read(&fixture, &token, 5000).await;
        assert_eq!(fixture.seen().len(), 2);
    }
    let (fixture, token) = fixture(|_, _| reply(500, "")).await;
    assert!(read(&fixture, &token, 200).await.is_err());
    assert_eq!(fixture.seen().len(), 2, "there is no time for it");
}

/// T-120
#[tokio::test]
async fn a_github_that_hangs_is_left_at_the_deadline() {
    let (fixture, token) = fixture(|_, _| reply(200, FILE).after(60_000)).await;
    let error = tokio::time::timeout(Duration::from_secs(2), read(&fixture, &token, 80)).await.unwrap().unwrap_err();
    assert!(error.is_transient());
    assert!(read(&fixture, &token, 0).await.is_err());
    assert_eq!(fixture.seen().len(), 2, "after the deadline nothing is sent");
}

/// T-097
#[tokio::test]
async fn a_limit_on_reads_does_not_hold_mints_back() {
    let (fixture, token) = fixture(|at, _| if at == 1 { reply(403, "").with("x-ratelimit-remaining", "0") } else { reply(500, "") }).await;
    assert!(matches!(read(&fixture, &token, 5000).await, Err(GitHubError::RateLimited { .. })));
    assert!(matches!(read(&fixture, &token, 5000).await, Err(GitHubError::RateLimited { .. })));
    assert_eq!(fixture.seen().len(), 2);
    let (names, trace) = ([repository().name], fixture.trace(5000));
    let _ = fixture.github.mint_reader(&fixture.app, InstallationId(1001), &names, &trace).await;
    assert_eq!(fixture.seen().len(), 3);
}

#[tokio::test]
async fn an_installation_says_whose_it_is() {
    let fixture = Fixture::new(|_, _| reply(200, INSTALLED)).await;
    let found = fixture.github.repository_installation(&fixture.app, &repository(), &fixture.trace(5000)).await.unwrap().unwrap();
    assert_eq!((found.id, found.account_id, found.account_login.as_str()), (InstallationId(1001), AccountId(7), "Acme"));
    assert_eq!((found.suspended, found.selection), (false, Selection::Selected));
    assert_eq!(fixture.lines(), ["GET /api/v3/repos/acme/app/installation"]);
}

/// T-123
#[tokio::test]
async fn a_suspended_installation_is_found_and_says_so() {
    let suspended = INSTALLED.replace("null", "\"2026-11-25T00:00:00Z\"");
    let fixture = Fixture::new(move |_, _| reply(200, suspended.clone())).await;
    let found = fixture.github.repository_installation(&fixture.app, &repository(), &fixture.trace(5000)).await.unwrap().unwrap();
    assert!(found.suspended);
}

/// T-110
#[tokio::test]
async fn an_owner_is_looked_up_as_an_organisation_then_as_a_user() {
    let fixture = Fixture::new(|_, call| if call.path.contains("/users/octocat/") { reply(200, INSTALLED) } else { reply(404, "") }).await;
    let trace = fixture.trace(5000);
    let found = fixture.github.owner_installation(&fixture.app, &"octocat".parse().unwrap(), &trace).await.unwrap();
    assert!(found.is_some());
    assert_eq!(fixture.github.owner_installation(&fixture.app, &"nobody".parse().unwrap(), &trace).await.unwrap(), None);
    assert_eq!(fixture.lines()[..2], ["GET /api/v3/orgs/octocat/installation", "GET /api/v3/users/octocat/installation"]);
    assert_eq!(trace.calls(), 4);
    let jwts: std::collections::HashSet<_> = fixture.seen().iter().map(|call| call.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(jwts.len(), 1, "one signature for all of them");
}

#[tokio::test]
async fn an_answer_about_another_app_is_refused() {
    let fixture = Fixture::new(|_, call| match call.path.as_str() {
        "/api/v3/app" => reply(200, r#"{"id":4243,"name":"Other","permissions":{}}"#),
        _ => reply(200, INSTALLED.replace("4242", "4243")),
    })
    .await;
    let trace = fixture.trace(5000);
    let refused = fixture.github.app(&fixture.app, &trace).await.unwrap_err();
    assert_eq!(refused.to_string(), "GitHub refuses the App's key: the key belongs to App 4243, not to App 4242");
    let refused = fixture.github.repository_installation(&fixture.app, &repository(), &trace).await.unwrap_err();
    assert_eq!(refused.to_string(), "unexpected answer 200: the installation belongs to App 4243");
}

/// T-133
#[tokio::test]
async fn an_app_tells_who_it_is() {
    let body = r#"{"id":4242,"slug":"octo-sts","name":"Octo STS","html_url":"https://github.com/apps/octo-sts","permissions":{"contents":"read"},"events":["push"],"installations_count":3,"owner":{"login":"acme"}}"#;
    let fixture = Fixture::new(move |_, _| reply(200, body)).await;
    let facts = fixture.github.app(&fixture.app, &fixture.trace(5000)).await.unwrap();
    assert_eq!((facts.name.as_str(), facts.installations_count, facts.events), ("Octo STS", Some(3), vec!["push".to_owned()]));
}
