//! Secrets by reference.
//!
//! A variable that holds a secret may hold the name of one instead: a secret of AWS Secrets Manager, Google Secret Manager or
//! Azure Key Vault, a field of a secret in Vault, or a file. [`Secrets::value`] gives the secret either way, and an error of
//! it names the place, never the value; which variable it was, the caller knows.

mod error;
mod file;
mod reference;
mod vault;

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "azure")]
pub mod azure;
#[cfg(feature = "gcp")]
pub mod google;

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};

pub use error::SecretError;
pub use reference::{InvalidReference, SecretReference};

use crate::{Outside, ServiceError, Trouble};

/// Longest time for fetching one secret, a second attempt and finding credentials included.
pub const RESOLVE_DEADLINE: Duration = Duration::from_secs(10);
/// How long a fetch waits before its second attempt.
const PAUSE: Duration = Duration::from_millis(500);

/// Fetches secrets.
#[derive(Clone, Debug)]
pub struct Secrets(Outside);

impl Secrets {
    /// Over these connections, with these variables.
    pub fn new(outside: Outside) -> Self {
        Self(outside)
    }

    /// The secret that a variable of this value holds, or refers to.
    pub async fn value(&self, value: SecretString) -> Result<SecretString, SecretError> {
        match SecretReference::parse(value.expose_secret()).map_err(|source| SecretError::Reference { source })? {
            None => Ok(value),
            Some(reference) => self.resolve(&reference).await,
        }
    }

    /// The secret that `reference` names. Line breaks at its end are not part of it.
    pub async fn resolve(&self, reference: &SecretReference) -> Result<SecretString, SecretError> {
        if let Some(feature) = reference.missing_feature() {
            return Err(SecretError::NotBuiltIn { place: reference.to_string(), feature });
        }
        let failed = |source| SecretError::Failed { place: reference.to_string(), source };
        let fetched = tokio::time::timeout(RESOLVE_DEADLINE, self.fetch_twice(reference)).await;
        let late = |_| Err(ServiceError::new(Trouble::TimedOut, "check that this machine may connect to it"));
        let secret = fetched.unwrap_or_else(late).map_err(failed)?;
        let trimmed = secret.expose_secret().trim_end_matches(['\r', '\n']);
        match trimmed.len() {
            0 => Err(SecretError::Empty { place: reference.to_string() }),
            whole if whole == secret.expose_secret().len() => Ok(secret),
            _ => Ok(trimmed.into()),
        }
    }

    async fn fetch_twice(&self, reference: &SecretReference) -> Result<SecretString, ServiceError> {
        match self.fetch(reference).await {
            Err(error) if error.may_pass() => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
        self.fetch(reference).await
    }

    async fn fetch(&self, reference: &SecretReference) -> Result<SecretString, ServiceError> {
        match reference {
            #[cfg(feature = "aws")]
            SecretReference::Aws { id, field } => aws::fetch(id, field.as_deref(), &crate::aws::configuration(crate::aws::region_of(id)).await).await,
            #[cfg(feature = "gcp")]
            SecretReference::Google { name } => google::fetch(name, google::SECRET_MANAGER, self.0.http(), &crate::GoogleCredentials::find()?).await,
            #[cfg(feature = "azure")]
            SecretReference::Azure(address) => azure::fetch(address, &self.0).await,
            SecretReference::Vault { mount, path, field } => vault::fetch(&self.0, mount, path, field).await,
            SecretReference::File(path) => file::read(path),
            #[cfg(not(all(feature = "aws", feature = "gcp", feature = "azure")))]
            _ => Err(ServiceError::new(Trouble::Unusable, "this build has no feature for it")),
        }
    }
}

/// The member `field` of a secret that is a JSON object.
#[cfg(any(test, feature = "aws"))]
pub(crate) fn json_field(secret: &str, field: &str) -> Result<SecretString, ServiceError> {
    let object: serde_json::Value =
        serde_json::from_str(secret).map_err(|_| ServiceError::new(Trouble::Unusable, "the secret is no JSON object: leave `#FIELD` out"))?;
    text_field(&object, field)
}

/// The member `field`, which must be text.
pub(crate) fn text_field(object: &serde_json::Value, field: &str) -> Result<SecretString, ServiceError> {
    let missing = || ServiceError::new(Trouble::NotFound, "the secret has no such field, or it is not text: check what stands behind `#`");
    object.get(field).and_then(serde_json::Value::as_str).map(SecretString::from).ok_or_else(missing)
}

#[cfg(test)]
#[path = "secret_tests.rs"]
mod tests;
