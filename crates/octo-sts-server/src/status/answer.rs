//! What the caller of a refused request reads, and under which HTTP status.

use tonic::Code;

/// What the caller of a refused request reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) code: Code,
    pub(crate) message: String,
    /// What is told apart by machines; nothing for requests that are no exchange.
    pub(crate) info: Option<Info>,
    /// When to try again, in seconds.
    pub(crate) retry_after: Option<u64>,
    /// A token was sent, and refused.
    pub(crate) invalid_token: bool,
}

/// The machine-readable part, as `google.rpc.ErrorInfo` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Info {
    pub(crate) reason: &'static str,
    /// Stage, request id, and facts of the caller's own token.
    pub(crate) metadata: Vec<(&'static str, String)>,
}

impl Answer {
    /// A refusal by the transport, before there is an exchange.
    pub(crate) fn plain(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), info: None, retry_after: None, invalid_token: false }
    }

    /// The HTTP status of the code.
    pub(crate) fn http_status(&self) -> http::StatusCode {
        http_status(self.code)
    }
}

/// The HTTP status that stands for a gRPC code, as grpc-gateway has it.
fn http_status(code: Code) -> http::StatusCode {
    use http::StatusCode as S;
    match code {
        Code::Ok => S::OK,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => S::BAD_REQUEST,
        Code::Unauthenticated => S::UNAUTHORIZED,
        Code::PermissionDenied => S::FORBIDDEN,
        Code::NotFound => S::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => S::CONFLICT,
        Code::ResourceExhausted => S::TOO_MANY_REQUESTS,
        Code::Unimplemented => S::NOT_IMPLEMENTED,
        Code::Unavailable => S::SERVICE_UNAVAILABLE,
        Code::DeadlineExceeded => S::GATEWAY_TIMEOUT,
        Code::Cancelled | Code::Unknown | Code::Internal | Code::DataLoss => S::INTERNAL_SERVER_ERROR,
    }
}
