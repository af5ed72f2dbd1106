//! Minting and revoking, against a GitHub that misbehaves.
#![expect(clippy::disallowed_methods, reason = "the tests stand in for the policy")]

use std::time::Duration;

use crate::support::{Fixture, Reply, Seen, reply, reset, rotating_app};
use octo_sts_github::{Ended, GitHubError, InstallationToken, Limit, Targets};
use octo_sts_types::{Clock as _, Grant, GrantedRepositories, InstallationId, Permissions, RepositoryId};

const INSTALLATION: InstallationId = InstallationId(1001);
const TOKEN: &str = "ghs_16C7e42F292c6912E7710c838347Ae178B4a";

fn grant() -> Grant {
    Grant::from_match(Permissions::contents_read(), GrantedRepositories::Target)
}

/// A reply to a mint for repository 5000 as GitHub gives it.
fn minted() -> Reply {
    let expires_at = octo_sts_types::SystemClock.now() + jiff::SignedDuration::from_mins(60);
    let body = format!(
        r#"{{"token":"{TOKEN}","expires_at":"{expires_at:.0}","permissions":{{"contents":"read","metadata":"read"}},"repository_selection":"selected","repositories":[{{"id":5000,"full_name":"acme/app"}}]}}"#
    );
    reply(201, body).with("x-ratelimit-limit", "5000").with("x-ratelimit-remaining", "4999").with("x-ratelimit-reset", "1795572060")
}

async fn mint(fixture: &Fixture, milliseconds: u64) -> Result<InstallationToken, GitHubError> {
    let trace = fixture.trace(milliseconds);
    fixture.github.mint(&fixture.app, INSTALLATION, &grant(), Targets::Ids(&[RepositoryId(5000)]), &trace).await
}

fn is_mint(call: &Seen) -> bool {
    call.path.ends_with("/access_tokens")
}

/// T-134
#[tokio::test]
async fn a_mint_is_one_call_with_everything_github_wants() {
    let fixture = Fixture::new(|_, _| minted()).await;
    let token = mint(&fixture, 5000).await.unwrap();
    assert_eq!((token.expose(), token.app(), token.installation()), (TOKEN, fixture.app.id, INSTALLATION));
    let [call] = &fixture.seen()[..] else { panic!("{:?}", fixture.lines()) };
    assert_eq!(call.line(), "POST /api/v3/app/installations/1001/access_tokens");
    assert_eq!(call.body, r#"{"repository_ids":[5000],"permissions":{"contents":"read"}}"#);
    for (name, value) in [
        ("accept", "application/vnd.github+json"),
        ("x-github-api-version", "2022-11-28"),
        ("content-type", "application/json"),
        ("user-agent", concat!("octo-sts/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(call.header(name), Some(value), "Input: {name}");
    }
    assert_eq!(call.claims()["iss"], "4242");
}

#[tokio::test]
async fn every_answer_says_what_is_left() {
    let fixture = Fixture::new(|_, _| minted()).await;
    assert_eq!(fixture.github.quota(fixture.app.id, INSTALLATION), None);
    mint(&fixture, 5000).await.unwrap();
    let reading = fixture.github.quota(fixture.app.id, INSTALLATION).unwrap();
    assert_eq!((reading.limit, reading.remaining, reading.read_at), (5000, 4999, fixture.clock.monotonic()));
}

/// T-112
#[tokio::test]
async fn a_reader_reads_the_contents_of_named_repositories() {
    let fixture = Fixture::new(|_, _| minted()).await;
    let (names, trace) = (["App".parse().unwrap()], fixture.trace(5000));
    fixture.github.mint_reader(&fixture.app, INSTALLATION, &names, &trace).await.unwrap();
    assert_eq!(fixture.seen()[0].body, r#"{"repositories":["App"],"permissions":{"contents":"read"}}"#);
    assert!(fixture.github.mint_reader(&fixture.app, INSTALLATION, &[], &trace).await.is_err());
    assert_eq!((fixture.seen().len(), trace.calls()), (1, 1));
}

/// T-084
#[tokio::test]
async fn a_wider_token_is_revoked_and_nobody_gets_it() {
    let fixture = Fixture::new(|_, call| if is_mint(call) { with_body(minted(), "\"selected\"", "\"all\"") } else { reply(204, "") }).await;
    assert!(matches!(mint(&fixture, 5000).await, Err(GitHubError::Wider { .. })));
    assert!(fixture.github.settled(Duration::from_secs(5)).await);
    let revocation = &fixture.seen()[1];
    assert_eq!(
        (revocation.line().as_str(), revocation.header("authorization")),
        ("DELETE /api/v3/installation/token", Some(&*format!("Bearer {TOKEN}")))
    );
}

fn with_body(reply: Reply, from: &str, to: &str) -> Reply {
    reply.map_body(|body| body.replace(from, to))
}

/// T-130
#[tokio::test]
async fn a_token_nobody_waits_for_is_revoked() {
    let fixture = Fixture::new(|_, call| if is_mint(call) { minted().after(60) } else { reply(204, "") }).await;
    let late = mint(&fixture, 20).await.unwrap_err();
    assert_eq!(late.to_string(), "GitHub is not available");
    assert!(tokio::time::timeout(Duration::from_millis(20), mint(&fixture, 5000)).await.is_err(), "the caller hangs up");
    assert!(fixture.github.settled(Duration::from_secs(5)).await);
    assert_eq!(fixture.lines().iter().filter(|line| line.starts_with("DELETE")).count(), 2);
}

/// T-120
#[tokio::test]
async fn a_mint_that_may_have_happened_is_not_made_again() {
    for (fault, label) in [(reply(500, ""), "it answered 500"), (reply(503, "<html>"), "it answered 503"), (reset(), "there was no answer")] {
        let fixture = Fixture::new(move |_, _| fault.clone()).await;
        let error = mint(&fixture, 5000).await.unwrap_err();
        let GitHubError::Unavailable { outage, .. } = &error else { panic!("{error:?}") };
        assert_eq!(outage.to_string(), label);
        assert_eq!(fixture.seen().len(), 1, "Input: {label}");
    }
}

/// T-120
#[tokio::test]
async fn a_mint_that_was_never_sent_is_made_again_once() {
    let fixture = Fixture::unreachable().await;
    let trace = fixture.trace(5000);
    let outcome = fixture.github.mint(&fixture.app, INSTALLATION, &grant(), Targets::Ids(&[RepositoryId(5000)]), &trace).await;
    assert!(matches!(outcome, Err(GitHubError::Unavailable { .. })));
    assert_eq!(trace.calls(), 2);
}

/// T-121, T-122
#[tokio::test]
async fn no_mint_is_sent_inside_the_window_of_a_limit() {
    let fixture = Fixture::new(|at, _| if at == 0 { reply(429, "").with("retry-after", "30") } else { minted() }).await;
    for _ in 0..5 {
        let limited = mint(&fixture, 5000).await.unwrap_err();
        assert!(matches!(limited, GitHubError::RateLimited { kind: Limit::Secondary, retry_after: Some(wait) } if wait == Duration::from_secs(30)));
    }
    assert_eq!(fixture.seen().len(), 1);
    fixture.clock.forward(30);
    mint(&fixture, 5000).await.unwrap();
}

/// T-127
#[tokio::test]
async fn the_next_key_is_used_when_github_refuses_one_and_is_remembered() {
    let refused = std::sync::Mutex::new(None::<String>);
    let mut fixture = Fixture::new(move |_, call| {
        let mut refused = refused.lock().unwrap();
        let jwt = call.header("authorization").unwrap().to_owned();
        if *refused.get_or_insert_with(|| jwt.clone()) == jwt {
            reply(401, r#"{"message":"A JSON web token could not be decoded"}"#)
        } else {
            minted()
        }
    })
    .await;
    fixture.app = rotating_app();
    mint(&fixture, 5000).await.unwrap();
    mint(&fixture, 5000).await.unwrap();
    assert_eq!(fixture.seen().len(), 3, "one refusal, then the other key");
}

#[tokio::test]
async fn a_key_that_github_refuses_is_refused_with_its_words() {
    let mut fixture = Fixture::new(|_, _| reply(401, r#"{"message":"Integration must generate a public key"}"#)).await;
    for (app, calls) in [(fixture.app.clone(), 1), (rotating_app(), 3)] {
        fixture.app = app;
        let error = mint(&fixture, 5000).await.unwrap_err();
        assert_eq!(error.to_string(), "GitHub refuses the App's key: Integration must generate a public key");
        assert_eq!(fixture.seen().len(), calls);
    }
}

/// T-128
#[tokio::test]
async fn a_clock_that_is_off_is_learned_from_github_once() {
    let right = octo_sts_types::SystemClock.now().as_second();
    let judge = move |call: &Seen| {
        let (issued, expires) = (call.claims()["iat"].as_i64().unwrap(), call.claims()["exp"].as_i64().unwrap());
        issued <= right + 5 && (right..=right + 600).contains(&expires)
    };
    for wrong in [-1200, 1200, 86_400] {
        let fixture = Fixture::new(move |_, call| {
            if judge(call) { minted() } else { reply(401, r#"{"message":"'Expiration time' claim ('exp') is too far in the future"}"#) }
        })
        .await;
        fixture.clock.set_wrong(wrong);
        mint(&fixture, 5000).await.unwrap();
        mint(&fixture, 5000).await.unwrap();
        assert_eq!(fixture.seen().len(), 3, "Input: {wrong}");
        assert!((fixture.github.clock_ahead() + wrong).abs() <= 2, "Input: {wrong}");
    }
}

/// T-128
#[tokio::test]
async fn a_clock_that_cannot_be_learned_is_tried_once() {
    let fixture = Fixture::new(|_, _| reply(401, r#"{"message":"'Issued at' claim ('iat') must be an Integer"}"#)).await;
    assert!(matches!(mint(&fixture, 5000).await, Err(GitHubError::KeyRefused { .. })));
    assert_eq!(fixture.seen().len(), 2);
}

#[tokio::test]
async fn a_revocation_of_a_dead_token_is_done() {
    for status in [204, 401] {
        let fixture = Fixture::new(move |_, call| if is_mint(call) { minted() } else { reply(status, "") }).await;
        let token = mint(&fixture, 5000).await.unwrap();
        fixture.github.revoke(&token, &fixture.trace(5000)).await.unwrap();
    }
}

/// T-112
#[tokio::test]
async fn a_revocation_in_the_background_is_tried_again() {
    let fixture = Fixture::new(|at, call| match at {
        _ if is_mint(call) => minted(),
        1 | 2 => reply(502, ""),
        _ => reply(204, ""),
    })
    .await;
    let token = mint(&fixture, 5000).await.unwrap();
    fixture.github.revoke_in_background(token);
    assert!(fixture.github.settled(Duration::from_secs(5)).await);
    assert_eq!(fixture.seen().len(), 4);
}

#[tokio::test]
async fn a_token_that_was_handed_in_ends_or_had_ended() {
    for (status, ended) in [(204, Ended::Now), (401, Ended::Before)] {
        let fixture = Fixture::new(move |_, _| reply(status, "")).await;
        assert_eq!(fixture.github.end(&"ghs_x".into(), &fixture.trace(5000)).await.unwrap(), ended);
        assert_eq!(fixture.seen().len(), 1);
    }
    let fixture = Fixture::new(|_, _| reply(204, "")).await;
    assert_eq!(fixture.github.end(&"ghs_\n".into(), &fixture.trace(5000)).await.unwrap(), Ended::Before);
    assert!(fixture.seen().is_empty());
}
