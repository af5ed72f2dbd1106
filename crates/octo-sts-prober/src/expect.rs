//! The one refusal that a negative probe accepts.

use std::fmt;

use octo_sts_client::{Refusal, StsError};
use octo_sts_types::Printable;

use crate::error::ProbeError;

/// A gRPC code and the HTTP status that stands for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    code: u32,
    status: u16,
    name: &'static str,
}

/// A refusal as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered(Refusal);

impl Wanted {
    pub(crate) const INVALID_ARGUMENT: Self = Self { code: 3, status: 400, name: "INVALID_ARGUMENT" };
    pub(crate) const NOT_FOUND: Self = Self { code: 5, status: 404, name: "NOT_FOUND" };
    pub(crate) const PERMISSION_DENIED: Self = Self { code: 7, status: 403, name: "PERMISSION_DENIED" };
    pub(crate) const UNAUTHENTICATED: Self = Self { code: 16, status: 401, name: "UNAUTHENTICATED" };

    /// Whether what came instead of a token is this refusal, code and status both.
    pub(crate) fn check(self, error: StsError) -> Result<(), ProbeError> {
        match error {
            StsError::Refused(refusal) if refusal.code == Some(self.code) && refusal.status.as_u16() == self.status => Ok(()),
            StsError::Refused(refusal) | StsError::Unavailable { last: refusal, .. } => {
                Err(ProbeError::OtherRefusal { wanted: self, answered: Answered(refusal) })
            }
            source => Err(ProbeError::NoRefusal { wanted: self, source }),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} (HTTP {})", self.code, self.name, self.status)
    }
}

impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.code {
            Some(code) => write!(f, "{code} (HTTP {}): {}", self.0.status.as_u16(), Printable(&self.0.message)),
            None => write!(f, "HTTP {} without a code", self.0.status.as_u16()),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn refused(code: Option<u32>, status: u16) -> StsError {
        StsError::Refused(Refusal { status: StatusCode::from_u16(status).unwrap(), code, message: "no".to_owned(), ..Refusal::default() })
    }

    /// T-162
    #[test]
    fn only_the_very_code_with_its_status_is_the_refusal() {
        let wanted = Wanted::PERMISSION_DENIED;
        assert!(wanted.check(refused(Some(7), 403)).is_ok());
        for (code, status) in [(Some(7), 401), (Some(16), 403), (Some(5), 404), (Some(0), 403), (None, 403), (Some(7), 200)] {
            assert!(matches!(wanted.check(refused(code, status)), Err(ProbeError::OtherRefusal { .. })), "Input: {code:?} {status}");
        }
    }

    /// T-162
    #[test]
    fn a_service_that_cannot_answer_has_not_refused() {
        let last = Refusal { status: StatusCode::SERVICE_UNAVAILABLE, code: Some(14), ..Refusal::default() };
        let unavailable = StsError::Unavailable { address: "a".to_owned(), attempts: 1, last };
        assert!(Wanted::NOT_FOUND.check(unavailable).is_err());
        let other = StsError::NotTheService { address: "a".to_owned(), what: "it answers 404 Not Found".to_owned() };
        let error = Wanted::NOT_FOUND.check(other).unwrap_err();
        assert_eq!(
            error.chain(),
            "the service must refuse with 5 NOT_FOUND (HTTP 404), and gave no such answer: what answers at a is not this service: it answers 404 Not Found"
        );
    }
}
