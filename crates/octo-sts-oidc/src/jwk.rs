//! One key of a set (RFC 7517, RFC 7518 §6, RFC 8037 §2).

use aws_lc_rs::{
    rsa::PublicKeyComponents,
    signature::{self, ParsedPublicKey},
};
use serde_json::{Map, Value};

use crate::{
    algorithm::{Algorithm, Algorithms, curve},
    base64url,
};

/// Longest `kid`, in bytes.
const LONGEST_KID: usize = 256;
/// Smallest and largest RSA modulus, in bits.
const MODULUS: std::ops::RangeInclusive<usize> = 2_048..=8_192;
/// Smallest RSA exponent (NIST SP 800-56B §6.2), and the longest in bytes: a longer one makes every verification slower.
const SMALLEST_EXPONENT: u64 = 65_537;
const LONGEST_EXPONENT: usize = 4;

/// A key for one algorithm, ready to verify.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) kid: Option<Box<str>>,
    pub(crate) algorithm: Algorithm,
    pub(crate) public: ParsedPublicKey,
}

/// Why a key is not used. The rest of its set is (RFC 7517 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyFault {
    /// A private or symmetric key: publishing one was a mistake.
    Private,
    /// It is for something else than verifying, or for algorithms that are not verified for this issuer.
    OtherUse,
    /// A member is missing or malformed, or the type is not known.
    Form,
    /// RSA that is too small, too large or malformed; a point that is not on its curve.
    Weak,
}

/// Reads a key, once for each algorithm of `wanted` that it can verify.
pub(crate) fn parse(jwk: &Map<String, Value>, wanted: Algorithms) -> Result<Vec<Key>, KeyFault> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    if ["d", "k", "p", "q", "dp", "dq", "qi", "oth"].iter().any(|name| jwk.contains_key(*name)) {
        return Err(KeyFault::Private);
    }
    check_use(jwk)?;
    let kid = match jwk.get("kid") {
        None => None,
        Some(kid) => Some(kid.as_str().filter(|kid| kid.len() <= LONGEST_KID).ok_or(KeyFault::Form)?),
    };
    let material = Material::read(text("kty").ok_or(KeyFault::Form)?, jwk)?;
    let only = match jwk.get("alg") {
        None => None,
        Some(alg) => Some(alg.as_str().and_then(Algorithm::from_name).ok_or(KeyFault::OtherUse)?),
    };
    let fits = |algorithm: &Algorithm| wanted.contains(*algorithm) && only.is_none_or(|only| only == *algorithm) && material.fits(*algorithm);
    let keys = Algorithm::ALL.into_iter().filter(fits).map(|algorithm| {
        let public = material.ready(algorithm).ok_or(KeyFault::Weak)?;
        Ok(Key { kid: kid.map(Into::into), algorithm, public })
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() { Err(KeyFault::OtherUse) } else { Ok(keys) }
}

/// `use` and `key_ops`, where they are there, allow verifying.
fn check_use(jwk: &Map<String, Value>) -> Result<(), KeyFault> {
    let sig = jwk.get("use").is_none_or(|usage| usage == "sig");
    let verify = match jwk.get("key_ops") {
        None => true,
        Some(operations) => operations.as_array().is_some_and(|operations| operations.iter().any(|operation| operation == "verify")),
    };
    if sig && verify { Ok(()) } else { Err(KeyFault::OtherUse) }
}

/// The numbers of a public key.
enum Material {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Curve { curve: crate::algorithm::Curve, point: Vec<u8> },
    Ed25519(Vec<u8>),
}

impl Material {
    fn read(kty: &str, jwk: &Map<String, Value>) -> Result<Self, KeyFault> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str).ok_or(KeyFault::Form);
        let number = |name: &str| base64url::decode(text(name)?).map_err(|_| KeyFault::Form);
        match kty {
            "RSA" => rsa(&number("n")?, &number("e")?),
            "EC" => {
                let curve = curve(text("crv")?).ok_or(KeyFault::Form)?;
                let (x, y) = (number("x")?, number("y")?);
                let whole = x.len() == curve.coordinate && y.len() == curve.coordinate;
                let point = [&[4], &x[..], &y].concat();
                if whole { Ok(Self::Curve { curve, point }) } else { Err(KeyFault::Form) }
            }
            "OKP" if text("crv")? == "Ed25519" => {
                let x = number("x")?;
                if x.len() == 32 { Ok(Self::Ed25519(x)) } else { Err(KeyFault::Form) }
            }
            "oct" => Err(KeyFault::Private),
            _ => Err(KeyFault::Form),
        }
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        match self {
            Self::Rsa { .. } => algorithm.rsa().is_some(),
            Self::Curve { curve, .. } => curve.algorithm == algorithm,
            Self::Ed25519(_) => algorithm == Algorithm::EdDsa,
        }
    }

    /// The key as aws-lc takes it; a point is checked to be on its curve here.
    fn ready(&self, algorithm: Algorithm) -> Option<ParsedPublicKey> {
        match self {
            Self::Rsa { n, e } => PublicKeyComponents { n, e }.to_parsed_public_key(algorithm.rsa()?).ok(),
            Self::Curve { curve, point } => ParsedPublicKey::new(curve.verification, point).ok(),
            Self::Ed25519(x) => ParsedPublicKey::new(&signature::ED25519, x).ok(),
        }
    }
}

/// Leading zeros, which RFC 7518 §6.3.1 forbids and Java writes, do not count.
fn rsa(n: &[u8], e: &[u8]) -> Result<Material, KeyFault> {
    let (n, e) = (without_zeros(n), without_zeros(e));
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
    let exponent = e.iter().fold(0, |value: u64, byte| value.wrapping_shl(8) | u64::from(*byte));
    let sound = MODULUS.contains(&bits) && is_odd(n) && e.len() <= LONGEST_EXPONENT && exponent >= SMALLEST_EXPONENT && is_odd(e);
    if sound { Ok(Material::Rsa { n: n.to_vec(), e: e.to_vec() }) } else { Err(KeyFault::Weak) }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    &number[number.iter().take_while(|byte| **byte == 0).count()..]
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair};
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::json;

    use super::*;

    fn encode(bytes: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn all() -> Algorithms {
        Algorithms::advertised(Algorithm::ALL.iter().map(|algorithm| algorithm.name()))
    }

    fn parsed(jwk: &Value) -> Result<Vec<Algorithm>, KeyFault> {
        parse(jwk.as_object().unwrap(), all()).map(|keys| keys.into_iter().map(|key| key.algorithm).collect())
    }

    /// A modulus of this many bits; nobody knows its factors, and verifying does not ask.
    fn rsa_of(bits: usize, e: &[u8]) -> Value {
        let mut n = vec![0xc5; bits.div_ceil(8)];
        n[0] = 0xff >> (n.len() * 8 - bits);
        json!({"kty": "RSA", "n": encode(&n), "e": encode(e)})
    }

    fn ec(crv: &str) -> Value {
        let (algorithm, length) = match crv {
            "P-256" => (&signature::ECDSA_P256_SHA256_FIXED_SIGNING, 32),
            "P-384" => (&signature::ECDSA_P384_SHA384_FIXED_SIGNING, 48),
            _ => (&signature::ECDSA_P521_SHA512_FIXED_SIGNING, 66),
        };
        let pair = EcdsaKeyPair::generate(algorithm).unwrap();
        let point = pair.public_key().as_ref();
        json!({"kty": "EC", "crv": crv, "x": encode(&point[1..=length]), "y": encode(&point[length + 1..])})
    }

    fn with(mut jwk: Value, name: &str, value: Value) -> Value {
        jwk[name] = value;
        jwk
    }

    /// T-004
    #[test]
    fn the_type_of_a_key_decides_what_it_can_verify() {
        use Algorithm::{EdDsa, Es256, Es384, Es512, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        let rsa = rsa_of(2_048, &[1, 0, 1]);
        assert_eq!(parsed(&rsa), Ok(vec![Rs256, Rs384, Rs512, Ps256, Ps384, Ps512]));
        assert_eq!(parsed(&with(rsa.clone(), "alg", json!("PS384"))), Ok(vec![Ps384]));
        for (crv, algorithm) in [("P-256", Es256), ("P-384", Es384), ("P-521", Es512)] {
            assert_eq!(parsed(&ec(crv)), Ok(vec![algorithm]), "Input: {crv}");
        }
        let pair = Ed25519KeyPair::generate().unwrap();
        let okp = json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())});
        assert_eq!(parsed(&okp), Ok(vec![EdDsa]));
        for (jwk, alg) in [(&rsa, "ES256"), (&ec("P-256"), "ES384"), (&ec("P-384"), "RS256"), (&okp, "ES256"), (&rsa, "HS256"), (&rsa, "RSA-OAEP")] {
            assert_eq!(parsed(&with(jwk.clone(), "alg", json!(alg))), Err(KeyFault::OtherUse), "Input: {alg}");
        }
        let narrow = Algorithms::advertised(["RS256"].into_iter());
        assert_eq!(parse(rsa.as_object().unwrap(), narrow).unwrap().len(), 1);
        assert_eq!(parse(ec("P-256").as_object().unwrap(), narrow).unwrap_err(), KeyFault::OtherUse);
    }

    /// T-008
    #[test]
    fn a_key_for_something_else_is_not_used() {
        let rsa = rsa_of(2_048, &[1, 0, 1]);
        for (name, value) in [("use", json!("sig")), ("key_ops", json!(["verify"])), ("key_ops", json!(["sign", "verify"]))] {
            assert!(parsed(&with(rsa.clone(), name, value.clone())).is_ok(), "Input: {name} {value}");
        }
        let odd =
            [("use", json!("enc")), ("use", json!(null)), ("key_ops", json!([])), ("key_ops", json!(["encrypt"])), ("key_ops", json!("verify"))];
        for (name, value) in odd {
            assert_eq!(parsed(&with(rsa.clone(), name, value.clone())), Err(KeyFault::OtherUse), "Input: {name} {value}");
        }
    }

    /// T-009
    #[test]
    fn secrets_are_not_used() {
        assert_eq!(parsed(&json!({"kty": "oct", "k": "AAAA"})), Err(KeyFault::Private));
        assert_eq!(parsed(&json!({"kty": "oct"})), Err(KeyFault::Private));
        assert_eq!(parsed(&with(ec("P-256"), "d", json!("AAAA"))), Err(KeyFault::Private));
    }

    /// T-010
    #[test]
    fn malformed_keys_are_refused() {
        let rsa = rsa_of(2_048, &[1, 0, 1]);
        let odd = [
            json!({}),
            json!({"kty": "RSA"}),
            json!({"kty": 1}),
            json!({"kty": "AKP"}),
            json!({"kty": "EC", "crv": "secp256k1", "x": "AA", "y": "AA"}),
            json!({"kty": "OKP", "crv": "Ed448", "x": "AA"}),
            json!({"kty": "OKP", "crv": "X25519", "x": encode(&[9; 32])}),
            json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&[9; 31])}),
            with(rsa.clone(), "n", json!("+/==")),
            with(rsa.clone(), "e", json!(65_537)),
            with(rsa.clone(), "kid", json!(1)),
            with(rsa, "kid", json!("k".repeat(257))),
            with(ec("P-256"), "x", json!(encode(&[1; 31]))),
            with(ec("P-256"), "y", json!(encode(&[1; 33]))),
        ];
        for jwk in odd {
            assert_eq!(parsed(&jwk), Err(KeyFault::Form), "Input: {jwk}");
        }
    }

    /// T-011
    #[test]
    fn weak_and_monstrous_keys_are_refused() {
        for bits in [2_048, 3_072, 4_096, 8_192] {
            assert!(parsed(&rsa_of(bits, &[1, 0, 1])).is_ok(), "Input: {bits} bits");
        }
        for bits in [512, 1_024, 2_047, 8_193, 16_384, 600_000] {
            assert_eq!(parsed(&rsa_of(bits, &[1, 0, 1])), Err(KeyFault::Weak), "Input: {bits} bits");
        }
        for e in [&[][..], &[0], &[1], &[2], &[3], &[17], &[1, 0, 0], &[1, 0, 2], &[1, 0, 0, 0, 1], &[0xff; 256]] {
            assert_eq!(parsed(&rsa_of(2_048, e)), Err(KeyFault::Weak), "Input: {e:?}");
        }
        assert_eq!(parsed(&with(rsa_of(2_048, &[1, 0, 1]), "n", json!(encode(&[0xfe; 256])))), Err(KeyFault::Weak));
        for (crv, length) in [("P-256", 32), ("P-384", 48), ("P-521", 66)] {
            let zero = encode(&vec![0; length]);
            assert_eq!(parsed(&json!({"kty": "EC", "crv": crv, "x": zero, "y": zero})), Err(KeyFault::Weak), "Input: {crv}");
            let off = with(ec(crv), "y", json!(encode(&vec![1; length])));
            assert_eq!(parsed(&off), Err(KeyFault::Weak), "Input: {crv}");
        }
    }

    /// Java's `BigInteger` writes a sign byte.
    #[test]
    fn leading_zeros_do_not_count() {
        let n = [0xc5; 256];
        let padded = json!({"kty": "RSA", "n": encode(&[&[0], &n[..]].concat()), "e": encode(&[0, 1, 0, 1])});
        assert!(parsed(&padded).is_ok());
    }
}
