//! One file, judged: the policy engine's own `parse` says what is valid, and this adds what only folders show.

use std::{fs::File, path::Path};

use octo_sts_policy::{Code, Diagnostic, Diagnostics, FileKind, Guardrails, IssuerAllowlist, Parsed, PolicyTests, Severity, Span, TrustPolicy};

use super::{
    files::{self, Found},
    reading::ReadingArgs,
};

/// A file and what was found in it.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub(super) path: String,
    pub(super) text: String,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Judged {
    pub(super) fn count(&self, severity: Severity) -> usize {
        self.diagnostics.iter().filter(|found| found.severity() == severity).count()
    }
}

/// Reads a file and judges it.
pub(super) fn file(found: &Found, reading: &ReadingArgs) -> Judged {
    let text = open(&found.path);
    let mut judged = match text {
        Ok(text) => judge(text, found, reading),
        Err(why) => Judged { path: String::new(), text: String::new(), diagnostics: vec![about_the_file(Code::UnreadableFile, why, None)] },
    };
    judged.path = found.path.display().to_string();
    judged.diagnostics.extend(beside(found));
    judged
}

/// The text of a file, or why there is none.
pub(super) fn open(path: &Path) -> Result<String, String> {
    File::open(path).map_err(|error| format!("The file cannot be read: {error}.")).and_then(files::read)
}

/// Judges text that was read.
pub(super) fn judge(text: String, found: &Found, reading: &ReadingArgs) -> Judged {
    let diagnostics = match &found.kind {
        FileKind::Policy(_) => findings(TrustPolicy::parse(&text, reading.kind(found.in_policy_repository), &reading.options(None))),
        FileKind::Tests(_) => findings(PolicyTests::parse(&text)),
        FileKind::Allowlist => findings(IssuerAllowlist::parse(&text)),
        FileKind::Guardrails => findings(Guardrails::parse(&text)),
        FileKind::Unreachable { why, hint } => {
            vec![about_the_file(Code::UnreachableFile, format!("No exchange can ask for this file. {why}"), hint.clone())]
        }
    };
    Judged { path: found.path.display().to_string(), text, diagnostics }
}

/// What is wrong with the files beside it.
fn beside(found: &Found) -> Option<Diagnostic> {
    match found.kind {
        FileKind::Guardrails if !found.path.with_file_name(allowlist()).is_file() => Some(about_the_file(
            Code::GuardrailsNotInForce,
            format!("Without `{}` beside them, these guardrails do not count.", allowlist()),
            Some(format!("add `{}`; with `mode: audit` it refuses nobody", IssuerAllowlist::PATH)),
        )),
        FileKind::Tests(_) if found.partner().is_some_and(|policy| !policy.is_file()) => Some(about_the_file(
            Code::CasesWithoutPolicy,
            "There is no policy beside these cases that they are for.".to_owned(),
            found.partner().and_then(|policy| Some(format!("add `{}`", policy.file_name()?.to_str()?))),
        )),
        _ => None,
    }
}

/// The name of the file without which guardrails do not count.
fn allowlist() -> &'static str {
    IssuerAllowlist::PATH.rsplit('/').next().unwrap_or(IssuerAllowlist::PATH)
}

fn findings<T>(outcome: Result<Parsed<T>, Diagnostics>) -> Vec<Diagnostic> {
    match outcome {
        Ok(parsed) => parsed.warnings,
        Err(found) => found.iter().cloned().collect(),
    }
}

/// A finding that has no place in the text.
fn about_the_file(code: Code, message: String, hint: Option<String>) -> Diagnostic {
    Diagnostic { code, span: Span { bytes: 0..0, line: 1, column: 1, end_line: 1, end_column: 1 }, message, hint }
}
