//! Keys, tokens, a clock that is told the time, and an issuer that answers as it is told.

pub(crate) mod issuer;
pub(crate) mod keys;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use octo_sts_http::Roots;
use octo_sts_oidc::{UnverifiedToken, Verifier, VerifierSettings, VerifyError};
use octo_sts_types::{Claims, Clock, SystemClock};
use serde_json::{Value, json};

/// The second at which every test begins.
pub(crate) const NOW: i64 = 1_800_000_000;

/// Both clocks stand still until they are moved.
pub(crate) struct StoppedClock {
    start: Instant,
    passed: Mutex<Duration>,
}

impl StoppedClock {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { start: SystemClock.monotonic(), passed: Mutex::new(Duration::ZERO) })
    }

    pub(crate) fn advance(&self, by: Duration) {
        *self.passed.lock().unwrap() += by;
    }

    pub(crate) fn seconds(&self) -> i64 {
        NOW + i64::try_from(self.passed.lock().unwrap().as_secs()).unwrap()
    }
}

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.seconds()).unwrap()
    }

    fn monotonic(&self) -> Instant {
        self.start + *self.passed.lock().unwrap()
    }
}

/// Claims that verify for the next five minutes.
pub(crate) fn claims(issuer: &str) -> Value {
    claims_at(issuer, NOW)
}

pub(crate) fn claims_at(issuer: &str, now: i64) -> Value {
    json!({
        "iss": issuer, "sub": "repo:acme/app:ref:refs/heads/main", "aud": "octo-sts.dev", "jti": "1",
        "exp": now + 300, "nbf": now - 300, "iat": now, "repository_id": "74", "ref_protected": "true",
    })
}

pub(crate) fn roots() -> Roots {
    Roots::from_pem(&rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()).unwrap()
}

/// A verifier that admits issuers on this machine.
pub(crate) fn verifier(clock: &Arc<StoppedClock>) -> Verifier {
    verifier_with(VerifierSettings { allow_localhost: true, ..VerifierSettings::default() }, clock)
}

pub(crate) fn verifier_with(settings: VerifierSettings, clock: &Arc<StoppedClock>) -> Verifier {
    Verifier::new(settings, roots(), clock.clone()).unwrap()
}

pub(crate) async fn verify(verifier: &Verifier, bearer: &str) -> Result<Claims, VerifyError> {
    verifier.verify(&UnverifiedToken::parse(bearer).unwrap()).await
}

/// The whole chain of causes.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
