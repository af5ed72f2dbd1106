//! Fake issuers: discovery, key sets, tokens of every kind, and the token endpoint of GitHub Actions.

mod actions;
mod issuers;
mod sign;

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use serde_json::{Map, Value, json};

pub use actions::{ActionsCredentials, ActionsJob};
pub(crate) use issuers::{IssuerRecord, Issuers};
pub use sign::{KeyId, SignOptions, Signature};

use crate::{
    Algorithm, Fault,
    call::{Call, CallLog, Service},
    fault::FaultBook,
    jws,
    keys::{SigningKey, pooled},
    lock::{read, write},
};

/// Number in the pool of the key that no issuer publishes.
const STRANGER: usize = 1_000_000;
/// How long a token lives, in seconds, where the claims do not say.
const LIFETIME: i64 = 300;

/// Which address an issuer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IssuerAddress {
    /// `http://127.0.0.1:PORT`
    Http,
    /// `http://localhost:PORT`
    HttpLocalhost,
    /// `https://127.0.0.1:PORT`
    Https,
    /// `https://localhost:PORT`
    HttpsLocalhost,
}

/// A fake issuer: a handle that can be cloned.
#[derive(Clone)]
pub struct FakeIssuer {
    issuers: Arc<Issuers>,
    name: String,
    log: Arc<CallLog>,
    faults: Arc<FaultBook>,
}

impl FakeIssuer {
    pub(crate) fn new(issuers: Arc<Issuers>, name: &str, address: IssuerAddress, log: Arc<CallLog>, faults: Arc<FaultBook>) -> Self {
        issuers.create(name, address);
        Self { issuers, name: name.to_owned(), log, faults }
    }

    fn with<T>(&self, look: impl FnOnce(&IssuerRecord) -> T) -> T {
        let all = read(&self.issuers.all);
        look(all.get(&self.name).unwrap_or_else(|| panic!("the sandbox has no issuer `{}`", self.name)))
    }

    fn change<T>(&self, change: impl FnOnce(&mut IssuerRecord) -> T) -> T {
        let mut all = write(&self.issuers.all);
        change(all.get_mut(&self.name).unwrap_or_else(|| panic!("the sandbox has no issuer `{}`", self.name)))
    }

    /// The issuer's URL: the `iss` of its tokens.
    pub fn url(&self) -> String {
        self.with(|record| record.url.clone())
    }

    /// A good token, signed with RS256: these claims, and `iss`, `iat`, `nbf`, `exp` (in five minutes) and `jti` where they lack.
    pub fn token(&self, claims: &Value) -> String {
        self.token_with(claims, &SignOptions::default())
    }

    /// The same, signed in another way.
    pub fn token_with(&self, claims: &Value, options: &SignOptions) -> String {
        self.sign(&self.completed(claims), options)
    }

    /// A token with exactly these claims.
    pub fn sign(&self, claims: &Value, options: &SignOptions) -> String {
        self.sign_text(&claims.to_string(), options)
    }

    /// A token with this text as claims, whatever it is.
    pub fn sign_text(&self, claims: &str, options: &SignOptions) -> String {
        let published = self.key(options.algorithm);
        let kid = match &options.kid {
            KeyId::Own => Some(published.kid.clone()),
            KeyId::Absent => None,
            KeyId::Named(kid) => Some(kid.clone()),
        };
        let header = options.header_text(kid);
        jws::compact(&header, claims, |input| options.signature_of(input, &published.key, &stranger(options.algorithm)))
    }

    /// A token of these texts, signed; nothing is checked or completed.
    pub fn sign_raw(&self, header: &str, claims: &str, algorithm: Algorithm) -> String {
        let published = self.key(algorithm);
        jws::compact(header, claims, |input| published.key.sign(algorithm, input).unwrap_or_default())
    }

    fn completed(&self, claims: &Value) -> Value {
        let now = self.issuers.clock.now().as_second();
        let mut all = Map::new();
        all.insert("iss".to_owned(), self.url().into());
        all.insert("iat".to_owned(), now.into());
        all.insert("nbf".to_owned(), (now - 60).into());
        all.insert("exp".to_owned(), (now + LIFETIME).into());
        all.insert("jti".to_owned(), uuid::Uuid::new_v4().to_string().into());
        if let Value::Object(claims) = claims {
            all.extend(claims.clone());
        }
        Value::Object(all)
    }

    /// The published key for an algorithm, made when it is first needed.
    fn key(&self, algorithm: Algorithm) -> issuers::Published {
        if let Some(found) = self.with(|record| record.current(algorithm)) {
            return found;
        }
        let number = self.issuers.keys.fetch_add(1, Ordering::Relaxed);
        let key = pooled(algorithm.family(), number);
        self.change(|record| record.publish(algorithm, key))
    }

    /// The id of the key that signs with this algorithm.
    pub fn kid(&self, algorithm: Algorithm) -> String {
        self.key(algorithm).kid
    }

    /// Signs with new keys from now on. The old keys stay in the key set when `keep` says so. Returns the id of the new RS256 key.
    pub fn rotate(&self, keep: bool) -> String {
        self.change(|record| record.retire(keep));
        self.kid(Algorithm::Rs256)
    }

    /// Adds a member to the key set as it is: an odd key among good ones.
    pub fn publish(&self, jwk: Value) {
        self.change(|record| record.odd_keys.push(jwk));
    }

    /// The public key for an algorithm, as it stands in the key set.
    pub fn jwk(&self, algorithm: Algorithm) -> Value {
        self.key(algorithm).jwk()
    }

    /// Sets a member of the discovery document; null removes it.
    pub fn set_discovery(&self, member: &str, value: Value) {
        self.change(|record| record.discovery.insert(member.to_owned(), value));
    }

    /// The discovery document.
    pub fn discovery(&self) -> Value {
        self.with(IssuerRecord::discovery_document)
    }

    /// The key set.
    pub fn key_set(&self) -> Value {
        self.with(IssuerRecord::key_set)
    }

    /// Prepares a job of GitHub Actions: what the runner gives it to ask for tokens.
    pub fn start_job(&self, job: ActionsJob) -> ActionsCredentials {
        // Make the key now, so that the endpoint finds it.
        self.key(Algorithm::Rs256);
        let request_token = uuid::Uuid::new_v4().simple().to_string();
        self.change(|record| record.jobs.insert(request_token.clone(), job));
        ActionsCredentials { request_url: format!("{}/token?api-version=2.0", self.url()), request_token }
    }

    /// Lets something go wrong with calls to this issuer.
    pub fn fault(&self, fault: Fault) {
        let path = if self.name.is_empty() { String::new() } else { format!("/{}/", self.name) };
        self.faults.add(fault.of(Service::Issuer).under(path));
    }

    /// The calls to this issuer, in order of arrival.
    pub fn calls(&self) -> Vec<Call> {
        let path = format!("/{}/", self.name);
        self.log.calls(|call| call.service == Service::Issuer && (self.name.is_empty() || call.path.starts_with(&path)))
    }

    /// Claims of GitHub Actions for a job, as GitHub would write them into a token of this issuer.
    pub fn actions_claims(&self, job: &ActionsJob, audience: Option<&str>) -> Value {
        let mut claims = job.claims();
        claims["aud"] = json!(audience.map_or_else(|| job.default_audience(), str::to_owned));
        self.completed(&claims)
    }
}

/// The key that signs as no issuer does.
fn stranger(algorithm: Algorithm) -> Arc<SigningKey> {
    pooled(algorithm.family(), STRANGER)
}

impl fmt::Debug for FakeIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeIssuer").field("url", &self.url()).finish_non_exhaustive()
    }
}
