//! JSON Schemas (2020-12) of the files that people write, for editors.
//!
//! A schema says less than `parse`: it never refuses what `parse` accepts under its default options.

mod guardrails;
mod issuer_allowlist;
mod parts;
mod policy_tests;
mod trust_policy;

use serde_json::Value;

use crate::PolicyKind;

/// A kind of file that has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// A trust policy in a repository.
    TrustPolicy,
    /// A trust policy in the organisation's policy repository.
    OrgTrustPolicy,
    /// The issuer allowlist.
    TrustedTokenIssuers,
    /// Guardrails.
    Guardrails,
    /// Test cases beside a policy.
    PolicyTests,
}

impl Schema {
    /// Every schema.
    pub const ALL: &[Self] = &[Self::TrustPolicy, Self::OrgTrustPolicy, Self::TrustedTokenIssuers, Self::Guardrails, Self::PolicyTests];

    /// Its name: `trust-policy`, and so on.
    pub fn name(self) -> &'static str {
        match self {
            Self::TrustPolicy => "trust-policy",
            Self::OrgTrustPolicy => "org-trust-policy",
            Self::TrustedTokenIssuers => "trusted-token-issuers",
            Self::Guardrails => "guardrails",
            Self::PolicyTests => "policy-tests",
        }
    }

    /// The schema with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|schema| schema.name() == name)
    }

    /// The schema itself.
    pub fn generate(self) -> Value {
        let mut schema = match self {
            Self::TrustPolicy => trust_policy::schema(PolicyKind::Repository),
            Self::OrgTrustPolicy => trust_policy::schema(PolicyKind::Organization),
            Self::TrustedTokenIssuers => issuer_allowlist::schema(),
            Self::Guardrails => guardrails::schema(),
            Self::PolicyTests => policy_tests::schema(),
        };
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
        schema
    }
}
