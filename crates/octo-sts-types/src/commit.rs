//! Commits by their id.

use std::{fmt, str::FromStr};

/// The id of a commit: the whole SHA-1 or SHA-256, never a branch and never an abbreviation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitId(Box<str>);

/// Why a text is not the id of a commit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a commit id is 40 or 64 lower-case hexadecimal digits, not all of them zeros")]
pub struct InvalidCommitId;

impl CommitId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Like parsing, where zeros stand for "there is none", as in GitHub's payloads about new and deleted branches.
    pub fn parse_optional(text: &str) -> Result<Option<Self>, InvalidCommitId> {
        if has_length(text) && text.bytes().all(|byte| byte == b'0') { Ok(None) } else { text.parse().map(Some) }
    }
}

fn has_length(text: &str) -> bool {
    matches!(text.len(), 40 | 64)
}

impl FromStr for CommitId {
    type Err = InvalidCommitId;

    fn from_str(text: &str) -> Result<Self, InvalidCommitId> {
        let hexadecimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let zero = text.bytes().all(|byte| byte == b'0');
        if has_length(text) && hexadecimal && !zero { Ok(Self(text.into())) } else { Err(InvalidCommitId) }
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_ids_are_commits() {
        for id in ["1".repeat(40), "af09".repeat(16)] {
            assert_eq!(id.parse::<CommitId>().unwrap().as_str(), id);
        }
    }

    /// T-147
    #[test]
    fn everything_else_is_refused() {
        for text in
            ["", "main", "1111111", "HEAD", &"A".repeat(40), &"g".repeat(40), &"0".repeat(40), &"1".repeat(41), &format!("{}/..", "1".repeat(37))]
        {
            assert_eq!(text.parse::<CommitId>(), Err(InvalidCommitId), "Input: {text:?}");
        }
    }

    #[test]
    fn zeros_stand_for_none() {
        assert_eq!(CommitId::parse_optional(&"0".repeat(40)), Ok(None));
        assert_eq!(CommitId::parse_optional("0000"), Err(InvalidCommitId));
        assert!(CommitId::parse_optional(&"a".repeat(40)).unwrap().is_some());
    }
}
