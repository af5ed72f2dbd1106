//! From the text of a bearer to verified [`Claims`](octo_sts_types::Claims).
//!
//! [`UnverifiedToken::parse`] reads the form of a token and believes nothing. [`Verifier::verify`] admits its issuer, finds
//! the issuer's keys (`OpenID` Connect Discovery 1.0), and checks signature and times; only then there are claims.
//!
//! The order is part of the contract: whatever the token alone can decide is decided before anything is fetched, and what
//! is fetched comes only from addresses that the guard of `octo-sts-http` lets through. Time comes from a
//! [`Clock`](octo_sts_types::Clock) that is passed in: wall-clock time judges tokens, monotonic time ages keys.

mod admission;
mod algorithm;
mod base64url;
mod clients;
mod discovery;
mod entry;
mod error;
mod fetch;
mod header;
mod issuer_keys;
mod issuers;
mod jwk;
mod key_set;
mod settings;
mod static_keys;
mod stats;
mod times;
mod token;
mod verifier;

pub use admission::{InvalidIssuerFilter, IssuerFilter, IssuerRefused, RefusedBecause};
pub use algorithm::Algorithm;
pub use discovery::DocumentFault;
pub use entry::{Addresses, IssuerEntry, KeySource, RequiredClaims};
pub use error::{IssuerError, TokenFault, TokenFormError, Unmet, VerifyError};
pub use header::HeaderFault;
pub use settings::{VerifierError, VerifierSettings};
pub use static_keys::{StaticKeySet, StaticKeysFault};
pub use stats::VerifierStats;
pub use times::TimeFault;
pub use token::{NotAToken, UnverifiedToken};
pub use verifier::Verifier;
