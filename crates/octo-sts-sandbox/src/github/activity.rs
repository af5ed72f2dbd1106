//! Check runs and issues: what callers leave behind.

use http::StatusCode;
use jiff::Timestamp;
use octo_sts_types::RepositoryId;
use serde_json::{Value, json};

use super::{access::Ask, apps::ok, problem::Problem, render::time, state::Answer};
use crate::{lock::lock, reply::Reply};

/// Longest summary or text of a check run's output.
const LONGEST_TEXT: usize = 65_535;
/// Most annotations in one request.
const MOST_ANNOTATIONS: usize = 50;
/// Most buttons of a check run.
const MOST_ACTIONS: usize = 3;
/// Conclusions that a caller may set.
const CONCLUSIONS: [&str; 7] = ["success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required"];
/// States that a caller may set.
const STATES: [&str; 6] = ["queued", "in_progress", "completed", "waiting", "requested", "pending"];

/// A check run that somebody made.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckRun {
    /// Its number.
    pub id: u64,
    /// The repository, by the full name it had then.
    pub repository: String,
    /// The request's members, with those of later updates on top.
    pub body: Value,
    /// All annotations, those of updates appended.
    pub annotations: Vec<Value>,
}

/// An issue that somebody opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Issue {
    /// Its number within the repository.
    pub number: u64,
    /// The repository, by the full name it had then.
    pub repository: String,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: Option<String>,
}

/// What callers left behind, with the ids of the repositories it belongs to.
#[derive(Default)]
pub(crate) struct Activity {
    pub(crate) check_runs: Vec<(RepositoryId, CheckRun, Timestamp)>,
    pub(crate) issues: Vec<(RepositoryId, Issue, Timestamp)>,
}

impl Ask<'_> {
    pub(crate) fn create_check_run(&self) -> Answer {
        let mut body = self.object()?;
        for field in ["name", "head_sha"] {
            if body[field].as_str().is_none_or(str::is_empty) {
                return Err(Problem::unprocessable(format!("Invalid request.\n\n\"{field}\" wasn't supplied.")));
            }
        }
        check(&body)?;
        let sha = body["head_sha"].as_str().unwrap_or_default();
        if self.repository.history().resolve(sha).is_none_or(|commit| commit.sha != sha) {
            return Err(Problem::unprocessable(format!("No commit found for SHA: {sha}")));
        }
        let annotations = take_annotations(&mut body);
        let mut activity = lock(&self.state.activity);
        let id = 70_001 + activity.check_runs.len() as u64;
        let run = CheckRun { id, repository: self.world.full_name(self.repository), body, annotations };
        let value = self.run_value(&run);
        activity.check_runs.push((self.repository.id, run, self.now));
        Ok(Reply::json(StatusCode::CREATED, &value))
    }

    pub(crate) fn update_check_run(&self, id: u64) -> Answer {
        let mut body = self.object()?;
        check(&body)?;
        let annotations = take_annotations(&mut body);
        let mut activity = lock(&self.state.activity);
        let run = activity.check_runs.iter_mut().find(|(repository, run, _)| *repository == self.repository.id && run.id == id);
        let (_, run, _) = run.ok_or_else(Problem::not_found)?;
        merge(&mut run.body, body);
        run.annotations.extend(annotations);
        Ok(ok(&self.run_value(run)))
    }

    pub(crate) fn check_run(&self, id: u64) -> Answer {
        let activity = lock(&self.state.activity);
        let run = activity.check_runs.iter().find(|(repository, run, _)| *repository == self.repository.id && run.id == id);
        run.map(|(_, run, _)| ok(&self.run_value(run))).ok_or_else(Problem::not_found)
    }

    fn run_value(&self, run: &CheckRun) -> Value {
        let url = format!("{}/check-runs/{}", self.url(), run.id);
        let completed = !run.body["conclusion"].is_null();
        let status = run.body["status"].as_str().unwrap_or(if completed { "completed" } else { "queued" });
        let now = time(self.now);
        let or_now = |member: &str, due: bool| if run.body[member].is_null() && due { json!(now) } else { run.body[member].clone() };
        let app = self.token.and_then(|token| self.world.apps.get(&token.app)).map(|app| self.state.addresses().app(app));
        json!({
            "id": run.id,
            "node_id": format!("CR_{}", run.id),
            "name": run.body["name"],
            "head_sha": run.body["head_sha"],
            "external_id": run.body["external_id"].as_str().unwrap_or_default(),
            "url": url,
            "html_url": format!("{}/runs/{}", self.html(), run.id),
            "details_url": run.body["details_url"],
            "status": status,
            "conclusion": run.body["conclusion"],
            "started_at": or_now("started_at", true),
            "completed_at": or_now("completed_at", completed),
            "output": {
                "title": run.body["output"]["title"],
                "summary": run.body["output"]["summary"],
                "text": run.body["output"]["text"],
                "annotations_count": run.annotations.len(),
                "annotations_url": format!("{url}/annotations"),
            },
            "check_suite": {"id": run.id},
            "app": app,
            "pull_requests": [],
        })
    }

    pub(crate) fn issues(&self) -> Reply {
        let activity = lock(&self.state.activity);
        let here = activity.issues.iter().filter(|(repository, ..)| *repository == self.repository.id);
        let all: Vec<Value> = here.map(|(_, issue, at)| self.issue_value(issue, *at)).collect();
        drop(activity);
        self.paged(&all)
    }

    pub(crate) fn create_issue(&self) -> Answer {
        let body = self.object()?;
        let Some(title) = body["title"].as_str().filter(|title| !title.is_empty()) else {
            return Err(Problem::invalid("Issue", "title", "missing_field"));
        };
        let mut activity = lock(&self.state.activity);
        let number = 1 + activity.issues.iter().filter(|(repository, ..)| *repository == self.repository.id).count() as u64;
        let issue = Issue {
            number,
            repository: self.world.full_name(self.repository),
            title: title.to_owned(),
            body: body["body"].as_str().map(str::to_owned),
        };
        let value = self.issue_value(&issue, self.now);
        activity.issues.push((self.repository.id, issue, self.now));
        Ok(Reply::json(StatusCode::CREATED, &value))
    }

    fn issue_value(&self, issue: &Issue, at: Timestamp) -> Value {
        let url = format!("{}/issues/{}", self.url(), issue.number);
        json!({
            "id": self.repository.id.0 * 10_000 + issue.number,
            "node_id": format!("I_{}_{}", self.repository.id, issue.number),
            "number": issue.number,
            "title": issue.title,
            "body": issue.body,
            "state": "open",
            "locked": false,
            "comments": 0,
            "labels": [],
            "user": null,
            "assignee": null,
            "milestone": null,
            "closed_at": null,
            "author_association": "NONE",
            "created_at": time(at),
            "updated_at": time(at),
            "url": url,
            "repository_url": self.url(),
            "comments_url": format!("{url}/comments"),
            "events_url": format!("{url}/events"),
            "labels_url": format!("{url}/labels{{/name}}"),
            "html_url": format!("{}/issues/{}", self.html(), issue.number),
        })
    }
}

/// The limits of check-run requests.
fn check(body: &Value) -> Result<(), Problem> {
    let invalid = |field| Err(Problem::invalid("CheckRun", field, "invalid"));
    let word = |member: &str, known: &[&str]| body[member].is_null() || body[member].as_str().is_some_and(|word| known.contains(&word));
    if !word("status", &STATES) {
        return invalid("status");
    }
    if !word("conclusion", &CONCLUSIONS) || body["status"] == "completed" && body["conclusion"].is_null() {
        return invalid("conclusion");
    }
    let output = &body["output"];
    if !output.is_null() && (output["title"].as_str().is_none() || output["summary"].as_str().is_none()) {
        return invalid("output");
    }
    if ["summary", "text"].iter().any(|member| output[member].as_str().is_some_and(|text| text.len() > LONGEST_TEXT)) {
        return invalid("output.summary");
    }
    if output["annotations"].as_array().is_some_and(|all| all.len() > MOST_ANNOTATIONS) {
        return invalid("annotations");
    }
    if body["actions"].as_array().is_some_and(|all| all.len() > MOST_ACTIONS) {
        return invalid("actions");
    }
    Ok(())
}

fn take_annotations(body: &mut Value) -> Vec<Value> {
    match body.get_mut("output").and_then(Value::as_object_mut).and_then(|output| output.remove("annotations")) {
        Some(Value::Array(annotations)) => annotations,
        _ => Vec::new(),
    }
}

fn merge(old: &mut Value, new: Value) {
    if let (Value::Object(old), Value::Object(new)) = (old, new) {
        old.extend(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_check_runs_hold() {
        let long = "x".repeat(LONGEST_TEXT + 1);
        let many: Vec<Value> = (0..=MOST_ANNOTATIONS).map(|_| json!({})).collect();
        for body in [
            json!({"status": "completed"}),
            json!({"status": "done"}),
            json!({"conclusion": "great"}),
            json!({"conclusion": "success", "output": {"title": "t"}}),
            json!({"output": {"title": "t", "summary": long}}),
            json!({"output": {"title": "t", "summary": "s", "annotations": many}}),
            json!({"actions": [1, 2, 3, 4]}),
        ] {
            assert!(check(&body).is_err(), "Input: {}", &body.to_string()[..body.to_string().len().min(200)]);
        }
        assert!(check(&json!({"status": "completed", "conclusion": "success", "output": {"title": "t", "summary": ""}})).is_ok());
    }
}
