//! Strangers who ask for much, and tokens that are kept for long.

use std::{sync::Arc, time::Duration};

use octo_sts_exchange::{Delivery, ExchangeError, Request, TooMany};
use octo_sts_oidc::VerifyError;
use octo_sts_sandbox::Fault;
use serde_json::json;

use crate::support::{DOMAIN, House, SUBJECT, request};

/// Asks for each, sixteen at a time; how many were refused because there were too many.
async fn flood(house: &Arc<House>, asked: impl Fn(usize) -> (String, String) + Copy, count: usize) -> usize {
    let token = house.token();
    let mut refused = 0;
    for at in (0..count).step_by(16) {
        let some = (at..count.min(at + 16)).map(asked).map(|(scope, identity)| {
            let (house, token) = (Arc::clone(house), token.clone());
            tokio::spawn(async move { house.exchange_with(&token, &scope, &identity).await.unwrap_err().error })
        });
        for one in some.collect::<Vec<_>>() {
            refused += usize::from(matches!(*one.await.unwrap(), ExchangeError::TooMany(TooMany::UnknownNames { .. })));
        }
    }
    refused
}

/// T-111: a fifth of the smallest quota is all that a stranger can spend of somebody else's.
#[tokio::test]
async fn names_made_up_of_a_known_owner_run_out_and_harm_nobody() {
    for by_repository in [true, false] {
        let house = Arc::new(House::new().await);
        house.granted("acme/app", "ci").await;
        house.sandbox.clear_calls();
        let made_up = move |at| if by_repository { (format!("acme/no-{at}"), "ci".to_owned()) } else { ("acme/app".to_owned(), format!("no-{at}")) };
        let refused = flood(&house, made_up, 1_200).await;
        assert!((100..=200).contains(&refused), "{refused} were refused");
        let calls = house.github_calls().len();
        assert!(calls <= 1_200, "{calls} calls");

        house.granted("acme/app", "ci").await;
        // Every 3.6 seconds one more may be looked for.
        let used_up =
            async || matches!(*house.refused("acme/app", "another").await, ExchangeError::TooMany(TooMany::UnknownNames { retry_after: 1..=5 }));
        assert!(used_up().await || used_up().await || used_up().await);
        let other = house.sandbox.issuer("other");
        let token = other.token(&json!({"sub": SUBJECT, "aud": DOMAIN}));
        let error = house.exchange_with(&token, "acme/app", "another").await.unwrap_err().error;
        assert!(matches!(*error, ExchangeError::PolicyAbsent), "another issuer has a budget of its own: {error:?}");
        house.clock.advance(Duration::from_secs(5));
        assert!(matches!(*house.refused("acme/app", "another").await, ExchangeError::PolicyAbsent));
    }
}

/// T-111: a repository that was in sight is asked for when its reader token is due, whoever used up the budget.
#[tokio::test]
async fn strangers_who_use_up_the_names_of_an_owner_lock_out_no_known_repository() {
    let house = Arc::new(House::new().await);
    house.granted("acme/app", "ci").await;
    house.clock.advance(Duration::from_mins(51));
    assert!(flood(&house, |at| (format!("acme/no-{at}"), "ci".to_owned()), 1_100).await > 0);
    house.granted("acme/app", "ci").await;
}

/// T-110: an owner that was served is looked for when its installation is due, whoever used up the budget.
#[tokio::test]
async fn strangers_who_use_up_the_unknown_owners_lock_out_no_known_one() {
    let house = Arc::new(House::new().await);
    house.granted("acme/app", "ci").await;
    house.clock.advance(Duration::from_mins(6));
    flood(&house, |at| (format!("nobody-{at}/app"), "ci".to_owned()), 100).await;
    let error = house.refused("nobody-else/app", "ci").await;
    assert!(matches!(*error, ExchangeError::TooMany(TooMany::UnknownOwners { .. })), "{error:?}");
    house.granted("acme/app", "ci").await;
}

/// T-112
#[tokio::test]
async fn a_reader_token_that_is_kept_no_longer_is_revoked() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.clock.advance(Duration::from_mins(51));
    house.granted("acme/app", "ci").await;
    let readers = |house: &House| house.github().ledger().into_iter().filter(|token| token.requested_repositories.is_some()).collect::<Vec<_>>();
    assert_eq!(readers(&house).len(), 2);
    assert!(house.sandbox.eventually(Duration::from_secs(5), |_| readers(&house)[0].revoked).await);
    assert!(!readers(&house)[1].revoked);
}

/// A token that GitHub ended is replaced once, however many read with it, and nobody's replacement is revoked by somebody else's.
#[tokio::test]
async fn a_refused_reader_token_is_replaced_for_all_who_read_with_it() {
    const READERS: u64 = 20;
    let house = House::new().await;
    for at in 0..READERS {
        house.policy("acme/app", &format!("id-{at}"), "permissions: {contents: read}");
    }
    house.granted("acme/app", "ci").await;
    house.sandbox.clear_calls();
    house.github().fault(Fault::on(http::Method::GET, "/id-").times(READERS).respond(401, &json!({"message": "Bad credentials"})));
    let exchange = async |at: u64| house.exchange("acme/app", &format!("id-{at}")).await.map(Delivery::delivered).map_err(|refusal| refusal.error);
    let exchanges = (0..READERS).map(exchange);
    for outcome in futures_util::future::join_all(exchanges).await {
        outcome.unwrap();
    }
    let minted = house.github().ledger().iter().filter(|token| token.requested_repositories.is_some()).count();
    assert_eq!(minted, 2);
}

/// T-107: an issuer outside a list that is known costs its owner no read of a policy.
#[tokio::test]
async fn an_issuer_outside_a_known_list_costs_no_call() {
    let house = House::new().await;
    let list = format!("mode: enforce\nissuers: ['{}']\n", house.issuer.url());
    house.github().put_file("acme/.github", ".github/chainguard/trusted-token-issuers.yaml", list);
    house.exchange("acme/app", "ci").await.map(Delivery::delivered).unwrap();
    let other = house.sandbox.issuer("other");
    let token = other.token(&json!({"sub": SUBJECT, "aud": DOMAIN}));
    house.sandbox.clear_calls();
    for identity in ["ci", "other", "another"] {
        let error = house.exchange_with(&token, "acme/app", identity).await.unwrap_err().error;
        assert!(matches!(*error, ExchangeError::IssuerNotListed | ExchangeError::Mismatch(_)), "{identity}: {error:?}");
    }
    assert_eq!(house.github_calls(), Vec::<String>::new());
}

/// T-116: a token that only looks like one of its issuer costs a look at its signature, and none once its address has shown many.
#[tokio::test]
async fn a_flood_of_forged_tokens_asks_the_issuer_once_and_harms_nobody() {
    let house = House::new().await;
    house.granted("acme/app", "ci").await;
    house.sandbox.clear_calls();
    let good = house.token();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    // Well formed, with halves that have changed places; both have whole groups of four characters.
    let (first, rest) = signature.split_at(160);
    let (second, last) = rest.split_at(160);
    let forged = format!("{signed}.{second}{first}{last}");
    let ask = async |token: &str, peer: &str| {
        house.exchanger.exchange(Request { peer: Some(peer.parse().unwrap()), ..request(token, "acme/app", "ci") }).await
    };
    let mut looked_at = 0;
    for _ in 0..2_000 {
        match &*ask(&forged, "192.0.2.7").await.unwrap_err().error {
            ExchangeError::Token(VerifyError::Token(_)) => looked_at += 1,
            ExchangeError::TooMany(TooMany::Failures { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
    assert!((200..300).contains(&looked_at), "{looked_at} signatures were looked at");
    // The issuer may have a new key under the same name, and is asked for it once a minute.
    let calls = house.sandbox.calls();
    assert!(calls.len() == 1 && calls[0].path == "/gha/jwks", "{calls:?}");
    ask(&good, "192.0.2.8").await.unwrap().delivered();
}
