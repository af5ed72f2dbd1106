//! Answers of GitHub that are not the ones that must come. None of them passes for the right one.

use http::Method;
use octo_sts_prober::{Probe, ProbeError};
use octo_sts_sandbox::Fault;
use serde_json::json;

use crate::{round::failure, support::World};

async fn with(world: &World, fault: Fault) -> (&'static str, String) {
    world.sandbox.github().fault(fault);
    let report = world.probe(Probe::Exchange, &world.address()).await;
    world.sandbox.clear_faults();
    let error = failure(&report);
    (error.step(), error.to_string())
}

fn create() -> Fault {
    Fault::on(Method::POST, "/issues")
}

/// T-162: upstream takes any error for the one that must come.
#[tokio::test]
async fn a_forbidden_write_that_fails_otherwise_fails_the_probe() {
    let world = World::new().await;
    for status in [200, 301, 400, 401, 404, 410, 422, 429, 500, 503] {
        let (step, why) = with(&world, create().respond(status, &json!({"message": "no"}))).await;
        assert_eq!((step, why), ("write", format!("the forbidden write: GitHub must answer 403, and answered {status}: no")));
        assert!(world.leaves_no_token(), "Status: {status}");
    }
    let (step, _) = with(&world, create().reset()).await;
    assert_eq!(step, "write");
}

/// T-162
#[tokio::test]
async fn a_limit_of_calls_is_not_the_403_of_a_forbidden_write() {
    let world = World::new().await;
    for fault in [
        create().primary_limit(403, 2_000_000_000),
        create().secondary_limit(403, None),
        create().secondary_limit(403, Some(std::time::Duration::from_mins(1))),
        create().respond(403, &json!({"message": "You have triggered an abuse detection mechanism."})),
    ] {
        let (step, why) = with(&world, fault).await;
        assert!(step == "write" && why.contains("limit of calls"), "{why}");
    }
}

#[tokio::test]
async fn what_must_be_readable_and_is_not_fails_the_probe() {
    let world = World::new().await;
    // The service reads the policy first; the second read is the prober's.
    let read = || Fault::on(Method::GET, "contents");
    let directory = json!([{"type": "file"}]);
    for fault in [read().after(1).respond(404, &json!({"message": "Not Found"})), read().after(1).respond(200, &directory)] {
        let (step, why) = with(&world, fault).await;
        assert_eq!(step, "read", "{why}");
    }
    for fault in [Fault::on(Method::GET, "issues").respond(403, &json!({"message": "no"})), Fault::on(Method::GET, "issues").respond(200, &json!({}))]
    {
        assert_eq!(with(&world, fault).await.0, "list");
    }
    assert!(world.leaves_no_token());
}

/// T-162
#[tokio::test]
async fn a_token_that_outlives_its_revocation_fails_the_probe() {
    let world = World::new().await;
    let revoke = || Fault::on(Method::DELETE, "revoke");
    world.sandbox.github().fault(revoke().respond(204, &json!(null)));
    let report = world.probe(Probe::Exchange, &world.address()).await;
    assert!(matches!(failure(&report), ProbeError::StillWorks(_)), "{}", report.to_json());
    world.sandbox.clear_faults();
    assert_eq!(with(&world, revoke().respond(401, &json!({"message": "Bad credentials"}))).await.0, "revoke");
    assert_eq!(with(&world, revoke().respond(500, &json!({}))).await.0, "revoke");
    let (step, why) = with(&world, revoke().respond(403, &json!({"message": "no"}))).await;
    assert_eq!(step, "revoke", "{why}");
}

/// T-105: what a report says is written into logs.
#[tokio::test]
async fn no_report_holds_a_token() {
    let world = World::new().await;
    for fault in [create().respond(404, &json!({})), Fault::on(Method::DELETE, "revoke").reset(), Fault::on(Method::GET, "issues").hang().times(0)] {
        world.sandbox.github().fault(fault);
        let report = world.prober().round().await;
        world.sandbox.clear_faults();
        let text = format!("{report:?} {}", report.to_json());
        let tokens = world.sandbox.github().ledger();
        assert!(!tokens.is_empty() && tokens.iter().all(|entry| !text.contains(&entry.token)), "{text}");
        assert!(!text.contains("eyJ"), "{text}");
    }
}
