//! An App, and the JWT it speaks with.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::HeaderValue;
use jiff::Timestamp;
use octo_sts_signer::{SignError, Signer};
use octo_sts_types::{AppId, Clock};

/// For how long one App JWT is used. Then a new one is signed, while the old one still lives for a while.
const REUSE: Duration = Duration::from_mins(8);
/// The longest it is used when no key signs: 10 s before `exp`, so that it does not die on its way.
const LONGEST_USE: Duration = Duration::from_secs(530);
/// `iat` lies this far in the past, as GitHub recommends against clock drift. Seconds.
const BACKDATE: i64 = 60;
/// `exp` lies this far in the future; GitHub admits 10 minutes and refuses exactly that under drift. Seconds.
const LIFETIME: i64 = 9 * 60;
/// The longest a key service may take for one signature.
const SIGN_DEADLINE: Duration = Duration::from_secs(3);
/// After a signature failed while a JWT still lives, the key is left alone for this long.
const HOLD_OFF: Duration = Duration::from_secs(10);
/// `{"alg":"RS256","typ":"JWT"}`
const JOSE_HEADER: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9";

/// A GitHub App: its id, the name policies call it by, and its keys. Clones share the JWT.
#[derive(Clone)]
pub struct App {
    /// Its id, the `iss` of its JWT.
    pub id: AppId,
    /// The name that `app` and `app_pattern` of a policy refer to.
    pub name: Option<String>,
    keys: Arc<Keys>,
}

struct Keys {
    signers: Vec<Arc<dyn Signer>>,
    state: Mutex<State>,
    /// Held while a signature is being made, so that there is one at a time.
    signing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    /// Which signer is used: the last one that GitHub did not refuse.
    signer: usize,
    jwt: Option<AppJwt>,
    /// How many JWTs were signed.
    signed: u64,
    hold_off_until: Option<Instant>,
}

/// A signed JWT, ready to be sent.
#[derive(Clone)]
pub(crate) struct AppJwt {
    pub(crate) authorization: HeaderValue,
    /// Tells one JWT of an App from the next.
    pub(crate) serial: u64,
    signed_at: Instant,
}

impl AppJwt {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.signed_at) < REUSE
    }

    fn is_alive(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.signed_at) < LONGEST_USE
    }
}

impl App {
    /// An App with its signers in the order they are tried: during the rotation of a key there are two.
    pub fn new(id: AppId, name: Option<String>, signers: Vec<Arc<dyn Signer>>) -> Self {
        let keys = Keys { signers, state: Mutex::default(), signing: tokio::sync::Mutex::default() };
        Self { id, name, keys: Arc::new(keys) }
    }

    /// The App's signers, for the check of each key at start.
    pub fn signers(&self) -> &[Arc<dyn Signer>] {
        &self.keys.signers
    }

    /// The current JWT if it needs no new one: the way of nearly every call.
    pub(crate) fn fresh_jwt(&self, now: Instant) -> Option<AppJwt> {
        self.state().jwt.as_ref().filter(|jwt| jwt.is_fresh(now)).cloned()
    }

    /// The current JWT, or a new one. `ahead` is how far GitHub's clock is ahead of ours, in seconds.
    ///
    /// One caller signs and the others wait for it, or go on with the old JWT while that lives. A caller who gives up
    /// leaves the signing to the next one.
    pub(crate) async fn jwt(&self, clock: &dyn Clock, ahead: i64) -> Result<AppJwt, SignError> {
        let _alone = match (self.keys.signing.try_lock(), self.usable_while_signing(clock.monotonic())) {
            (_, Some(Usable { jwt, held_off: true })) | (Err(_), Some(Usable { jwt, .. })) => return Ok(jwt),
            (Ok(alone), _) => alone,
            (Err(_), None) => self.keys.signing.lock().await,
        };
        if let Some(jwt) = self.fresh_jwt(clock.monotonic()) {
            return Ok(jwt);
        }
        match self.sign_with_any(clock, ahead).await {
            Ok(jwt) => Ok(jwt),
            Err(error) => self.ride_out(clock.monotonic(), error),
        }
    }

    fn usable_while_signing(&self, now: Instant) -> Option<Usable> {
        let state = self.state();
        let jwt = state.jwt.clone().filter(|jwt| jwt.is_alive(now))?;
        Some(Usable { held_off: jwt.is_fresh(now) || state.hold_off_until.is_some_and(|until| now < until), jwt })
    }

    /// Goes on with a JWT that still lives when no key signs.
    fn ride_out(&self, now: Instant, error: SignError) -> Result<AppJwt, SignError> {
        let mut state = self.state();
        let Some(jwt) = state.jwt.clone().filter(|jwt| jwt.is_alive(now)) else { return Err(error) };
        state.hold_off_until = Some(now + HOLD_OFF);
        tracing::warn!(app = %self.id, error = &error as &dyn std::error::Error, "no key signs; the App JWT still lives");
        Ok(jwt)
    }

    /// Signs with the current signer, or with the first other one that does.
    async fn sign_with_any(&self, clock: &dyn Clock, ahead: i64) -> Result<AppJwt, SignError> {
        let signers = &self.keys.signers;
        let first = self.state().signer;
        let mut failure = SignError::Failed { origin: format!("App {}", self.id), source: Arc::new(NoSigner) };
        for at in (0..signers.len()).map(|step| (first + step) % signers.len()) {
            match self.sign_with(&*signers[at], clock, ahead).await {
                Ok(authorization) => return Ok(self.remember(at, authorization, clock.monotonic())),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn sign_with(&self, signer: &dyn Signer, clock: &dyn Clock, ahead: i64) -> Result<HeaderValue, SignError> {
        let input = signing_input(self.id, clock.now(), ahead);
        let timed_out = |_| SignError::TimedOut { origin: signer.origin(), after: SIGN_DEADLINE };
        let signature = tokio::time::timeout(SIGN_DEADLINE, signer.sign(input.as_bytes())).await.map_err(timed_out)??;
        let text = format!("Bearer {input}.{}", URL_SAFE_NO_PAD.encode(signature));
        let mut value = HeaderValue::try_from(text).map_err(|error| SignError::Failed { origin: signer.origin(), source: Arc::new(error) })?;
        value.set_sensitive(true);
        Ok(value)
    }

    fn remember(&self, signer: usize, authorization: HeaderValue, now: Instant) -> AppJwt {
        metrics::counter!("octo_sts_app_jwt_signatures_total").increment(1);
        let mut state = self.state();
        state.signed += 1;
        let jwt = AppJwt { authorization, serial: state.signed, signed_at: now };
        state.signer = signer;
        state.jwt = Some(jwt.clone());
        state.hold_off_until = None;
        jwt
    }

    /// Forgets this JWT, whose times GitHub refused. A newer one stays.
    pub(crate) fn forget(&self, serial: u64) {
        let mut state = self.state();
        if state.jwt.as_ref().is_some_and(|jwt| jwt.serial == serial) {
            state.jwt = None;
        }
    }

    /// Goes on to the next signer, since GitHub refused this JWT's key. Nothing happens when another call already did.
    pub(crate) fn next_signer(&self, serial: u64) {
        let mut state = self.state();
        if state.jwt.as_ref().is_some_and(|jwt| jwt.serial == serial) {
            state.jwt = None;
            state.signer = (state.signer + 1) % self.keys.signers.len().max(1);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.keys.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Usable {
    jwt: AppJwt,
    held_off: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("it has no key")]
struct NoSigner;

/// Header and claims of the App JWT, as GitHub documents them.
fn signing_input(app: AppId, now: Timestamp, ahead: i64) -> String {
    let now = now.as_second() + ahead;
    let claims = format!(r#"{{"iat":{},"exp":{},"iss":"{app}"}}"#, now - BACKDATE, now + LIFETIME);
    format!("{JOSE_HEADER}.{}", URL_SAFE_NO_PAD.encode(claims))
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("id", &self.id).field("name", &self.name).field("signers", &self.keys.signers).finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "app_tests.rs"]
mod tests;
