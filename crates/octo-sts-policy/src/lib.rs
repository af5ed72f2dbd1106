//! Trust policies: who may act as an identity, and what they receive.
//!
//! Text and claims come in as arguments: nothing in this crate reads a network, a file or a clock. The exchange, the webhook
//! and the command line call the same `parse`, so a file that passes the check is a file the exchange accepts.
//!
//! [`TrustPolicy::grant`] is the only way from verified claims to a [`Grant`](octo_sts_types::Grant), and only a grant is
//! minted.

mod automaton;
mod claim_value;
mod consent;
pub mod diagnostics;
mod duration;
mod explain;
mod fields;
mod file_kind;
pub mod go_regex;
mod guardrails;
mod issuer_allowlist;
mod lint;
mod mismatch;
mod pattern;
mod policy_tests;
mod requirement;
mod schema;
mod trust_policy;
mod yaml;

pub use claim_value::find as find_claim;
pub use consent::{Consent, ConsentError};
pub use diagnostics::{Class, Code, Diagnostic, Diagnostics, Parsed, Severity, Span};
pub use explain::{Clause, Explanation};
pub use file_kind::{DIRECTORY, FileKind, is_central, tests_name};
pub use guardrails::{Delegated, Finding, GuardrailRefusal, Guardrails, JudgedRequest, Judgement};
pub use issuer_allowlist::{IssuerAllowlist, Mode};
pub use mismatch::{Field, Mismatch};
pub use pattern::{LONGEST_PATTERN, Pattern, PatternError};
pub use policy_tests::{PolicyTest, PolicyTests, TestOutcome};
pub use requirement::Requirement;
pub use schema::Schema;
pub use trust_policy::{AppRequirement, MatchContext, OrgPermissions, ParseOptions, PolicyKind, TrustPolicy};
pub use yaml::LARGEST_FILE;
