//! Why a call brought no answer.

use std::{error::Error, time::Duration};

use crate::guard::Blocked;

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The TLS configuration is not possible.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// The rest of the configuration is not possible.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// Why a call brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The request cannot be sent by anybody: its URL is not absolute, or not HTTP.
    #[error("the request cannot be sent")]
    Unsendable(#[source] reqwest::Error),
    /// The address guard does not let it go there.
    #[error("the address is refused")]
    Blocked(#[source] Blocked),
    /// No connection: name, socket or TLS handshake.
    #[error("no connection")]
    Connect(#[source] reqwest::Error),
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
    Broken(#[source] reqwest::Error),
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

    pub(crate) fn from_call(error: reqwest::Error, connect_timeout: Duration) -> Self {
        if let Some(blocked) = cause::<Blocked>(&error) {
            return Self::Blocked(blocked.clone());
        }
        let error = error.without_url();
        match (error.is_builder(), error.is_connect(), error.is_timeout()) {
            (true, ..) => Self::Unsendable(error),
            (_, true, true) => Self::ConnectTimeout { after: connect_timeout },
            (_, true, false) => Self::Connect(error),
            _ => Self::Broken(error),
        }
    }
}

/// The first cause of this type.
fn cause<T: Error + 'static>(error: &dyn Error) -> Option<&T> {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
