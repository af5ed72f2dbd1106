//! The whole service in front of a sandbox, by route.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod house;
#[cfg(not(any(feature = "aws", feature = "gcp", feature = "azure", feature = "pkcs11", feature = "redis", feature = "firestore")))]
mod not_built_in;
mod oauth;
mod private_issuers;
mod readyz;
mod secrets;
mod shutdown;
mod sts_exchange;
mod webhook;
#[path = "../wire/mod.rs"]
mod wire;
