//! App keys, and the judgement of App JWTs.

use std::{collections::HashMap, sync::RwLock};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::StatusCode;
use jiff::Timestamp;
use octo_sts_types::AppId;
use serde_json::Value;

use super::{problem::Problem, world::World};
use crate::{
    keys::SigningKey,
    lock::{read, write},
};

/// Longest time, in seconds from now, that an App JWT may be good for.
const LONGEST_LIFE: i64 = 600;
/// How many good App JWTs are remembered; all are forgotten when there are more.
const REMEMBERED: usize = 4_096;

/// The public half of a key that GitHub has on file for an App.
pub(crate) struct AppKey {
    der: Vec<u8>,
    parsed: ParsedPublicKey,
}

impl AppKey {
    pub(crate) fn of(key: &SigningKey) -> Option<Self> {
        let der = key.rsa_public_der().to_vec();
        let parsed = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der).ok()?;
        Some(Self { der, parsed })
    }

    pub(crate) fn is(&self, key: &SigningKey) -> bool {
        self.der == key.rsa_public_der()
    }
}

/// App JWTs whose signature was verified, by their text.
#[derive(Default)]
pub(crate) struct AppJwts(RwLock<HashMap<String, Accepted>>);

#[derive(Clone, Copy)]
struct Accepted {
    app: AppId,
    expires: i64,
    key_changes: u64,
}

impl AppJwts {
    /// The App that a JWT proves its bearer to be.
    pub(crate) fn judge(&self, world: &World, jwt: &str, now: Timestamp) -> Result<AppId, Problem> {
        let remembered = read(&self.0).get(jwt).copied();
        if let Some(accepted) = remembered.filter(|accepted| accepted.key_changes == world.key_changes) {
            return if accepted.expires > now.as_second() { Ok(accepted.app) } else { Err(expired()) };
        }
        let (app, expires) = judge(world, jwt, now)?;
        let mut accepted = write(&self.0);
        if accepted.len() >= REMEMBERED {
            accepted.clear();
        }
        accepted.insert(jwt.to_owned(), Accepted { app, expires, key_changes: world.key_changes });
        Ok(app)
    }
}

fn judge(world: &World, jwt: &str, now: Timestamp) -> Result<(AppId, i64), Problem> {
    let (input, signature) = jwt.rsplit_once('.').ok_or_else(Problem::undecodable_jwt)?;
    let (header, claims) = input.split_once('.').ok_or_else(Problem::undecodable_jwt)?;
    let (header, claims) = (json_part(header)?, json_part(claims)?);
    if header["alg"] != "RS256" {
        return Err(Problem::undecodable_jwt());
    }
    let app = issuer(&claims).ok_or_else(|| unauthorized("'Issuer' claim ('iss') must be an Integer"))?;
    let record = world.apps.get(&app).ok_or_else(|| Problem::new(StatusCode::NOT_FOUND, "Integration not found"))?;
    if record.keys.is_empty() {
        return Err(unauthorized("Integration must generate a public key"));
    }
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Problem::undecodable_jwt())?;
    if !record.keys.iter().any(|key| key.parsed.verify_sig(input.as_bytes(), &signature).is_ok()) {
        return Err(Problem::undecodable_jwt());
    }
    times(&claims, now.as_second()).map(|expires| (app, expires))
}

fn json_part(part: &str) -> Result<Value, Problem> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Problem::undecodable_jwt())?;
    serde_json::from_slice(&bytes).map_err(|_| Problem::undecodable_jwt())
}

/// The App's id, as number or text, or its client id.
fn issuer(claims: &Value) -> Option<AppId> {
    match &claims["iss"] {
        Value::Number(number) => number.as_u64().map(AppId),
        Value::String(text) => text.strip_prefix("Iv23li").unwrap_or(text).trim_start_matches('0').parse().ok().map(AppId),
        _ => None,
    }
}

/// The client id that GitHub shows beside an App's id.
pub(crate) fn client_id(app: AppId) -> String {
    format!("Iv23li{:014}", app.0)
}

fn times(claims: &Value, now: i64) -> Result<i64, Problem> {
    let expires = claims["exp"].as_i64().filter(|expires| *expires > now).ok_or_else(expired)?;
    if expires > now + LONGEST_LIFE {
        return Err(unauthorized("'Expiration time' claim ('exp') is too far in the future"));
    }
    match claims["iat"].as_i64() {
        Some(issued) if issued <= now => Ok(expires),
        _ => Err(unauthorized("'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued")),
    }
}

fn expired() -> Problem {
    unauthorized("'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires")
}

fn unauthorized(message: &str) -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, message)
}
