//! What is wrong with a configuration, all of it at once.

use std::fmt;

/// A configuration that cannot be served: each problem names its variable and says what to write.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError {
    problems: Vec<Problem>,
}

impl std::error::Error for ConfigError {}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable, or the file and place, that is wrong.
    pub place: String,
    /// What is wrong, and what to write.
    pub message: String,
}

impl ConfigError {
    /// A configuration with this one problem.
    pub fn single(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { problems: vec![Problem { place: place.into(), message: message.into() }] }
    }

    /// What is wrong: at least one problem.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [one] => write!(f, "{one}"),
            problems => {
                write!(f, "the configuration has {} problems:", problems.len())?;
                problems.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

/// Gathers problems, and what is merely odd, while the configuration is read.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    problems: Vec<Problem>,
    warnings: Vec<String>,
}

impl Findings {
    pub(crate) fn problem(&mut self, place: impl Into<String>, message: impl fmt::Display) {
        self.problems.push(Problem { place: place.into(), message: message.to_string() });
    }

    pub(crate) fn warn(&mut self, text: impl Into<String>) {
        self.warnings.push(text.into());
    }

    /// The value, or a problem of `place`.
    pub(crate) fn take<T, E: fmt::Display>(&mut self, place: &str, value: Result<T, E>) -> Option<T> {
        value.map_err(|error| self.problem(place, error)).ok()
    }

    /// The warnings, when there was no problem.
    pub(crate) fn conclude(self) -> Result<Vec<String>, ConfigError> {
        if self.problems.is_empty() { Ok(self.warnings) } else { Err(ConfigError { problems: self.problems }) }
    }
}
