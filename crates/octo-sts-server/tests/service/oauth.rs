//! `/oauth/token` and `/sts/revoke`, from an OIDC token to a token that GitHub honours, and to its end.

use octo_sts_sandbox::SandboxSettings;

use crate::house::{Answer, House, request};

async fn post(address: std::net::SocketAddr, target: &str, body: &str) -> Answer {
    let form = "Content-Type: application/x-www-form-urlencoded";
    request(address, &format!("POST {target} HTTP/1.1\r\n{form}\r\nContent-Length: {}", body.len()), body).await
}

fn exchange(token: &str, more: &str) -> String {
    let kinds = "grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:id_token";
    format!("{kinds}&subject_token={token}&{more}")
}

/// T-105
#[tokio::test]
async fn a_token_is_exchanged_and_ended_and_ended_again() {
    let house = House::with(SandboxSettings::default()).await;
    let service = house.serve().await;
    let answer = post(service.address(), "/oauth/token", &exchange(&house.token(), "scope=acme/app+identity:ci")).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let alive = || house.sandbox.github().live_tokens().iter().any(|entry| entry.token == token);
    assert!(alive());
    for _ in 0..2 {
        let answer = post(service.address(), "/sts/revoke", &format!("token={token}")).await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
        assert!(!alive());
    }
}

#[tokio::test]
async fn what_is_no_installation_token_is_not_sent_to_github() {
    let house = House::build().await;
    let service = house.serve().await;
    house.sandbox.clear_calls();
    let long = format!("ghs_{}", "a".repeat(2_100));
    for token in ["nonsense", "a.b.c", "ghs_%0a", "ghs_%C3%A9", &long] {
        assert_eq!(post(service.address(), "/sts/revoke", &format!("token={token}")).await.status, 200, "Input: {token}");
    }
    assert!(house.sandbox.calls().is_empty());
}

/// T-114
#[tokio::test]
async fn unknown_tokens_are_budgeted() {
    let house = House::build().await;
    let service = house.serve().await;
    house.sandbox.clear_calls();
    let mut last = 200;
    for n in 0..130 {
        last = post(service.address(), "/sts/revoke", &format!("token=ghs_{n}")).await.status;
    }
    assert_eq!(last, 429);
    assert!((120..=125).contains(&house.sandbox.calls().len()), "{}", house.sandbox.calls().len());
}

#[tokio::test]
async fn a_refusal_is_one_of_oauth() {
    let house = House::build().await;
    let service = house.serve().await;
    let mut forged = house.token();
    forged.truncate(forged.len() - 8);
    for (token, more, error, reason) in [
        (&house.token(), "scope=acme/app&identity=absent", "invalid_target", "POLICY_NOT_FOUND"),
        (&house.token(), "scope=other/app&identity=ci", "invalid_target", "APP_NOT_INSTALLED"),
        (&house.token(), "scope=acme/../app&identity=ci", "invalid_target", "INVALID_SCOPE"),
        (&forged, "scope=acme/app&identity=ci", "invalid_request", "TOKEN_NOT_VERIFIED"),
        (&"nonsense".to_owned(), "scope=acme/app&identity=ci", "invalid_request", "INVALID_TOKEN"),
    ] {
        let answer = post(service.address(), "/oauth/token", &exchange(token, more)).await;
        let body = answer.json();
        assert_eq!((answer.status, body["error"].as_str(), body["reason"].as_str()), (400, Some(error), Some(reason)), "{}", answer.body);
    }
}
