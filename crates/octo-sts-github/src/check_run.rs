//! Check runs: what people see beside a commit.

use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use octo_sts_types::{CommitId, Repository};
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    call::{Call, Class},
    error::GitHubError,
    github::GitHub,
    reply,
    token::InstallationToken,
    trace::Trace,
};

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    /// All is well.
    Success,
    /// Something is wrong.
    Failure,
    /// Nothing to say. Branch protection lets it pass.
    Neutral,
}

/// How an annotation is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AnnotationLevel {
    /// In passing.
    Notice,
    /// To be looked at.
    Warning,
    /// To be put right.
    Failure,
}

/// A remark at lines of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Annotation {
    /// The file.
    pub path: String,
    /// The first line, from 1.
    pub start_line: usize,
    /// The last line.
    pub end_line: usize,
    /// The first column, from 1. GitHub takes columns only where both lines are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_column: Option<usize>,
    /// The last column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_column: Option<usize>,
    /// How it is shown.
    #[serde(rename = "annotation_level")]
    pub level: AnnotationLevel,
    /// What it says, up to 64 KB.
    pub message: String,
    /// Its heading, up to 255 characters.
    pub title: String,
}

/// A check run that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    /// The name that branch protection knows it by.
    pub name: &'static str,
    /// The commit.
    pub head: CommitId,
    /// How it ended.
    pub conclusion: Conclusion,
    /// Its heading.
    pub title: String,
    /// Markdown, up to 65,535 characters.
    pub summary: String,
    /// Remarks at lines; any number of them.
    pub annotations: Vec<Annotation>,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub completed_at: Timestamp,
}

/// A check run that GitHub has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct CheckRunId(pub u64);

#[derive(Serialize)]
struct CreateBody<'a> {
    name: &'a str,
    head_sha: &'a str,
    external_id: &'a str,
    status: &'static str,
    conclusion: Conclusion,
    #[serde(serialize_with = "rfc3339")]
    started_at: Timestamp,
    #[serde(serialize_with = "rfc3339")]
    completed_at: Timestamp,
    output: Output<'a>,
}

#[derive(Serialize)]
struct UpdateBody<'a> {
    output: Output<'a>,
}

#[derive(Serialize)]
struct Output<'a> {
    title: &'a str,
    summary: &'a str,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    annotations: &'a [Annotation],
}

#[derive(Deserialize)]
struct Created {
    id: CheckRunId,
}

impl CheckRun {
    /// How many annotations GitHub takes in one call. An update adds to those that are there.
    pub const ANNOTATIONS_A_CALL: usize = 50;

    /// The annotations of the n-th call, counted from 0: none behind the last.
    fn batch(&self, at: usize) -> &[Annotation] {
        self.annotations.chunks(Self::ANNOTATIONS_A_CALL).nth(at).unwrap_or_default()
    }

    /// How many calls it takes: one at the least.
    pub fn calls(&self) -> usize {
        self.annotations.len().div_ceil(Self::ANNOTATIONS_A_CALL).max(1)
    }

    fn output(&self, at: usize) -> Output<'_> {
        Output { title: &self.title, summary: &self.summary, annotations: self.batch(at) }
    }

    fn creation(&self) -> Result<Bytes, serde_json::Error> {
        let body = CreateBody {
            name: self.name,
            head_sha: self.head.as_str(),
            external_id: self.head.as_str(),
            status: "completed",
            conclusion: self.conclusion,
            started_at: self.started_at,
            completed_at: self.completed_at,
            output: self.output(0),
        };
        serde_json::to_vec(&body).map(Bytes::from)
    }

    fn update(&self, at: usize) -> Result<Bytes, serde_json::Error> {
        serde_json::to_vec(&UpdateBody { output: self.output(at) }).map(Bytes::from)
    }
}

fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn unwritable(error: &serde_json::Error) -> GitHubError {
    GitHubError::Unexpected { status: None, what: error.to_string() }
}

impl GitHub {
    /// Makes a check run with its first 50 annotations. What is left goes up with [`GitHub::annotate_check_run`].
    pub async fn create_check_run(
        &self,
        token: &InstallationToken,
        repository: &Repository,
        run: &CheckRun,
        trace: &Trace,
    ) -> Result<CheckRunId, GitHubError> {
        let uri = reply::address(self.0.endpoint.within(repository, "check-runs"))?;
        let body = run.creation().map_err(|error| unwritable(&error))?;
        let response = self.with_token(token, &Call::post(Class::CheckRun, uri, body), trace).await?;
        reply::read_as::<Created>(&response, StatusCode::CREATED).map(|created| created.id)
    }

    /// Adds the annotations of the n-th call; the call that makes the check run is number 0.
    pub async fn annotate_check_run(
        &self,
        token: &InstallationToken,
        repository: &Repository,
        id: CheckRunId,
        run: &CheckRun,
        at: usize,
        trace: &Trace,
    ) -> Result<(), GitHubError> {
        let uri = reply::address(self.0.endpoint.within(repository, &format!("check-runs/{}", id.0)))?;
        let body = run.update(at).map_err(|error| unwritable(&error))?;
        let response = self.with_token(token, &Call::patch(Class::CheckRun, uri, body), trace).await?;
        reply::expect(&response, StatusCode::OK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(annotations: usize) -> CheckRun {
        let annotation = |line| Annotation {
            path: "a".into(),
            start_line: line,
            end_line: line,
            start_column: None,
            end_column: None,
            level: AnnotationLevel::Failure,
            message: "m".into(),
            title: "t".into(),
        };
        let at: Timestamp = "2026-11-25T02:00:00.5Z".parse().unwrap();
        CheckRun {
            name: "Trust Policy Validation",
            head: "1".repeat(40).parse().unwrap(),
            conclusion: Conclusion::Failure,
            title: "Invalid trust policy.".into(),
            summary: "s".into(),
            annotations: (1..=annotations).map(annotation).collect(),
            started_at: at,
            completed_at: at,
        }
    }

    #[test]
    fn the_body_has_upstreams_members() {
        let body: serde_json::Value = serde_json::from_slice(&run(0).creation().unwrap()).unwrap();
        let expected = serde_json::json!({
            "name": "Trust Policy Validation", "head_sha": "1".repeat(40), "external_id": "1".repeat(40), "status": "completed",
            "conclusion": "failure", "started_at": "2026-11-25T02:00:00Z", "completed_at": "2026-11-25T02:00:00Z",
            "output": {"title": "Invalid trust policy.", "summary": "s"},
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn annotations_go_up_fifty_at_a_time() {
        for (annotations, batches) in [(0, vec![0]), (1, vec![1]), (50, vec![50]), (51, vec![50, 1]), (120, vec![50, 50, 20])] {
            let run = run(annotations);
            assert_eq!(run.calls(), batches.len());
            assert_eq!((0..run.calls()).map(|at| run.batch(at).len()).collect::<Vec<_>>(), batches);
        }
        let second: serde_json::Value = serde_json::from_slice(&run(51).update(1).unwrap()).unwrap();
        assert_eq!(second["output"]["annotations"][0]["start_line"], 51);
        assert_eq!(second["output"]["annotations"][0]["annotation_level"], "failure");
        assert!(second["output"]["annotations"][0].get("start_column").is_none());
    }
}
