//! Keys that somebody wrote down, instead of having an issuer publish them.

use std::{fmt, sync::Arc};

use octo_sts_types::json;
use serde_json::Value;

use crate::{
    algorithm::Algorithms,
    error::TokenFault,
    header::Header,
    jwk::{self, KeyFault},
    key_set::KeySet,
};

/// A key set as text (RFC 7517 §5), every key of it read; cheap to clone.
///
/// Who writes keys down wants to hear what is wrong with them, so a key that an issuer's set would be read without is an
/// error here. Keys for other uses than verifying are passed over: sets are copied whole from their issuers.
#[derive(Clone)]
pub struct StaticKeySet(Arc<Inner>);

struct Inner {
    set: Value,
    keys: KeySet,
}

/// Why a text is not a key set. No message repeats anything of a key: it may be a secret that was put there by mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StaticKeysFault {
    /// Not JSON, or a key stands twice in an object.
    #[error("it is not JSON with every key once (line {line}, column {column})")]
    Json {
        /// Line in the text, from 1.
        line: usize,
        /// Column in the text, from 1.
        column: usize,
    },
    /// Not an object with a list `keys` of objects.
    #[error("it is not a JSON Web Key Set: write `{{\"keys\": [...]}}`, as the issuer's `jwks_uri` shows it")]
    Form,
    /// Too many keys.
    #[error("it has {found} keys, and {most} is the most")]
    TooMany {
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// A key is a private or a symmetric one.
    #[error(
        "key {place} is a private or symmetric key: write its public part alone, and replace the key wherever it is used, because it has been shown"
    )]
    Private {
        /// Which, from 1.
        place: usize,
    },
    /// A key cannot be read.
    #[error(
        "key {place} lacks a member, has a malformed one, or is of a type that is not verified: write RSA, EC (P-256, P-384, P-521) or Ed25519 keys"
    )]
    Malformed {
        /// Which, from 1.
        place: usize,
    },
    /// A key is not strong enough, or is not one.
    #[error(
        "key {place} is too weak, or its point is not on its curve: write RSA of 2,048 to 8,192 bits with exponent 65537, or an EC or Ed25519 key"
    )]
    Weak {
        /// Which, from 1.
        place: usize,
    },
    /// No key can verify a token.
    #[error("it holds no key that verifies tokens")]
    NoUsableKey,
}

impl StaticKeySet {
    /// Reads the text of a key set with at most this many keys.
    pub fn parse(text: &str, most: usize) -> Result<Self, StaticKeysFault> {
        let set = json::parse_strict(text.as_bytes());
        Self::read(set.map_err(|error| StaticKeysFault::Json { line: error.line(), column: error.column() })?, most)
    }

    /// Reads a key set that is JSON already.
    pub fn read(set: Value, most: usize) -> Result<Self, StaticKeysFault> {
        let listed = set.get("keys").and_then(Value::as_array).ok_or(StaticKeysFault::Form)?;
        if listed.len() > most {
            return Err(StaticKeysFault::TooMany { found: listed.len(), most });
        }
        let mut keys = Vec::new();
        for (at, key) in listed.iter().enumerate() {
            let place = at + 1;
            match jwk::parse(key.as_object().ok_or(StaticKeysFault::Form)?, Algorithms::ALL) {
                Ok(usable) => keys.extend(usable),
                Err(KeyFault::OtherUse) => {}
                Err(KeyFault::Private) => return Err(StaticKeysFault::Private { place }),
                Err(KeyFault::Form) => return Err(StaticKeysFault::Malformed { place }),
                Err(KeyFault::Weak) => return Err(StaticKeysFault::Weak { place }),
            }
        }
        let keys = KeySet::of(keys).ok_or(StaticKeysFault::NoUsableKey)?;
        Ok(Self(Arc::new(Inner { set, keys })))
    }

    pub(crate) fn verify(&self, header: &Header, input: &[u8], signature: &[u8]) -> Result<(), TokenFault> {
        self.0.keys.verify(header, input, signature)
    }
}

impl PartialEq for StaticKeySet {
    fn eq(&self, other: &Self) -> bool {
        self.0.set == other.0.set
    }
}

impl fmt::Debug for StaticKeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StaticKeySet").field("keys", &self.0.keys.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ed25519() -> Value {
        json!({"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"})
    }

    fn with(name: &str, value: Value) -> Value {
        let mut key = ed25519();
        key[name] = value;
        key
    }

    fn read(keys: &[Value]) -> Result<StaticKeySet, StaticKeysFault> {
        StaticKeySet::parse(&json!({"keys": keys}).to_string(), 3)
    }

    #[test]
    fn keys_for_other_uses_are_passed_over() {
        assert!(read(&[ed25519(), with("use", json!("enc")), with("alg", json!("RSA-OAEP"))]).is_ok());
        assert_eq!(read(&[with("use", json!("enc"))]), Err(StaticKeysFault::NoUsableKey));
        assert_eq!(read(&[]), Err(StaticKeysFault::NoUsableKey));
    }

    /// T-009, T-105
    #[test]
    fn a_secret_is_refused_and_not_repeated() {
        for secret in [with("d", json!("c2VjcmV0")), json!({"kty": "oct", "k": "c2VjcmV0"}), with("dp", json!("c2VjcmV0")), json!({"kty": "oct"})] {
            let fault = read(&[ed25519(), secret]).unwrap_err();
            assert_eq!(fault, StaticKeysFault::Private { place: 2 });
            assert!(!fault.to_string().contains("c2VjcmV0"), "{fault}");
        }
    }

    /// T-010, T-011, T-012
    #[test]
    fn what_an_issuer_would_be_read_without_is_an_error() {
        assert_eq!(read(&vec![ed25519(); 4]), Err(StaticKeysFault::TooMany { found: 4, most: 3 }));
        assert_eq!(read(&[ed25519(), json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})]), Err(StaticKeysFault::Weak { place: 2 }));
        for odd in [json!({}), json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}), with("x", json!("AA"))] {
            assert_eq!(read(std::slice::from_ref(&odd)), Err(StaticKeysFault::Malformed { place: 1 }), "Input: {odd}");
        }
        for odd in ["{}", "[]", "null", r#"{"keys":{}}"#, r#"{"keys":["x"]}"#] {
            assert_eq!(StaticKeySet::parse(odd, 3), Err(StaticKeysFault::Form), "Input: {odd}");
        }
        for odd in ["", "{", r#"{"keys":[],"keys":[]}"#] {
            assert!(matches!(StaticKeySet::parse(odd, 3), Err(StaticKeysFault::Json { .. })), "Input: {odd}");
        }
    }
}
