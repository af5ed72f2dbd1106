//! Real keys for every algorithm, and tokens signed with them.

use std::sync::OnceLock;

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{self, KeySize},
    signature::{self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaEncoding},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use octo_sts_oidc::Algorithm;
use serde_json::{Value, json};

pub(crate) enum TestKey {
    Rsa(rsa::KeyPair),
    Ec(&'static str, usize, EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// RSA keys take long to make; these serve every test of a file.
pub(crate) fn rsa_key(which: usize) -> &'static TestKey {
    static KEYS: [OnceLock<TestKey>; 3] = [const { OnceLock::new() }; 3];
    KEYS[which].get_or_init(|| TestKey::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).unwrap()))
}

fn ec(crv: &'static str, coordinate: usize, algorithm: &'static EcdsaSigningAlgorithm) -> TestKey {
    TestKey::Ec(crv, coordinate, EcdsaKeyPair::generate(algorithm).unwrap())
}

/// A new key that can sign with this algorithm, which is not RSA.
pub(crate) fn new_key(algorithm: Algorithm) -> TestKey {
    match algorithm {
        Algorithm::Es256 => ec("P-256", 32, &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
        Algorithm::Es384 => ec("P-384", 48, &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
        Algorithm::Es512 => ec("P-521", 66, &signature::ECDSA_P521_SHA512_FIXED_SIGNING),
        Algorithm::EdDsa => TestKey::Ed25519(Ed25519KeyPair::generate().unwrap()),
        _ => TestKey::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).unwrap()),
    }
}

fn rsa_encoding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
        Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
        Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
        Algorithm::Ps512 => &signature::RSA_PSS_SHA512,
        _ => &signature::RSA_PKCS1_SHA256,
    }
}

impl TestKey {
    /// The public key, as an issuer publishes it.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(pair) => {
                // RFC 8017 §A.1.1, 2,048 bits and e = 65537: the modulus stands at a fixed place.
                let der = pair.public_key().as_ref();
                json!({"kty": "RSA", "kid": kid, "n": encode(&der[9..265]), "e": "AQAB"})
            }
            Self::Ec(crv, length, pair) => {
                let point = pair.public_key().as_ref();
                json!({"kty": "EC", "crv": crv, "kid": kid, "x": encode(&point[1..=*length]), "y": encode(&point[length + 1..])})
            }
            Self::Ed25519(pair) => json!({"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(pair.public_key())}),
        }
    }

    /// `SubjectPublicKeyInfo`.
    pub(crate) fn der(&self) -> Vec<u8> {
        match self {
            Self::Rsa(pair) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Ec(_, _, pair) => pair.public_key().as_der().unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(crate) fn sign(&self, algorithm: Algorithm, input: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(algorithm), &random, input, &mut signature).unwrap();
                signature
            }
            Self::Ec(_, _, pair) => pair.sign(&random, input).unwrap().as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(input).as_ref().to_vec(),
        }
    }

    pub(crate) fn token(&self, algorithm: Algorithm, kid: &str, claims: &Value) -> String {
        self.token_with(algorithm, &json!({"alg": algorithm.name(), "kid": kid, "typ": "JWT"}), claims)
    }

    /// A token with this very header, signed with this algorithm.
    pub(crate) fn token_with(&self, algorithm: Algorithm, header: &Value, claims: &Value) -> String {
        let input = format!("{}.{}", encode(header.to_string()), encode(claims.to_string()));
        let signature = self.sign(algorithm, input.as_bytes());
        format!("{input}.{}", encode(signature))
    }
}
