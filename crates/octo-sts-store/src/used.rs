//! Used tokens: which were exchanged already.

use std::{fmt, time::Duration};

use async_trait::async_trait;

use crate::{Key, StoreError};

/// Remembers which tokens were exchanged.
///
/// An error means that nobody knows, and the exchange is refused.
#[async_trait]
pub trait UsedTokens: Send + Sync + fmt::Debug {
    /// Claims a token for one exchange. Of all who ask, on all replicas, one gets [`Claim::First`] until `keep` has passed,
    /// which the caller chooses so that the token is no longer valid then.
    async fn claim(&self, key: &Key, keep: Duration) -> Result<Claim, StoreError>;

    /// Gives a claim back, when the exchange came to nothing. The token may be exchanged again.
    async fn release(&self, ticket: Ticket) -> Result<(), StoreError>;
}

/// What came of a claim.
#[derive(Debug)]
pub enum Claim {
    /// The token was not used before, and is now.
    First(Ticket),
    /// Somebody has claimed it.
    Used,
}

/// Shows that a claim is one's own; only who has it can give the claim back.
#[derive(Debug)]
pub struct Ticket {
    pub(crate) key: Key,
    pub(crate) number: [u8; 16],
}

impl Ticket {
    /// A ticket that nobody can guess.
    pub(crate) fn new(key: Key) -> Result<Self, StoreError> {
        let mut number = [0; 16];
        let failed = |_| StoreError::Contended { store: "the random generator" };
        aws_lc_rs::rand::fill(&mut number).map_err(failed)?;
        Ok(Self { key, number })
    }
}
