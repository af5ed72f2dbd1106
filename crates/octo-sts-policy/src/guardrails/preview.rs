//! What guardrails make of a policy before any token is there, for those who review it.

use octo_sts_types::Permissions;

use super::{Finding, GuardrailRefusal, Guardrails};
use crate::{PolicyKind, Requirement, TrustPolicy};

impl Guardrails {
    /// What is taken from everybody whom the policy admits. Rules that depend on the token are left out, and rules about issuers
    /// where the policy has a pattern for its issuer.
    pub fn preview(&self, policy: &TrustPolicy) -> Vec<Finding> {
        let mut findings = Vec::new();
        if self.organization_only && policy.kind() == PolicyKind::Repository {
            findings.push(Finding::Refused(GuardrailRefusal::PolicySource));
        }
        let (left, lowered) = match policy.issuer() {
            Requirement::Exact(issuer) => {
                let unpinned = self.required_claims.iter().filter(|rule| !rule.are_pinned(policy, issuer));
                let claims = unpinned.map(|rule| rule.any_of.iter().map(ToString::to_string).collect());
                findings.extend(claims.map(|claims| Finding::Refused(GuardrailRefusal::UnpinnedClaims(claims))));
                self.lower(issuer, policy.permissions())
            }
            Requirement::Pattern(_) => self.lower_for_everybody(policy.permissions()),
        };
        findings.extend(lowered);
        if left.is_none() {
            findings.push(Finding::Refused(GuardrailRefusal::NothingLeft));
        }
        findings
    }

    fn lower_for_everybody(&self, given: &Permissions) -> (Option<Permissions>, Vec<Finding>) {
        let for_everybody = Self { issuers: Vec::new(), ..self.clone() };
        for_everybody.lower("", given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ParseOptions;

    fn preview(guardrails: &str, policy: &str) -> Vec<String> {
        let guardrails = Guardrails::parse(guardrails).unwrap().value;
        let policy = TrustPolicy::parse(policy, PolicyKind::Repository, &ParseOptions::default()).unwrap().value;
        guardrails.preview(&policy).iter().map(ToString::to_string).collect()
    }

    const POLICY: &str = "issuer: https://i.example\nsubject: s\npermissions: {contents: write, issues: read}\n";

    #[test]
    fn what_holds_for_every_token_is_said() {
        assert_eq!(preview("permissions: {contents: read, issues: read}", POLICY), ["`contents: write` is lowered to `read`"]);
        let nothing = preview("denied_permissions: [contents, issues]", POLICY);
        assert_eq!(nothing.last().unwrap(), "refused: nothing of what the policy gives is left");
        let source = preview("policy_source: org", POLICY);
        assert_eq!(source, ["refused: policies in repositories give nothing here; the organisation's policy repository does"]);
    }

    #[test]
    fn rules_about_tokens_and_unknown_issuers_are_left_out() {
        assert_eq!(preview("max_token_life: 5m\nsingle_use: true", POLICY), [""; 0]);
        let issuers = "issuers: {any: ['https://other.example']}";
        assert_eq!(preview(issuers, POLICY).len(), 3);
        assert_eq!(preview(issuers, &POLICY.replace("issuer: https://i.example", "issuer_pattern: https://[a-z]+\\.example")), [""; 0]);
    }
}
