//! How a token is signed, for better or worse.

use std::sync::Arc;

use aws_lc_rs::hmac;
use serde_json::{Map, Value};

use crate::{Algorithm, keys::SigningKey};

/// How a token is signed. The default is a good RS256 token.
#[derive(Clone, Debug, PartialEq)]
pub struct SignOptions {
    /// What the signature is made with, and `alg` where [`SignOptions::alg`] is none.
    pub algorithm: Algorithm,
    /// What `alg` says instead.
    pub alg: Option<String>,
    /// What `kid` says.
    pub kid: KeyId,
    /// More members of the header, or other values for its own; null removes one.
    pub header: Map<String, Value>,
    /// Whose signature it is.
    pub signature: Signature,
}

/// What `kid` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyId {
    /// The id of the key that signs.
    Own,
    /// Nothing: there is no `kid`.
    Absent,
    /// This.
    Named(String),
}

/// Whose signature a token carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// The issuer's.
    Good,
    /// That of a key which nobody publishes.
    Stranger,
    /// The issuer's, with one bit changed.
    Tampered,
    /// Nothing at all.
    Empty,
    /// HMAC with SHA-256 and this secret, for instance the issuer's public key.
    Hmac(Vec<u8>),
    /// These bytes.
    Bytes(Vec<u8>),
}

impl Default for SignOptions {
    fn default() -> Self {
        Self { algorithm: Algorithm::Rs256, alg: None, kid: KeyId::Own, header: Map::new(), signature: Signature::Good }
    }
}

impl SignOptions {
    /// A good signature with this algorithm.
    pub fn algorithm(algorithm: Algorithm) -> Self {
        Self { algorithm, ..Self::default() }
    }

    /// A token with `alg: none` and no signature.
    pub fn unsigned() -> Self {
        Self { alg: Some("none".to_owned()), signature: Signature::Empty, ..Self::default() }
    }

    pub(crate) fn header_text(&self, kid: Option<String>) -> String {
        let mut header = Map::new();
        header.insert("alg".to_owned(), self.alg.clone().unwrap_or_else(|| self.algorithm.name().to_owned()).into());
        header.insert("typ".to_owned(), "JWT".into());
        header.extend(kid.map(|kid| ("kid".to_owned(), kid.into())));
        header.extend(self.header.clone());
        header.retain(|_, value| !value.is_null());
        Value::Object(header).to_string()
    }

    pub(crate) fn signature_of(&self, input: &[u8], own: &Arc<SigningKey>, stranger: &Arc<SigningKey>) -> Vec<u8> {
        let sign = |key: &SigningKey| key.sign(self.algorithm, input).unwrap_or_default();
        match &self.signature {
            Signature::Good => sign(own),
            Signature::Stranger => sign(stranger),
            Signature::Tampered => {
                let mut signature = sign(own);
                signature.iter_mut().take(20).skip(19).for_each(|byte| *byte ^= 1);
                signature
            }
            Signature::Empty => Vec::new(),
            Signature::Hmac(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input).as_ref().to_vec(),
            Signature::Bytes(bytes) => bytes.clone(),
        }
    }
}
