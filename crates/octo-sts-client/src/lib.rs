//! The client of the service: get an OIDC token from where the workload runs, exchange it, end what was given.
//!
//! [`TokenSource`] knows the places that hand out OIDC tokens and which of them this is. [`StsClient`] asks as the GitHub
//! Action does and tries again only what can succeed. Every token is a `SecretString` from socket to socket; none is
//! ever in an error, a log or the command line of a child.

mod address;
mod error;
mod exchange;
mod reply;
mod retry;
mod revoke;
mod source;

pub use address::{InvalidAddress, ServiceAddress};
pub use error::{Refusal, StsError};
pub use exchange::{StsClient, Wanted};
pub use reply::Reply;
pub use revoke::{Revoked, revoke, revoke_at_service};
pub use source::{SourceError, Surroundings, TokenSource, UnknownSource};

/// Lower-case hex of a text's SHA-256: how events and logs name a token.
pub fn sha256_hex(text: &str) -> String {
    use std::fmt::Write as _;
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref().iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
