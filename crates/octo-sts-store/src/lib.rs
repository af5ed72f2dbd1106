//! What replicas share: sticky routes, used token ids, and news of changed policies.
//!
//! A replica needs none of it to be right about who gets what: policies are read from GitHub alone. A [`StickyStore`]
//! remembers which App a route was given, so that check runs stay with the App that made them. [`UsedTokens`] remembers
//! which tokens were exchanged, for those who allow it once.
//!
//! The two fail in opposite directions. A sticky store that is down answers at once with an error, and the caller falls back
//! to an order that every replica computes alike. Used tokens that cannot be asked about are refused.
//!
//! Keys are digests: no store learns a subject, a scope or a token.

mod error;
mod expiring;
#[cfg(any(test, feature = "redis", feature = "firestore"))]
mod guard;
mod key;
mod memory;
mod sticky;
mod used;

#[cfg(feature = "firestore")]
pub mod firestore;
#[cfg(feature = "redis")]
mod redis;

pub use error::StoreError;
pub use key::Key;
pub use memory::{MemoryRoutes, MemoryTokens};
pub use sticky::{ROUTE_TTL, StickyStore};
pub use used::{Claim, Ticket, UsedTokens};

#[cfg(feature = "firestore")]
pub use firestore::{Firestore, FirestoreSettings};
#[cfg(feature = "redis")]
pub use redis::{Heard, InvalidRedisUrl, RedisStore};
