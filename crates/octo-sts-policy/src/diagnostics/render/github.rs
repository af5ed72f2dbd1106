//! For logs of GitHub Actions: workflow commands that become annotations at the lines of a pull request.

use super::FileReport;
use crate::diagnostics::{Diagnostic, Severity};

/// One `::error` or `::warning` line for each finding.
pub fn github(report: &FileReport<'_>) -> String {
    report.diagnostics.iter().map(|diagnostic| command(report.path, diagnostic)).collect()
}

fn command(path: &str, diagnostic: &Diagnostic) -> String {
    let word = match diagnostic.severity() {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let span = &diagnostic.span;
    let title = format!("{}: {}", diagnostic.code, diagnostic.code.title());
    // GitHub takes columns only where the line is one.
    let columns = if span.line == span.end_line {
        format!(",col={},endColumn={}", span.column, span.end_column.max(span.column + 1) - 1)
    } else {
        String::new()
    };
    let hint = diagnostic.hint.as_ref().map(|hint| format!("\nHint: {hint}")).unwrap_or_default();
    format!(
        "::{word} file={},line={},endLine={}{columns},title={}::{}\n",
        property(path),
        span.line,
        span.end_line,
        property(&title),
        data(&format!("{}{hint}", diagnostic.message)),
    )
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
