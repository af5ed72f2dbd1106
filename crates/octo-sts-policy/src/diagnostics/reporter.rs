//! Gathers what is found while a file is read.

use std::ops::Range;

use super::{Code, Diagnostic, Diagnostics, Parsed, Severity, source::Source, suggest::closest};
use crate::{go_regex::MOST_WORK, yaml::is_invisible};

/// Most errors, and most warnings, that one file gives.
const MOST: usize = 100;

pub(crate) struct Reporter<'t> {
    source: Source<'t>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// What the file's patterns have cost so far.
    work: u64,
}

impl<'t> Reporter<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { source: Source::new(text), errors: Vec::new(), warnings: Vec::new(), work: 0 }
    }

    /// Takes this from the work that all patterns of a file may make together; false when there is not so much left.
    pub(crate) fn spend(&mut self, work: u64) -> bool {
        self.work = self.work.saturating_add(work);
        self.work <= MOST_WORK
    }

    pub(crate) fn text(&self) -> &'t str {
        self.source.text
    }

    /// Records a finding; its code says whether it is an error or a warning.
    pub(crate) fn report(&mut self, code: Code, bytes: Range<usize>, message: impl Into<String>, hint: impl Into<Option<String>>) {
        if !self.takes(code) {
            return;
        }
        let hint: Option<String> = hint.into();
        let finding = Diagnostic { code, span: self.source.span(bytes), message: printable(message.into()), hint: hint.map(printable) };
        match code.severity() {
            Severity::Error => self.errors.push(finding),
            Severity::Warning => self.warnings.push(finding),
        }
    }

    /// Whether one more finding is kept. Where a file can have thousands, this is asked before a message is put together.
    pub(crate) fn takes(&self, code: Code) -> bool {
        let list = match code.severity() {
            Severity::Error => &self.errors,
            Severity::Warning => &self.warnings,
        };
        list.len() < MOST
    }

    /// The span of these bytes.
    pub(crate) fn span(&self, bytes: Range<usize>) -> super::Span {
        self.source.span(bytes)
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// What `word` was probably meant to be; nothing once there are so many findings that this one is not kept.
    pub(crate) fn suggest<'c>(&self, word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
        if self.errors.len() < MOST { closest(word, candidates) } else { None }
    }

    /// What was read, unless there was an error.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<Parsed<T>, Diagnostics> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(Parsed { value, warnings: sorted(self.warnings) }),
            _ => Err(Diagnostics::new(sorted(self.errors), sorted(self.warnings))),
        }
    }
}

fn sorted(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span.bytes.start, diagnostic.code));
    diagnostics
}

/// Messages quote the file: what ends a line, steers a terminal or cannot be seen is shown as an escape.
fn printable(text: String) -> String {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || is_invisible(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}
