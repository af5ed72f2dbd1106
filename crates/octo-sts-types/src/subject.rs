//! The `sub` of a token.

use std::fmt;

/// Longest subject, in bytes.
const LONGEST: usize = 1_020;

/// Who a token speaks for, as its issuer writes it.
///
/// Opaque text: spaces, braces and brackets are data, because Bitbucket, HCP Terraform and Azure `DevOps` use them. Only
/// what could forge a log line or exhaust memory is refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Subject(Box<str>);

/// Why a text is not a subject.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSubject {
    /// There is nothing in it.
    #[error("the subject is empty")]
    Empty,
    /// More than 1,020 bytes.
    #[error("the subject is {0} bytes long; 1,020 is the most")]
    TooLong(usize),
    /// A control character (Unicode category Cc).
    #[error("the subject contains a control character")]
    ControlCharacter,
}

impl Subject {
    /// Checks the grammar.
    pub fn parse(text: &str) -> Result<Self, InvalidSubject> {
        if text.is_empty() {
            return Err(InvalidSubject::Empty);
        }
        if text.len() > LONGEST {
            return Err(InvalidSubject::TooLong(text.len()));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidSubject::ControlCharacter);
        }
        Ok(Self(text.into()))
    }

    /// The subject, byte for byte.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_of_every_known_issuer_are_accepted() {
        for subject in [
            "repo:o/r:environment:Production EU",
            "repo:octocat@123456/my-repo@456789:ref:refs/heads/feat(x)",
            "{a1b2}:{c3d4}",
            "organization:O:project:Default Project:workspace:W:run_phase:apply",
            "p://org/My Project/pipe",
            "auth0|123",
            "a\u{202e}b",
        ] {
            assert_eq!(Subject::parse(subject).unwrap().as_str(), subject, "Input: {subject}");
        }
    }

    /// T-029
    #[test]
    fn control_characters_and_absurd_lengths_are_refused() {
        assert_eq!(Subject::parse(""), Err(InvalidSubject::Empty));
        assert_eq!(Subject::parse(&"a".repeat(1_021)), Err(InvalidSubject::TooLong(1_021)));
        for subject in ["a\0b", "a\nb", "a\u{7f}b", "a\u{85}b", "\u{1b}[31m"] {
            assert_eq!(Subject::parse(subject), Err(InvalidSubject::ControlCharacter), "Input: {subject:?}");
        }
        assert!(Subject::parse(&"a".repeat(1_020)).is_ok());
    }
}
