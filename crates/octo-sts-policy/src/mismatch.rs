//! Why a policy does not admit a token.

use std::fmt;

use octo_sts_types::{Printable, RepositoryName};
use serde_json::Value;

/// The first requirement that a token does not meet.
///
/// `Display` quotes the policy, for those who may read it. A caller hears [`Mismatch::field`] and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch(Box<Reason>);

/// Which part of a policy a token fails: all that a caller may hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    /// `issuer` or `issuer_pattern`.
    Issuer,
    /// `subject` or `subject_pattern`.
    Subject,
    /// `audience` or `audience_pattern`, or the service's own audiences where the policy names none.
    Audience,
    /// One of `claim_pattern`.
    Claim,
    /// The owner, or another repository that has not consented.
    Repositories,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Issuer { required: String, actual: String },
    Subject { required: String, actual: String },
    Audience { required: String, actual: Vec<String> },
    ClaimMissing { name: String },
    Claim { name: String, required: String, actual: Value },
    ForeignOwner { owner: String },
    WrongScope,
    NeedsConsent { repository: RepositoryName },
}

impl Mismatch {
    pub(crate) fn new(reason: Reason) -> Self {
        Self(Box::new(reason))
    }

    /// What fails, for the caller.
    pub fn field(&self) -> Field {
        match *self.0 {
            Reason::Issuer { .. } => Field::Issuer,
            Reason::Subject { .. } => Field::Subject,
            Reason::Audience { .. } => Field::Audience,
            Reason::ClaimMissing { .. } | Reason::Claim { .. } => Field::Claim,
            Reason::ForeignOwner { .. } | Reason::WrongScope | Reason::NeedsConsent { .. } => Field::Repositories,
        }
    }

    /// The claim that fails, for those who may read the policy.
    pub fn claim(&self) -> Option<&str> {
        match &*self.0 {
            Reason::ClaimMissing { name } | Reason::Claim { name, .. } => Some(name),
            _ => None,
        }
    }
}

impl Field {
    /// A stable word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Subject => "subject",
            Self::Audience => "audience",
            Self::Claim => "claim",
            Self::Repositories => "repositories",
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Reason::Issuer { required, actual } => write!(f, "issuer `{}` is not {required}", Printable(actual)),
            Reason::Subject { required, actual } => write!(f, "subject `{}` is not {required}", Printable(actual)),
            Reason::Audience { required, actual } if actual.is_empty() => write!(f, "the token has no audience, and {required} is required"),
            Reason::Audience { required, actual } => write!(f, "audience `{}` is not {required}", Printable(&actual.join("`, `"))),
            Reason::ClaimMissing { name } => write!(f, "claim `{}` is missing", Printable(name)),
            Reason::Claim { name, required, actual } => {
                write!(f, "claim `{}` is `{}`, not {required}", Printable(name), Printable(&actual.to_string()))
            }
            Reason::ForeignOwner { owner } => write!(f, "the policy lists repositories of `{owner}`, and was asked for another owner"),
            Reason::WrongScope => write!(f, "a repository's policy gives nothing for a whole organisation"),
            Reason::NeedsConsent { repository } => write!(f, "the policy lists `{repository}`, which has to consent"),
        }
    }
}

impl std::error::Error for Mismatch {}

#[cfg(test)]
mod tests {
    use super::*;

    /// What each says to those who may read the policy, and what to everybody.
    #[test]
    fn a_caller_hears_the_field_and_an_author_the_reason() {
        let text = str::to_owned;
        for (reason, field, claim, expected) in [
            (Reason::Issuer { required: text("`a`"), actual: text("b") }, "issuer", None, "issuer `b` is not `a`"),
            (Reason::Subject { required: text("`a`"), actual: text("b\n") }, "subject", None, "subject `b\\u{a}` is not `a`"),
            (Reason::Audience { required: text("`a`"), actual: vec![] }, "audience", None, "the token has no audience, and `a` is required"),
            (Reason::Audience { required: text("`a`"), actual: vec![text("b"), text("c")] }, "audience", None, "audience `b`, `c` is not `a`"),
            (Reason::ClaimMissing { name: text("ref") }, "claim", Some("ref"), "claim `ref` is missing"),
            (Reason::Claim { name: text("ref"), required: text("`a`"), actual: Value::from(7) }, "claim", Some("ref"), "claim `ref` is `7`, not `a`"),
            (
                Reason::ForeignOwner { owner: text("acme") },
                "repositories",
                None,
                "the policy lists repositories of `acme`, and was asked for another owner",
            ),
            (Reason::WrongScope, "repositories", None, "a repository's policy gives nothing for a whole organisation"),
        ] {
            let mismatch = Mismatch::new(reason);
            assert_eq!((mismatch.field().as_str(), mismatch.claim(), mismatch.to_string().as_str()), (field, claim, expected));
        }
        let mismatch = Mismatch::new(Reason::NeedsConsent { repository: "web".parse().unwrap() });
        assert!(mismatch.field() == Field::Repositories && mismatch.to_string().contains("`web`"));
    }
}
