//! Whether GitHub knows an App by its key, and what the App may do.

use octo_sts_exchange::AppFault;
use octo_sts_github::{AppFacts, GitHubError};
use octo_sts_types::AppId;

use super::finding::Findings;
use crate::lifecycle::{chain, fatal};

/// What reading policies needs.
const TO_READ_POLICIES: (&str, &str) = ("contents", "read");
/// What the check of policies in pull requests needs.
const TO_CHECK_POLICIES: [(&str, &str); 2] = [("checks", "write"), ("pull_requests", "read")];

/// Signs, and asks GitHub whose key it is. `None`: nothing more can be learned of this App.
pub(super) fn identity<'a>(answer: &'a Result<AppFacts, GitHubError>, app: AppId, findings: &mut Findings) -> Option<&'a AppFacts> {
    let facts = match answer {
        Ok(facts) => facts,
        Err(error) => {
            let fault = AppFault::GitHub(error.clone());
            match fatal(&fault) {
                Some(why) => findings.fail(why, "docs/keys.md says how an App's key is made and put in place"),
                None => findings.fail(
                    format!("GitHub was not asked about it: {}", chain(&fault)),
                    "check GITHUB_BASE_URL, SSL_CERT_FILE, and that outbound HTTPS to GitHub is open; then run this again",
                ),
            }
            return None;
        }
    };
    let page = facts.html_url.as_deref().map(|url| format!(", {url}")).unwrap_or_default();
    findings.ok(format!("its key signs, and GitHub knows it as {:?}{page}", facts.name));
    if facts.installations_count == Some(0) {
        findings
            .warn("it is installed nowhere", format!("install it: open {}/installations/new", facts.html_url.as_deref().unwrap_or("the App's page")));
    }
    debug_assert_eq!(facts.id, app, "GitHub::app refuses another App");
    Some(facts)
}

/// Whether the App holds what the service itself needs, and what it can grant.
pub(super) fn powers(facts: &AppFacts, checks_policies: bool, findings: &mut Findings) {
    let (name, level) = TO_READ_POLICIES;
    if !holds(facts, name, level) {
        findings.fail(format!("it lacks `{name}: {level}`: no trust policy can be read"), add(name, level));
    }
    if checks_policies {
        for (name, level) in TO_CHECK_POLICIES.into_iter().filter(|(name, level)| !holds(facts, name, level)) {
            findings.fail(format!("it lacks `{name}: {level}`: policies in pull requests cannot be checked"), add(name, level));
        }
    }
    let all: Vec<_> = facts.permissions.iter().map(|(name, level)| format!("{name}: {level}")).collect();
    findings.ok(format!("policies can grant up to {}", if all.is_empty() { "nothing".to_owned() } else { all.join(", ") }));
}

fn add(name: &str, level: &str) -> String {
    format!("on the App's settings page, under Permissions & events, set {name} to {level}; owners of its installations then accept that")
}

fn holds(facts: &AppFacts, name: &str, level: &str) -> bool {
    facts.permissions.get(name).is_some_and(|held| rank(held) >= rank(level))
}

/// `read` < `write` < `admin`.
pub(super) fn rank(level: &str) -> u8 {
    match level {
        "read" => 1,
        "write" => 2,
        "admin" => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::doctor::Verdict;

    fn facts(permissions: &[(&str, &str)]) -> AppFacts {
        AppFacts {
            id: AppId(7),
            slug: Some("octo-sts".to_owned()),
            name: "Octo STS".to_owned(),
            html_url: Some("https://github.com/apps/octo-sts".to_owned()),
            permissions: permissions.iter().map(|(name, level)| ((*name).to_owned(), (*level).to_owned())).collect::<BTreeMap<_, _>>(),
            events: Vec::new(),
            installations_count: Some(1),
        }
    }

    fn failures(permissions: &[(&str, &str)], checks_policies: bool) -> Vec<String> {
        let mut findings = Findings::about("App 7");
        powers(&facts(permissions), checks_policies, &mut findings);
        findings.list().into_iter().filter(|finding| finding.verdict == Verdict::Failed).map(|finding| finding.found).collect()
    }

    #[test]
    fn what_the_service_itself_needs_is_missed() {
        assert_eq!(failures(&[], false), ["it lacks `contents: read`: no trust policy can be read"]);
        assert_eq!(failures(&[("contents", "write")], false), [""; 0]);
        assert_eq!(
            failures(&[("contents", "read"), ("checks", "read"), ("pull_requests", "write")], true),
            ["it lacks `checks: write`: policies in pull requests cannot be checked"]
        );
        assert_eq!(failures(&[("contents", "read"), ("checks", "write"), ("pull_requests", "read")], true), [""; 0]);
    }

    #[test]
    fn an_unknown_level_is_no_level() {
        assert_eq!(failures(&[("contents", "often")], false).len(), 1);
    }
}
