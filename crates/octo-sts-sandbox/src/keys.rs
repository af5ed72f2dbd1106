//! Key pairs: one kind per family of signature algorithms, and a pool of ready ones.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex},
};

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa::{self, KeySize},
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{Algorithm, der, lock::lock};

/// What kind of key an algorithm signs with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
}

/// A private key and its public half.
pub(crate) enum SigningKey {
    Rsa(rsa::KeyPair),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Keys by family and number.
type Pool = HashMap<(Family, usize), Arc<SigningKey>>;

/// Why a text is no private key of an App.
#[derive(Debug, thiserror::Error)]
pub enum InvalidKey {
    /// There is no PEM block.
    #[error("not a PEM file")]
    Pem(#[from] pem::PemError),
    /// The block holds no RSA key in PKCS#1 or PKCS#8.
    #[error("not an RSA private key in PKCS#1 or PKCS#8")]
    Rsa,
}

impl SigningKey {
    /// Reads an RSA key as GitHub hands it out (PKCS#1), or as PKCS#8.
    pub(crate) fn from_pem(text: &str) -> Result<Self, InvalidKey> {
        let block = pem::parse(text)?;
        let pair = rsa::KeyPair::from_der(block.contents()).or_else(|_| rsa::KeyPair::from_pkcs8(block.contents()));
        pair.map(Self::Rsa).map_err(|_| InvalidKey::Rsa)
    }

    fn generate(family: Family) -> Option<Self> {
        let ec = |algorithm| EcdsaKeyPair::generate(algorithm).map(Self::Ec);
        let made = match family {
            Family::Rsa => rsa::KeyPair::generate(KeySize::Rsa2048).map(Self::Rsa),
            Family::P256 => ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Family::P384 => ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Family::P521 => ec(&signature::ECDSA_P521_SHA512_FIXED_SIGNING),
            Family::Ed25519 => Ed25519KeyPair::generate().map(Self::Ed25519),
        };
        made.ok()
    }

    /// The signature of `message`; none when the key is of another family than the algorithm.
    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match (self, algorithm.rsa_encoding()) {
            (Self::Rsa(pair), Some(encoding)) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            (Self::Ec(pair), None) => pair.sign(&random, message).ok().map(|signature| signature.as_ref().to_vec()),
            (Self::Ed25519(pair), None) => Some(pair.sign(message).as_ref().to_vec()),
            _ => None,
        }
    }

    /// The public key as a JSON Web Key (RFC 7517, RFC 8037) without `kid`, `use` and `alg`.
    pub(crate) fn jwk(&self) -> Value {
        match self {
            Self::Rsa(pair) => {
                let (n, e) = der::rsa_components(pair.public_key().as_ref()).unwrap_or_default();
                json!({"kty": "RSA", "n": encode(n), "e": encode(e)})
            }
            Self::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = point[1..].split_at(point.len() / 2);
                let curve = match x.len() {
                    32 => "P-256",
                    48 => "P-384",
                    _ => "P-521",
                };
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Self::Ed25519(pair) => json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())}),
        }
    }

    /// The `RSAPublicKey` of an RSA key, in DER; empty for others.
    pub(crate) fn rsa_public_der(&self) -> &[u8] {
        if let Self::Rsa(pair) = self { pair.public_key().as_ref() } else { &[] }
    }

    /// PKCS#8, in DER; empty for other than RSA keys.
    fn pkcs8(&self) -> Vec<u8> {
        let Self::Rsa(pair) = self else { return Vec::new() };
        let document: Result<Pkcs8V1Der<'_>, _> = pair.as_der();
        document.map(|document| document.as_ref().to_vec()).unwrap_or_default()
    }

    /// As GitHub writes the keys it hands out: PKCS#1.
    pub(crate) fn pkcs1_pem(&self) -> String {
        let pkcs8 = self.pkcs8();
        pem::encode(&pem::Pem::new("RSA PRIVATE KEY", der::pkcs1_of_pkcs8(&pkcs8).unwrap_or_default()))
    }

    /// As most other tools write keys: PKCS#8.
    pub(crate) fn pkcs8_pem(&self) -> String {
        pem::encode(&pem::Pem::new("PRIVATE KEY", self.pkcs8()))
    }
}

/// base64url without padding (RFC 7515 section 2).
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The `number`-th key of a family, the same for the whole life of the process.
///
/// An RSA key takes a tenth of a second to find. The pool spares each sandbox of a test run that time, and still gives
/// different keys to the Apps and issuers within one sandbox.
pub(crate) fn pooled(family: Family, number: usize) -> Arc<SigningKey> {
    static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);
    let mut pool = lock(&POOL);
    if let Some(key) = pool.get(&(family, number)) {
        return Arc::clone(key);
    }
    let Some(key) = SigningKey::generate(family).map(Arc::new) else { panic!("the machine has no randomness for a {family:?} key") };
    pool.insert((family, number), Arc::clone(&key));
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_key_are_the_same_key() {
        let key = pooled(Family::Rsa, 0);
        for pem in [key.pkcs1_pem(), key.pkcs8_pem()] {
            assert_eq!(SigningKey::from_pem(&pem).unwrap().rsa_public_der(), key.rsa_public_der());
        }
    }

    #[test]
    fn what_is_no_rsa_key_is_refused() {
        assert!(matches!(SigningKey::from_pem("secret"), Err(InvalidKey::Pem(_))));
        let not_rsa = pem::encode(&pem::Pem::new("PRIVATE KEY", vec![1, 2, 3]));
        assert!(matches!(SigningKey::from_pem(&not_rsa), Err(InvalidKey::Rsa)));
    }

    #[test]
    fn a_key_signs_only_with_algorithms_of_its_family() {
        assert!(pooled(Family::P256, 0).sign(Algorithm::Rs256, b"x").is_none());
        assert_eq!(pooled(Family::P521, 0).sign(Algorithm::Es512, b"x").map(|signature| signature.len()), Some(132));
    }

    #[test]
    fn coordinates_of_a_point_have_the_length_of_its_curve() {
        for (family, length) in [(Family::P256, 43), (Family::P384, 64), (Family::P521, 88)] {
            let jwk = pooled(family, 0).jwk();
            assert_eq!((jwk["x"].as_str().unwrap().len(), jwk["y"].as_str().unwrap().len()), (length, length), "Input: {family:?}");
        }
    }
}
