//! Guardrails: what an organisation or an operator bounds every policy by.
//!
//! One optional file, `.github/chainguard/guardrails.yaml` in the organisation's policy repository, bounds the policies in
//! its repositories; a file of the same form (`STS_GUARDRAILS_FILE`) bounds every policy of a service. A guardrail only ever
//! takes away, save for `delegation`, which lets one repository's policy reach others and says so.
//!
//! | Field | Bounds |
//! |---|---|
//! | `mode` | `enforce` (default), or `audit`: refusals are only recorded |
//! | `policy_source` | `org`: policies in repositories give nothing; `any` (default) |
//! | `permissions` | the most that is given: name → level; what is not listed is not given |
//! | `denied_permissions` | names that are never given |
//! | `issuers` | who may get what: `any`, a level and above, or a permission → list of issuers |
//! | `require_claims` | claims that a policy has to pin |
//! | `refuse_events` | values of `event_name` that get nothing |
//! | `delegation` | `from` whose policies `to` whose repositories, at most `permissions` |
//! | `max_token_life` | longest time between `iat` and `exp` of the caller's token |
//! | `single_use` | a token, by its `jti`, counts once |

mod judge;
mod preview;
mod read;
mod rules;

use std::time::Duration;

use octo_sts_types::{Permission, Permissions, RepositoryName};

pub use judge::{Finding, GuardrailRefusal, JudgedRequest, Judgement};
use rules::{Delegation, IssuerRule, RequiredClaims};

use crate::{Diagnostics, Mode, Parsed, diagnostics::Reporter};

/// Bounds on what policies give.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guardrails {
    mode: Mode,
    organization_only: bool,
    ceiling: Option<Permissions>,
    denied: Vec<Permission>,
    issuers: Vec<IssuerRule>,
    required_claims: Vec<RequiredClaims>,
    refused_events: Vec<Box<str>>,
    delegations: Vec<Delegation>,
    longest_life: Option<Duration>,
    single_use: bool,
}

/// What an organisation lets one repository's policies do in another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delegated<'g> {
    /// The most they may give there; `None`: what they say.
    pub at_most: Option<&'g Permissions>,
}

impl Guardrails {
    /// Its path in the policy repository.
    pub const PATH: &str = ".github/chainguard/guardrails.yaml";

    /// Compiles guardrails, or says everything that is wrong with them.
    pub fn parse(text: &str) -> Result<Parsed<Self>, Diagnostics> {
        let mut reporter = Reporter::new(text);
        let guardrails = read::guardrails(&mut reporter);
        reporter.finish(guardrails)
    }

    /// Whether they are enforced.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether, and for how much, policies in the repository `from` may reach the repository `to`. In either mode: a
    /// delegation is consent, not a bound.
    pub fn delegated(&self, from: &RepositoryName, to: &RepositoryName) -> Option<Delegated<'_>> {
        let rule = self.delegations.iter().find(|rule| rule.from.contains(from) && rule.to.contains(to))?;
        Some(Delegated { at_most: rule.permissions.as_ref() })
    }
}
