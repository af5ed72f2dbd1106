//! Keys in a policy, for issuers that the service cannot ask.
//!
//! What can be told without computing is checked here, so that whoever writes a policy hears of it; whether a point is on its
//! curve is found out when a token is verified.

use octo_sts_types::json;
use serde_json::{Map, Value as Json};

use crate::{
    diagnostics::{Code, Reporter},
    fields::Fields,
    yaml::{Entry, Node, Value},
};

/// Most keys of a policy.
pub(crate) const MOST_KEYS: usize = 16;
/// Longest key set of a policy, in bytes, as JSON.
pub(crate) const LONGEST: usize = 8 << 10;
/// Members that only private and symmetric keys have (RFC 7518 §6).
const SECRETS: &[&str] = &["d", "k", "p", "q", "dp", "dq", "qi", "oth"];
const ALGORITHMS: &[&str] = &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
/// Shortest and longest RSA modulus, in bytes.
const MODULUS: std::ops::RangeInclusive<usize> = 256..=1_024;

/// What is wrong with a key; nothing of the key itself is repeated.
enum Fault {
    Secret,
    Form(&'static str),
}

/// Reads `jwks`, and reports what is wrong with it.
pub(super) fn of_policy(fields: &Fields<'_>, reporter: &mut Reporter<'_>) -> Option<Json> {
    let entry = fields.entry("jwks").filter(|entry| !matches!(entry.value.value, Value::Null))?;
    if fields.value("issuer").is_none() {
        let hint = "write `issuer:` and the issuer whose keys these are".to_owned();
        reporter.report(Code::KeysWithoutIssuer, entry.key_span.clone(), "`jwks` holds the keys of one issuer, and needs `issuer`.", hint);
    }
    let set = match &entry.value.value {
        Value::Text(text) => json::parse_strict(text.text.as_bytes()).ok(),
        _ => Some(to_json(&entry.value)),
    };
    let keys = set.as_ref().and_then(|set| set.get("keys")).and_then(Json::as_array);
    let Some(keys) = keys.filter(|keys| keys.iter().all(Json::is_object)) else {
        let message = "`jwks` must be a JSON Web Key Set.";
        let hint = "copy what the issuer's `jwks_uri` shows: `{\"keys\": [...]}`".to_owned();
        reporter.report(Code::InvalidKeys, place(entry, reporter), message, hint);
        return None;
    };
    let bytes = set.as_ref().map_or(0, |set| set.to_string().len());
    if keys.len() > MOST_KEYS || bytes > LONGEST {
        let message = format!("`jwks` has {} keys in {bytes} bytes; {MOST_KEYS} keys in {LONGEST} bytes are the most.", keys.len());
        reporter.report(Code::TooManyKeys, place(entry, reporter), message, "keep the keys that tokens are signed with".to_owned());
        return None;
    }
    let sound = keys.iter().enumerate().fold(true, |sound, (at, key)| check(entry, at + 1, key, reporter) && sound);
    if sound && !keys.iter().any(verifies) {
        let message = "No key of `jwks` verifies tokens.";
        reporter.report(Code::InvalidKeys, place(entry, reporter), message, "add the key that tokens are signed with".to_owned());
        return None;
    }
    set.filter(|_| sound)
}

/// Where a finding is shown: the name of the field, unless its line goes on with the keys, which nobody is to see again.
fn place(entry: &Entry, reporter: &Reporter<'_>) -> std::ops::Range<usize> {
    let key = reporter.span(entry.key_span.clone());
    let value = reporter.span(entry.value.span.clone());
    match key.line {
        line if line != value.line => entry.key_span.clone(),
        1 => reporter.text().len()..reporter.text().len(),
        _ => 0..0,
    }
}

fn check(entry: &Entry, number: usize, key: &Json, reporter: &mut Reporter<'_>) -> bool {
    let Err(fault) = key.as_object().map_or(Err(Fault::Form("is not an object")), check_key) else { return true };
    let place = place(entry, reporter);
    match fault {
        Fault::Secret => {
            let message = format!("Key {number} of `jwks` is a private or symmetric key.");
            let hint = "write its public part alone, and replace the key wherever it is used: it has been shown".to_owned();
            reporter.report(Code::SecretKey, place, message, hint);
        }
        Fault::Form(what) => {
            let hint = "write RSA (2,048 bits or more), EC (P-256, P-384, P-521) or Ed25519 keys as the issuer publishes them".to_owned();
            reporter.report(Code::InvalidKeys, place, format!("Key {number} of `jwks` {what}."), hint);
        }
    }
    false
}

fn check_key(key: &Map<String, Json>) -> Result<(), Fault> {
    let text = |name: &str| key.get(name).and_then(Json::as_str);
    if SECRETS.iter().any(|name| key.contains_key(*name)) || text("kty") == Some("oct") {
        return Err(Fault::Secret);
    }
    let bytes = |name| text(name).and_then(decoded_length).ok_or(Fault::Form("lacks a number, or has one that is not base64url"));
    match (text("kty"), text("crv")) {
        (Some("RSA"), _) => {
            bytes("e")?;
            // A leading zero byte, which some write, is no part of the number.
            let zero = text("n").is_some_and(|n| n.starts_with("AA") || n.starts_with("AB") || n.starts_with("AC") || n.starts_with("AD"));
            let modulus = bytes("n")? - usize::from(zero);
            if MODULUS.contains(&modulus) { Ok(()) } else { Err(Fault::Form("is too weak, or out of all bounds")) }
        }
        (Some("EC"), Some(curve)) => {
            let due = match curve {
                "P-256" => 32,
                "P-384" => 48,
                "P-521" => 66,
                _ => return Err(Fault::Form("is on a curve that is not verified")),
            };
            if bytes("x")? == due && bytes("y")? == due { Ok(()) } else { Err(Fault::Form("has coordinates of another curve")) }
        }
        (Some("OKP"), Some("Ed25519")) if bytes("x")? == 32 => Ok(()),
        _ => Err(Fault::Form("is of a type that is not verified")),
    }
}

/// The length of what this base64url text stands for.
fn decoded_length(text: &str) -> Option<usize> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    (plain && !text.is_empty() && text.len() % 4 != 1).then_some(text.len() * 3 / 4)
}

/// Whether a key is for verifying tokens; sets are copied whole, with keys for other uses in them.
fn verifies(key: &Json) -> bool {
    let sig = key.get("use").is_none_or(|usage| usage == "sig");
    let alg = key.get("alg").is_none_or(|alg| alg.as_str().is_some_and(|alg| ALGORITHMS.contains(&alg)));
    let verify = key.get("key_ops").is_none_or(|uses| uses.as_array().is_some_and(|uses| uses.iter().any(|usage| usage == "verify")));
    sig && alg && verify
}

/// A key set that is written as YAML: texts, lists and mappings are what they are in JSON.
fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Text(text) => Json::String(text.text.clone()),
        Value::List(nodes) => nodes.iter().map(to_json).collect(),
        Value::Map(entries) => Json::Object(entries.iter().map(|entry| (entry.key.clone(), to_json(&entry.value))).collect()),
    }
}
