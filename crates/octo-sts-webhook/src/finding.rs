//! One thing to say about a file.

use octo_sts_github::{Annotation, AnnotationLevel};
use octo_sts_policy::{Code, Diagnostic, Severity};

/// Longest message of an annotation, in bytes; GitHub takes 64 KB.
const LONGEST_MESSAGE: usize = 4_096;

/// A finding: of the policy engine, or of what only GitHub knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) path: String,
    pub(crate) level: AnnotationLevel,
    /// The code of the policy engine, where it is one of its findings.
    pub(crate) code: Option<&'static str>,
    /// A few words.
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// First and last line, from 1.
    pub(crate) lines: (usize, usize),
    /// First and last column of a finding on one line.
    pub(crate) columns: Option<(usize, usize)>,
}

impl Finding {
    /// A finding about a file as a whole.
    pub(crate) fn error(path: &str, title: &str, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            level: AnnotationLevel::Failure,
            code: None,
            title: title.to_owned(),
            message: message.into(),
            hint: None,
            lines: (1, 1),
            columns: None,
        }
    }

    pub(crate) fn warning(path: &str, title: &str, message: impl Into<String>) -> Self {
        Self { level: AnnotationLevel::Warning, ..Self::error(path, title, message) }
    }

    /// A finding of the policy engine's list, about a file as a whole.
    pub(crate) fn of_code(path: &str, code: Code, message: impl Into<String>) -> Self {
        let level = level(code.severity());
        Self { level, code: Some(code.id()), hint: Some(code.remedy().to_owned()), ..Self::error(path, code.title(), message) }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    pub(crate) fn at_line(mut self, line: usize) -> Self {
        self.lines = (line, line);
        self
    }

    pub(crate) fn of_diagnostic(path: &str, diagnostic: &Diagnostic) -> Self {
        let level = level(diagnostic.severity());
        let span = &diagnostic.span;
        let columns = (span.line == span.end_line).then(|| (span.column, span.end_column.saturating_sub(1).max(span.column)));
        Self {
            path: path.to_owned(),
            level,
            code: Some(diagnostic.code.id()),
            title: diagnostic.code.title().to_owned(),
            message: diagnostic.message.clone(),
            hint: diagnostic.hint.clone(),
            lines: (span.line, span.end_line.max(span.line)),
            columns,
        }
    }

    pub(crate) fn is_error(&self) -> bool {
        self.level == AnnotationLevel::Failure
    }

    pub(crate) fn annotation(&self) -> Annotation {
        let mut message = self.message.clone();
        if let Some(hint) = &self.hint {
            message = format!("{message}\nHint: {hint}");
        }
        message.truncate(message.floor_char_boundary(LONGEST_MESSAGE));
        Annotation {
            path: self.path.clone(),
            start_line: self.lines.0,
            end_line: self.lines.1,
            start_column: self.columns.map(|(first, _)| first),
            end_column: self.columns.map(|(_, last)| last),
            level: self.level,
            message,
            title: self.code.map_or_else(|| self.title.clone(), |code| format!("{code}: {}", self.title)),
        }
    }
}

fn level(severity: Severity) -> AnnotationLevel {
    match severity {
        Severity::Error => AnnotationLevel::Failure,
        Severity::Warning => AnnotationLevel::Warning,
    }
}

/// The line of a text on which a field or list entry of this name stands; the first line where it cannot be found.
pub(crate) fn line_of(text: &str, name: &str) -> usize {
    let bare = |line: &str| line.trim_start().trim_start_matches("- ").trim_start_matches(['"', '\'']).starts_with(name);
    text.lines().position(bare).or_else(|| text.lines().position(|line| line.contains(name))).map_or(1, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use octo_sts_policy::{ParseOptions, PolicyKind, TrustPolicy};

    use super::*;

    #[test]
    fn a_diagnostic_becomes_an_annotation_at_its_place() {
        let text = "issuer: https://i.example\nsubject: s\nnonsense: 1\npermissions: {contents: read}\n";
        let found = TrustPolicy::parse(text, PolicyKind::Repository, &ParseOptions::default()).unwrap_err();
        let annotation = Finding::of_diagnostic("p", &found.errors()[0]).annotation();
        assert_eq!((annotation.start_line, annotation.end_line), (3, 3));
        assert_eq!((annotation.start_column, annotation.end_column), (Some(1), Some(8)));
        assert_eq!((annotation.title.as_str(), annotation.level), ("E011: unknown field", AnnotationLevel::Failure));
    }

    #[test]
    fn a_name_is_found_on_its_line() {
        let text = "issuer: x\npermissions:\n  contents: read\nrepositories:\n  - app\n  - \"other\"\n";
        assert_eq!((line_of(text, "contents"), line_of(text, "app"), line_of(text, "other"), line_of(text, "gone")), (3, 5, 6, 1));
    }
}
