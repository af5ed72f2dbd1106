//! SARIF 2.1.0 (OASIS), for code scanning.

use serde_json::{Value, json};

use super::FileReport;
use crate::diagnostics::{Code, Diagnostic, Severity};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// One run over these files; `version` is the program's.
pub fn sarif(reports: &[FileReport<'_>], version: &str) -> Value {
    let results: Vec<_> = reports.iter().flat_map(|report| report.diagnostics.iter().map(|diagnostic| result(report.path, diagnostic))).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "octo-sts", "version": version, "rules": Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>()}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn rule(code: Code) -> Value {
    json!({
        "id": code,
        "shortDescription": {"text": code.title()},
        "fullDescription": {"text": code.meaning()},
        "help": {"text": code.remedy()},
        "defaultConfiguration": {"level": level(code.severity())},
    })
}

fn result(path: &str, diagnostic: &Diagnostic) -> Value {
    let span = &diagnostic.span;
    let text = match &diagnostic.hint {
        Some(hint) => format!("{} Hint: {hint}.", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    json!({
        "ruleId": diagnostic.code,
        "ruleIndex": Code::ALL.iter().position(|code| *code == diagnostic.code),
        "level": level(diagnostic.severity()),
        "message": {"text": text},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(path)},
            "region": {"startLine": span.line, "startColumn": span.column, "endLine": span.end_line, "endColumn": span.end_column},
        }}],
    })
}

/// A relative path as a URI reference (RFC 3986).
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    path.replace('\\', "/").bytes().fold(String::new(), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
        uri
    })
}
