//! Why a store did not do what it was asked.

use std::{error::Error, sync::Arc, time::Duration};

/// Why a store did not do what it was asked. None carries a key, a token or a password.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// No answer in time.
    #[error("{store} did not answer within {} ms", .after.as_millis())]
    TimedOut {
        /// Which store.
        store: &'static str,
        /// How long it was given.
        after: Duration,
    },
    /// No connection, or it broke.
    #[error("{store} is not reachable")]
    Unavailable {
        /// Which store.
        store: &'static str,
        /// What happened.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// It answered with a refusal: no permission, wrong password, no memory left.
    #[error("{store} refused: check the permissions of its user, and its memory")]
    Refused {
        /// Which store.
        store: &'static str,
        /// What it said.
        #[source]
        source: Arc<dyn Error + Send + Sync>,
    },
    /// It was not asked, because a call failed a moment ago.
    #[error("{store} was not asked: it failed less than {} s ago", .rest.as_secs())]
    Resting {
        /// Which store.
        store: &'static str,
        /// How long it is left alone after a failure.
        rest: Duration,
    },
    /// Others changed the same entry at every attempt.
    #[error("{store} has too many writers of one entry")]
    Contended {
        /// Which store.
        store: &'static str,
    },
    /// The memory set aside is used up by entries that are all still valid.
    #[error("{store} is full: {capacity} entries are all still valid")]
    Full {
        /// Which store.
        store: &'static str,
        /// How many entries it may have.
        capacity: usize,
    },
}

#[cfg(any(feature = "redis", feature = "firestore"))]
impl StoreError {
    pub(crate) fn unavailable(store: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Unavailable { store, source: Arc::new(source) }
    }

    pub(crate) fn refused(store: &'static str, source: impl Error + Send + Sync + 'static) -> Self {
        Self::Refused { store, source: Arc::new(source) }
    }
}
