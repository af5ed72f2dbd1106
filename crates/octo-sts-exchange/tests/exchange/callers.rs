//! Limits per caller and per address.

use std::time::Duration;

use octo_sts_exchange::{CallerLimits, Delivery, ExchangeError, Rate, Request, Stage, TooMany};
use octo_sts_sandbox::Fault;

use crate::support::{House, Otherwise, request};

async fn house(exchanges: Option<Rate>, failures: Option<Rate>) -> House {
    House::new().await.but(Otherwise { limits: CallerLimits { exchanges, failures, ..CallerLimits::default() }, ..Otherwise::default() })
}

const TWO_A_MINUTE: Option<Rate> = Some(Rate { count: 2, period: Duration::from_mins(1), burst: 2 });

/// T-112
#[tokio::test]
async fn a_caller_beyond_its_rate_waits_and_another_does_not() {
    let house = house(TWO_A_MINUTE, None).await;
    for _ in 0..2 {
        house.granted("acme/app", "ci").await;
    }
    let refused = house.refused("acme/app", "ci").await;
    assert!(matches!(*refused, ExchangeError::TooMany(TooMany::Exchanges { retry_after: 20..=30 })), "{refused:?}");
    assert_eq!(refused.stage(), Stage::Claims);
    let other = house.exchange_with(&house.token_for("repo:acme/app:pull_request"), "acme/app", "ci").await.unwrap_err();
    assert!(matches!(*other.error, ExchangeError::Mismatch(_)));
    house.clock.advance(Duration::from_secs(31));
    house.granted("acme/app", "ci").await;
}

/// T-112
#[tokio::test]
async fn an_address_whose_tokens_fail_waits_and_causes_no_work() {
    let house = house(None, TWO_A_MINUTE).await;
    let ask = async |token: &str, address: &str| {
        let asked = Request { peer: Some(address.parse().unwrap()), ..request(token, "acme/app", "ci") };
        house.exchanger.exchange(asked).await.map(Delivery::delivered).map_err(|refusal| refusal.error)
    };
    let good = house.token();
    let forged = format!("{}AAAA", &good[..good.len() - 4]);
    for _ in 0..2 {
        assert!(matches!(*ask(&forged, "192.0.2.1").await.unwrap_err(), ExchangeError::Token(_)));
    }
    assert!(matches!(*ask(&good, "192.0.2.1").await.unwrap_err(), ExchangeError::TooMany(TooMany::Failures { .. })));
    ask(&good, "192.0.2.2").await.unwrap();
    for _ in 0..5 {
        assert!(matches!(*ask(&forged, "127.0.0.1").await.unwrap_err(), ExchangeError::Token(_)));
    }
    ask(&good, "127.0.0.1").await.unwrap();
}

/// T-116: a flood is shed at once, and what is under way is not harmed by it.
#[tokio::test]
async fn whoever_finds_no_place_hears_so_at_once() {
    let limits = CallerLimits { at_once: Some(3), ..CallerLimits::default() };
    let house = House::new().await.but(Otherwise { limits, ..Otherwise::default() });
    house.granted("acme/app", "ci").await;
    house.github().fault(Fault::on(http::Method::POST, "/access_tokens").delay(Duration::from_secs(1)));
    let outcomes = futures_util::future::join_all((0..10).map(|_| house.exchange("acme/app", "ci"))).await;
    let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.map(Delivery::delivered)).collect();
    let shed = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert_eq!(shed.filter(|refusal| matches!(*refusal.error, ExchangeError::Overloaded)).count(), 7);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
    house.granted("acme/app", "ci").await;
}
