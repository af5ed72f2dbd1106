//! The account that owns repositories: an organisation or a user.

use std::{fmt, hash::Hash, hash::Hasher, str::FromStr};

/// Longest login GitHub hands out, without an enterprise short code.
const LONGEST_LOGIN: usize = 39;
/// Longest short code of an enterprise-managed user, the part behind `_`.
const LONGEST_SHORT_CODE: usize = 20;

/// The login of an organisation or a user, as the caller spelled it.
///
/// GitHub's names are not case sensitive, so two owners that differ in case alone are equal and hash alike.
#[derive(Clone, Debug)]
pub struct Owner(Box<str>);

/// Why a text is not an owner.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an owner is 1 to 39 letters and digits with single hyphens between them, optionally followed by `_` and the short code of an enterprise")]
pub struct InvalidOwner;

impl Owner {
    /// The login as it was spelled.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `login`, in any letter case, names this owner.
    pub fn is(&self, login: &str) -> bool {
        self.0.eq_ignore_ascii_case(login)
    }

    /// The login in lower case, for keys that leave the process.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

/// Whether `text` is alphanumeric runs joined by single hyphens.
fn is_login(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_LOGIN
        && text.split('-').all(|run| !run.is_empty() && run.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

fn is_short_code(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST_SHORT_CODE && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

impl FromStr for Owner {
    type Err = InvalidOwner;

    fn from_str(text: &str) -> Result<Self, InvalidOwner> {
        let valid = match text.split_once('_') {
            Some((login, code)) => is_login(login) && is_short_code(code),
            None => is_login(text),
        };
        if valid { Ok(Self(text.into())) } else { Err(InvalidOwner) }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Owner {}

impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_without_case(&self.0, state);
    }
}

/// Hashes ASCII text so that spellings that differ in case alone hash alike.
pub(crate) fn hash_without_case<H: Hasher>(text: &str, state: &mut H) {
    for byte in text.bytes() {
        state.write_u8(byte.to_ascii_lowercase());
    }
    state.write_u8(0xff);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_of_organisations_users_and_managed_users_are_owners() {
        for login in ["a", "Acme", "acme-corp", "a1-b2-c3", "octocat_acme", &"a".repeat(39)] {
            assert_eq!(login.parse::<Owner>().unwrap().as_str(), login, "Input: {login}");
        }
    }

    /// T-060
    #[test]
    fn everything_else_is_refused() {
        let long = "a".repeat(40);
        for text in ["", "-a", "a-", "a--b", ".", "..", "a/b", "a b", "a.b", "é", "_a", "a_", "a_b_c", "a\n", "*", &long] {
            assert_eq!(text.parse::<Owner>(), Err(InvalidOwner), "Input: {text:?}");
        }
    }

    #[test]
    fn case_makes_no_other_owner() {
        let mut owners = std::collections::HashSet::new();
        owners.insert("Acme".parse::<Owner>().unwrap());
        assert!(owners.contains(&"aCME".parse::<Owner>().unwrap()));
    }
}
