//! A grant against guardrails.

use std::{fmt, time::Duration};

use octo_sts_types::{ClaimSet, Grant, Level, Permission, Permissions, Printable};
use serde_json::Value;

use super::Guardrails;
use crate::{Mode, PolicyKind, TrustPolicy, claim_value, duration};

/// What is judged: the policy that gives, and the token it gives to.
#[derive(Clone, Copy, Debug)]
pub struct JudgedRequest<'a> {
    /// The policy.
    pub policy: &'a TrustPolicy,
    /// The members of the caller's token.
    pub claims: &'a ClaimSet,
}

/// What guardrails make of a grant.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// What is left of the grant, never more than it was. In audit mode, all of it.
    pub outcome: Result<Grant, GuardrailRefusal>,
    /// What was taken away or refused; in audit mode, what would have been.
    pub findings: Vec<Finding>,
    /// Whether the token, by its `jti`, may be used this once only.
    pub single_use: bool,
}

/// One thing that guardrails take away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A permission is lowered, or not given at all.
    Lowered {
        /// Which one.
        permission: Permission,
        /// From the level the policy gives.
        from: Level,
        /// To this one; `None`: it is not given.
        to: Option<Level>,
    },
    /// The whole grant is refused.
    Refused(GuardrailRefusal),
}

/// Why guardrails refuse a grant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GuardrailRefusal {
    /// `policy_source: org`
    #[error("policies in repositories give nothing here; the organisation's policy repository does")]
    PolicySource,
    /// `refuse_events`
    #[error("the event `{}` gets nothing", Printable(.0))]
    Event(String),
    /// `require_claims`
    #[error("the policy does not pin any of the claims `{}`", .0.join("`, `"))]
    UnpinnedClaims(Vec<String>),
    /// `max_token_life`
    #[error("the caller's token is good for longer than {}", duration::print(*.0))]
    TokenLife(Duration),
    /// `max_token_life`, of a token that does not say
    #[error("the caller's token does not say how long it is good for (`iat` and `exp`)")]
    NoTokenLife,
    /// `single_use`
    #[error("the caller's token has no `jti`, by which it would count once")]
    NoTokenId,
    /// `permissions`, `denied_permissions` and `issuers` together
    #[error("nothing of what the policy gives is left")]
    NothingLeft,
}

impl Guardrails {
    /// What is left of a grant. Pure: whether a `jti` was used before is for the caller to find out.
    pub fn judge(&self, request: &JudgedRequest<'_>, grant: &Grant) -> Judgement {
        let mut findings: Vec<_> = self.refusals(request).into_iter().map(Finding::Refused).collect();
        let (left, lowered) = self.lower(request.claims.issuer().as_str(), grant.permissions());
        findings.extend(lowered);
        let narrowed = left.and_then(|left| grant.narrowed(&left));
        if narrowed.is_none() {
            findings.push(Finding::Refused(GuardrailRefusal::NothingLeft));
        }
        if self.mode == Mode::Audit {
            return Judgement { outcome: Ok(grant.clone()), findings, single_use: false };
        }
        let refusal = findings.iter().find_map(|finding| match finding {
            Finding::Refused(refusal) => Some(refusal.clone()),
            Finding::Lowered { .. } => None,
        });
        let outcome = match (refusal, narrowed) {
            (None, Some(narrowed)) => Ok(narrowed),
            (refusal, _) => Err(refusal.unwrap_or(GuardrailRefusal::NothingLeft)),
        };
        Judgement { outcome, findings, single_use: self.single_use }
    }

    fn refusals(&self, request: &JudgedRequest<'_>) -> Vec<GuardrailRefusal> {
        let mut refusals = Vec::new();
        if self.organization_only && request.policy.kind() == PolicyKind::Repository {
            refusals.push(GuardrailRefusal::PolicySource);
        }
        refusals.extend(self.refused_event(request.claims));
        let issuer = request.claims.issuer().as_str();
        for rule in self.required_claims.iter().filter(|rule| !rule.are_pinned(request.policy, issuer)) {
            refusals.push(GuardrailRefusal::UnpinnedClaims(rule.any_of.iter().map(ToString::to_string).collect()));
        }
        refusals.extend(self.longest_life.and_then(|longest| check_life(request.claims, longest).err()));
        if self.single_use && !request.claims.member("jti").is_some_and(|id| matches!(id, Value::String(id) if !id.is_empty())) {
            refusals.push(GuardrailRefusal::NoTokenId);
        }
        refusals
    }

    fn refused_event(&self, claims: &ClaimSet) -> Option<GuardrailRefusal> {
        let event = claims.member("event_name")?;
        let refused = self.refused_events.iter().find(|refused| claim_value::any(event, |event| event == &***refused))?;
        Some(GuardrailRefusal::Event(refused.to_string()))
    }

    /// What is left of permissions, and what was lowered.
    pub(super) fn lower(&self, issuer: &str, given: &Permissions) -> (Option<Permissions>, Vec<Finding>) {
        let mut findings = Vec::new();
        let mut left = Vec::new();
        for (permission, level) in given.iter() {
            let most = self.most(permission, level, issuer);
            if most != Some(level) {
                findings.push(Finding::Lowered { permission, from: level, to: most });
            }
            left.extend(most.map(|most| (permission, most)));
        }
        (Permissions::new(left).ok(), findings)
    }

    /// The highest level of `permission`, up to `level`, that every rule gives to tokens of `issuer`.
    fn most(&self, permission: Permission, level: Level, issuer: &str) -> Option<Level> {
        if self.denied.contains(&permission) {
            return None;
        }
        let under_ceiling = match &self.ceiling {
            Some(ceiling) => level.min(ceiling.level(permission)?),
            None => level,
        };
        let most = self.issuers.iter().try_fold(under_ceiling, |level, rule| rule.most(permission, level, issuer))?;
        permission.levels().contains(&most).then_some(most)
    }
}

fn check_life(claims: &ClaimSet, longest: Duration) -> Result<(), GuardrailRefusal> {
    let time = |name| claims.time(name).ok().flatten().ok_or(GuardrailRefusal::NoTokenLife);
    let seconds = time("exp")?.as_second() - time("iat")?.as_second();
    match u64::try_from(seconds) {
        Ok(seconds) if seconds <= longest.as_secs() => Ok(()),
        Ok(_) => Err(GuardrailRefusal::TokenLife(longest)),
        // It ends before it begins: no length of time at all.
        Err(_) => Err(GuardrailRefusal::NoTokenLife),
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lowered { permission, from, to: Some(to) } => write!(f, "`{permission}: {from}` is lowered to `{to}`"),
            Self::Lowered { permission, from, to: None } => write!(f, "`{permission}: {from}` is not given"),
            Self::Refused(refusal) => write!(f, "refused: {refusal}"),
        }
    }
}
