//! Tokens and issuers as strangers make them, against the whole verifier.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod common;
mod discovery;
mod elsewhere;
mod entries;
mod rotation;
mod signatures;
