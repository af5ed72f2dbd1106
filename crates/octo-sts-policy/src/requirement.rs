//! What is required of one value.

use std::fmt;

use octo_sts_types::ClaimSet;

use crate::{Pattern, claim_value};

/// What a policy requires of an issuer, subject, audience, App or claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// The value is this text, byte for byte.
    Exact(Box<str>),
    /// The whole value matches this pattern.
    Pattern(Pattern),
}

impl Requirement {
    /// Whether a value meets it.
    pub fn admits(&self, value: &str) -> bool {
        match self {
            Self::Exact(text) => **text == *value,
            Self::Pattern(pattern) => pattern.matches(value),
        }
    }

    /// Whether the claim of this name, or path, is there and meets it; of an array any entry may.
    pub fn admits_claim(&self, claims: &ClaimSet, name: &str) -> bool {
        claim_value::find(claims, name).is_some_and(|value| claim_value::any(value, |text| self.admits(text)))
    }

    /// The text or the pattern, as written.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Exact(text) => text,
            Self::Pattern(pattern) => pattern.as_str(),
        }
    }

    pub(crate) fn exact(&self) -> Option<&str> {
        match self {
            Self::Exact(text) => Some(text),
            Self::Pattern(_) => None,
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(text) => write!(f, "`{text}`"),
            Self::Pattern(pattern) => write!(f, "a match of `{}`", pattern.as_str()),
        }
    }
}
