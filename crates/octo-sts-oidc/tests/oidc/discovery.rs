//! Issuers that are slow, broken, hostile, or not to be dialled.

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use octo_sts_http::{Lookup, Roots};
use octo_sts_oidc::{Algorithm, IssuerError, TokenFault, Verifier, VerifierError, VerifierSettings, VerifyError};
use octo_sts_types::Issuer;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;

use crate::common::{
    StoppedClock, claims,
    issuer::{DISCOVERY, Reply, TestIssuer},
    keys::{TestKey, new_key},
    roots, verifier, verifier_with, verify,
};

fn key() -> TestKey {
    new_key(Algorithm::Es256)
}

async fn published() -> (TestIssuer, TestKey) {
    let (issuer, key) = (TestIssuer::start().await, key());
    issuer.publish("", &["ES256"], &[key.jwk("a")]);
    (issuer, key)
}

fn bearer(issuer: &TestIssuer, key: &TestKey) -> String {
    key.token(Algorithm::Es256, "a", &claims(&issuer.url("")))
}

async fn outcome(issuer: &TestIssuer, key: &TestKey) -> Result<(), VerifyError> {
    verify(&verifier(&StoppedClock::new()), &bearer(issuer, key)).await.map(drop)
}

fn raw(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply::Raw(status, Vec::new(), body.into())
}

fn to(status: u16, location: &str) -> Reply {
    Reply::Raw(status, vec![("location", location.to_owned())], Vec::new())
}

/// T-037
#[tokio::test]
async fn a_bad_discovery_document_is_a_failed_discovery() {
    let (issuer, key) = published().await;
    let good = json!({"issuer": issuer.url(""), "jwks_uri": issuer.url("/jwks"), "id_token_signing_alg_values_supported": ["ES256"]}).to_string();
    let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    issuer.answer(DISCOVERY, raw(200, padded(100 * 1024)));
    assert!(outcome(&issuer, &key).await.is_ok());
    let other = good.replace(&issuer.url(""), &issuer.url("/"));
    let twice = good.replacen('{', &format!(r#"{{"issuer":"{}","#, issuer.url("")), 1);
    for reply in [
        raw(404, ""),
        raw(401, good.clone()),
        raw(204, ""),
        raw(200, "<html></html>"),
        raw(200, "[]"),
        raw(200, ""),
        raw(200, other),
        raw(200, twice),
        raw(200, good.replace("jwks_uri", "jwks_url")),
        raw(200, padded(100 * 1024 + 1)),
    ] {
        issuer.answer(DISCOVERY, reply.clone());
        let error = outcome(&issuer, &key).await.unwrap_err();
        assert!(matches!(error, VerifyError::Discovery(ref error) if !error.is_transient()), "Input: {reply:.300?}: {error:?}");
    }
    assert_eq!(issuer.hits("/jwks"), 1);
}

/// T-012: the document is fine, and its keys are not.
#[tokio::test]
async fn bad_keys_are_a_token_that_cannot_be_verified() {
    let (issuer, key) = published().await;
    let bomb = Reply::Raw(200, vec![("content-encoding", "gzip".to_owned())], vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
    let many = json!({"keys": vec![json!({"kty": "x"}); 101]}).to_string();
    for reply in [raw(500, ""), raw(404, ""), raw(200, r#"{"keys":[]}"#), raw(200, many), raw(200, vec![b' '; 100 * 1024 + 1]), bomb] {
        issuer.answer("/jwks", reply.clone());
        let error = outcome(&issuer, &key).await.unwrap_err();
        assert!(matches!(error, VerifyError::Token(TokenFault::Keys(_))), "Input: {reply:.300?}: {error:?}");
    }
}

#[tokio::test]
async fn one_failure_that_may_pass_is_asked_again() {
    for fault in [raw(500, ""), raw(503, ""), Reply::Close] {
        let (issuer, key) = published().await;
        let good = json!({"issuer": issuer.url(""), "jwks_uri": issuer.url("/jwks"), "id_token_signing_alg_values_supported": ["ES256"]});
        issuer.answer(DISCOVERY, Reply::Turns(vec![fault.clone(), Reply::Json(good)]));
        assert!(outcome(&issuer, &key).await.is_ok(), "Input: {fault:?}");
        assert_eq!(issuer.hits(DISCOVERY), 2);
    }
    let (issuer, key) = published().await;
    issuer.answer(DISCOVERY, raw(503, ""));
    assert!(matches!(outcome(&issuer, &key).await, Err(VerifyError::Discovery(error)) if error.is_transient()));
    assert_eq!(issuer.hits(DISCOVERY), 2);
    issuer.answer(DISCOVERY, raw(404, ""));
    assert!(outcome(&issuer, &key).await.is_err());
    assert_eq!(issuer.hits(DISCOVERY), 3);
}

/// T-040: a fetch that is stuck when its issuer recovers does not keep its callers for long.
#[tokio::test]
async fn an_answer_that_got_stuck_is_asked_for_again() {
    for path in [DISCOVERY, "/jwks"] {
        let (issuer, key) = published().await;
        let keys = json!({"keys": [key.jwk("a")]});
        let document = json!({"issuer": issuer.url(""), "jwks_uri": issuer.url("/jwks"), "id_token_signing_alg_values_supported": ["ES256"]});
        let good = if path == DISCOVERY { document } else { keys };
        issuer.answer(path, Reply::Turns(vec![Reply::Stall(""), Reply::Json(good)]));
        let begun = tokio::time::Instant::now();
        assert!(outcome(&issuer, &key).await.is_ok(), "Input: {path}");
        assert!(begun.elapsed() < Duration::from_secs(4), "Input: {path}: {:?}", begun.elapsed());
    }
}

/// T-032
#[tokio::test]
async fn one_redirect_to_another_path_is_followed() {
    let (issuer, key) = published().await;
    let good = json!({"issuer": issuer.url(""), "jwks_uri": issuer.url("/jwks"), "id_token_signing_alg_values_supported": ["ES256"]});
    issuer.answer("/there", Reply::Json(good));
    for status in [301, 302, 303, 307, 308] {
        issuer.answer(DISCOVERY, to(status, "/there"));
        assert!(outcome(&issuer, &key).await.is_ok(), "Input: {status}");
    }
    let (elsewhere, _) = published().await;
    issuer.answer("/again", to(302, "/there"));
    let own = issuer.url(DISCOVERY);
    let other = elsewhere.url("/x");
    for location in ["/again", &own, &other, "http://169.254.169.254/", "http://localhost:1/", "file:///etc/passwd", "https://8.8.8.8/", ""] {
        issuer.answer(DISCOVERY, to(302, location));
        let error = outcome(&issuer, &key).await.unwrap_err();
        assert!(
            matches!(error, VerifyError::Discovery(ref error) if matches!(**error, IssuerError::Redirect { .. })),
            "Input: {location}: {error:?}"
        );
    }
    assert_eq!(elsewhere.all_hits(), 0);
}

/// T-040: wherever an issuer falls silent, its callers have an answer within 5 seconds, and a later one at once.
#[tokio::test]
async fn a_slow_issuer_costs_five_seconds_once() {
    let stalls = [
        (DISCOVERY, Reply::Stall("")),
        (DISCOVERY, Reply::Stall("HTTP/1.1 200 OK\r\nx: ")),
        (DISCOVERY, Reply::Stall("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n")),
        (DISCOVERY, Reply::Drip),
        ("/jwks", Reply::Stall("")),
        ("/jwks", Reply::Drip),
    ];
    let cases = stalls.map(|(path, stall)| async move {
        let (issuer, key) = published().await;
        issuer.answer(path, stall.clone());
        let (clock, bearer) = (StoppedClock::new(), bearer(&issuer, &key));
        let verifier = verifier(&clock);
        let begun = tokio::time::Instant::now();
        let first = verify(&verifier, &bearer).await;
        assert!(first.is_err() && begun.elapsed() < Duration::from_millis(5_500), "Input: {path} {stall:?}: {:?}", begun.elapsed());
        let again = tokio::time::Instant::now();
        assert!(verify(&verifier, &bearer).await.is_err());
        assert!(again.elapsed() < Duration::from_millis(100), "Input: {path} {stall:?}");
        assert_eq!(verifier.stats().refused_known_failure, 1);
    });
    let tasks: Vec<_> = cases.into_iter().map(tokio::spawn).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// T-037: a failure is remembered, for long when somebody has to mend it, and for less than 5 seconds when it may pass.
#[tokio::test]
async fn a_failing_issuer_is_left_alone_for_a_while() {
    let (issuer, key) = published().await;
    let clock = StoppedClock::new();
    let verifier = verifier(&clock);
    let bearer = bearer(&issuer, &key);
    issuer.answer(DISCOVERY, raw(404, ""));
    for _ in 0..50 {
        assert!(verify(&verifier, &bearer).await.is_err());
    }
    clock.advance(Duration::from_secs(29));
    assert!(verify(&verifier, &bearer).await.is_err());
    assert_eq!(issuer.hits(DISCOVERY), 1);
    clock.advance(Duration::from_secs(1));
    issuer.answer(DISCOVERY, raw(503, ""));
    for _ in 0..50 {
        assert!(verify(&verifier, &bearer).await.is_err());
    }
    assert_eq!(issuer.hits(DISCOVERY), 3);
    issuer.publish("", &["ES256"], &[key.jwk("a")]);
    clock.advance(Duration::from_secs(5));
    assert!(verify(&verifier, &bearer).await.is_ok());
}

/// Every name is at this address.
struct Here(SocketAddr);

impl Lookup for Here {
    fn lookup(&self, _: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> {
        let address = self.0;
        Box::pin(async move { Ok(vec![address]) })
    }
}

/// T-030, T-031: an issuer of strangers leads nowhere but to the public internet. Not even with loopback allowed: that is
/// for issuers that say they are here.
#[tokio::test]
async fn strangers_do_not_lead_inside() {
    let (issuer, key) = published().await;
    let settings = VerifierSettings { allow_localhost: true, lookup: Some(Arc::new(Here(issuer.address))), ..VerifierSettings::default() };
    let verifier = verifier_with(settings, &StoppedClock::new());
    let error = verify(&verifier, &key.token(Algorithm::Es256, "a", &claims("https://rebound.example"))).await.unwrap_err();
    assert!(matches!(error, VerifyError::Discovery(ref error) if !error.is_transient()), "{error:?}");
    let refused = verify(&verifier, &key.token(Algorithm::Es256, "a", &claims("https://10.0.0.1"))).await;
    assert!(matches!(refused, Err(VerifyError::IssuerRefused(_))));
    assert_eq!(issuer.all_hits(), 0);
}

/// An issuer on TLS at `gitlab.corp.example`, and the PEM of its authority.
async fn corporate() -> (TestIssuer, String) {
    let name = "gitlab.corp.example";
    let pair = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pair.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![pair.cert.der().clone()], private).unwrap();
    (TestIssuer::start_with(Some((Arc::new(config).into(), name))).await, pair.cert.pem())
}

/// T-038: trust in its certificate comes from the operator's authorities.
#[tokio::test]
async fn a_private_issuer_is_reached_over_tls_and_trusted_by_its_authority() {
    let ((issuer, authority), key) = (corporate().await, key());
    issuer.publish("/t", &["ES256"], &[key.jwk("a")]);
    let url = Issuer::parse(&issuer.url("/t")).unwrap();
    let settings =
        || VerifierSettings { private_issuers: vec![url.clone()], lookup: Some(Arc::new(Here(issuer.address))), ..VerifierSettings::default() };
    let token = key.token(Algorithm::Es256, "a", &claims(url.as_str()));
    let trusting = Verifier::new(settings(), Roots::from_pem(&authority).unwrap(), StoppedClock::new()).unwrap();
    verify(&trusting, &token).await.unwrap();
    assert!(matches!(verify(&verifier_with(settings(), &StoppedClock::new()), &token).await, Err(VerifyError::Discovery(_))));
    let plain = VerifierSettings { private_issuers: vec![Issuer::parse("http://localhost:1").unwrap()], ..VerifierSettings::default() };
    assert!(matches!(Verifier::new(plain, roots(), StoppedClock::new()), Err(VerifierError::PrivateIssuer(_))));
}

/// T-031: an exception is for the issuer it names; another one cannot be led to its host.
#[tokio::test]
async fn a_private_issuer_opens_its_host_to_no_other() {
    let ((issuer, authority), key) = (corporate().await, key());
    for tenant in ["/t", "/other"] {
        issuer.publish(tenant, &["ES256"], &[key.jwk("a")]);
    }
    let settings = VerifierSettings {
        private_issuers: vec![Issuer::parse(&issuer.url("/t")).unwrap()],
        lookup: Some(Arc::new(Here(issuer.address))),
        ..VerifierSettings::default()
    };
    let verifier = Verifier::new(settings, Roots::from_pem(&authority).unwrap(), StoppedClock::new()).unwrap();
    verify(&verifier, &key.token(Algorithm::Es256, "a", &claims(&issuer.url("/t")))).await.unwrap();
    let before = issuer.all_hits();
    let other = verify(&verifier, &key.token(Algorithm::Es256, "a", &claims(&issuer.url("/other")))).await;
    assert!(matches!(other, Err(VerifyError::Discovery(_))), "{other:?}");
    assert_eq!(issuer.all_hits(), before);
}

/// T-039: strangers queue among themselves; an issuer that the operator named does not wait for them.
#[tokio::test]
async fn a_flood_of_stalled_issuers_does_not_hold_up_a_pinned_one() {
    let (issuer, key) = published().await;
    let stalled = TestIssuer::start().await;
    let pinned = vec![Issuer::parse(&issuer.url("")).unwrap()];
    let settings = VerifierSettings { allow_localhost: true, pinned_issuers: pinned, ..VerifierSettings::default() };
    let verifier = verifier_with(settings, &StoppedClock::new());
    let flood: Vec<_> = (0..300)
        .map(|tenant| {
            let tenant = format!("/t{tenant}");
            stalled.answer(&format!("{tenant}{DISCOVERY}"), Reply::Stall(""));
            let (verifier, bearer) = (verifier.clone(), key.token(Algorithm::Es256, "a", &claims(&stalled.url(&tenant))));
            tokio::spawn(async move { verify(&verifier, &bearer).await.map(drop) })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let quick = tokio::time::timeout(Duration::from_millis(500), verify(&verifier, &bearer(&issuer, &key))).await;
    quick.unwrap().unwrap();
    for call in flood {
        let error = call.await.unwrap().unwrap_err();
        assert!(matches!(error, VerifyError::Discovery(ref error) if error.is_transient()), "{error:?}");
    }
    // 64 at once, each asked twice.
    assert!(stalled.all_hits() <= 128, "{}", stalled.all_hits());
}

#[tokio::test]
async fn prefetched_keys_are_there_for_the_first_token() {
    let (issuer, key) = published().await;
    let verifier = verifier(&StoppedClock::new());
    verifier.prefetch(&Issuer::parse(&issuer.url("")).unwrap()).await.unwrap();
    let fetched = issuer.all_hits();
    verify(&verifier, &bearer(&issuer, &key)).await.unwrap();
    assert_eq!((issuer.all_hits(), verifier.stats().hits), (fetched, 1));
    let refused = verifier.prefetch(&Issuer::parse("https://10.0.0.1").unwrap()).await;
    assert!(matches!(refused, Err(VerifyError::IssuerRefused(_))));
}
