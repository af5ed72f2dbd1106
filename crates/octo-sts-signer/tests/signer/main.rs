//! Keys and secrets where they really are: AWS as moto plays it, a token of `SoftHSM`, and fakes of Google and Azure over TLS.

#![expect(clippy::unwrap_used, reason = "what a test stands on must be there")]

mod aws;
mod azure;
mod cloud;
mod google;
mod keys;
mod pkcs11;
