//! Services that lie, or are dead: every probe sees through them (T-162).

#![expect(clippy::unwrap_used, reason = "a helper that fails fails the test that called it")]

use std::sync::Arc;

use octo_sts_prober::{Probe, ProbeError};
use octo_sts_sandbox::ActionsJob;

use crate::{
    liar::{Liar, Lie, Tongue, refusal},
    round::failure,
    support::{DOMAIN, REPOSITORY, World},
};

/// The refusals that the negative probes want.
const WANTED: [(Probe, u16, u32); 5] =
    [(Probe::WrongIdentity, 404, 5), (Probe::WrongIssuer, 400, 3), (Probe::Expired, 401, 16), (Probe::Unsigned, 401, 16), (Probe::Mismatch, 403, 7)];

/// T-162
#[tokio::test]
async fn a_dead_service_fails_every_probe() {
    let world = World::new().await;
    let report = world.prober_with(&world.args("http://127.0.0.1:1")).round().await;
    assert_eq!(report.failures().count(), Probe::ALL.len(), "{}", report.to_json());
}

/// T-162
#[tokio::test]
async fn a_service_that_is_down_behind_its_proxy_fails_every_probe() {
    let world = World::new().await;
    for lie in [
        refusal(503, 14),
        refusal(500, 13),
        Lie { status: 502, body: "<html>Bad Gateway</html>".to_owned() },
        Lie { status: 403, body: "<html>Forbidden</html>".to_owned() },
        Lie { status: 404, body: String::new() },
        Lie { status: 200, body: "{}".to_owned() },
        Lie { status: 200, body: "<html>Welcome</html>".to_owned() },
        Lie { status: 302, body: String::new() },
    ] {
        let liar = Liar::always(&world, lie.clone()).await;
        let report = world.prober_with(&world.args(&liar.address)).round().await;
        assert_eq!(report.failures().count(), Probe::ALL.len(), "Lie: {lie:?}, found: {}", report.to_json());
    }
}

/// T-162
#[tokio::test]
async fn each_negative_probe_takes_one_refusal_alone() {
    let world = World::new().await;
    for (_, status, code) in WANTED {
        let liar = Liar::always(&world, refusal(status, code)).await;
        let report = world.prober_with(&world.args(&liar.address)).round().await;
        for (result, (probe, wanted_status, wanted_code)) in report.results[1..].iter().zip(WANTED) {
            let is_right = (status, code) == (wanted_status, wanted_code);
            assert_eq!(result.probe, probe);
            assert_eq!(result.outcome.as_str(), if is_right { "passed" } else { "failed" }, "Probe: {probe}, answer: {status} {code}");
        }
        assert_eq!(report.results[0].outcome.as_str(), "failed", "a service that refuses everybody works for nobody");
    }
}

/// T-162
#[tokio::test]
async fn a_service_that_gives_to_everybody_fails_every_negative_probe_and_its_tokens_are_revoked() {
    let world = World::new().await;
    let claims = world.issuer.actions_claims(&ActionsJob::new(REPOSITORY), Some(DOMAIN));
    let liar = Liar::generous(&world, world.issuer.token(&claims)).await;
    let report = world.prober_with(&world.args(&liar.address)).round().await;
    let granted = report.failures().filter(|(_, error)| matches!(error, ProbeError::Granted { .. })).count();
    assert_eq!((granted, report.failures().count()), (5, 5), "{}", report.to_json());
    assert!(world.leaves_no_token());
}

/// A service that looks at neither signatures nor times nor issuers: each lie fails its own probe, and no other.
#[tokio::test]
async fn each_negligence_is_found_by_its_own_probe() {
    let world = World::new().await;
    let given =
        || Some(Lie { status: 200, body: r#"{"token":"ghs_000000000000000000000000000000000000","refreshToken":"","expiry":null}"#.to_owned() });
    let unsigned = |bearer: &str| bearer.ends_with('.');
    let payload = |bearer: &str| base64_text(bearer.split('.').nth(1).unwrap());
    let foreign = move |bearer: &str| payload(bearer).contains(r#""iss":"https://octo-sts-prober.invalid""#);
    let elsewhere = move |bearer: &str| payload(bearer).contains(r#""aud":"https://octo-sts-prober.invalid""#);
    let cases: [(Probe, Tongue); 3] = [
        (Probe::Unsigned, Arc::new(move |bearer| if unsigned(bearer) { given() } else { None })),
        (Probe::WrongIssuer, Arc::new(move |bearer| if foreign(bearer) { given() } else { None })),
        (Probe::Mismatch, Arc::new(move |bearer| if elsewhere(bearer) { given() } else { None })),
    ];
    for (probe, lie) in cases {
        let liar = Liar::start(&world, lie).await;
        let report = world.prober_with(&world.args(&liar.address)).round().await;
        let failed: Vec<_> = report.failures().map(|(probe, _)| probe).collect();
        assert_eq!(failed, [probe], "{}", report.to_json());
    }
}

/// T-162
#[tokio::test]
async fn a_token_that_is_none_fails_the_exchange_probe() {
    let world = World::new().await;
    let liar = Liar::always(&world, Lie { status: 200, body: r#"{"token":"ghs_made_up"}"#.to_owned() }).await;
    let report = world.probe(Probe::Exchange, &liar.address).await;
    let error = failure(&report);
    assert_eq!((error.step(), error.to_string().as_str()), ("read", "reading the policy: GitHub must answer 200, and answered 401: Bad credentials"));
}

/// T-162
#[tokio::test]
async fn a_token_that_may_write_fails_the_exchange_probe_and_is_revoked() {
    let world = World::new().await;
    world.policy("prober", "permissions:\n  contents: read\n  issues: write\n");
    let report = world.probe(Probe::Exchange, &world.address()).await;
    let error = failure(&report);
    assert_eq!(
        (error.step(), error.to_string().as_str()),
        ("write", "the forbidden write: GitHub must answer 403, and answered 201: issue 1 was created")
    );
    assert!(world.leaves_no_token());
}

/// A token that cannot do what the policy grants is of no use to anybody.
#[tokio::test]
async fn a_token_that_may_too_little_fails_the_exchange_probe() {
    let world = World::new().await;
    world.policy("prober", "permissions:\n  contents: read\n");
    let report = world.probe(Probe::Exchange, &world.address()).await;
    assert_eq!(failure(&report).step(), "list");
    assert!(world.leaves_no_token());
}

fn base64_text(text: &str) -> String {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    String::from_utf8(URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}
