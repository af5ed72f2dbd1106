//! Gathers what is found while a file is read.

use std::ops::Range;

use super::{Code, Diagnostic, Diagnostics, Parsed, Severity, source::Source};
use crate::{go_regex::MOST_STATES, yaml::is_invisible};

/// Most errors, and most warnings, that one file gives.
const MOST: usize = 100;

pub(crate) struct Reporter<'t> {
    source: Source<'t>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// Automaton states that the file's patterns have taken so far.
    states: u64,
}

impl<'t> Reporter<'t> {
    pub(crate) fn new(text: &'t str) -> Self {
        Self { source: Source::new(text), errors: Vec::new(), warnings: Vec::new(), states: 0 }
    }

    /// Takes this many automaton states from what all patterns of a file may have together; false when they are used up.
    pub(crate) fn spend(&mut self, states: u64) -> bool {
        self.states = self.states.saturating_add(states);
        self.states <= MOST_STATES
    }

    pub(crate) fn text(&self) -> &'t str {
        self.source.text
    }

    /// Records a finding; its code says whether it is an error or a warning.
    pub(crate) fn report(&mut self, code: Code, bytes: Range<usize>, message: impl Into<String>, hint: impl Into<Option<String>>) {
        let list = match code.severity() {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() < MOST {
            let hint: Option<String> = hint.into();
            list.push(Diagnostic { code, span: self.source.span(bytes), message: printable(message.into()), hint: hint.map(printable) });
        }
    }

    /// The span of these bytes.
    pub(crate) fn span(&self, bytes: Range<usize>) -> super::Span {
        self.source.span(bytes)
    }

    pub(crate) fn has_errors(&self) -> bool {
        !self.errors.is_empty()
    }

    /// Whether so much was found already that looking for suggestions is not worth the time.
    pub(crate) fn is_full(&self) -> bool {
        self.errors.len() >= MOST
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
