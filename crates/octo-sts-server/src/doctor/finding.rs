//! What an examination finds.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// The service works; something that people expect of it does not, or will not for long.
    Warning,
    /// Exchanges, or deliveries, fail.
    Failed,
}

/// One thing that was looked at. No secret is ever in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at, such as `App 12345` or `clock`.
    pub about: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found, in one sentence.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// The findings about one thing.
#[derive(Debug)]
pub(super) struct Findings {
    about: String,
    found: Vec<Finding>,
}

impl Findings {
    pub(super) fn about(about: impl Into<String>) -> Self {
        Self { about: about.into(), found: Vec::new() }
    }

    pub(super) fn ok(&mut self, found: impl Into<String>) {
        self.push(Verdict::Ok, found.into(), None);
    }

    pub(super) fn warn(&mut self, found: impl Into<String>, hint: impl Into<String>) {
        self.push(Verdict::Warning, found.into(), Some(hint.into()));
    }

    pub(super) fn fail(&mut self, found: impl Into<String>, hint: impl Into<String>) {
        self.push(Verdict::Failed, found.into(), Some(hint.into()));
    }

    fn push(&mut self, verdict: Verdict, found: String, hint: Option<String>) {
        self.found.push(Finding { about: self.about.clone(), verdict, found, hint });
    }

    pub(super) fn list(self) -> Vec<Finding> {
        self.found
    }
}
