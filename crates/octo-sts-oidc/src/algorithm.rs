//! The signature algorithms that are verified.

use std::fmt;

use aws_lc_rs::signature::{self, EcdsaVerificationAlgorithm, RsaParameters};

/// A signature algorithm (RFC 7518 §3.1, RFC 8037 §3.1). There is no `none`, and nothing symmetric: a public key can never
/// be taken for a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// Ed25519. Ed448 shares the name in JOSE and is not verified.
    EdDsa,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 10] =
        [Self::Rs256, Self::Rs384, Self::Rs512, Self::Ps256, Self::Ps384, Self::Ps512, Self::Es256, Self::Es384, Self::Es512, Self::EdDsa];

    /// By its name, byte for byte.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Its name in JOSE.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
        }
    }

    /// How aws-lc verifies it, when it is RSA: 2,048 to 8,192 bits.
    pub(crate) fn rsa(self) -> Option<&'static RsaParameters> {
        match self {
            Self::Rs256 => Some(&signature::RSA_PKCS1_2048_8192_SHA256),
            Self::Rs384 => Some(&signature::RSA_PKCS1_2048_8192_SHA384),
            Self::Rs512 => Some(&signature::RSA_PKCS1_2048_8192_SHA512),
            Self::Ps256 => Some(&signature::RSA_PSS_2048_8192_SHA256),
            Self::Ps384 => Some(&signature::RSA_PSS_2048_8192_SHA384),
            Self::Ps512 => Some(&signature::RSA_PSS_2048_8192_SHA512),
            Self::Es256 | Self::Es384 | Self::Es512 | Self::EdDsa => None,
        }
    }
}

/// An elliptic curve of RFC 7518 §6.2.1.1; each has one algorithm.
pub(crate) struct Curve {
    /// Its algorithm.
    pub(crate) algorithm: Algorithm,
    /// Length of a coordinate, in bytes.
    pub(crate) coordinate: usize,
    /// How aws-lc verifies it: signatures are `r` and `s` side by side, never DER.
    pub(crate) verification: &'static EcdsaVerificationAlgorithm,
}

/// The curve of this name.
pub(crate) fn curve(name: &str) -> Option<Curve> {
    let (algorithm, coordinate, verification) = match name {
        "P-256" => (Algorithm::Es256, 32, &signature::ECDSA_P256_SHA256_FIXED),
        "P-384" => (Algorithm::Es384, 48, &signature::ECDSA_P384_SHA384_FIXED),
        "P-521" => (Algorithm::Es512, 66, &signature::ECDSA_P521_SHA512_FIXED),
        _ => return None,
    };
    Some(Curve { algorithm, coordinate, verification })
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Some of the algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithms(u16);

impl Algorithms {
    /// Every one, where nobody advertises any.
    pub(crate) const ALL: Self = Self((1 << Algorithm::ALL.len()) - 1);
    /// What is verified for an issuer that advertises nothing (`OpenID` Connect Discovery 1.0 §3 makes RS256 mandatory).
    pub(crate) const DEFAULT: Self = Self(1 << Algorithm::Rs256 as u16);

    /// Those among the advertised names that are known; the default when there are none.
    pub(crate) fn advertised<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let bits = names.filter_map(Algorithm::from_name).fold(0, |bits, algorithm| bits | 1 << algorithm as u16);
        if bits == 0 { Self::DEFAULT } else { Self(bits) }
    }

    pub(crate) fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & (1 << algorithm as u16) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-001, T-002
    #[test]
    fn names_are_compared_byte_for_byte_and_none_is_not_among_them() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
        }
        for name in ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "rs256", "RS256 ", "Rs256", "ES256K", "RS1", "RSA-OAEP", "dir"] {
            assert_eq!(Algorithm::from_name(name), None, "Input: {name:?}");
        }
    }

    /// T-003
    #[test]
    fn only_known_algorithms_of_those_advertised_count() {
        let set = |names: &[&str]| Algorithms::advertised(names.iter().copied());
        let of = |names: &[&str]| Algorithm::ALL.into_iter().filter(|algorithm| set(names).contains(*algorithm)).collect::<Vec<_>>();
        assert_eq!(of(&["none", "HS256", "ES384", "EdDSA"]), [Algorithm::Es384, Algorithm::EdDsa]);
        assert!(Algorithm::ALL.into_iter().all(|algorithm| Algorithms::ALL.contains(algorithm)));
        for names in [&[][..], &["none"], &["HS256", "none"], &["rs512"], &["HS256"; 1_000]] {
            assert_eq!(of(names), [Algorithm::Rs256], "Input: {:?}", names.first());
        }
    }
}
