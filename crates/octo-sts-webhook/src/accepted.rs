//! What is answered to a delivery.

use http::StatusCode;

/// The answer to a delivery: a status and one sentence, for GitHub's list of recent deliveries.
///
/// | Status | Meaning |
/// |---|---|
/// | 200 | handled, be it that nothing is to be checked, or accepted: the check follows |
/// | 202 | not followed, or known already |
/// | 400 | not a payload of that event |
/// | 401 | not signed with a secret of ours |
/// | 413 | longer than 25 MiB |
/// | 500 | GitHub does not let the check be made |
/// | 503 | the queue is full, or the service ends: deliver it again |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The status.
    pub status: StatusCode,
    /// The sentence. It quotes nothing of the payload.
    pub text: String,
}

impl Accepted {
    pub(crate) fn new(status: StatusCode, text: impl Into<String>) -> Self {
        Self { status, text: text.into() }
    }

    pub(crate) fn handled(text: impl Into<String>) -> Self {
        Self::new(StatusCode::OK, text)
    }

    /// Nothing to do.
    pub(crate) fn noted(text: impl Into<String>) -> Self {
        Self::new(StatusCode::ACCEPTED, text)
    }

    pub(crate) fn bad(text: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, text)
    }
}
