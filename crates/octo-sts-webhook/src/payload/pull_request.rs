//! `pull_request`: a change that somebody proposes, perhaps from a fork.

use octo_sts_types::CommitId;
use serde::Deserialize;

use super::{BadPayload, InstallationMember, RepositoryMember, Told, bad, id, parse};
use crate::job::{Base, Source, Work};

#[derive(Debug, Deserialize)]
struct Event {
    action: String,
    number: Option<u64>,
    pull_request: PullRequest,
    repository: RepositoryMember,
    installation: Option<InstallationMember>,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    number: Option<u64>,
    head: End,
    base: Option<End>,
}

/// One end of a pull request. Its `repo` is null once a fork is deleted, and is never looked at: a fork's commits are in the
/// repository that the pull request is for.
#[derive(Debug, Deserialize)]
struct End {
    sha: String,
}

pub(super) fn read(payload: &[u8]) -> Result<Told, BadPayload> {
    let event: Event = parse(payload)?;
    let repository = event.repository.repository()?;
    let told = Told { owner: Some(repository.owner.clone()), ..Told::default() };
    let head = CommitId::parse_optional(&event.pull_request.head.sha).map_err(|error| bad("pull_request.head.sha", &error))?;
    let base = event.pull_request.base.map(|base| base.sha.parse()).transpose().map_err(|error| bad("pull_request.base.sha", &error))?;
    if !matches!(event.action.as_str(), "opened" | "synchronize" | "reopened") {
        return Ok(Told { answer: "this action changes no file", ..told });
    }
    let Some(head) = head else { return Ok(Told { answer: "there is no commit", ..told }) };
    let Some(installation) = id(event.installation.as_ref()) else { return Ok(Told { answer: "no installation is named", ..told }) };
    let Some(number) = event.number.or(event.pull_request.number) else { return Err(bad("number", &"it is missing")) };
    let base = base.map_or(Base::DefaultBranch, Base::Commit);
    let work = Work { repository, installation, head, base, sources: vec![Source::Pull(number)], asked_again: false, landed: None };
    Ok(Told { work: Some(work), ..told })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn event(change: impl FnOnce(&mut Value)) -> Result<Told, BadPayload> {
        let mut payload = json!({
            "action": "opened", "number": 5,
            "pull_request": {"number": 5, "head": {"sha": "2".repeat(40), "repo": null}, "base": {"sha": "1".repeat(40)}},
            "repository": {"full_name": "acme/app"}, "installation": {"id": 7},
        });
        change(&mut payload);
        read(payload.to_string().as_bytes())
    }

    /// T-148
    #[test]
    fn a_pull_request_is_checked_in_the_repository_it_is_for() {
        for action in ["opened", "synchronize", "reopened"] {
            let work = event(|payload| payload["action"] = json!(action)).unwrap().work.unwrap();
            assert_eq!(work.repository, "acme/app".parse().unwrap());
            assert_eq!((work.head.as_str(), work.base), ("2".repeat(40).as_str(), Base::Commit("1".repeat(40).parse().unwrap())));
            assert_eq!(work.sources, [Source::Pull(5)]);
        }
    }

    #[test]
    fn other_actions_and_payloads_without_an_installation_are_ordinary() {
        for (member, value) in [("action", json!("closed")), ("action", json!("labeled")), ("installation", Value::Null)] {
            assert_eq!(event(|payload| payload[member] = value.clone()).unwrap().work, None, "Input: {member} {value}");
        }
    }

    #[test]
    fn a_number_in_either_place_will_do_and_one_is_needed() {
        assert!(event(|payload| payload["number"] = Value::Null).unwrap().work.is_some());
        let none = event(|payload| {
            payload["number"] = Value::Null;
            payload["pull_request"]["number"] = Value::Null;
        });
        assert!(matches!(none, Err(BadPayload::Member { member: "number", .. })));
    }

    /// T-147
    #[test]
    fn commits_pass_the_grammar_of_commits() {
        assert!(event(|payload| payload["pull_request"]["head"]["sha"] = json!("x/../y")).is_err());
        assert!(event(|payload| payload["pull_request"]["base"]["sha"] = json!("main")).is_err());
    }
}
