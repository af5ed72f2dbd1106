//! Policy and claims, and what there is to show of them.

use jiff::Timestamp;
use octo_sts_policy::{Code, Diagnostic, Explanation, MatchContext, PolicyKind, Severity, Span, TrustPolicy};
use octo_sts_types::{ClaimSet, InvalidScope, Permissions, Scope};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{
    pasted::{Form, Pasted},
    question::Question,
};

/// Stands for a scope that nobody named.
const NO_SCOPE: &str = "OWNER/REPOSITORY";
/// What is answered should an answer have no form in JSON.
pub(super) const UNWRITABLE: &str = r#"{"fault":"the answer cannot be written"}"#;

/// Everything the page shows.
#[derive(Serialize)]
pub(super) struct Answer<'a> {
    verdict: Verdict,
    scope: AskedFor,
    findings: Vec<Finding<'a>>,
    token: Option<Seen<'a>>,
    explanation: Option<Explanation>,
    gives: Option<Gives>,
}

/// What it comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// Every clause is met.
    Admitted,
    /// A clause is not.
    Refused,
    /// The policy has an error, so it admits nobody.
    Invalid,
    /// Something is missing yet, or cannot be read.
    Unfinished,
}

/// What the token is asked to be exchanged for.
#[derive(Serialize)]
struct AskedFor {
    /// `OWNER` or `OWNER/REPOSITORY`.
    name: Option<String>,
    /// Whether the policy is the organisation's.
    organization: bool,
    /// Why what was written is no scope.
    fault: Option<String>,
}

/// A finding, with what its code means.
#[derive(Serialize)]
struct Finding<'a> {
    severity: Severity,
    title: &'static str,
    meaning: &'static str,
    remedy: &'static str,
    code: Code,
    span: &'a Span,
    message: &'a str,
    hint: Option<&'a str>,
}

/// The token as it was read.
#[derive(Serialize)]
struct Seen<'a> {
    form: Form,
    fault: Option<String>,
    /// Of a token, what it says; claims that were pasted are seen as they are.
    claims: Option<&'a Map<String, Value>>,
    /// When it ended, if it did.
    ended: Option<String>,
}

/// What the bearer gets.
#[derive(Serialize)]
struct Gives {
    permissions: Permissions,
    /// The repositories that the policy lists.
    repositories: Option<Vec<String>>,
    /// Those that have to consent first, by their own policies.
    consent: Vec<String>,
    /// The App that has to mint.
    app: Option<String>,
    /// Whether the policy brings its issuer's keys, which count where the operator says so.
    keys: bool,
}

/// Puts the policy and the token of a question side by side.
pub(super) fn judge(question: &Question<'_>) -> String {
    let pasted = Pasted::read(&question.token);
    let (scope, fault) = match scope(&question.scope, pasted.as_ref()) {
        Ok(scope) => (Some(scope), None),
        Err(fault) => (None, Some(fault)),
    };
    let kind = scope.as_ref().map_or(PolicyKind::Repository, |scope| question.service.kind(scope));
    let parsed = TrustPolicy::parse(&question.policy, kind, &question.service.options(scope.as_ref().map(Scope::owner)));
    let (policy, diagnostics) = match &parsed {
        Ok(parsed) => (Some(&parsed.value), parsed.warnings.iter().collect()),
        Err(found) => (None, found.iter().collect::<Vec<_>>()),
    };
    let sides = policy.zip(pasted.as_ref().and_then(|pasted| pasted.claims.as_ref().ok())).zip(scope.as_ref());
    let explanation =
        sides.map(|((policy, claims), scope)| policy.explain(claims, &MatchContext { scope, default_audiences: &question.service.audiences }));
    let written = !question.policy.trim().is_empty();
    let admitted = explanation.as_ref().map(|explanation| explanation.admitted);
    let verdict = if written { Verdict::of(policy.is_some(), admitted) } else { Verdict::Unfinished };
    let answer = Answer {
        verdict,
        findings: diagnostics.into_iter().filter(|_| written).map(Finding::from).collect(),
        token: pasted.as_ref().map(|pasted| Seen::of(pasted, question.now)),
        gives: policy.zip(scope.as_ref()).filter(|_| verdict == Verdict::Admitted).map(|(policy, scope)| Gives::of(policy, scope)),
        scope: AskedFor { name: scope.map(|scope| scope.to_string()), organization: kind == PolicyKind::Organization, fault },
        explanation,
    };
    serde_json::to_string(&answer).unwrap_or_else(|_| UNWRITABLE.to_owned())
}

/// The scope that is asked for; where nobody says one, the token's own repository.
fn scope(written: &str, pasted: Option<&Pasted>) -> Result<Scope, String> {
    let own = || pasted.and_then(Pasted::own_scope);
    match written.trim() {
        "" => own().map_or_else(|| NO_SCOPE.parse(), Ok),
        written => written.parse(),
    }
    .map_err(|fault: InvalidScope| fault.to_string())
}

impl Verdict {
    fn of(valid: bool, admitted: Option<bool>) -> Self {
        match (valid, admitted) {
            (false, _) => Self::Invalid,
            (true, None) => Self::Unfinished,
            (true, Some(true)) => Self::Admitted,
            (true, Some(false)) => Self::Refused,
        }
    }
}

impl<'a> From<&'a Diagnostic> for Finding<'a> {
    fn from(found: &'a Diagnostic) -> Self {
        let Diagnostic { code, span, message, hint } = found;
        Self {
            severity: found.severity(),
            code: *code,
            title: code.title(),
            meaning: code.meaning(),
            remedy: code.remedy(),
            span,
            message,
            hint: hint.as_deref(),
        }
    }
}

impl<'a> Seen<'a> {
    fn of(pasted: &'a Pasted, now: i64) -> Self {
        let ended = Timestamp::from_second(now).ok().and_then(|now| pasted.ended(now));
        Self {
            form: pasted.form,
            fault: pasted.claims.as_ref().err().map(ToString::to_string),
            claims: pasted.claims.as_ref().ok().filter(|_| pasted.form == Form::Token).map(ClaimSet::members),
            ended: ended.map(|end| end.to_string()),
        }
    }
}

impl Gives {
    fn of(policy: &TrustPolicy, scope: &Scope) -> Self {
        Self {
            permissions: policy.permissions().clone(),
            repositories: policy.repositories().map(|names| names.iter().map(ToString::to_string).collect()),
            consent: policy.repositories_to_ask(scope).map(ToString::to_string).collect(),
            app: policy.app().map(|app| app.requirement().to_string()),
            keys: policy.jwks().is_some(),
        }
    }
}
