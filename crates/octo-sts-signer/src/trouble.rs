//! What goes wrong at a key service or a secret store, in the words of whoever has to repair it.

use std::{error::Error, fmt};

/// Longest part of a service's own words that is kept, in characters.
const LONGEST_QUOTE: usize = 300;

/// What kind of thing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// There are no credentials, or the service does not know them.
    NoCredentials,
    /// The credentials are known and may not do this.
    Denied,
    /// There is no key or secret of this name.
    NotFound,
    /// It is there and cannot be used: disabled, due for deletion, of another kind.
    Unusable,
    /// Too many calls.
    Throttled,
    /// No connection, or the service failed.
    Unavailable,
    /// No answer in time.
    TimedOut,
    /// An answer that nothing here understands.
    Unexpected,
}

/// Why a key service or a secret store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub struct ServiceError {
    /// What kind of thing went wrong.
    pub trouble: Trouble,
    /// What to look at.
    check: &'static str,
    /// The service's own words, printable and cut.
    said: String,
    #[source]
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl ServiceError {
    pub(crate) fn new(trouble: Trouble, check: &'static str) -> Self {
        Self { trouble, check, said: String::new(), source: None }
    }

    /// With the words of the service.
    pub(crate) fn saying(mut self, said: &str) -> Self {
        self.said = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_QUOTE).collect();
        self
    }

    /// With a cause.
    pub(crate) fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Whether the same call may work a moment later.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self.trouble, Trouble::Throttled | Trouble::Unavailable)
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.trouble, self.check)?;
        if self.said.is_empty() { Ok(()) } else { write!(f, " (the answer was: {})", self.said.trim()) }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCredentials => "no usable credentials",
            Self::Denied => "access denied",
            Self::NotFound => "not found",
            Self::Unusable => "cannot be used",
            Self::Throttled => "too many calls",
            Self::Unavailable => "not reachable",
            Self::TimedOut => "no answer in time",
            Self::Unexpected => "unexpected answer",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_cannot_write_lines_into_the_log() {
        let error = ServiceError::new(Trouble::Denied, "give it kms:Sign").saying("no\n{\"level\":\"info\"}\u{1b}[2J");
        assert_eq!(error.to_string(), "access denied: give it kms:Sign (the answer was: no {\"level\":\"info\"} [2J)");
        let long = ServiceError::new(Trouble::Unexpected, "look").saying(&"x".repeat(100_000));
        assert!(long.to_string().len() < 400);
    }
}
