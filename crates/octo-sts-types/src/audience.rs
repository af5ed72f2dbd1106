//! One entry of the `aud` of a token.

use std::fmt;

use crate::printable::is_invisible;

/// Longest audience, in characters.
const LONGEST: usize = 255;
/// Characters that upstream refuses in an audience; kept so that a policy means the same here.
const FORBIDDEN: &str = "\"'`\\<>;|&$(){}[]@";

/// For whom a token was issued.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Audience(Box<str>);

/// Why a text is not an audience.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an audience is 1 to 255 characters without white space, control characters or any of {FORBIDDEN}")]
pub struct InvalidAudience;

impl Audience {
    /// Checks the grammar.
    pub fn parse(text: &str) -> Result<Self, InvalidAudience> {
        let odd = |c: char| c.is_whitespace() || c.is_control() || is_invisible(c) || FORBIDDEN.contains(c);
        if text.is_empty() || text.chars().count() > LONGEST || text.contains(odd) {
            return Err(InvalidAudience);
        }
        Ok(Self(text.into()))
    }

    /// The audience, byte for byte.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_urls_and_names_are_audiences() {
        for text in ["octo-sts.dev", "https://github.com/acme/app", "api://AzureADTokenExchange", "a,b", "\u{fffd}", &"é".repeat(255)] {
            assert!(Audience::parse(text).is_ok(), "Input: {text}");
        }
    }

    /// T-027
    #[test]
    fn everything_upstream_refuses_is_refused() {
        let long = "é".repeat(256);
        for text in ["", "a b", "a@b", "auth0|1", "a\nb", "a\u{a0}b", "a\u{2028}b", "\u{feff}a", "a\u{202e}b", "a'b", "a[b", "a$b", &long] {
            assert_eq!(Audience::parse(text), Err(InvalidAudience), "Input: {text:?}");
        }
    }
}
