//! For programs.

use serde_json::{Value, json};

use super::FileReport;
use crate::diagnostics::Diagnostic;

/// A list of findings, those of one file after those of the other.
pub fn json(reports: &[FileReport<'_>]) -> Value {
    reports.iter().flat_map(|report| report.diagnostics.iter().map(|diagnostic| finding(report.path, diagnostic))).collect()
}

fn finding(path: &str, diagnostic: &Diagnostic) -> Value {
    let span = &diagnostic.span;
    json!({
        "path": path,
        "code": diagnostic.code,
        "severity": diagnostic.severity(),
        "title": diagnostic.code.title(),
        "message": diagnostic.message,
        "hint": diagnostic.hint,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
        "bytes": [span.bytes.start, span.bytes.end],
    })
}
