//! Findings as people and programs want them.

mod github;
mod json;
mod sarif;
mod terminal;

pub use github::github;
pub use json::json;
pub use sarif::sarif;
pub use terminal::{Colour, terminal};

use super::{Diagnostic, Diagnostics, Parsed};

/// A file and what was found in it.
#[derive(Clone, Debug)]
pub struct FileReport<'a> {
    /// Its path, as it is shown.
    pub path: &'a str,
    /// Its text, as it was parsed.
    pub text: &'a str,
    /// What was found.
    pub diagnostics: Vec<&'a Diagnostic>,
}

impl<'a> FileReport<'a> {
    /// The report of a parse, whichever way it went.
    pub fn of<T>(path: &'a str, text: &'a str, outcome: &'a Result<Parsed<T>, Diagnostics>) -> Self {
        let diagnostics = match outcome {
            Ok(parsed) => parsed.warnings.iter().collect(),
            Err(found) => found.iter().collect(),
        };
        Self { path, text, diagnostics }
    }
}
