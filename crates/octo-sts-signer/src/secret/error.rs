//! Why a secret cannot be had.

use super::InvalidReference;
use crate::ServiceError;

/// Why a secret cannot be had, as a sentence about its variable, which the caller names; none has the secret in it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The value begins like a reference and is none.
    #[error("cannot be resolved")]
    Reference {
        /// What is wrong with it.
        #[source]
        source: InvalidReference,
    },
    /// This build cannot talk to the store.
    #[error(
        "refers to {place}, which this build has no client for: build with `--features {feature}` or `--features full`, or take the container image, which has all"
    )]
    NotBuiltIn {
        /// Where the secret is.
        place: String,
        /// The cargo feature that has the client.
        feature: &'static str,
    },
    /// The store did not give it.
    #[error("cannot be resolved: {place} did not give the secret")]
    Failed {
        /// Where the secret is.
        place: String,
        /// What to check.
        #[source]
        source: ServiceError,
    },
    /// There is nothing in it.
    #[error("cannot be resolved: {place} is empty")]
    Empty {
        /// Where the secret is.
        place: String,
    },
}
