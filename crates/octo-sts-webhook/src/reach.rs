//! What only GitHub knows of a policy: whether the App may give what the policy gives, and whether its repositories exist.
//!
//! An exchange would be refused at the mint where one of these is missing, so the check does not succeed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use octo_sts_github::{App, GitHub, GitHubError, Trace};
use octo_sts_policy::TrustPolicy;
use octo_sts_types::{AppId, Level, Repository, RepositoryName};

use crate::{
    access::Access,
    finding::{Finding, line_of},
    judge::Judged,
};

/// Most repositories that one check looks up.
const MOST_LOOKUPS: usize = 200;

/// By permission name, as GitHub says it.
type Granted = BTreeMap<String, String>;

/// Asks GitHub, and no question twice for one check.
pub(crate) struct Reach<'a> {
    github: &'a GitHub,
    access: &'a Access,
    apps: Vec<Arc<App>>,
    repository: &'a Repository,
    trace: &'a Trace,
    granted: HashMap<AppId, Option<Granted>>,
    /// Whether the installation sees a repository.
    seen: HashMap<RepositoryName, bool>,
}

impl<'a> Reach<'a> {
    pub(crate) fn new(github: &'a GitHub, access: &'a Access, apps: Vec<Arc<App>>, repository: &'a Repository, trace: &'a Trace) -> Self {
        let granted = HashMap::from([(access.app.id, Some(access.installation.permissions.clone()))]);
        let seen = HashMap::from([(repository.name.clone(), true)]);
        Self { github, access, apps, repository, trace, granted, seen }
    }

    /// Adds to a valid policy what stands against it.
    pub(crate) async fn look(&mut self, judged: &mut Judged) -> Result<(), GitHubError> {
        let Some(policy) = judged.after.clone() else { return Ok(()) };
        let mut findings = self.permissions(&policy, judged).await?;
        findings.extend(self.repositories(&policy, judged).await?);
        judged.findings.extend(findings);
        Ok(())
    }

    /// Whether one of the Apps that may mint for the policy was granted all that it gives.
    async fn permissions(&mut self, policy: &TrustPolicy, judged: &Judged) -> Result<Vec<Finding>, GitHubError> {
        let path = &judged.versions.path;
        let apps: Vec<_> = self.apps.iter().filter(|app| policy.app().is_none_or(|required| required.admits(app.name.as_deref()))).cloned().collect();
        if let (true, Some(required)) = (apps.is_empty(), policy.app()) {
            let message = format!("No App that serves this owner is called {}.", required.requirement());
            return Ok(vec![Finding::error(path, "no such App", message).at_line(line_of(judged.text(), "app"))]);
        }
        let mut least: Option<Vec<(&'static str, Level)>> = None;
        for app in apps {
            let Some(granted) = self.granted(&app).await? else { continue };
            let missing = missing(policy, &granted);
            if least.as_ref().is_none_or(|least| missing.len() < least.len()) {
                least = Some(missing);
            }
        }
        let finding = |(name, level): (&str, Level)| {
            let message = format!("The App was not granted `{name}: {level}` here, so GitHub refuses to mint for this policy.");
            let hint = "have an owner of the organisation grant it to the App, or take it out of the policy";
            Finding::error(path, "permission the installation does not hold", message).with_hint(hint).at_line(line_of(judged.text(), name))
        };
        Ok(least.unwrap_or_default().into_iter().map(finding).collect())
    }

    /// What an App was granted; `None` when it is not installed here, or GitHub does not say.
    async fn granted(&mut self, app: &App) -> Result<Option<Granted>, GitHubError> {
        if !self.granted.contains_key(&app.id) {
            let found = self.github.repository_installation(app, self.repository, self.trace).await?;
            self.granted.insert(app.id, found.filter(|found| !found.suspended).map(|found| found.permissions));
        }
        Ok(self.granted.get(&app.id).cloned().flatten().filter(|granted| !granted.is_empty()))
    }

    async fn repositories(&mut self, policy: &TrustPolicy, judged: &Judged) -> Result<Vec<Finding>, GitHubError> {
        let mut findings = Vec::new();
        for name in policy.repositories().unwrap_or_default() {
            if self.seen.len() > MOST_LOOKUPS {
                findings.push(Finding::warning(&judged.versions.path, "not all looked up", "More repositories are listed than one check looks up."));
                break;
            }
            if !self.sees(name).await? {
                let message = format!("`{}/{name}` does not exist, or the App may not reach it.", self.repository.owner);
                let finding = Finding::error(&judged.versions.path, "repository out of reach", message);
                findings.push(finding.with_hint("correct the name, or give the App access to it").at_line(line_of(judged.text(), name.as_str())));
            }
        }
        Ok(findings)
    }

    async fn sees(&mut self, name: &RepositoryName) -> Result<bool, GitHubError> {
        if let Some(seen) = self.seen.get(name) {
            return Ok(*seen);
        }
        let repository = Repository { owner: self.repository.owner.clone(), name: name.clone() };
        let seen = match self.github.repository_installation(&self.access.app, &repository, self.trace).await {
            Ok(found) => found.is_some_and(|found| found.id == self.access.installation.id),
            // A mint by the old name is refused.
            Err(GitHubError::Moved) => false,
            Err(error) => return Err(error),
        };
        self.seen.insert(name.clone(), seen);
        Ok(seen)
    }
}

/// What the policy gives beyond what was granted. Every App may read metadata.
fn missing(policy: &TrustPolicy, granted: &Granted) -> Vec<(&'static str, Level)> {
    let held = |name: &str| granted.get(name).and_then(|level| level.parse::<Level>().ok());
    let given = policy.permissions().iter().map(|(permission, level)| (permission.name(), level));
    given.filter(|(name, level)| *name != "metadata" && held(name).is_none_or(|most| most < *level)).collect()
}

#[cfg(test)]
mod tests {
    use octo_sts_policy::{ParseOptions, PolicyKind};

    use super::*;

    #[test]
    fn a_lower_level_is_missing_too() {
        let text = "issuer: https://i.example\nsubject: s\npermissions: {contents: write, issues: read, pages: read, metadata: read}\n";
        let policy = TrustPolicy::parse(text, PolicyKind::Repository, &ParseOptions::default()).unwrap().value;
        let granted = [("contents", "read"), ("issues", "write"), ("checks", "write")].map(|(name, level)| (name.to_owned(), level.to_owned()));
        assert_eq!(missing(&policy, &granted.into()), [("contents", Level::Write), ("pages", Level::Read)]);
    }
}
