//! The name of a trust policy, chosen by the caller.

use std::{fmt, str::FromStr};

/// Longest identity, in bytes.
const LONGEST: usize = 255;

/// The name of a policy file: `ci` stands for `.github/chainguard/ci.sts.yaml`.
///
/// One path segment, case sensitive: an identity leads to exactly one path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity(Box<str>);

/// Why a text is not an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an identity is the name of a policy file without `.sts.yaml`: a letter, digit or `_`, then up to 254 of `A-Z a-z 0-9 . _ -`")]
pub struct InvalidIdentity;

impl Identity {
    /// The identity as it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path of its policy in a repository.
    pub fn policy_path(&self) -> String {
        format!(".github/chainguard/{}.sts.yaml", self.0)
    }
}

impl FromStr for Identity {
    type Err = InvalidIdentity;

    fn from_str(text: &str) -> Result<Self, InvalidIdentity> {
        let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        if starts && plain && text.len() <= LONGEST { Ok(Self(text.into())) } else { Err(InvalidIdentity) }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_an_identity() {
        for name in ["ci", "_x", "Foo", "release-1.2", "a..b", &"a".repeat(255)] {
            assert_eq!(name.parse::<Identity>().unwrap().as_str(), name, "Input: {name}");
        }
        assert_eq!("ci".parse::<Identity>().unwrap().policy_path(), ".github/chainguard/ci.sts.yaml");
    }

    /// T-062
    #[test]
    fn an_identity_cannot_leave_its_directory() {
        let long = "a".repeat(256);
        for name in [
            "",
            "../x",
            "a/../x",
            "a/b",
            "/x",
            "//x",
            "./x",
            "x/",
            ".",
            "..",
            ".x",
            "-x",
            "%2e%2e",
            "..%2fx",
            "x?ref=evil",
            "x#f",
            "x\0",
            "x\n",
            "..\\x",
            "é",
            "a b",
            &long,
        ] {
            assert_eq!(name.parse::<Identity>(), Err(InvalidIdentity), "Input: {name:?}");
        }
    }

    /// T-063
    #[test]
    fn case_makes_another_identity() {
        assert_ne!("Foo".parse::<Identity>(), "foo".parse::<Identity>());
    }
}
