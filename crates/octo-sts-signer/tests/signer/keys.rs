//! A key, and what its errors say.

use std::error::Error;

/// An RSA private key of 2048 bits, PKCS#8.
pub(crate) const KEY: &str = include_str!("../keys/pkcs8.pem");

/// An error with its causes, as the log has it.
pub(crate) fn chain(error: &dyn Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", chain(source)))
}
