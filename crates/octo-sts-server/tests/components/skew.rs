//! Clocks that do not agree.

use http::StatusCode;

use crate::{
    caller::exchange,
    house::House,
    service::{CLOCK, Service},
};

/// T-128: GitHub refuses what ends more than ten minutes ahead by its own clock.
#[tokio::test]
async fn a_machine_two_minutes_fast_learns_githubs_time_and_serves() {
    let house = House::with_apps(1).await;
    let (clock, key) = (house.file("fast", "120"), house.file("app.pem", &house.apps[0].private_key_pem()));
    let variables = [("GITHUB_APP_IDS", "4242"), ("APP_SECRET_CERTIFICATE_FILE", key.to_str().unwrap()), (CLOCK, clock.to_str().unwrap())];
    let service = Service::start(&house, &variables).await;
    exchange(service.port(), "ci", &house.token("x")).await.token();
    let refused = house.sandbox.calls().iter().filter(|call| call.status == Some(StatusCode::UNAUTHORIZED)).count();
    assert_eq!(refused, 1, "learned once");
}
