//! Whether an App is installed on an account, and with all that it asks for.

use octo_sts_github::{App, AppFacts, Installation, Selection};
use octo_sts_types::{Owner, Repository};

use super::{
    Examination,
    finding::{Finding, Findings},
    github_app::rank,
};
use crate::lifecycle::chain;

/// An account that no App of the configuration serves.
pub(super) fn unserved(owner: &Owner) -> Vec<Finding> {
    let mut findings = Findings::about(owner.to_string());
    findings.fail("no App of the configuration serves it", "add it to APP_CONFIG_FILE, or a pool with the name `*`");
    findings.list()
}

impl Examination<'_> {
    /// The App's installation on `owner`.
    pub(super) async fn owner(&self, app: &App, owner: &Owner) -> Vec<Finding> {
        let mut findings = Findings::about(format!("App {} on {owner}", app.id));
        let trace = self.trace();
        let policies = Repository { owner: owner.clone(), name: self.config.policy_repository.clone() };
        let (facts, installed, sees_policies) = tokio::join!(
            self.github.app(app, &trace),
            self.github.owner_installation(app, owner, &trace),
            self.github.repository_installation(app, &policies, &trace),
        );
        match installed {
            Err(error) => {
                findings.fail(format!("GitHub does not say: {}", chain(&error)), "run this again; https://www.githubstatus.com tells of outages");
            }
            Ok(None) => {
                let page = facts.ok().and_then(|facts| facts.html_url).unwrap_or_else(|| "the App's page".to_owned());
                findings.fail("it is not installed there", format!("install it: open {page}/installations/new"));
            }
            Ok(Some(installation)) => {
                installed_well(&installation, facts.ok().as_ref(), &mut findings);
                if matches!(sees_policies, Ok(None)) {
                    findings.warn(
                        format!("it does not see {policies}: policies of the organisation, its issuer allowlist and its guardrails are not read"),
                        "create that repository, or let the installation see it, if you want any of them",
                    );
                }
            }
        }
        findings.list()
    }
}

fn installed_well(installation: &Installation, asked: Option<&AppFacts>, findings: &mut Findings) {
    if installation.suspended {
        findings.fail("the installation is suspended", "an owner of the account lifts that under Settings, GitHub Apps");
        return;
    }
    let sees = match installation.selection {
        Selection::All => "all repositories",
        Selection::Selected | Selection::Unknown => "chosen repositories",
    };
    findings.ok(format!("installed, and sees {sees}"));
    let missing: Vec<_> = asked
        .iter()
        .flat_map(|facts| &facts.permissions)
        .filter(|(name, level)| installation.permissions.get(*name).is_none_or(|held| rank(held) < rank(level)))
        .map(|(name, level)| format!("{name}: {level}"))
        .collect();
    if !missing.is_empty() {
        findings.warn(
            format!("the account has not accepted what the App asks for by now: {}", missing.join(", ")),
            "an owner of the account accepts it under Settings, GitHub Apps, Review request",
        );
    }
}
