//! The real service, which does as it must.

use std::{io::Write as _, sync::Arc, time::Duration};

use octo_sts_prober::{Outcome, Parts, Probe, ProbeArgs, ProbeError, Prober, Settings};
use octo_sts_sandbox::{ActionsJob, Sandbox, SandboxSettings, TokenFormat};
use octo_sts_types::SystemClock;
use serde_json::json;

use crate::{
    round::failure,
    support::{DOMAIN, REPOSITORY, World, client},
};

#[tokio::test]
async fn a_service_that_does_as_it_must_passes_every_probe() {
    let world = World::new().await;
    let report = world.prober().round().await;
    assert!(report.is_good(), "{}", report.to_json());
    assert!(report.results.iter().all(|result| matches!(result.outcome, Outcome::Passed(_))), "{}", report.to_json());
    assert_eq!(report.results.iter().map(|result| result.probe).collect::<Vec<_>>(), Probe::ALL);
    assert!(world.leaves_no_token() && world.sandbox.github().issues().is_empty());
}

/// T-134
#[tokio::test]
async fn an_enterprise_server_is_probed_under_its_prefix_with_either_form_of_token() {
    for token_format in [TokenFormat::Classic, TokenFormat::Stateless] {
        let settings = SandboxSettings { tls: true, path_prefix: "/api/v3".to_owned(), token_format, ..SandboxSettings::default() };
        let world = World::with(settings).await;
        let report = world.prober().round().await;
        assert!(report.is_good() && world.leaves_no_token(), "{}", report.to_json());
    }
}

#[tokio::test]
async fn a_policy_that_is_not_about_the_prober_shows_the_mismatch_where_the_audience_cannot() {
    let world = World::new().await;
    let other = format!("issuer: {}\nsubject: somebody-else\npermissions:\n  contents: read\n", world.issuer.url());
    world.sandbox.github().put_file(REPOSITORY, ".github/chainguard/other.sts.yaml", other);
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let claims = world.issuer.actions_claims(&ActionsJob::new(REPOSITORY), Some(DOMAIN));
    file.write_all(world.issuer.token(&claims).as_bytes()).unwrap();
    let args = ProbeArgs { token_file: Some(file.path().to_owned()), ..world.args(&world.address()) };

    let without = world.prober_with(&args).round().await;
    assert!(without.is_good() && matches!(without.results[5].outcome, Outcome::NotRun(_)), "{}", without.to_json());

    let with = world.prober_with(&ProbeArgs { mismatch_identity: Some("other".to_owned()), ..args }).round().await;
    assert!(with.is_good() && matches!(with.results[5].outcome, Outcome::Passed(_)), "{}", with.to_json());
}

#[tokio::test]
async fn a_token_that_has_expired_is_used_where_there_is_one() {
    let world = World::new().await;
    let mut claims = world.issuer.actions_claims(&ActionsJob::new(REPOSITORY), Some(DOMAIN));
    let now = claims["iat"].as_i64().unwrap();
    (claims["iat"], claims["nbf"], claims["exp"]) = (json!(now - 900), json!(now - 900), json!(now - 600));
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(world.issuer.token(&claims).as_bytes()).unwrap();
    let args = ProbeArgs { expired_token_file: Some(file.path().to_owned()), probes: Some("expired".to_owned()), ..world.args(&world.address()) };
    let report = world.prober_with(&args).round().await;
    assert!(matches!(report.results[0].outcome, Outcome::Passed(None)), "{}", report.to_json());

    claims["exp"] = json!(now + 600);
    std::fs::write(file.path(), world.issuer.token(&claims)).unwrap();
    let report = world.prober_with(&args).round().await;
    assert!(matches!(failure(&report), ProbeError::NotExpired));
}

#[tokio::test]
async fn a_prober_without_a_token_fails_every_probe() {
    let sandbox = Sandbox::start(SandboxSettings::default()).await.unwrap();
    let text = |text: &str| Some(text.to_owned());
    let args = ProbeArgs { domain: text(DOMAIN), identity: text("prober"), token_command: text("exit 1"), ..ProbeArgs::default() };
    let settings = Settings::from_args(&args, &|_| None).unwrap();
    let prober =
        Prober::new(Parts { settings, http: client(&sandbox), clock: Arc::new(SystemClock), variable: Arc::new(|_| None), spread: Duration::ZERO });
    let report = prober.round().await;
    assert_eq!(report.failures().filter(|(_, error)| matches!(error, ProbeError::NoToken(_))).count(), 6);
}
