//! What a caller asks a token for.

use std::{fmt, str::FromStr};

use crate::{InvalidOwner, InvalidRepository, Owner, Repository, RepositoryName};

/// An owner, or one repository of an owner.
///
/// The grammar admits one spelling per meaning, letter case aside: no `./`, `//`, `..` or trailing slash is an alias of
/// another scope. `Display` prints what was parsed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// `OWNER`: an organisation policy, read from the organisation's policy repository.
    Owner(Owner),
    /// `OWNER/REPOSITORY`.
    Repository(Repository),
}

/// Why a text is not a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidScope {
    /// More than one slash.
    #[error("a scope is `OWNER` or `OWNER/REPOSITORY`, with one slash at the most")]
    TooManyParts,
    /// The owner is not one.
    #[error(transparent)]
    Owner(InvalidOwner),
    /// The repository name is not one.
    #[error(transparent)]
    Repository(InvalidRepository),
}

impl Scope {
    /// The owner in either form.
    pub fn owner(&self) -> &Owner {
        match self {
            Self::Owner(owner) => owner,
            Self::Repository(repository) => &repository.owner,
        }
    }

    /// The repository whose policy directory answers for this scope, where `policy_repository` answers for an owner.
    pub fn policy_source(&self, policy_repository: &RepositoryName) -> Repository {
        match self {
            Self::Owner(owner) => Repository { owner: owner.clone(), name: policy_repository.clone() },
            Self::Repository(repository) => repository.clone(),
        }
    }

    /// The scope in lower case, for keys that leave the process.
    pub fn key(&self) -> String {
        self.to_string().to_ascii_lowercase()
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        let Some((owner, name)) = text.split_once('/') else {
            return text.parse().map(Self::Owner).map_err(InvalidScope::Owner);
        };
        if name.contains('/') {
            return Err(InvalidScope::TooManyParts);
        }
        let owner = owner.parse().map_err(InvalidScope::Owner)?;
        let name = name.parse().map_err(InvalidScope::Repository)?;
        Ok(Self::Repository(Repository { owner, name }))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner(owner) => owner.fmt(f),
            Self::Repository(repository) => repository.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn owner_and_repository_scopes_parse() {
        assert!(matches!("acme".parse(), Ok(Scope::Owner(_))));
        assert!(matches!("Acme/.github".parse(), Ok(Scope::Repository(_))));
        assert_eq!("ACME/App".parse::<Scope>(), "acme/aPP".parse());
    }

    /// T-060: each is an alias of another scope upstream, or reaches a URL unescaped.
    #[test]
    fn aliases_of_other_scopes_are_refused() {
        for scope in [
            "",
            "/",
            ".",
            "..",
            "/org",
            "./org",
            "../org",
            "org/",
            "org/.",
            "org/..",
            "org//repo",
            "org/../victim",
            "org/../victim/repo",
            "org/./repo",
            "org/repo/",
            "org/repo/.",
            "org/repo/..",
            "a/b/c",
            "a/b/../c",
            "org\\repo",
            "org%2Frepo",
            "org/repo?x=1",
            " org/repo",
            "org /repo",
            "org/repo ",
            "org/repo\n",
            "org/\0",
            "org/~",
            "*/repo",
            "org/r\u{e9}po",
            "org:repo",
            "x\n/../org/repo",
        ] {
            assert!(scope.parse::<Scope>().is_err(), "Input: {scope:?}");
        }
    }

    proptest! {
        #[test]
        fn an_accepted_scope_prints_as_it_was_written(text in "[a-zA-Z0-9._/~ %-]{0,24}") {
            if let Ok(scope) = text.parse::<Scope>() {
                prop_assert_eq!(scope.to_string(), text);
            }
        }
    }
}
