//! Repositories by name.

use std::{fmt, hash::Hash, hash::Hasher, str::FromStr};

use crate::{InvalidOwner, Owner, owner::hash_without_case};

/// Longest repository name GitHub accepts.
const LONGEST_NAME: usize = 100;

/// The name of a repository without its owner. Equal and hashed without regard to case, as GitHub resolves it.
#[derive(Clone, Debug)]
pub struct RepositoryName(Box<str>);

/// A repository by owner and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Repository {
    /// The account it belongs to.
    pub owner: Owner,
    /// Its name under that account.
    pub name: RepositoryName,
}

/// Why a text does not name a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRepository {
    /// The part before the slash is no owner.
    #[error(transparent)]
    Owner(#[from] InvalidOwner),
    /// The name has characters GitHub does not allow, or a reserved form.
    #[error("a repository name is 1 to 100 of `A-Z a-z 0-9 . _ -`, is not `.` or `..` and does not end in `.git` or `.wiki`")]
    Name,
    /// There is not exactly one slash.
    #[error("a repository is written `OWNER/NAME`")]
    Form,
}

impl RepositoryName {
    /// The name as it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `name`, in any letter case, names this repository.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }

    /// The name in lower case, for keys that leave the process.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

fn ends_without_case(text: &str, ending: &str) -> bool {
    text.len() >= ending.len() && text.as_bytes()[text.len() - ending.len()..].eq_ignore_ascii_case(ending.as_bytes())
}

impl FromStr for RepositoryName {
    type Err = InvalidRepository;

    fn from_str(text: &str) -> Result<Self, InvalidRepository> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
        let reserved = matches!(text, "" | "." | "..") || ends_without_case(text, ".git") || ends_without_case(text, ".wiki");
        if plain && !reserved && text.len() <= LONGEST_NAME { Ok(Self(text.into())) } else { Err(InvalidRepository::Name) }
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for RepositoryName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for RepositoryName {}

impl Hash for RepositoryName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_without_case(&self.0, state);
    }
}

impl FromStr for Repository {
    type Err = InvalidRepository;

    fn from_str(text: &str) -> Result<Self, InvalidRepository> {
        let (owner, name) = text.split_once('/').ok_or(InvalidRepository::Form)?;
        Ok(Self { owner: owner.parse()?, name: name.parse()? })
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_github_allows_are_names() {
        for name in ["a", ".github", "..repo", "...", "a.b_c-d", "-", "git", &"a".repeat(100)] {
            assert_eq!(name.parse::<RepositoryName>().unwrap().as_str(), name, "Input: {name}");
        }
    }

    /// T-060, T-061
    #[test]
    fn names_that_would_change_a_path_are_refused() {
        let long = "a".repeat(101);
        for name in ["", ".", "..", "a/b", "a.git", "a.GIT", "a.wiki", "a?x=1", "a#b", "a%2fb", "a\\b", "a b", "a\n", "\0", "é", "~", &long] {
            assert_eq!(name.parse::<RepositoryName>(), Err(InvalidRepository::Name), "Input: {name:?}");
        }
    }

    #[test]
    fn a_repository_has_one_slash() {
        assert_eq!("acme".parse::<Repository>(), Err(InvalidRepository::Form));
        assert_eq!("acme/a/b".parse::<Repository>(), Err(InvalidRepository::Name));
        assert_eq!("acme/App".parse::<Repository>(), "ACME/app".parse());
    }
}
