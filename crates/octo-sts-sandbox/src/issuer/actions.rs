//! Tokens as GitHub Actions gives them to its jobs.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A job of GitHub Actions: what the claims of its tokens tell.
#[derive(Clone, Debug, PartialEq)]
pub struct ActionsJob {
    repository: String,
    repository_id: u64,
    owner_id: u64,
    git_ref: String,
    event: String,
    environment: Option<String>,
    workflow: String,
    immutable_subject: bool,
    changes: Map<String, Value>,
}

/// What the runner gives a job to ask for tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionsCredentials {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`; callers append `&audience=…`.
    pub request_url: String,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`: the bearer for it.
    pub request_token: String,
}

impl ActionsJob {
    /// A push to `refs/heads/main` of this repository.
    pub fn new(repository: impl Into<String>) -> Self {
        Self {
            repository: repository.into(),
            repository_id: 100_001,
            owner_id: 200_001,
            git_ref: "refs/heads/main".to_owned(),
            event: "push".to_owned(),
            environment: None,
            workflow: ".github/workflows/ci.yaml".to_owned(),
            immutable_subject: false,
            changes: Map::new(),
        }
    }

    /// Runs for this ref.
    pub fn git_ref(self, git_ref: impl Into<String>) -> Self {
        Self { git_ref: git_ref.into(), ..self }
    }

    /// Was started by this event.
    pub fn event(self, event: impl Into<String>) -> Self {
        Self { event: event.into(), ..self }
    }

    /// Deploys to this environment.
    pub fn environment(self, environment: impl Into<String>) -> Self {
        Self { environment: Some(environment.into()), ..self }
    }

    /// Is of this workflow file.
    pub fn workflow(self, path: impl Into<String>) -> Self {
        Self { workflow: path.into(), ..self }
    }

    /// Belongs to a repository and an owner with these ids.
    pub fn ids(self, repository: u64, owner: u64) -> Self {
        Self { repository_id: repository, owner_id: owner, ..self }
    }

    /// Has the subject with ids in it, `repo:O@ID/R@ID:…`.
    pub fn immutable_subject(self) -> Self {
        Self { immutable_subject: true, ..self }
    }

    /// Has this value for a claim; null removes the claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.changes.insert(name.to_owned(), value.into());
        self
    }

    /// The audience where none is asked for: the URL of the repository's owner.
    pub fn default_audience(&self) -> String {
        format!("https://github.com/{}", self.owner())
    }

    fn owner(&self) -> &str {
        self.repository.split('/').next().unwrap_or_default()
    }

    fn subject(&self) -> String {
        let repository = match (self.immutable_subject, self.repository.split_once('/')) {
            (true, Some((owner, name))) => format!("{owner}@{}/{name}@{}", self.owner_id, self.repository_id),
            _ => self.repository.clone(),
        };
        let rest = match (&self.environment, self.event.as_str()) {
            (Some(environment), _) => format!("environment:{}", environment.replace(':', "%3A")),
            (None, "pull_request") => "pull_request".to_owned(),
            (None, _) => format!("ref:{}", self.git_ref),
        };
        format!("repo:{repository}:{rest}")
    }

    /// The claims without issuer, audience and times. As with GitHub, every value is text, numbers and booleans too.
    pub fn claims(&self) -> Value {
        let ref_type = if self.git_ref.starts_with("refs/tags/") { "tag" } else { "branch" };
        let workflow_ref = format!("{}/{}@{}", self.repository, self.workflow, self.git_ref);
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let mut claims = crate::github::members(json!({
            "sub": self.subject(),
            "repository": self.repository,
            "repository_id": self.repository_id.to_string(),
            "repository_owner": self.owner(),
            "repository_owner_id": self.owner_id.to_string(),
            "repository_visibility": "private",
            "ref": self.git_ref,
            "ref_type": ref_type,
            "ref_protected": "false",
            "base_ref": "",
            "head_ref": "",
            "event_name": self.event,
            "sha": sha,
            "workflow": "CI",
            "workflow_ref": workflow_ref,
            "workflow_sha": sha,
            "job_workflow_ref": workflow_ref,
            "job_workflow_sha": sha,
            "actor": "octocat",
            "actor_id": "583231",
            "run_id": "9876543210",
            "run_number": "42",
            "run_attempt": "1",
            "runner_environment": "github-hosted",
        }));
        claims.extend(self.environment.iter().map(|environment| ("environment".to_owned(), json!(environment))));
        claims.extend(self.changes.clone());
        claims.retain(|_, value| !value.is_null());
        Value::Object(claims)
    }

    /// All claims, as of now.
    pub(crate) fn timed_claims(&self, issuer: &str, audience: Option<&str>, now: Timestamp) -> Value {
        let mut claims = self.claims();
        let now = now.as_second();
        claims["iss"] = json!(issuer);
        claims["aud"] = json!(audience.map_or_else(|| self.default_audience(), str::to_owned));
        claims["jti"] = json!(uuid::Uuid::new_v4().to_string());
        claims["iat"] = json!(now);
        claims["nbf"] = json!(now - 300);
        claims["exp"] = json!(now + 300);
        for (name, value) in self.changes.iter().filter(|(_, value)| !value.is_null()) {
            claims[name] = value.clone();
        }
        claims
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_written_as_github_writes_them() {
        let job = || ActionsJob::new("acme/app");
        for (job, subject) in [
            (job(), "repo:acme/app:ref:refs/heads/main"),
            (job().git_ref("refs/tags/v1"), "repo:acme/app:ref:refs/tags/v1"),
            (job().event("pull_request"), "repo:acme/app:pull_request"),
            (job().environment("a:b"), "repo:acme/app:environment:a%3Ab"),
            (job().ids(7, 8).immutable_subject(), "repo:acme@8/app@7:ref:refs/heads/main"),
        ] {
            assert_eq!(job.claims()["sub"], subject);
        }
    }

    #[test]
    fn claims_are_changed_and_removed() {
        let claims = ActionsJob::new("acme/app").claim("actor", Value::Null).claim("ref_protected", "true").claims();
        assert!(claims.get("actor").is_none());
        assert_eq!(claims["ref_protected"], "true");
    }
}
