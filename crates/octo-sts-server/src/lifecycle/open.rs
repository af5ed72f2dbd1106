//! Keys and secrets, wherever they are.

use std::sync::Arc;

use octo_sts_http::Roots;
use octo_sts_signer::{Outside, Signer, secret::Secrets};
use secrecy::SecretString;

use super::{StartError, self_check::chain};
use crate::config::{KeySource, SecretSource, keys};

/// Opens keys and fetches secrets.
#[derive(Clone, Debug)]
pub(crate) struct Opener {
    outside: Outside,
    secrets: Secrets,
}

impl Opener {
    /// Trusts these authorities, and reads the variables of this process.
    pub(crate) fn new(roots: Roots) -> Result<Self, StartError> {
        let outside = Outside::new(roots, &|name| std::env::var(name).ok());
        let outside = outside.map_err(|error| StartError::configuration("the client for key services", error))?;
        Ok(Self { secrets: Secrets::new(outside.clone()), outside })
    }

    /// Opens the keys of one App. Of a key service it fetches the public half of each, which takes ten seconds at the most.
    pub(super) async fn keys(&self, source: &KeySource) -> Result<Vec<Arc<dyn Signer>>, String> {
        match source {
            KeySource::PemFile(path) => keys::from_file(path),
            KeySource::PemText { text, origin } => {
                let text = self.secrets.value(text.clone()).await.map_err(|error| format!("`{origin}` {}", chain(&error)))?;
                keys::from_text(&text, origin)
            }
            KeySource::Kms { provider, keys } => {
                let mut signers = Vec::with_capacity(keys.len());
                for key in keys {
                    signers.push(provider.open(key, &self.outside).await.map_err(|error| format!("`{key}`: {}", chain(&error)))?);
                }
                Ok(signers)
            }
        }
    }

    /// Fetches the secrets that a variable holds or names: one, or several where it is a list of names.
    pub(super) async fn secrets(&self, source: &SecretSource) -> Result<Vec<SecretString>, StartError> {
        let failed = |error| StartError::configuration(source.variable(), chain(&error));
        match source {
            SecretSource::Value { text, .. } => Ok(vec![self.secrets.value(text.clone()).await.map_err(failed)?]),
            SecretSource::File { path, .. } => Ok(vec![keys::read(path).map_err(|why| StartError::configuration(source.variable(), why))?]),
            SecretSource::Named { references, .. } => {
                let mut secrets = Vec::with_capacity(references.len());
                for reference in references {
                    secrets.push(self.secrets.resolve(reference).await.map_err(failed)?);
                }
                Ok(secrets)
            }
        }
    }
}
