//! Comparisons, pull requests and check runs.

use octo_sts_github::{Annotation, AnnotationLevel, CheckRun, Conclusion, FileStatus, GitHubError, InstallationToken};
use octo_sts_types::{Clock as _, CommitId, InstallationId, Repository, SystemClock};
use serde_json::{Value, json};

use crate::support::{Fixture, Reply, Seen, reply};

fn repository() -> Repository {
    "acme/app".parse().unwrap()
}

fn commit(digit: &str) -> CommitId {
    digit.repeat(40).parse().unwrap()
}

fn minted(seen: &Seen) -> Option<Reply> {
    let body = json!({
        "token": "ghs_checkercheckercheckerchecker", "expires_at": "2099-01-01T00:00:00Z", "repository_selection": "selected",
        "permissions": {"contents": "read", "checks": "write", "pull_requests": "read", "metadata": "read"},
        "repositories": [{"id": 1, "full_name": "acme/app"}],
    });
    let soon = SystemClock.now() + jiff::SignedDuration::from_mins(60);
    let text = body.to_string().replace("2099-01-01T00:00:00Z", &format!("{soon:.0}"));
    seen.path.ends_with("/access_tokens").then(|| reply(201, text))
}

async fn fixture(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Fixture, InstallationToken) {
    let fixture = Fixture::new(move |_, seen| minted(seen).unwrap_or_else(|| script(seen))).await;
    let names = ["app".parse().unwrap()];
    let token = fixture.github.mint_checker(&fixture.app, InstallationId(7), &names, true, &fixture.trace(5_000)).await.unwrap();
    (fixture, token)
}

fn page(seen: &Seen) -> usize {
    seen.path.rsplit("page=").next().unwrap().parse().unwrap()
}

fn files(from: usize, to: usize) -> Vec<Value> {
    (from..to).map(|at| json!({"filename": format!("f{at}"), "status": "modified"})).collect()
}

/// A pull request with this many files, of which GitHub shows 3,000.
fn pull_of(count: usize) -> impl Fn(&Seen) -> Reply {
    move |seen| {
        let (from, to) = ((page(seen) - 1) * 100, (page(seen) * 100).min(count).min(3_000));
        let answer = reply(200, Value::Array(files(from.min(to), to)).to_string());
        let next = r#"<https://elsewhere.example/evil>; rel="next""#;
        if to < count.min(3_000) { answer.with("link", next) } else { answer.with("link", r#"<https://x>; rel="first""#) }
    }
}

/// T-150
#[tokio::test]
async fn every_page_of_a_pull_request_is_read_and_the_cap_is_noticed() {
    for (count, whole) in [(0, true), (31, true), (100, true), (301, true), (2_999, true), (3_000, false), (3_001, false)] {
        let (fixture, token) = fixture(pull_of(count)).await;
        let found = fixture.github.pull_files(&token, &repository(), 5, &fixture.trace(20_000)).await.unwrap().unwrap();
        assert_eq!((found.files.len(), found.whole), (count.min(3_000), whole), "Input: {count}");
        assert!(fixture.seen().iter().skip(1).all(|seen| seen.path.starts_with("/api/v3/repos/acme/app/pulls/5/files?per_page=100&page=")));
    }
}

#[tokio::test]
async fn a_list_without_links_ends_with_a_short_page() {
    let (fixture, token) = fixture(|seen| reply(200, Value::Array(files(0, if page(seen) == 1 { 100 } else { 3 })).to_string())).await;
    let found = fixture.github.pull_files(&token, &repository(), 5, &fixture.trace(5_000)).await.unwrap().unwrap();
    assert_eq!((found.files.len(), found.whole), (103, true));
}

/// T-150
#[tokio::test]
async fn a_comparison_with_three_hundred_files_is_not_whole() {
    for (count, whole) in [(0, true), (299, true), (300, false)] {
        let (fixture, token) = fixture(move |_| reply(200, json!({"status": "ahead", "files": files(0, count)}).to_string())).await;
        let found = fixture.github.compare(&token, &repository(), &commit("1"), &commit("2"), &fixture.trace(5_000)).await.unwrap().unwrap();
        assert_eq!((found.changed.files.len(), found.changed.whole, found.ahead), (count, whole, true), "Input: {count}");
        assert_eq!(fixture.lines()[1], format!("GET /api/v3/repos/acme/app/compare/{}...{}?per_page=1", commit("1"), commit("2")));
    }
}

#[tokio::test]
async fn files_say_what_happened_to_them() {
    let body = json!({"status": "diverged", "files": [
        {"filename": "a", "status": "renamed", "previous_filename": "b"}, {"filename": "c", "status": "removed"},
        {"filename": "d", "status": "added"}, {"filename": "e", "status": "changed"}, {"filename": "f", "status": "new word"},
    ]});
    let (fixture, token) = fixture(move |_| reply(200, body.to_string())).await;
    let found = fixture.github.compare(&token, &repository(), &commit("1"), &commit("2"), &fixture.trace(5_000)).await.unwrap().unwrap();
    let statuses: Vec<_> = found.changed.files.iter().map(|file| file.status).collect();
    assert_eq!(statuses, [FileStatus::Renamed, FileStatus::Removed, FileStatus::Added, FileStatus::Present, FileStatus::Present]);
    assert_eq!((found.changed.files[0].previous.as_deref(), found.ahead), (Some("b"), false));
}

#[tokio::test]
async fn what_is_gone_is_none_and_a_limit_is_an_error() {
    let (fixture, token) = fixture(|_| reply(404, r#"{"message":"Not Found"}"#)).await;
    let trace = fixture.trace(5_000);
    assert_eq!(fixture.github.compare(&token, &repository(), &commit("1"), &commit("2"), &trace).await.unwrap(), None);
    assert_eq!(fixture.github.pull_files(&token, &repository(), 5, &trace).await.unwrap(), None);
    assert!(fixture.github.pulls_with_commit(&token, &repository(), &commit("1"), &trace).await.unwrap().is_empty());
    let (fixture, token) = fixture_limited().await;
    let limited = fixture.github.pull_files(&token, &repository(), 5, &fixture.trace(5_000)).await.unwrap_err();
    assert!(matches!(limited, GitHubError::RateLimited { .. }));
}

async fn fixture_limited() -> (Fixture, InstallationToken) {
    fixture(|_| reply(429, r#"{"message":"slow down"}"#)).await
}

#[tokio::test]
async fn pull_requests_of_a_commit_say_their_base() {
    let body = json!([
        {"number": 4, "state": "open", "base": {"sha": "2".repeat(40)}},
        {"number": 5, "state": "closed", "base": {"sha": "../../evil"}},
    ]);
    let (fixture, token) = fixture(move |_| reply(200, body.to_string())).await;
    let pulls = fixture.github.pulls_with_commit(&token, &repository(), &commit("1"), &fixture.trace(5_000)).await.unwrap();
    assert_eq!((pulls[0].number, pulls[0].base.clone(), pulls[0].open), (4, Some(commit("2")), true));
    assert_eq!((pulls[1].base.clone(), pulls[1].open), (None, false));
}

#[tokio::test]
async fn a_check_run_goes_up_in_batches_and_is_never_made_twice() {
    let annotation = |line| Annotation {
        path: "p".into(),
        start_line: line,
        end_line: line,
        start_column: Some(1),
        end_column: Some(2),
        level: AnnotationLevel::Warning,
        message: "m".into(),
        title: "t".into(),
    };
    let now = SystemClock.now();
    let run = CheckRun {
        name: "Trust Policy Validation",
        head: commit("1"),
        conclusion: Conclusion::Success,
        title: "Valid trust policy.".into(),
        summary: String::new(),
        annotations: (1..=60).map(annotation).collect(),
        started_at: now,
        completed_at: now,
    };
    let (fixture, token) = fixture(|seen| if seen.method == http::Method::POST { reply(201, r#"{"id":9}"#) } else { reply(502, "") }).await;
    let trace = fixture.trace(5_000);
    let id = fixture.github.create_check_run(&token, &repository(), &run, &trace).await.unwrap();
    let failed = fixture.github.annotate_check_run(&token, &repository(), id, &run, 1, &trace).await;
    assert!(matches!(failed, Err(GitHubError::Unavailable { .. })));
    assert_eq!(fixture.lines()[1..], ["POST /api/v3/repos/acme/app/check-runs", "PATCH /api/v3/repos/acme/app/check-runs/9"]);
    let sent: Value = serde_json::from_str(&fixture.seen()[2].body).unwrap();
    assert_eq!(sent["output"]["annotations"].as_array().unwrap().len(), 10);
    assert_eq!(fixture.seen()[2].header("content-type"), Some("application/json"));
}
