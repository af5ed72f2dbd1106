//! Tokens that must be refused, made from one that must not.
//!
//! Each keeps the claims of the genuine token but for the one thing that is wrong with it, so that nothing else can be why
//! it is refused. The signature of none of them holds.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, Value, json};

use crate::error::ProbeError;

/// An issuer that cannot exist: no name under `.invalid` ever resolves (RFC 2606 §2).
const NO_ISSUER: &str = "https://octo-sts-prober.invalid";
/// How far the times of a token are moved, in seconds: a day, more than any leeway.
const DAY: i64 = 86_400;

/// The token with `alg: none` and an empty signature (RFC 7519 §6.1).
pub(crate) fn unsigned(token: &SecretString) -> Result<SecretString, ProbeError> {
    let claims = claims(token)?;
    Ok(join(&encode(&json!({ "alg": "none", "typ": "JWT" })), &encode(&Value::Object(claims)), ""))
}

/// The token with an issuer that does not exist.
pub(crate) fn of_no_issuer(token: &SecretString) -> Result<SecretString, ProbeError> {
    altered(token, |claims| {
        claims.insert("iss".to_owned(), NO_ISSUER.into());
    })
}

/// The token with its times a day earlier than `now`, in seconds since 1970.
pub(crate) fn of_yesterday(token: &SecretString, now: i64) -> Result<SecretString, ProbeError> {
    altered(token, |claims| {
        for (name, time) in [("iat", now - DAY - 300), ("nbf", now - DAY - 300), ("exp", now - DAY)] {
            if name == "exp" || claims.contains_key(name) {
                claims.insert(name.to_owned(), time.into());
            }
        }
    })
}

/// When the token ends, in seconds since 1970; none where it does not say.
pub(crate) fn expiry(token: &SecretString) -> Option<i64> {
    let exp = claims(token).ok()?.remove("exp")?;
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second does not matter, and the cast saturates")]
    exp.as_i64().or_else(|| exp.as_f64().map(|seconds| seconds as i64))
}

fn altered(token: &SecretString, alter: impl FnOnce(&mut Map<String, Value>)) -> Result<SecretString, ProbeError> {
    let (header, _, signature) = parts(token)?;
    let mut claims = claims(token)?;
    alter(&mut claims);
    Ok(join(header, &encode(&Value::Object(claims)), signature))
}

fn parts(token: &SecretString) -> Result<(&str, &str, &str), ProbeError> {
    let mut parts = token.expose_secret().split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(payload), Some(signature), None) => Ok((header, payload, signature)),
        _ => Err(ProbeError::NotAJwt),
    }
}

fn claims(token: &SecretString) -> Result<Map<String, Value>, ProbeError> {
    let bytes = URL_SAFE_NO_PAD.decode(parts(token)?.1).map_err(|_| ProbeError::NotAJwt)?;
    serde_json::from_slice(&bytes).map_err(|_| ProbeError::NotAJwt)
}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

fn join(header: &str, payload: &str, signature: &str) -> SecretString {
    format!("{header}.{payload}.{signature}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn genuine() -> SecretString {
        join(
            &encode(&json!({"alg": "RS256", "kid": "k"})),
            &encode(&json!({"iss": "https://a.example", "sub": "s", "exp": 2_000, "iat": 1_000})),
            "c2ln",
        )
    }

    #[test]
    fn one_thing_is_wrong_with_each() {
        let before = claims(&genuine()).unwrap();
        for (forged, names) in [
            (unsigned(&genuine()).unwrap(), &[][..]),
            (of_no_issuer(&genuine()).unwrap(), &["iss"]),
            (of_yesterday(&genuine(), 1_500).unwrap(), &["exp", "iat"]),
        ] {
            let after = claims(&forged).unwrap();
            let changed: Vec<_> = before.keys().filter(|name| before[*name] != after[*name]).map(String::as_str).collect();
            assert_eq!((changed.as_slice(), before.len()), (names, after.len()));
        }
        assert_eq!(expiry(&of_yesterday(&genuine(), 100_000).unwrap()), Some(100_000 - DAY));
    }

    #[test]
    fn an_unsigned_token_has_an_empty_third_part() {
        let forged = unsigned(&genuine()).unwrap();
        let (header, _, signature) = parts(&forged).unwrap();
        assert_eq!((URL_SAFE_NO_PAD.decode(header).unwrap().as_slice(), signature), (&br#"{"alg":"none","typ":"JWT"}"#[..], ""));
    }

    #[test]
    fn what_is_no_token_is_not_forged() {
        for odd in ["", "a.b", "a.b.c", "a.!!.c", "a.W10.c", "a.e30.c.d"] {
            assert!(matches!(unsigned(&odd.into()), Err(ProbeError::NotAJwt)), "Input: {odd}");
        }
        assert_eq!(expiry(&"a.e30.c".into()), None);
    }
}
