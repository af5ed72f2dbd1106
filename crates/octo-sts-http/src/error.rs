//! Why a call brought no answer.

use std::{error::Error, time::Duration};

use http::header::InvalidHeaderValue;
use hyper_util::client::legacy;

use crate::{connect::ran_out_of_time, guard::Blocked};

/// What went wrong below HTTP, in words of the libraries that do it.
pub(crate) type Cause = Box<dyn Error + Send + Sync>;

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS configuration is not possible.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The name of the client is not one that a header can carry.
    #[error("the `User-Agent` cannot be sent")]
    UserAgent(#[source] InvalidHeaderValue),
}

/// Why a request cannot be sent by anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("its URL is not an absolute one of `http` or `https`")]
pub struct NotHttp;

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The request cannot be sent by anybody.
    #[error("the request cannot be sent")]
    Unsendable(#[source] NotHttp),
    /// The address guard does not let it go there.
    #[error("the address is refused")]
    Blocked(#[source] Blocked),
    /// No connection: name, socket or TLS handshake.
    #[error("no connection")]
    Connect(#[source] Cause),
    /// No connection in time.
    #[error("no connection within {after:?}")]
    ConnectTimeout {
        /// The time allowed for it.
        after: Duration,
    },
    /// The call as a whole took too long, somewhere between the connection and the last byte of the body.
    #[error("no complete answer within {after:?}")]
    Timeout {
        /// The time allowed for it.
        after: Duration,
    },
    /// The body is longer than the cap.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// The cap, in bytes.
        limit: usize,
    },
    /// The headers are longer than the cap.
    #[error("the answer's headers are longer than {limit} bytes")]
    HeadersTooLarge {
        /// The cap, in bytes.
        limit: usize,
    },
    /// The connection broke, or what came over it is not HTTP.
    #[error("the connection broke, or the answer is not HTTP")]
    Broken(#[source] Cause),
}

impl HttpError {
    /// Whether the server provably never got the request: what it asks for has not been done, and asking again cannot do it
    /// twice. `false` means that nobody knows.
    pub fn never_sent(&self) -> bool {
        matches!(self, Self::Unsendable(_) | Self::Blocked(_) | Self::Connect(_) | Self::ConnectTimeout { .. })
    }

    /// Whether time ran out.
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::ConnectTimeout { .. } | Self::Timeout { .. })
    }

    pub(crate) fn from_call(error: legacy::Error, connect_timeout: Duration) -> Self {
        if let Some(blocked) = causes(&error).find_map(<dyn Error>::downcast_ref::<Blocked>) {
            return Self::Blocked(blocked.clone());
        }
        match error.is_connect() {
            true if ran_out_of_time(&error) => Self::ConnectTimeout { after: connect_timeout },
            true => Self::Connect(error.into()),
            false => Self::Broken(error.into()),
        }
    }

    pub(crate) fn broken(error: hyper::Error) -> Self {
        Self::Broken(error.into())
    }
}

/// Whether an HTTP/2 server said that it did not look at the request: it went away before (RFC 9113 §6.8), or refused the
/// stream (§8.7).
pub(crate) fn was_never_begun(error: &legacy::Error) -> bool {
    let said = causes(error).find_map(<dyn Error>::downcast_ref::<h2::Error>).filter(|error| error.is_remote());
    said.is_some_and(|error| {
        let left = error.is_go_away() && error.reason() == Some(h2::Reason::NO_ERROR);
        left || (error.is_reset() && error.reason() == Some(h2::Reason::REFUSED_STREAM))
    })
}

/// An error's causes, nearest first.
pub(crate) fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}
