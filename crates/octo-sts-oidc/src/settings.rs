//! What a verifier is told.

use std::{sync::Arc, time::Duration};

use octo_sts_http::{ClientError, Lookup, RootsError};
use octo_sts_types::Issuer;

use crate::{admission::IssuerFilter, entry::IssuerEntry};

/// What a verifier is built from.
#[derive(Clone)]
pub struct VerifierSettings {
    /// The issuers admitted at all; `None` admits every one that the rules for strangers allow.
    pub allowed_issuers: Option<IssuerFilter>,
    /// Issuers on https that may be on private addresses, on this machine, or on other ports than 443.
    pub private_issuers: Vec<Issuer>,
    /// Issuers that are described one by one; `allowed_issuers` bounds them, too, and `private_issuers` does not count for them.
    pub entries: Vec<IssuerEntry>,
    /// Issuers whose keys are never evicted, as are those listed in the two settings above.
    pub pinned_issuers: Vec<Issuer>,
    /// Admits issuers on this machine, plain http included: for trying things out.
    pub allow_localhost: bool,
    /// Leeway for `exp`.
    pub expiry_leeway: Duration,
    /// The `User-Agent` that issuers see.
    pub user_agent: String,
    /// Resolves names instead of the system's resolver.
    pub lookup: Option<Arc<dyn Lookup>>,
}

impl Default for VerifierSettings {
    fn default() -> Self {
        Self {
            allowed_issuers: None,
            private_issuers: Vec::new(),
            entries: Vec::new(),
            pinned_issuers: Vec::new(),
            allow_localhost: false,
            expiry_leeway: Duration::ZERO,
            user_agent: concat!("octo-sts/", env!("CARGO_PKG_VERSION")).to_owned(),
            lookup: None,
        }
    }
}

/// Why a verifier cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// A private issuer is not on https.
    #[error("the private issuer `{0}` is not an https URL")]
    PrivateIssuer(Issuer),
    /// The certificate authorities for one issuer are not usable.
    #[error("the certificate authorities for `{issuer}` are not usable")]
    Roots {
        /// The issuer.
        issuer: Issuer,
        /// Why.
        #[source]
        source: RootsError,
    },
    /// The HTTP client cannot be set up.
    #[error("the client for issuers cannot be set up")]
    Client(#[source] ClientError),
}
