//! What a round found.

use std::{fmt, sync::Arc, time::Duration};

use serde_json::{Value, json};

use crate::{error::ProbeError, probe::Probe};

/// What a round found.
#[derive(Clone, Debug)]
pub struct Report {
    /// One result per probe that was chosen.
    pub results: Vec<Result>,
}

/// What one probe found.
#[derive(Clone, Debug)]
pub struct Result {
    /// Which.
    pub probe: Probe,
    /// What it found.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// What one probe found.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It ended as it must; perhaps with a word on how it was done.
    Passed(Option<&'static str>),
    /// It did not.
    Failed(Arc<ProbeError>),
    /// It cannot be run with these settings, and why.
    NotRun(&'static str),
}

impl Outcome {
    pub(crate) fn of(result: std::result::Result<(), ProbeError>, note: Option<&'static str>) -> Self {
        match result {
            Ok(()) => Self::Passed(note),
            Err(error) => Self::Failed(Arc::new(error)),
        }
    }

    /// The word for it in reports and metrics.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Passed(_) => "passed",
            Self::Failed(_) => "failed",
            Self::NotRun(_) => "not_run",
        }
    }
}

impl Report {
    /// Whether no probe failed.
    pub fn is_good(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The probes that failed, and why.
    pub fn failures(&self) -> impl Iterator<Item = (Probe, &ProbeError)> {
        self.results.iter().filter_map(|result| match &result.outcome {
            Outcome::Failed(error) => Some((result.probe, &**error)),
            Outcome::Passed(_) | Outcome::NotRun(_) => None,
        })
    }

    /// The report as JSON.
    pub fn to_json(&self) -> Value {
        let results: Vec<_> = self.results.iter().map(Result::to_json).collect();
        json!({ "ok": self.is_good(), "probes": results })
    }
}

impl Result {
    fn to_json(&self) -> Value {
        let mut value = json!({ "probe": self.probe.as_str(), "outcome": self.outcome.as_str(), "seconds": self.took.as_secs_f64() });
        match &self.outcome {
            Outcome::Passed(None) => {}
            Outcome::Passed(Some(note)) | Outcome::NotRun(note) => value["note"] = (*note).into(),
            Outcome::Failed(error) => {
                value["step"] = error.step().into();
                value["reason"] = error.chain().into();
            }
        }
        value
    }
}

/// One line: what a person reads.
impl fmt::Display for Result {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (probe, ms) = (self.probe, self.took.as_millis());
        match &self.outcome {
            Outcome::Passed(None) => write!(f, "{probe}: passed ({ms} ms)"),
            Outcome::Passed(Some(note)) => write!(f, "{probe}: passed ({ms} ms), {note}"),
            Outcome::Failed(error) => write!(f, "{probe}: FAILED at {}: {}", error.step(), error.chain()),
            Outcome::NotRun(why) => write!(f, "{probe}: not run: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(probe: Probe, outcome: Outcome) -> Result {
        Result { probe, outcome, took: Duration::from_millis(250) }
    }

    #[test]
    fn a_report_is_good_while_nothing_failed() {
        let mut report = Report { results: vec![result(Probe::Exchange, Outcome::Passed(None)), result(Probe::Mismatch, Outcome::NotRun("no way"))] };
        assert!(report.is_good());
        report.results.push(result(Probe::Unsigned, Outcome::Failed(Arc::new(ProbeError::EndedBefore))));
        assert!(!report.is_good());
        let lines: Vec<_> = report.results.iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            ["exchange: passed (250 ms)", "mismatch: not run: no way", "unsigned: FAILED at revoke: the token had ended before it was revoked"]
        );
        assert_eq!(
            report.to_json()["probes"][2],
            json!({"probe": "unsigned", "outcome": "failed", "seconds": 0.25, "step": "revoke", "reason": "the token had ended before it was revoked"})
        );
    }
}
