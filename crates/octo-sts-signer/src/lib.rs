//! Signatures made as a GitHub App.
//!
//! A [`Signer`] holds, or reaches, the private key of one App and signs bytes with it. Nothing here knows what is signed:
//! the App JWT is built by `octo-sts-github`. Each place a key can be is one module; [`PemSigner`] keeps it in memory.
//!
//! No key leaves this crate, and no text of one is printed: a signer says where its key is, never what it is.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod aws_kms;
mod azure_address;
#[cfg(feature = "azure")]
mod azure_credentials;
#[cfg(feature = "azure")]
pub mod azure_key_vault;
mod error;
#[cfg(feature = "gcp")]
pub mod gcp_kms;
#[cfg(feature = "gcp")]
mod google_credentials;
mod key_provider;
#[cfg(any(test, feature = "aws", feature = "gcp", feature = "azure", feature = "pkcs11"))]
mod key_service;
mod outside;
mod pem_signer;
#[cfg(feature = "pkcs11")]
pub mod pkcs11;
#[cfg(feature = "pkcs11")]
mod pkcs11_uri;
mod public_key;
mod rest;
pub mod secret;
mod token_source;
mod trouble;

use std::fmt;

use async_trait::async_trait;

#[cfg(feature = "azure")]
pub use azure_credentials::AzureCredentials;
pub use error::{KeyError, SignError};
#[cfg(feature = "gcp")]
pub use google_credentials::GoogleCredentials;
pub use key_provider::{InvalidKeyName, InvalidKeyProvider, KeyProvider, OpenKeyError};
pub use outside::Outside;
pub use pem_signer::PemSigner;
pub use public_key::{PublicKey, signature_matches};
pub use token_source::TokenSource;
pub use trouble::{ServiceError, Trouble};

/// The private key of a GitHub App, wherever it is.
#[async_trait]
pub trait Signer: Send + Sync + fmt::Debug {
    /// The RSASSA-PKCS1-v1_5 signature with SHA-256 (`RS256`, RFC 7518 §3.3) over `message`.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// The public half of the key, as the place that has it says.
    async fn public_key(&self) -> Result<PublicKey, SignError>;

    /// Where the key is, for logs and messages: a path, a variable, the name of a key in a key service.
    fn origin(&self) -> String;
}

/// Signs once, and checks the signature with the public half of the key.
///
/// A key service that answers with another key's signature, or in another encoding, is found at start and not by GitHub's
/// refusal of every call.
pub async fn self_check(signer: &dyn Signer) -> Result<(), SignError> {
    const MESSAGE: &[u8] = b"octo-sts signs this to check its own key";
    let signature = signer.sign(MESSAGE).await?;
    let public_key = signer.public_key().await?;
    if signature_matches(&public_key, MESSAGE, &signature) { Ok(()) } else { Err(SignError::WrongSignature { origin: signer.origin() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key service that signs with one key and shows another, or answers nonsense.
    #[derive(Debug)]
    struct Confused {
        signature: Vec<u8>,
        shown: PublicKey,
    }

    #[async_trait]
    impl Signer for Confused {
        async fn sign(&self, _: &[u8]) -> Result<Vec<u8>, SignError> {
            Ok(self.signature.clone())
        }

        async fn public_key(&self) -> Result<PublicKey, SignError> {
            Ok(self.shown.clone())
        }

        fn origin(&self) -> String {
            "the confused service".into()
        }
    }

    fn signer() -> PemSigner {
        PemSigner::from_pem(&include_str!("../tests/keys/pkcs1.pem").into(), "a test").unwrap()
    }

    #[tokio::test]
    async fn a_good_key_passes_its_own_check() {
        self_check(&signer()).await.unwrap();
    }

    /// T-126
    #[tokio::test]
    async fn a_signature_of_another_key_or_encoding_is_found() {
        let (first, second) = (signer(), PemSigner::from_pem(&include_str!("../tests/keys/pkcs8.pem").into(), "another").unwrap());
        let of_second = second.sign(b"octo-sts signs this to check its own key").await.unwrap();
        for signature in [of_second, vec![], vec![0; 256], vec![0x30; 70]] {
            let confused = Confused { signature, shown: first.public_key().clone() };
            let refused = self_check(&confused).await.unwrap_err();
            assert_eq!(refused.to_string(), "the signature of the confused service does not match its public key");
        }
    }
}
