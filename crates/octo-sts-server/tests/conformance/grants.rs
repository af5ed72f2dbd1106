//! Section 1: successful exchanges.

use crate::support::{CI, COLD, House, WARM};

/// Mints name repositories by id: which ones a token reaches, the ledger says. A token on every repository names none, so
/// whose installation it is of is looked up beside it.
#[tokio::test]
async fn successful_exchanges() {
    let house = House::new().await;
    house.policy("acme/.github", "org", "permissions: {contents: read}\nrepositories: [app]");
    house.policy("acme/.github", "all", "permissions: {contents: read}");
    let contents = r#"{"contents":"read"}"#;
    let mut handed_out = Vec::new();
    for (situation, method, query, calls, repositories) in [
        ("Repository scope, cold", "GET", "scope=acme%2Fapp&identity=ci", COLD, "acme/app"),
        ("Repository scope, warm", "GET", "scope=acme%2Fapp&identity=ci", WARM, "acme/app"),
        ("POST with query, warm", "POST", "scope=acme%2Fapp&identity=ci", WARM, "acme/app"),
        ("Organization scope, cold: `scope=acme&identity=org`, `repositories: [app]`", "GET", "scope=acme&identity=org", WARM, "acme/app"),
        ("Organization scope, warm", "GET", "scope=acme&identity=org", WARM, "acme/app"),
        ("Organization scope without `repositories`", "GET", "scope=acme&identity=all", "contents mint owner_installation", "every"),
        ("`scope=acme/.github`, org policy `org`", "GET", "scope=acme/.github&identity=org", WARM, "acme/app"),
        ("`scopes=acme/app` (new parameter)", "GET", "scopes=acme/app&identity=ci", WARM, "acme/app"),
        ("`scope` and `scopes`, as the action sends them", "GET", "scope=acme/app&scopes=acme/app&identity=ci", WARM, "acme/app"),
    ] {
        let (answer, called) = house.ask(&format!("{method} /sts/exchange?{query} HTTP/1.1\r\nAuthorization: Bearer {}", house.token()), "").await;
        answer.grants(situation);
        assert_eq!(house.grant(&answer), (contents.to_owned(), repositories.to_owned()), "{situation}");
        assert_eq!(called, calls, "{situation}");
        handed_out.push(answer.token());
    }
    house.close(&handed_out).await;
}

/// Upstream: an organisation policy without `repositories`, asked for as `ORG/.github`, covers all of the installation.
#[tokio::test]
async fn the_scope_of_the_policy_repository_is_no_more_than_that_repository() {
    let house = House::new().await;
    house.policy("acme/.github", "all", "permissions: {contents: read}");
    let (answer, _) = house.exchange("scope=acme/.github&identity=all", &house.token()).await;
    answer.grants("`scope=acme/.github`, org policy `all`");
    assert_eq!(house.grant(&answer).1, "acme/.github");
}

/// A reply names what the token is good for.
#[tokio::test]
async fn the_reply_says_what_was_granted_and_for_how_long() {
    let house = House::new().await;
    let (answer, _) = house.exchange(CI, &house.token()).await;
    let reply = answer.json();
    assert_eq!((&reply["permissions"]["contents"], &reply["repositories"][0]), (&"read".into(), &"acme/app".into()));
    assert!((3_500..=3_600).contains(&reply["expires_in"].as_i64().unwrap()), "{reply}");
    let order: Vec<_> = ["token", "refreshToken", "expiry"].iter().map(|name| answer.body.find(&format!("\"{name}\":")).unwrap()).collect();
    assert!(order.is_sorted(), "{}", answer.body);
}
