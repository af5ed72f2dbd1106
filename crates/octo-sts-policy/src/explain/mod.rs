//! Why a token is or is not admitted, clause by clause, for those who may read the policy.

mod github;
mod notes;

use std::fmt;

use octo_sts_types::{ClaimSet, Printable};
use serde::Serialize;
use serde_json::Value;

use crate::{MatchContext, Requirement, TrustPolicy, claim_value, diagnostics::quoted};

/// Every clause of a policy against one token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Whether the token is admitted: every clause is met.
    pub admitted: bool,
    /// In the order of the policy: issuer, subject, audience, claims.
    pub clauses: Vec<Clause>,
    /// Lines that would admit this token if they stood in the policy.
    pub suggestions: Vec<String>,
}

/// One requirement against what the token has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Clause {
    /// `issuer`, `subject`, `audience`, or ``claim `name` ``.
    pub name: String,
    /// What the policy requires.
    pub required: String,
    /// What the token has.
    pub actual: String,
    /// Whether that is enough.
    pub met: bool,
    /// What the difference is, where it is a known one.
    pub note: Option<String>,
}

impl TrustPolicy {
    /// Compares every clause with the token, also after the first that fails.
    pub fn explain(&self, claims: &ClaimSet, context: &MatchContext<'_>) -> Explanation {
        let mut clauses = vec![self.explain_issuer(claims), self.explain_subject(claims), self.explain_audience(claims, context)];
        clauses.extend(self.claim_names().map(|name| self.explain_claim(claims, name)));
        let admitted = clauses.iter().all(|clause| clause.met);
        let suggestions = if admitted { Vec::new() } else { suggestions(claims, &clauses) };
        Explanation { admitted, clauses, suggestions }
    }

    fn explain_issuer(&self, claims: &ClaimSet) -> Clause {
        let actual = claims.issuer().as_str();
        let met = self.admits_issuer(claims).is_ok();
        let note = if met { None } else { notes::issuer(self.issuer(), actual) };
        Clause { name: "issuer".to_owned(), required: self.issuer().to_string(), actual: code(actual), met, note }
    }

    fn explain_subject(&self, claims: &ClaimSet) -> Clause {
        let actual = claims.subject().as_str();
        let met = self.admits_subject(claims).is_ok();
        let note = if met { None } else { github::immutable_form(self.subject(), actual).or_else(|| notes::text(self.subject(), actual)) };
        Clause { name: "subject".to_owned(), required: self.subject().to_string(), actual: code(actual), met, note }
    }

    fn explain_audience(&self, claims: &ClaimSet, context: &MatchContext<'_>) -> Clause {
        let required = self.audience().map_or_else(|| context.describe_default_audiences(), ToString::to_string);
        let audiences = claims.audiences();
        let actual = if audiences.is_empty() {
            "none".to_owned()
        } else {
            audiences.iter().map(|audience| code(audience.as_str())).collect::<Vec<_>>().join(", ")
        };
        let met = self.admits_audience(claims, context).is_ok();
        let note = (!met).then(|| notes::audience(self.audience(), audiences)).flatten();
        Clause { name: "audience".to_owned(), required, actual, met, note }
    }

    fn explain_claim(&self, claims: &ClaimSet, name: &str) -> Clause {
        let pattern = self.claims().find(|(required, _)| *required == name).map(|(_, pattern)| Requirement::Pattern(pattern.clone()));
        let value = claim_value::find(claims, name);
        let met = self.admits_claim(claims, name).is_ok();
        let note = match (&pattern, value) {
            _ if met => None,
            (Some(pattern), Some(Value::String(text))) => notes::text(pattern, text),
            (_, Some(value @ (Value::Null | Value::Object(_)))) => notes::shape(value),
            (_, None) => notes::missing_claim(claims, name),
            _ => None,
        };
        Clause {
            name: format!("claim `{}`", Printable(name)),
            required: pattern.map(|pattern| pattern.to_string()).unwrap_or_default(),
            actual: value.map_or_else(|| "no such claim".to_owned(), shown),
            met,
            note,
        }
    }
}

/// The lines for issuer, subject and audience that this very token needs.
fn suggestions(claims: &ClaimSet, clauses: &[Clause]) -> Vec<String> {
    let unmet = |name: &str| clauses.iter().any(|clause| clause.name == name && !clause.met);
    let mut lines = Vec::new();
    if unmet("issuer") {
        lines.push(format!("issuer: {}", quoted(claims.issuer().as_str())));
    }
    if unmet("subject") {
        lines.push(format!("subject: {}", quoted(claims.subject().as_str())));
    }
    if let Some(audience) = claims.audiences().first().filter(|_| unmet("audience")) {
        lines.push(format!("audience: {}", quoted(audience.as_str())));
    }
    lines
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| code(&value.to_string()), code)
}

fn code(text: &str) -> String {
    format!("`{}`", Printable(text))
}

/// For a terminal: a line for each clause, notes below them, then what would admit the token.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for clause in &self.clauses {
            let Clause { name, required, actual, met, note } = clause;
            writeln!(f, "{} {name}", if *met { "ok  " } else { "FAIL" })?;
            writeln!(f, "     requires {required}\n     token has {actual}")?;
            if let Some(note) = note {
                writeln!(f, "     note: {note}")?;
            }
        }
        writeln!(f, "{}", if self.admitted { "The token is admitted." } else { "The token is not admitted." })?;
        if !self.suggestions.is_empty() {
            writeln!(f, "To admit exactly this token, write:")?;
        }
        self.suggestions.iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}
