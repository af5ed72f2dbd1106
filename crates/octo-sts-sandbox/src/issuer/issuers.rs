//! All issuers of a sandbox, and what they answer over HTTP.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock, RwLock, atomic::AtomicUsize},
};

use http::{Method, StatusCode, header};
use octo_sts_types::Clock;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::{ActionsJob, IssuerAddress};
use crate::{
    Algorithm,
    call::Caller,
    jws,
    keys::SigningKey,
    lock::{read, write},
    reply::Reply,
    transport::{Answered, Backend, Request},
};

/// First number in the pool of keys for issuers: the numbers below are for Apps.
const FIRST_KEY: usize = 1_000;
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Every issuer by its name, which is the path of its URL.
pub(crate) struct Issuers {
    pub(crate) all: RwLock<HashMap<String, IssuerRecord>>,
    pub(crate) keys: AtomicUsize,
    pub(crate) clock: Arc<dyn Clock>,
    /// The port they listen on.
    pub(crate) port: OnceLock<u16>,
}

pub(crate) struct IssuerRecord {
    pub(crate) url: String,
    keys: Vec<Published>,
    pub(crate) odd_keys: Vec<Value>,
    /// Members of the discovery document that differ from the usual.
    pub(crate) discovery: Map<String, Value>,
    pub(crate) jobs: HashMap<String, ActionsJob>,
    made: usize,
}

/// A key in the key set.
#[derive(Clone)]
pub(crate) struct Published {
    pub(crate) kid: String,
    algorithm: Algorithm,
    pub(crate) key: Arc<SigningKey>,
    /// Whether tokens are still signed with it.
    current: bool,
}

impl Published {
    pub(crate) fn jwk(&self) -> Value {
        let mut jwk = self.key.jwk();
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm.name());
        jwk
    }
}

impl IssuerRecord {
    pub(crate) fn current(&self, algorithm: Algorithm) -> Option<Published> {
        self.keys.iter().find(|published| published.current && published.algorithm == algorithm).cloned()
    }

    pub(crate) fn publish(&mut self, algorithm: Algorithm, key: Arc<SigningKey>) -> Published {
        self.made += 1;
        let published = Published { kid: format!("{}-{}", algorithm.name().to_ascii_lowercase(), self.made), algorithm, key, current: true };
        self.keys.push(published.clone());
        published
    }

    /// Stops signing with the present keys, and forgets them unless they are to be kept.
    pub(crate) fn retire(&mut self, keep: bool) {
        self.keys.retain(|_| keep);
        self.keys.iter_mut().for_each(|published| published.current = false);
    }

    pub(crate) fn key_set(&self) -> Value {
        let keys: Vec<Value> = self.keys.iter().map(Published::jwk).chain(self.odd_keys.iter().cloned()).collect();
        json!({"keys": keys})
    }

    pub(crate) fn discovery_document(&self) -> Value {
        let algorithms: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
        let mut document = crate::github::members(json!({
            "issuer": self.url,
            "jwks_uri": format!("{}/jwks", self.url),
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public", "pairwise"],
            "id_token_signing_alg_values_supported": algorithms,
            "scopes_supported": ["openid"],
        }));
        document.extend(self.discovery.clone());
        document.retain(|_, value| !value.is_null());
        Value::Object(document)
    }
}

impl Issuers {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { all: RwLock::default(), keys: AtomicUsize::new(FIRST_KEY), clock, port: OnceLock::new() }
    }

    pub(crate) fn create(&self, name: &str, address: IssuerAddress) {
        let port = self.port.get().copied().unwrap_or_default();
        let (scheme, host) = match address {
            IssuerAddress::Http => ("http", "127.0.0.1"),
            IssuerAddress::HttpLocalhost => ("http", "localhost"),
            IssuerAddress::Https => ("https", "127.0.0.1"),
            IssuerAddress::HttpsLocalhost => ("https", "localhost"),
        };
        let path = if name.is_empty() { String::new() } else { format!("/{name}") };
        write(&self.all).entry(name.to_owned()).or_insert_with(|| IssuerRecord {
            url: format!("{scheme}://{host}:{port}{path}"),
            keys: Vec::new(),
            odd_keys: Vec::new(),
            discovery: Map::new(),
            jobs: HashMap::new(),
            made: 0,
        });
    }

    fn get(&self, request: &Request, ending: &str, answer: impl FnOnce(&IssuerRecord) -> Option<Reply>) -> Option<Reply> {
        let name = request.path.strip_suffix(ending)?.trim_start_matches('/');
        answer(read(&self.all).get(name)?)
    }

    fn respond(&self, request: &Request) -> Option<Reply> {
        if request.method != Method::GET {
            return None;
        }
        match class(&request.path) {
            "discovery" => self.get(request, DISCOVERY, |record| Some(Reply::json(StatusCode::OK, &record.discovery_document()))),
            "jwks" => self.get(request, "/jwks", |record| Some(Reply::json(StatusCode::OK, &record.key_set()))),
            "id_token" => self.get(request, "/token", |record| Some(self.id_token(record, request))),
            _ => None,
        }
    }

    /// What `ACTIONS_ID_TOKEN_REQUEST_URL` answers.
    fn id_token(&self, record: &IssuerRecord, request: &Request) -> Reply {
        let bearer = request.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|text| text.split_once(' '));
        let job = bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).and_then(|(_, token)| record.jobs.get(token));
        let (Some(job), Some(published)) = (job, record.current(Algorithm::Rs256)) else {
            return Reply::json(StatusCode::UNAUTHORIZED, &json!({"message": "The request token is not valid for any running job."}));
        };
        let query = request.query.as_deref().unwrap_or_default();
        let audience = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "audience").map(|(_, value)| value.into_owned());
        let claims = job.timed_claims(&record.url, audience.as_deref(), self.clock.now());
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": published.kid, "kid": published.kid});
        let token = jws::compact(&header.to_string(), &claims.to_string(), |input| published.key.sign(Algorithm::Rs256, input).unwrap_or_default());
        Reply::json(StatusCode::OK, &json!({"count": token.len(), "value": token}))
    }
}

impl Backend for Issuers {
    fn class(&self, _: &Method, path: &str) -> &'static str {
        class(path)
    }

    fn answer(&self, request: &Request) -> Answered {
        let reply = self.respond(request).unwrap_or_else(|| Reply::json(StatusCode::NOT_FOUND, &json!({"message": "Not Found"})));
        Answered { reply, caller: Caller::Unknown }
    }
}

fn class(path: &str) -> &'static str {
    if path.ends_with(DISCOVERY) {
        "discovery"
    } else if path.ends_with("/jwks") {
        "jwks"
    } else if path.ends_with("/token") {
        "id_token"
    } else {
        "unknown"
    }
}
