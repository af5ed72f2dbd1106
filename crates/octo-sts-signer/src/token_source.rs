//! Where the bearer for a cloud's API comes from.

use std::fmt;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::ServiceError;

/// Gives the bearer for calls to a cloud's API, from a cache of its own where it can.
#[async_trait]
pub trait TokenSource: Send + Sync + fmt::Debug {
    /// A bearer that is valid now.
    async fn token(&self) -> Result<SecretString, ServiceError>;
}
