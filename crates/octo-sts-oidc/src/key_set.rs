//! The keys of one issuer (RFC 7517 §5).

use octo_sts_types::json;
use serde_json::Value;

use crate::{
    algorithm::Algorithms,
    discovery::DocumentFault,
    error::TokenFault,
    header::Header,
    jwk::{self, Key, KeyFault},
};

/// Most keys in a set.
const MOST_KEYS: usize = 100;
/// Most keys of one name that are tried on a token.
const MOST_TRIES: usize = 2;
/// What a parsed key takes beside its numbers, in bytes, about.
const KEY_OVERHEAD: usize = 1_024;

/// Keys that can verify; never empty.
#[derive(Debug)]
pub(crate) struct KeySet(Vec<Key>);

impl KeySet {
    /// Reads a set. A key that is not usable is passed over; a set without a usable one is an error.
    pub(crate) fn parse(body: &[u8], wanted: Algorithms) -> Result<Self, DocumentFault> {
        let set = json::parse_strict_object(body).map_err(DocumentFault::Json)?;
        let keys = set.get("keys").and_then(Value::as_array).filter(|keys| keys.len() <= MOST_KEYS).ok_or(DocumentFault::Keys)?;
        let (mut usable, mut odd) = (Vec::new(), 0);
        for key in keys {
            match key.as_object().ok_or(KeyFault::Form).and_then(|key| jwk::parse(key, wanted)) {
                Ok(keys) => usable.extend(keys),
                Err(KeyFault::Private) => tracing::warn!("an issuer publishes a private or symmetric key; it is not used"),
                Err(_) => odd += 1,
            }
        }
        tracing::debug!(usable = usable.len(), odd, "key set read");
        Self::of(usable).ok_or(DocumentFault::NoUsableKey)
    }

    /// These keys; `None` when there is none.
    pub(crate) fn of(keys: Vec<Key>) -> Option<Self> {
        (!keys.is_empty()).then_some(Self(keys))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether one of the keys that the header names signed `input`. At most two are tried.
    pub(crate) fn verify(&self, header: &Header, input: &[u8], signature: &[u8]) -> Result<(), TokenFault> {
        let algorithm = header.algorithm;
        let usable = self.0.iter().filter(|key| key.algorithm == algorithm);
        let signed = |key: &Key| key.public.verify_sig(input, signature).is_ok();
        let verified = match &header.kid {
            Some(kid) => {
                let mut named = usable.filter(|key| key.kid.as_ref() == Some(kid)).take(MOST_TRIES).peekable();
                if named.peek().is_none() {
                    return Err(TokenFault::UnknownKey { algorithm, kid: kid.clone() });
                }
                named.any(signed)
            }
            None => match usable.collect::<Vec<_>>()[..] {
                [only] => signed(only),
                ref several => return Err(TokenFault::NoKeyId { algorithm, usable: several.len() }),
            },
        };
        if verified { Ok(()) } else { Err(TokenFault::Signature) }
    }

    /// About how much memory the set takes, in bytes.
    pub(crate) fn weight(&self) -> usize {
        self.0.iter().map(|key| KEY_OVERHEAD + 3 * key.public.as_ref().len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;
    use crate::algorithm::Algorithm;

    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Self {
            Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
        }

        fn jwk(&self, kid: Option<&str>) -> Value {
            let point = self.0.public_key().as_ref();
            let mut jwk = json!({"kty": "EC", "crv": "P-256"});
            jwk["x"] = URL_SAFE_NO_PAD.encode(&point[1..33]).into();
            jwk["y"] = URL_SAFE_NO_PAD.encode(&point[33..]).into();
            if let Some(kid) = kid {
                jwk["kid"] = kid.into();
            }
            jwk
        }

        fn sign(&self, text: &str) -> Vec<u8> {
            self.0.sign(&SystemRandom::new(), text.as_bytes()).unwrap().as_ref().to_vec()
        }
    }

    fn parse(keys: &[Value]) -> Result<KeySet, DocumentFault> {
        KeySet::parse(json!({"keys": keys}).to_string().as_bytes(), Algorithms::advertised(["ES256", "RS256"].into_iter()))
    }

    fn verify(keys: &[Value], kid: Option<&str>, signer: &Signer) -> Result<(), TokenFault> {
        let header = Header { algorithm: Algorithm::Es256, kid: kid.map(Into::into) };
        parse(keys).unwrap().verify(&header, b"text", &signer.sign("text"))
    }

    /// T-009, T-010
    #[test]
    fn one_odd_key_does_not_spoil_the_set() {
        let signer = Signer::new();
        let odd = [json!(null), json!("x"), json!({}), json!({"kty": "oct", "k": "AA"}), json!({"kty": "RSA", "n": "AQAB", "e": "AQAB"})];
        let keys: Vec<_> = odd.into_iter().chain([signer.jwk(Some("a"))]).collect();
        assert!(verify(&keys, Some("a"), &signer).is_ok());
    }

    /// T-012, T-041
    #[test]
    fn a_set_has_one_to_a_hundred_keys() {
        let key = Signer::new().jwk(Some("a"));
        assert!(parse(&vec![key.clone(); 100]).is_ok());
        assert!(matches!(parse(&vec![key.clone(); 101]), Err(DocumentFault::Keys)));
        assert!(matches!(parse(&[]), Err(DocumentFault::NoUsableKey)));
        assert!(matches!(parse(&[json!({"kty": "oct", "k": "AA"})]), Err(DocumentFault::NoUsableKey)));
        for body in ["{}", r#"{"keys":{}}"#, r#"{"keys":null}"#] {
            assert!(matches!(KeySet::parse(body.as_bytes(), Algorithms::DEFAULT), Err(DocumentFault::Keys)), "Input: {body}");
        }
        let twice = format!(r#"{{"keys":[{key}],"keys":[{key}]}}"#);
        assert!(matches!(KeySet::parse(twice.as_bytes(), Algorithms::DEFAULT), Err(DocumentFault::Json(_))));
    }

    /// T-006
    #[test]
    fn a_token_without_kid_needs_a_single_key() {
        let (signer, other) = (Signer::new(), Signer::new());
        assert!(verify(&[signer.jwk(Some("a"))], None, &signer).is_ok());
        assert!(verify(&[signer.jwk(None)], None, &signer).is_ok());
        let two = verify(&[signer.jwk(Some("a")), other.jwk(Some("b"))], None, &signer);
        assert!(matches!(two, Err(TokenFault::NoKeyId { usable: 2, .. })));
        let rsa = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xc5; 256]), "e": "AQAB"});
        assert!(verify(&[signer.jwk(None), rsa], None, &signer).is_ok());
    }

    /// T-005, T-006
    #[test]
    fn a_kid_is_compared_byte_for_byte() {
        let signer = Signer::new();
        for kid in ["A", "a ", "", "a\0"] {
            let result = verify(&[signer.jwk(Some("a")), signer.jwk(None)], Some(kid), &signer);
            assert!(matches!(result, Err(TokenFault::UnknownKey { .. })), "Input: {kid:?}");
        }
    }

    /// T-007
    #[test]
    fn of_several_keys_with_one_kid_two_are_tried() {
        let (signer, other) = (Signer::new(), Signer::new());
        let (good, bad) = (signer.jwk(Some("a")), other.jwk(Some("a")));
        let rsa = json!({"kty": "RSA", "n": URL_SAFE_NO_PAD.encode([0xc5; 256]), "e": "AQAB", "kid": "a"});
        assert!(verify(&[bad.clone(), good.clone()], Some("a"), &signer).is_ok());
        assert!(verify(&[good.clone(), bad.clone()], Some("a"), &signer).is_ok());
        assert!(verify(&[rsa.clone(), rsa, bad.clone(), good.clone()], Some("a"), &signer).is_ok());
        assert!(matches!(verify(&[bad.clone(), bad.clone(), good], Some("a"), &signer), Err(TokenFault::Signature)));
        assert!(matches!(verify(&[bad], Some("a"), &signer), Err(TokenFault::Signature)));
    }
}
