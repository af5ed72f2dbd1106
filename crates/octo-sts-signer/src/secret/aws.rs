//! Secrets in AWS Secrets Manager.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::json_field;
use crate::{ServiceError, Trouble, aws, rest::Checks};

const CHECKS: Checks = Checks {
    no_credentials: "AWS does not accept the credentials: attach a role to the workload, or set `AWS_PROFILE` or the access key variables; check the clock",
    denied: "allow the role `secretsmanager:GetSecretValue` on the secret, and `kms:Decrypt` on the key it is encrypted with",
    not_found: "check the secret's name or ARN, the account, and the region (`AWS_REGION`)",
    unusable: "the secret must not be due for deletion, and the key it is encrypted with must be enabled",
};

/// The secret `id`, or the member `field` of the JSON object in it.
pub async fn fetch(id: &str, field: Option<&str>, configuration: &SdkConfig) -> Result<SecretString, ServiceError> {
    const NOT_TEXT: &str = "the secret is not text";
    let answer = Client::new(configuration).get_secret_value().secret_id(id).send().await.map_err(|error| aws::refusal(error, &CHECKS))?;
    let text = match (answer.secret_string, answer.secret_binary) {
        (Some(text), _) => text,
        (None, Some(bytes)) => String::from_utf8(bytes.into_inner()).map_err(|_| ServiceError::new(Trouble::Unusable, NOT_TEXT))?,
        (None, None) => return Err(ServiceError::new(Trouble::Unusable, NOT_TEXT)),
    };
    let text = Zeroizing::new(text);
    match field {
        Some(field) => json_field(&text, field),
        None => Ok(text.as_str().into()),
    }
}
