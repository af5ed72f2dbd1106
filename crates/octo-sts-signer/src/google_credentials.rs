//! The identity this process runs as in Google Cloud.
//!
//! Application Default Credentials: the file that `GOOGLE_APPLICATION_CREDENTIALS` names (a service account's key, or a
//! configuration for workload identity federation), gcloud's own, or the metadata server of the machine.

use async_trait::async_trait;
use google_cloud_auth::credentials::{AccessTokenCredentials, Builder};
use secrecy::SecretString;

use crate::{ServiceError, TokenSource, Trouble};

const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";
const CHECK: &str = "attach a service account to the workload, or let `GOOGLE_APPLICATION_CREDENTIALS` name a credentials file";

/// Application Default Credentials.
#[derive(Debug)]
pub struct GoogleCredentials(AccessTokenCredentials);

impl GoogleCredentials {
    /// Reads the configuration; nothing is called yet.
    pub fn find() -> Result<Self, ServiceError> {
        let credentials = Builder::default().with_scopes([SCOPE]).build_access_token_credentials();
        credentials.map(Self).map_err(|error| ServiceError::new(Trouble::NoCredentials, CHECK).because(error))
    }
}

#[async_trait]
impl TokenSource for GoogleCredentials {
    async fn token(&self) -> Result<SecretString, ServiceError> {
        match self.0.access_token().await {
            Ok(token) => Ok(token.token.into()),
            Err(error) if error.is_transient() => {
                Err(ServiceError::new(Trouble::Unavailable, "the source of Google's tokens does not answer").because(error))
            }
            Err(error) => Err(ServiceError::new(Trouble::NoCredentials, CHECK).because(error)),
        }
    }
}
