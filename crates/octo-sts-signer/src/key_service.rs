//! A key in a service that signs for us: what every one of them needs.
//!
//! A signature has three seconds, one second attempt inside them, and is checked against the public half of the key before
//! anybody gets it. A service that answers with another key's signature, or in another encoding, is found here and not by
//! GitHub's refusal of every call.

use std::{
    fmt,
    future::Future,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use async_trait::async_trait;

use crate::{PublicKey, ServiceError, SignError, Signer, Trouble, signature_matches};

/// Longest time for a signature, a second attempt included.
const SIGN_DEADLINE: Duration = Duration::from_secs(3);
/// Longest time for opening a key. The first call also finds credentials, which takes its time.
const OPEN_DEADLINE: Duration = Duration::from_secs(10);
/// How long a call waits before its second attempt.
const PAUSE: Duration = Duration::from_millis(200);

/// A service that keeps one key and signs with it.
#[async_trait]
pub(crate) trait KeyService: Send + Sync + fmt::Debug + 'static {
    /// The RSASSA-PKCS1-v1_5 signature with SHA-256 over `message`.
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError>;

    /// The public half of the key, DER.
    async fn public_key(&self) -> Result<Vec<u8>, ServiceError>;

    /// Where the key is.
    fn origin(&self) -> String;
}

/// Signs with a key in a service.
#[derive(Debug)]
pub(crate) struct RemoteSigner<S> {
    service: S,
    public_key: RwLock<PublicKey>,
}

impl<S: KeyService> RemoteSigner<S> {
    /// Fetches the public half of the key, which also shows that the key is there and of the right kind.
    pub(crate) async fn open(service: S) -> Result<Arc<dyn Signer>, SignError> {
        let public_key = RwLock::new(fetch_public_key(&service, OPEN_DEADLINE).await?);
        Ok(Arc::new(Self { service, public_key }))
    }

    fn known_key(&self) -> PublicKey {
        self.public_key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the signature is one of this key. A name that has been pointed at another key since, as an alias in AWS, makes
    /// the public half be fetched again.
    async fn is_ours(&self, message: &[u8], signature: &[u8]) -> Result<bool, SignError> {
        if signature_matches(&self.known_key(), message, signature) {
            return Ok(true);
        }
        let current = fetch_public_key(&self.service, SIGN_DEADLINE).await?;
        let ours = signature_matches(&current, message, signature);
        if ours {
            *self.public_key.write().unwrap_or_else(PoisonError::into_inner) = current;
        }
        Ok(ours)
    }
}

#[async_trait]
impl<S: KeyService> Signer for RemoteSigner<S> {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let origin = self.origin();
        let signing = async {
            let signature = twice(&origin, || self.service.sign(message)).await?;
            if self.is_ours(message, &signature).await? { Ok(signature) } else { Err(SignError::WrongSignature { origin: origin.clone() }) }
        };
        within(&origin, SIGN_DEADLINE, signing).await
    }

    async fn public_key(&self) -> Result<PublicKey, SignError> {
        Ok(self.known_key())
    }

    fn origin(&self) -> String {
        self.service.origin()
    }
}

async fn fetch_public_key<S: KeyService>(service: &S, deadline: Duration) -> Result<PublicKey, SignError> {
    const CHECK: &str = "the key must be an RSA key of 2048 to 8192 bits that signs with RSASSA-PKCS1-v1_5 and SHA-256";
    let origin = service.origin();
    let fetching = async { twice(&origin, || service.public_key()).await };
    let der = within(&origin, deadline, fetching).await?;
    PublicKey::from_der(&der).map_err(|rejected| failed(&origin, ServiceError::new(Trouble::Unusable, CHECK).because(rejected.to_string())))
}

/// Calls again, once, when the first attempt met what may pass.
async fn twice<T, F: Future<Output = Result<T, ServiceError>>>(origin: &str, call: impl Fn() -> F) -> Result<T, SignError> {
    match call().await {
        Err(error) if error.may_pass() => tokio::time::sleep(PAUSE).await,
        answer => return answer.map_err(|error| failed(origin, error)),
    }
    call().await.map_err(|error| failed(origin, error))
}

async fn within<T>(origin: &str, deadline: Duration, call: impl Future<Output = Result<T, SignError>>) -> Result<T, SignError> {
    let late = |_| SignError::TimedOut { origin: origin.to_owned(), after: deadline };
    tokio::time::timeout(deadline, call).await.map_err(late)?
}

fn failed(origin: &str, error: ServiceError) -> SignError {
    SignError::Failed { origin: origin.to_owned(), source: Arc::new(error) }
}

#[cfg(test)]
#[path = "key_service_tests.rs"]
mod tests;
