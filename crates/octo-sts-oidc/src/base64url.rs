//! Base64url as JWS has it (RFC 7515 §2): no padding, no white space, and one spelling only.

use base64::{DecodeError, Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Decodes; a last symbol with bits that mean nothing is refused, so that what decodes encodes back to the same text.
pub(crate) fn decode(text: &str) -> Result<Vec<u8>, DecodeError> {
    URL_SAFE_NO_PAD.decode(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-015
    #[test]
    fn every_value_has_one_spelling() {
        assert_eq!(decode("YQ").unwrap(), b"a");
        for text in ["YR", "YQ=", "YQ==", "Y", "YQ\n", " YQ", "Y Q", "YQ\0", "+/+/", "YQé"] {
            assert!(decode(text).is_err(), "Input: {text:?}");
        }
    }
}
