//! What is wrong, or probably wrong, with a file that people write.
//!
//! Each finding has a stable code, a place, one sentence and, where something can be written instead, a hint to paste. It
//! quotes the file, so it is for those who can read the file: the check run, the command line, the operator's log.

mod codes;
pub mod render;
mod reporter;
mod source;
mod suggest;

use std::fmt;

use serde::Serialize;

pub use codes::{Code, codes_as_markdown};
pub(crate) use reporter::Reporter;
pub use source::Span;
pub(crate) use suggest::{closest, quoted};

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// What kind of finding.
    pub code: Code,
    /// Where.
    pub span: Span,
    /// What is wrong, in one sentence.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

/// Whether a finding makes a file invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The file is not used.
    Error,
    /// The file is used as it is; it probably does not do what its author wants.
    Warning,
}

/// What a caller hears of an invalid file (the two texts upstream has for it).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Not the YAML of such a file: unknown fields, wrong types, broken syntax.
    Unparsable,
    /// Its fields do not make sense together, or a pattern does not compile.
    Uncompilable,
}

/// The findings that make a file invalid: one error at the least, and any warnings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

/// A valid file, and what is probably wrong with it all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed<T> {
    /// What the file says.
    pub value: T,
    /// What its author should look at.
    pub warnings: Vec<Diagnostic>,
}

impl Diagnostic {
    /// Error or warning.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// `3:10: E111: sentence`: one line, for logs.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.span.line, self.span.column, self.code, self.message)?;
        self.hint.as_ref().map_or(Ok(()), |hint| write!(f, " ({hint})"))
    }
}

impl Diagnostics {
    /// At least one error is given.
    pub(crate) fn new(errors: Vec<Diagnostic>, warnings: Vec<Diagnostic>) -> Self {
        debug_assert!(!errors.is_empty(), "a file without errors is valid");
        Self { errors, warnings }
    }

    /// The errors, in the order of the file.
    pub fn errors(&self) -> &[Diagnostic] {
        &self.errors
    }

    /// The warnings, in the order of the file.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Errors, then warnings.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.errors.iter().chain(&self.warnings)
    }

    /// What a caller hears: unparsable as soon as one error says so.
    pub fn class(&self) -> Class {
        self.errors.iter().map(|error| error.code.class()).min().unwrap_or(Class::Unparsable)
    }
}

/// The errors on one line, for logs.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
