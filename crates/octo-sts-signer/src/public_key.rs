//! The public half of an App's key.

use aws_lc_rs::{
    error::KeyRejected,
    signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256},
};

/// An RSA public key of 2048 to 8192 bits, parsed once.
#[derive(Clone, Debug)]
pub struct PublicKey(ParsedPublicKey);

impl PublicKey {
    /// Reads a DER key, either `RSAPublicKey` (RFC 8017 appendix A.1.1) or `SubjectPublicKeyInfo` (RFC 5280 §4.1), which is
    /// what key services answer.
    pub fn from_der(der: &[u8]) -> Result<Self, KeyRejected> {
        ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, der).map(Self)
    }
}

/// Whether `signature` is an RSASSA-PKCS1-v1_5 signature with SHA-256 over `message`, made with the private half of `key`.
pub fn signature_matches(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    key.0.verify_sig(message, signature).is_ok()
}
