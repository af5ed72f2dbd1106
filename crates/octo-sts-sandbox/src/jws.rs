//! Writing JSON Web Signatures (RFC 7515 section 7.1).

use crate::keys::encode;

/// `header.payload.signature`, each in base64url; header and payload are taken as they are.
pub(crate) fn compact(header: &str, payload: &str, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let input = format!("{}.{}", encode(header), encode(payload));
    let signature = encode(sign(input.as_bytes()));
    format!("{input}.{signature}")
}
