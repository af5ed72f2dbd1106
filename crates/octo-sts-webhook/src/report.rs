//! The check run of a change: one conclusion for all of its files.

use jiff::Timestamp;
use octo_sts_github::{Annotation, CheckRun, Conclusion};
use octo_sts_types::CommitId;

use crate::{finding::Finding, judge::Judged, summary};

/// The name that branch protection knows the check by, upstream's.
const NAME: &str = "Trust Policy Validation";
/// Most annotations; each 50 of them are one call.
const MOST_ANNOTATIONS: usize = 500;

/// What a check found.
pub(crate) struct Report<'a> {
    pub(crate) judged: &'a [Judged],
    /// Whether every file of the change was seen.
    pub(crate) whole: bool,
    /// What the change is compared with, in Markdown.
    pub(crate) base: String,
}

impl Report<'_> {
    /// The check run. A change that was not seen whole fails: `neutral` would let branch protection pass.
    pub(crate) fn check_run(&self, head: &CommitId, started_at: Timestamp, completed_at: Timestamp) -> CheckRun {
        let valid = self.judged.iter().all(Judged::is_valid);
        let (conclusion, title) = match (valid, self.whole) {
            (false, _) => (Conclusion::Failure, "Invalid trust policy."),
            (true, false) => (Conclusion::Failure, "Change too large to be checked."),
            (true, true) => (Conclusion::Success, "Valid trust policy."),
        };
        CheckRun {
            name: NAME,
            head: head.clone(),
            conclusion,
            title: title.to_owned(),
            summary: summary::summary(self.judged, self.whole, &self.base),
            annotations: self.annotations(),
            started_at,
            completed_at,
        }
    }

    /// Errors first.
    fn annotations(&self) -> Vec<Annotation> {
        let findings = || self.judged.iter().flat_map(|judged| &judged.findings);
        let errors = findings().filter(|finding| finding.is_error());
        let warnings = findings().filter(|finding| !finding.is_error());
        errors.chain(warnings).take(MOST_ANNOTATIONS).map(Finding::annotation).collect()
    }
}
