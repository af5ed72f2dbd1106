//! Which service has a key, and opening one by its name.

use std::{fmt, str::FromStr, sync::Arc};

use crate::{Outside, SignError, Signer};

/// Where keys can be that never leave their place (`KMS_PROVIDER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyProvider {
    /// AWS KMS.
    Aws,
    /// Google Cloud KMS.
    Google,
    /// Azure Key Vault, or a managed HSM there.
    Azure,
    /// A hardware security module, through its PKCS#11 library.
    Pkcs11,
}

/// The text names no key provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key provider: write `aws`, `gcp`, `akv` or `pkcs11`")]
pub struct InvalidKeyProvider(String);

/// The text names no key of this provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this names no key of {provider}: write {}", .provider.form())]
pub struct InvalidKeyName {
    /// Where the key should be.
    pub provider: KeyProvider,
}

/// Why a key cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenKeyError {
    /// This build cannot talk to the provider.
    #[error("this build has no {provider}: build with `--features {}` or `--features full`, or take the container image, which has all", .provider.feature())]
    NotBuiltIn {
        /// Where the key is.
        provider: KeyProvider,
    },
    /// The name has not the provider's form.
    #[error(transparent)]
    Name(#[from] InvalidKeyName),
    /// The provider did not show the key's public half.
    #[error(transparent)]
    Service(#[from] SignError),
}

impl KeyProvider {
    /// The cargo feature that has it.
    pub fn feature(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Google => "gcp",
            Self::Azure => "azure",
            Self::Pkcs11 => "pkcs11",
        }
    }

    fn form(self) -> &'static str {
        match self {
            Self::Aws => "a key id, an ARN, or `alias/NAME`",
            Self::Google => "`projects/P/locations/L/keyRings/R/cryptoKeys/K/cryptoKeyVersions/N`",
            Self::Azure => "`https://VAULT.vault.azure.net/keys/NAME` or `…/NAME/VERSION`",
            Self::Pkcs11 => "`pkcs11:token=LABEL;object=LABEL?module-path=/path/of/library.so&pin-source=/path/of/pin`",
        }
    }

    /// Opens the key `name`, and with it fetches its public half.
    ///
    /// Takes at most ten seconds. Every signature of the key is checked against that public half before it is handed on.
    #[cfg_attr(
        not(any(feature = "aws", feature = "gcp", feature = "azure", feature = "pkcs11")),
        expect(clippy::unused_async, reason = "a build without providers awaits none")
    )]
    pub async fn open(self, name: &str, outside: &Outside) -> Result<Arc<dyn Signer>, OpenKeyError> {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws => crate::aws_kms::open(name, &crate::aws::configuration(crate::aws::region_of(name)).await).await,
            #[cfg(feature = "gcp")]
            Self::Google => open_google(name, outside).await,
            #[cfg(feature = "azure")]
            Self::Azure => crate::azure_key_vault::open(name, outside).await,
            #[cfg(feature = "pkcs11")]
            Self::Pkcs11 => crate::pkcs11::open(name).await,
            #[cfg(not(all(feature = "aws", feature = "gcp", feature = "azure", feature = "pkcs11")))]
            provider => {
                let _ = (name, outside);
                Err(OpenKeyError::NotBuiltIn { provider })
            }
        }
    }
}

#[cfg(feature = "gcp")]
async fn open_google(name: &str, outside: &Outside) -> Result<Arc<dyn Signer>, OpenKeyError> {
    use crate::gcp_kms;
    gcp_kms::check_name(name)?;
    let failed = |error| SignError::Failed { origin: "Google Cloud KMS".into(), source: Arc::new(error) };
    let tokens = crate::GoogleCredentials::find().map_err(failed)?;
    Ok(gcp_kms::open(name, gcp_kms::GOOGLE_KMS, outside.http().clone(), Arc::new(tokens)).await?)
}

impl FromStr for KeyProvider {
    type Err = InvalidKeyProvider;

    fn from_str(text: &str) -> Result<Self, InvalidKeyProvider> {
        match text {
            "aws" => Ok(Self::Aws),
            "gcp" => Ok(Self::Google),
            "akv" => Ok(Self::Azure),
            "pkcs11" => Ok(Self::Pkcs11),
            _ => Err(InvalidKeyProvider(text.chars().filter(|c| !c.is_control()).take(40).collect())),
        }
    }
}

impl fmt::Display for KeyProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Aws => "AWS KMS",
            Self::Google => "Google Cloud KMS",
            Self::Azure => "Azure Key Vault",
            Self::Pkcs11 => "PKCS#11",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_have_the_names_that_the_variable_always_had() {
        for (text, provider) in
            [("aws", KeyProvider::Aws), ("gcp", KeyProvider::Google), ("akv", KeyProvider::Azure), ("pkcs11", KeyProvider::Pkcs11)]
        {
            assert_eq!(text.parse(), Ok(provider));
        }
        for text in ["", "AWS", "azure", "gcp ", "vault", "a\nb"] {
            let refused = text.parse::<KeyProvider>().unwrap_err().to_string();
            assert!(refused.ends_with("is no key provider: write `aws`, `gcp`, `akv` or `pkcs11`"), "Input: {text}");
            assert!(!refused.contains('\n'));
        }
    }

    #[test]
    fn a_provider_that_is_not_built_in_names_its_feature() {
        let error = OpenKeyError::NotBuiltIn { provider: KeyProvider::Azure };
        assert_eq!(
            error.to_string(),
            "this build has no Azure Key Vault: build with `--features azure` or `--features full`, or take the container image, which has all"
        );
    }

    #[cfg(not(any(feature = "aws", feature = "gcp", feature = "azure", feature = "pkcs11")))]
    #[tokio::test]
    async fn the_default_build_opens_no_key_of_a_cloud() {
        let authority = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap().cert.pem();
        let outside = Outside::new(octo_sts_http::Roots::from_pem(&authority).unwrap(), &|_| None).unwrap();
        for provider in [KeyProvider::Aws, KeyProvider::Google, KeyProvider::Azure, KeyProvider::Pkcs11] {
            assert!(matches!(provider.open("key", &outside).await, Err(OpenKeyError::NotBuiltIn { .. })));
        }
    }
}
