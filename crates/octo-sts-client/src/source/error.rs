//! Why a source gives no token, and names that are no source's.

use std::io;

use octo_sts_http::HttpError;

/// Why a source gave no token.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// What the source needs is not there; the text says what to do about it.
    #[error("{0}")]
    Missing(String),
    /// A file, or standard input, cannot be read.
    #[error("{0} cannot be read")]
    Unreadable(String, #[source] io::Error),
    /// A command cannot be run.
    #[error("`{0}` cannot be run")]
    NoCommand(String, #[source] io::Error),
    /// A command failed; it said why on standard error.
    #[error("`{command}` failed ({status})")]
    Command {
        /// Its name.
        command: String,
        /// How it ended.
        status: String,
    },
    /// A token endpoint cannot be reached.
    #[error("{place} cannot be reached")]
    Unreachable {
        /// Which.
        place: &'static str,
        /// Why.
        #[source]
        source: HttpError,
    },
    /// A token endpoint refused, or answered something else.
    #[error("{place} gave no token (HTTP {status})")]
    Refused {
        /// Which.
        place: &'static str,
        /// The status.
        status: u16,
    },
    /// What came is no token.
    #[error("what {0} gave is no OIDC token: three parts with dots between them, at most 16 KiB")]
    NotAToken(String),
}

/// A name that is no source's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no source of tokens: auto, github-actions, gitlab, circleci, buildkite, google, aws, azure, kubernetes, stdin, env:NAME and file:PATH are"
)]
pub struct UnknownSource(pub(super) String);
