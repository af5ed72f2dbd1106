//! `check_suite` and `check_run`: a commit is to be checked, for the first time or again.
//!
//! Events that a bot sends are not followed, since one of them is ourselves; the push behind them is heard of as well.

use octo_sts_types::CommitId;
use serde::Deserialize;

use super::{BadPayload, InstallationMember, RepositoryMember, Sender, Told, bad, id, parse};
use crate::job::{Base, Source, Work};

#[derive(Debug, Deserialize)]
struct SuiteEvent {
    action: Option<String>,
    check_suite: Suite,
    #[serde(flatten)]
    place: Place,
}

#[derive(Debug, Deserialize)]
struct RunEvent {
    action: Option<String>,
    check_run: Run,
    #[serde(flatten)]
    place: Place,
}

#[derive(Debug, Deserialize)]
struct Place {
    repository: RepositoryMember,
    installation: Option<InstallationMember>,
    sender: Option<Sender>,
}

#[derive(Debug, Deserialize)]
struct Suite {
    head_sha: Option<String>,
    head_branch: Option<String>,
    before: Option<String>,
    pull_requests: Option<Vec<Pull>>,
}

#[derive(Debug, Deserialize)]
struct Run {
    head_sha: String,
    check_suite: Option<Suite>,
    pull_requests: Option<Vec<Pull>>,
}

/// A pull request from a branch of the same repository; those from forks are not listed.
#[derive(Debug, Deserialize)]
struct Pull {
    number: u64,
    base: Option<End>,
}

#[derive(Debug, Deserialize)]
struct End {
    sha: Option<String>,
}

pub(super) fn suite(payload: &[u8]) -> Result<Told, BadPayload> {
    let event: SuiteEvent = parse(payload)?;
    let Some(head) = event.check_suite.head_sha.clone() else { return Err(bad("check_suite.head_sha", &"it is missing")) };
    let again = event.action.as_deref() == Some("rerequested");
    // Our own check runs complete suites.
    let followed = !matches!(event.action.as_deref(), Some("completed"));
    told(&event.place, &head, &event.check_suite, &[], again, followed)
}

pub(super) fn run(payload: &[u8]) -> Result<Told, BadPayload> {
    let event: RunEvent = parse(payload)?;
    let Run { head_sha, check_suite, pull_requests } = event.check_run;
    let suite = check_suite.unwrap_or(Suite { head_sha: None, head_branch: None, before: None, pull_requests: None });
    // Our own check runs are created and completed.
    let followed = matches!(event.action.as_deref(), None | Some("rerequested"));
    told(&event.place, &head_sha, &suite, pull_requests.as_deref().unwrap_or_default(), true, followed)
}

fn told(place: &Place, head: &str, suite: &Suite, more: &[Pull], again: bool, followed: bool) -> Result<Told, BadPayload> {
    let repository = place.repository.repository()?;
    let told = Told { owner: Some(repository.owner.clone()), ..Told::default() };
    let head = CommitId::parse_optional(head).map_err(|error| bad("head_sha", &error))?;
    let before = suite.before.as_deref().map(CommitId::parse_optional).transpose().map_err(|error| bad("before", &error))?.flatten();
    let pulls: Vec<&Pull> = suite.pull_requests.iter().flatten().chain(more).collect();
    let base = base(&pulls, before.as_ref(), place.repository.is_default(suite.head_branch.as_deref()))?;
    if !followed {
        return Ok(Told { answer: "this action asks for no check", ..told });
    }
    if place.sender.as_ref().is_some_and(Sender::is_bot) {
        return Ok(Told { answer: "sent by a bot", ..told });
    }
    let Some(head) = head else { return Ok(Told { answer: "there is no commit", ..told }) };
    let Some(installation) = id(place.installation.as_ref()) else { return Ok(Told { answer: "no installation is named", ..told }) };
    let is_default = place.repository.is_default(suite.head_branch.as_deref());
    let sources = sources(before, &pulls, is_default, again);
    if sources.is_empty() {
        return Ok(Told { answer: "a new branch that nobody has proposed to merge", ..told });
    }
    Ok(Told { work: Some(Work { repository, installation, head, base, sources, asked_again: again, landed: None }), ..told })
}

/// What is new since the commit before. A new branch: everything, where it is the default one or has pull requests.
fn sources(before: Option<CommitId>, pulls: &[&Pull], is_default: bool, again: bool) -> Vec<Source> {
    let mut sources = Vec::new();
    match before {
        Some(before) => sources.push(Source::Since(before)),
        None if is_default || !pulls.is_empty() => sources.push(Source::Everything),
        None => {}
    }
    let mut numbers: Vec<_> = pulls.iter().map(|pull| pull.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    sources.extend(numbers.into_iter().map(Source::Pull));
    if again && pulls.is_empty() && !is_default {
        sources.push(Source::PullsOfHead);
    }
    sources
}

fn base(pulls: &[&Pull], before: Option<&CommitId>, is_default: bool) -> Result<Base, BadPayload> {
    let base = pulls.iter().find_map(|pull| pull.base.as_ref()?.sha.as_deref());
    match (base, before) {
        (Some(base), _) => base.parse().map(Base::Commit).map_err(|error| bad("pull_requests.base.sha", &error)),
        (None, Some(before)) if is_default => Ok(Base::Commit(before.clone())),
        _ => Ok(Base::DefaultBranch),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn payload(action: &str) -> Value {
        json!({
            "action": action,
            "check_suite": {"head_sha": "2".repeat(40), "head_branch": "topic", "before": "1".repeat(40), "pull_requests": []},
            "repository": {"full_name": "acme/app", "default_branch": "main"}, "installation": {"id": 7}, "sender": {"login": "mona"},
        })
    }

    fn sources_of(change: impl FnOnce(&mut Value)) -> Option<Vec<Source>> {
        let mut payload = payload("requested");
        change(&mut payload);
        suite(payload.to_string().as_bytes()).unwrap().work.map(|work| work.sources)
    }

    fn commit(digit: &str) -> CommitId {
        digit.repeat(40).parse().unwrap()
    }

    #[test]
    fn a_suite_is_what_is_new_and_its_pull_requests() {
        assert_eq!(sources_of(|_| {}), Some(vec![Source::Since(commit("1"))]));
        let pulls = json!([{"number": 4, "base": {"sha": "3".repeat(40)}}, {"number": 4}]);
        assert_eq!(sources_of(|payload| payload["check_suite"]["pull_requests"] = pulls), Some(vec![Source::Since(commit("1")), Source::Pull(4)]));
    }

    #[test]
    fn a_new_branch_is_judged_whole_where_it_is_the_default_one_or_proposed() {
        for before in [Value::Null, json!("0".repeat(40))] {
            assert_eq!(sources_of(|payload| payload["check_suite"]["before"] = before.clone()), None);
            let default = sources_of(|payload| {
                payload["check_suite"]["before"] = before.clone();
                payload["check_suite"]["head_branch"] = json!("main");
            });
            assert_eq!(default, Some(vec![Source::Everything]));
            let proposed = sources_of(|payload| {
                payload["check_suite"]["before"] = before.clone();
                payload["check_suite"]["pull_requests"] = json!([{"number": 4}]);
            });
            assert_eq!(proposed, Some(vec![Source::Everything, Source::Pull(4)]));
        }
    }

    /// T-149
    #[test]
    fn what_bots_send_is_not_followed_and_a_persons_request_is() {
        let told = |action: &str, sender: &str| {
            let mut payload = payload(action);
            payload["sender"]["login"] = json!(sender);
            payload["check_run"] = json!({"head_sha": "2".repeat(40), "check_suite": payload["check_suite"]});
            let told = run(payload.to_string().as_bytes()).unwrap();
            (told.work.is_some(), told.work.is_some_and(|work| work.asked_again))
        };
        assert_eq!(told("rerequested", "mona"), (true, true));
        for (action, sender) in [("rerequested", "octo-sts[bot]"), ("created", "mona"), ("completed", "mona"), ("requested_action", "mona")] {
            assert_eq!(told(action, sender), (false, false), "Input: {action} {sender}");
        }
        let mut own = payload("requested");
        own["sender"]["login"] = json!("octo-sts[bot]");
        assert_eq!(suite(own.to_string().as_bytes()).unwrap().work, None);
        assert_eq!(suite(payload("completed").to_string().as_bytes()).unwrap().work, None);
    }

    #[test]
    fn a_check_that_is_asked_for_again_looks_for_pull_requests_of_forks() {
        let work = suite(payload("rerequested").to_string().as_bytes()).unwrap().work.unwrap();
        assert_eq!((work.sources, work.asked_again), (vec![Source::Since(commit("1")), Source::PullsOfHead], true));
    }

    /// T-147
    #[test]
    fn commits_pass_the_grammar_of_commits() {
        for (member, value) in
            [("head_sha", json!("../x")), ("before", json!("main")), ("pull_requests", json!([{"number": 1, "base": {"sha": "x"}}]))]
        {
            let mut payload = payload("requested");
            payload["check_suite"][member] = value;
            assert!(suite(payload.to_string().as_bytes()).is_err(), "Input: {member}");
        }
    }
}
