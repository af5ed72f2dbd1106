//! Names that nobody knows: repositories and policies of a known owner that are not there.
//!
//! Each costs a call of the owner's quota, and whoever holds a token of any issuer may make names up. So the tokens of one issuer
//! may ask for so many of one owner; beyond that, only what was there before is asked for.

use std::time::{Duration, Instant};

use octo_sts_types::{Issuer, Owner};

use crate::{
    budget::Budget,
    error::{ExchangeError, TooMany},
};

/// Names that tokens of one issuer may make us look for in vain, per owner and hour: a fifth of the 5,000 calls that GitHub gives
/// the smallest installation.
const EACH_HOUR: u32 = 1_000;
/// Most (issuer, owner) pairs that are counted.
const MOST: usize = 20_000;

/// What is left to each issuer with each owner.
#[derive(Debug)]
pub(crate) struct UnknownNames(Budget<(Issuer, Owner)>);

impl Default for UnknownNames {
    fn default() -> Self {
        Self(Budget::new(EACH_HOUR, Duration::from_hours(1), MOST))
    }
}

/// The budget is used up; how long until a name may be asked for again.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many names that are not there were asked for")]
pub(crate) struct UsedUp(Duration);

impl UnknownNames {
    /// Whether a name may be looked for.
    pub(crate) fn check(&self, issuer: &Issuer, owner: &Owner, now: Instant) -> Result<(), UsedUp> {
        self.0.check(&(issuer.clone(), owner.clone()), now).map_err(UsedUp)
    }

    /// A name was looked for and is not there. What is there is never charged for.
    pub(crate) fn missed(&self, issuer: &Issuer, owner: &Owner, now: Instant) {
        // Whether there was one left was asked before; those who asked at the same time share the last one.
        let _ = self.0.take(&(issuer.clone(), owner.clone()), now);
    }
}

impl From<UsedUp> for ExchangeError {
    fn from(UsedUp(wait): UsedUp) -> Self {
        Self::TooMany(TooMany::UnknownNames { retry_after: wait.as_secs() + 1 })
    }
}
