//! What goes back to whoever asked: why it was refused, and what he may hear of his own token.

use std::sync::Arc;

use octo_sts_types::{Identity, Scope};

use crate::error::ExchangeError;

/// A refused exchange: the reason, and what of the caller's own may be told back.
#[derive(Debug)]
pub struct Refusal {
    /// Why; shared with others who waited for the same answer.
    pub error: Arc<ExchangeError>,
    /// Facts of the caller's own token.
    pub facts: TokenFacts,
    /// The scope asked for, once it parsed.
    pub scope: Option<Scope>,
    /// The identity asked for, once it parsed.
    pub identity: Option<Identity>,
}

impl Refusal {
    /// Something of ours broke before anything was known.
    pub(crate) fn broken() -> Self {
        Self { error: Arc::new(ExchangeError::Broken), facts: TokenFacts::default(), scope: None, identity: None }
    }
}

/// What the caller's own token says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenFacts {
    /// `iss`; present as soon as it was read, verified or not.
    pub issuer: Option<String>,
    /// `sub`; present only after the signature was verified.
    pub subject: Option<String>,
    /// `aud`; present only after the signature was verified.
    pub audiences: Vec<String>,
}
