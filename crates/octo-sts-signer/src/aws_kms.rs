//! A key in AWS KMS.

use std::sync::Arc;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_lc_rs::digest;
use aws_sdk_kms::{
    Client,
    primitives::Blob,
    types::{MessageType, SigningAlgorithmSpec},
};

use crate::{
    InvalidKeyName, KeyProvider, OpenKeyError, ServiceError, Signer, Trouble, aws,
    key_service::{KeyService, RemoteSigner},
    rest::Checks,
};

const CHECKS: Checks = Checks {
    no_credentials: "AWS does not accept the credentials: attach a role to the workload, or set `AWS_PROFILE` or the access key variables; check the clock",
    denied: "allow the role `kms:Sign` and `kms:GetPublicKey` on the key, in its own policy and in the key's",
    not_found: "check the key's id, ARN or alias, the account, and the region (`AWS_REGION`)",
    unusable: "the key must be enabled, with spec RSA_2048 or larger, usage SIGN_VERIFY, and its material imported",
};

/// The key `name` (id, ARN or alias) as a signer.
pub async fn open(name: &str, configuration: &SdkConfig) -> Result<Arc<dyn Signer>, OpenKeyError> {
    check_name(name)?;
    Ok(RemoteSigner::open(AwsKey { name: name.to_owned(), client: Client::new(configuration) }).await?)
}

fn check_name(name: &str) -> Result<(), InvalidKeyName> {
    let plain = !name.is_empty() && name.len() <= 2048 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_/:".contains(&byte));
    if plain { Ok(()) } else { Err(InvalidKeyName { provider: KeyProvider::Aws }) }
}

#[derive(Debug)]
struct AwsKey {
    name: String,
    client: Client,
}

#[async_trait]
impl KeyService for AwsKey {
    async fn sign(&self, message: &[u8]) -> Result<Vec<u8>, ServiceError> {
        let digest = Blob::new(digest::digest(&digest::SHA256, message).as_ref());
        let algorithm = SigningAlgorithmSpec::RsassaPkcs1V15Sha256;
        let call = self.client.sign().key_id(&self.name).message(digest).message_type(MessageType::Digest).signing_algorithm(algorithm);
        let answer = call.send().await.map_err(|error| aws::refusal(error, &CHECKS))?;
        answer.signature.map(Blob::into_inner).ok_or_else(|| ServiceError::new(Trouble::Unexpected, "the answer has no signature"))
    }

    async fn public_key(&self) -> Result<Vec<u8>, ServiceError> {
        let answer = self.client.get_public_key().key_id(&self.name).send().await.map_err(|error| aws::refusal(error, &CHECKS))?;
        let rs256 = SigningAlgorithmSpec::RsassaPkcs1V15Sha256;
        match answer.public_key {
            Some(key) if answer.signing_algorithms.is_none_or(|algorithms| algorithms.contains(&rs256)) => Ok(key.into_inner()),
            _ => Err(ServiceError::new(Trouble::Unusable, CHECKS.unusable)),
        }
    }

    fn origin(&self) -> String {
        format!("AWS KMS key `{}`", self.name)
    }
}
