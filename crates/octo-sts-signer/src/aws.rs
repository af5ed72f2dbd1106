//! AWS: credentials and region, and what its refusals mean.

use std::{error::Error, time::Duration};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_kms::error::{ProvideErrorMetadata, SdkError};

use crate::{ServiceError, Trouble, rest::Checks};

/// Longest time for one call, credentials included.
const CALL_DEADLINE: Duration = Duration::from_secs(3);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Region and credentials as AWS's own tools find them: variables, profile, web identity, container, instance. `AWS_ENDPOINT_URL`
/// and its kin are honoured. An ARN brings its own region.
///
/// Retries are ours, so that they stay inside our deadline.
pub async fn configuration(region: Option<&str>) -> SdkConfig {
    let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(CALL_DEADLINE).build();
    let loader = aws_config::defaults(BehaviorVersion::latest()).retry_config(RetryConfig::disabled()).timeout_config(timeouts);
    match region {
        Some(region) => loader.region(Region::new(region.to_owned())).load().await,
        None => loader.load().await,
    }
}

/// The region in an ARN: `arn:aws:SERVICE:REGION:ACCOUNT:…`.
pub(crate) fn region_of(arn: &str) -> Option<&str> {
    let mut parts = arn.split(':');
    (parts.next() == Some("arn")).then(|| parts.nth(2)).flatten().filter(|region| !region.is_empty())
}

/// What went wrong with a call.
pub(crate) fn refusal<E, R>(error: SdkError<E, R>, checks: &Checks) -> ServiceError
where
    E: Error + ProvideErrorMetadata + Send + Sync + 'static,
    R: std::fmt::Debug + Send + Sync + 'static,
{
    const NETWORK: &str = "check region, endpoint, and that this machine may connect to it";
    if lacks_credentials(&error) {
        return ServiceError::new(Trouble::NoCredentials, checks.no_credentials).because(error);
    }
    match &error {
        SdkError::TimeoutError(_) => ServiceError::new(Trouble::TimedOut, NETWORK).because(error),
        SdkError::DispatchFailure(failure) if failure.is_timeout() => ServiceError::new(Trouble::TimedOut, NETWORK).because(error),
        SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => ServiceError::new(Trouble::Unavailable, NETWORK).because(error),
        SdkError::ConstructionFailure(_) => ServiceError::new(Trouble::Unusable, "set `AWS_REGION`, or name the key by its ARN").because(error),
        _ => {
            let code = error.code().unwrap_or_default();
            let said = format!("{code} {}", error.message().unwrap_or_default());
            by_code(code, checks).saying(&said)
        }
    }
}

fn by_code(code: &str, checks: &Checks) -> ServiceError {
    match code {
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "ExpiredTokenException"
        | "ExpiredToken"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException" => ServiceError::new(Trouble::NoCredentials, checks.no_credentials),
        "AccessDeniedException" | "AccessDenied" | "OptInRequired" => ServiceError::new(Trouble::Denied, checks.denied),
        "NotFoundException" | "ResourceNotFoundException" => ServiceError::new(Trouble::NotFound, checks.not_found),
        "DisabledException"
        | "KMSInvalidStateException"
        | "InvalidKeyUsageException"
        | "UnsupportedOperationException"
        | "ValidationException"
        | "InvalidArnException"
        | "InvalidParameterException"
        | "InvalidRequestException"
        | "DecryptionFailure" => ServiceError::new(Trouble::Unusable, checks.unusable),
        "ThrottlingException" | "Throttling" | "RequestLimitExceeded" | "LimitExceededException" | "TooManyRequestsException" => {
            ServiceError::new(Trouble::Throttled, "the account's request quota is used up: raise it, or share it with fewer")
        }
        "KeyUnavailableException"
        | "DependencyTimeoutException"
        | "KMSInternalException"
        | "InternalServiceError"
        | "InternalFailure"
        | "ServiceUnavailable" => ServiceError::new(Trouble::Unavailable, "AWS has trouble of its own"),
        _ => ServiceError::new(Trouble::Unexpected, "is this the right endpoint?"),
    }
}

/// Whether credentials are what failed.
fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    error.is::<CredentialsError>() || error.source().is_some_and(lacks_credentials)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_brings_its_region() {
        assert_eq!(region_of("arn:aws:kms:eu-central-1:123456789012:key/1234"), Some("eu-central-1"));
        assert_eq!(region_of("arn:aws-us-gov:kms:us-gov-west-1:123456789012:alias/app"), Some("us-gov-west-1"));
        for name in ["", "1234-5678", "alias/app", "arn:aws:kms::1:key/2", "arn:aws", "xarn:aws:kms:eu-central-1:1:key/2"] {
            assert_eq!(region_of(name), None, "Input: {name}");
        }
    }

    /// T-126
    #[test]
    fn each_code_says_what_to_check() {
        const CHECKS: Checks = Checks { no_credentials: "log in", denied: "ask for it", not_found: "look again", unusable: "take another" };
        for (code, expected) in [
            ("ExpiredTokenException", Trouble::NoCredentials),
            ("AccessDeniedException", Trouble::Denied),
            ("NotFoundException", Trouble::NotFound),
            ("KMSInvalidStateException", Trouble::Unusable),
            ("InvalidKeyUsageException", Trouble::Unusable),
            ("ThrottlingException", Trouble::Throttled),
            ("DependencyTimeoutException", Trouble::Unavailable),
            ("", Trouble::Unexpected),
        ] {
            assert_eq!(by_code(code, &CHECKS).trouble, expected, "Code: {code}");
        }
    }
}
