//! Payloads: what GitHub says happened, as far as it concerns policies.
//!
//! The event is named by a header that is not signed, so a body must have the members of its event. Everything that goes on
//! from here has passed the grammar of its type.

mod account;
mod check;
mod pull_request;
mod push;

use octo_sts_types::{InstallationId, InvalidOwner, InvalidRepository, Owner, Repository};
use serde::{Deserialize, de::DeserializeOwned};

use crate::job::{News, Work};

/// What a delivery says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Whose account it is about, for the organisation filter.
    pub(crate) owner: Option<Owner>,
    pub(crate) news: Vec<News>,
    pub(crate) work: Option<Work>,
    /// What is answered where there is no work.
    pub(crate) answer: &'static str,
    /// Whether that is all there was to do, rather than nothing that can be followed.
    pub(crate) handled: bool,
}

/// Why a payload is not one of its event.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPayload {
    #[error("the payload is not JSON (line {line}, column {column})")]
    NotJson { line: usize, column: usize },
    #[error("the payload lacks a member of this event, or has one of another type (line {line}, column {column})")]
    NotOfThisEvent { line: usize, column: usize },
    #[error("`{member}` is not what its name says: {why}")]
    Member { member: &'static str, why: String },
}

impl Told {
    /// Nothing to do.
    fn nothing(answer: &'static str) -> Self {
        Self { answer, ..Self::default() }
    }
}

/// Reads the payload of an event.
pub(crate) fn read(event: &str, payload: &[u8]) -> Result<Told, BadPayload> {
    match event {
        "push" => push::read(payload),
        "pull_request" => pull_request::read(payload),
        "check_suite" => check::suite(payload),
        "check_run" => check::run(payload),
        "installation" | "installation_repositories" => account::installation(payload),
        "installation_target" => account::renamed(payload),
        "repository" => account::repository(payload),
        "ping" => parse::<Anything>(payload).map(|_| Told::nothing("pong")),
        _ => parse::<Anything>(payload).map(|_| Told::nothing("this event is not of interest")),
    }
}

/// The event's name as a label of metrics: a closed set.
pub(crate) fn label(event: &str) -> &'static str {
    const KNOWN: [&str; 9] = [
        "push",
        "pull_request",
        "check_suite",
        "check_run",
        "installation",
        "installation_repositories",
        "installation_target",
        "repository",
        "ping",
    ];
    KNOWN.into_iter().find(|known| *known == event).unwrap_or("other")
}

fn parse<T: DeserializeOwned>(payload: &[u8]) -> Result<T, BadPayload> {
    serde_json::from_slice(payload).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        if error.is_data() { BadPayload::NotOfThisEvent { line, column } } else { BadPayload::NotJson { line, column } }
    })
}

fn bad(member: &'static str, why: &impl ToString) -> BadPayload {
    BadPayload::Member { member, why: why.to_string() }
}

/// Any JSON object.
type Anything = serde_json::Map<String, serde_json::Value>;

/// A repository as payloads name it.
#[derive(Debug, Deserialize)]
struct RepositoryMember {
    name: Option<String>,
    full_name: Option<String>,
    owner: Option<Account>,
    default_branch: Option<String>,
}

/// An account; in pushes it has its login under `name` as well.
#[derive(Debug, Deserialize)]
struct Account {
    login: Option<String>,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
struct InstallationMember {
    id: Option<u64>,
    account: Option<Account>,
}

#[derive(Debug, Deserialize)]
struct Sender {
    login: Option<String>,
}

impl RepositoryMember {
    fn repository(&self) -> Result<Repository, BadPayload> {
        let invalid = |error: InvalidRepository| bad("repository", &error);
        let login = self.owner.as_ref().and_then(Account::login);
        match (login, self.name.as_deref(), self.full_name.as_deref()) {
            (Some(owner), Some(name), _) => {
                Ok(Repository { owner: owner.parse().map_err(InvalidRepository::from).map_err(invalid)?, name: name.parse().map_err(invalid)? })
            }
            (_, _, Some(full_name)) => full_name.parse().map_err(invalid),
            _ => Err(bad("repository", &"it has neither `owner` and `name` nor `full_name`")),
        }
    }

    fn is_default(&self, branch: Option<&str>) -> bool {
        branch.is_some() && branch == self.default_branch.as_deref()
    }
}

impl Account {
    fn login(&self) -> Option<&str> {
        self.login.as_deref().or(self.name.as_deref())
    }

    fn owner(&self) -> Result<Option<Owner>, BadPayload> {
        self.login().map(|login| login.parse().map_err(|error: InvalidOwner| bad("account", &error))).transpose()
    }
}

impl Sender {
    fn is_bot(&self) -> bool {
        self.login.as_ref().is_some_and(|login| login.ends_with("[bot]"))
    }
}

/// The id of the installation, if there is one.
fn id(installation: Option<&InstallationMember>) -> Option<InstallationId> {
    installation.and_then(|installation| installation.id).filter(|id| *id > 0).map(InstallationId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_events_are_of_no_interest_and_still_have_to_be_json() {
        assert_eq!(read("ping", br#"{"zen":"x"}"#).unwrap().answer, "pong");
        assert_eq!(read("star", b"{}").unwrap(), Told::nothing("this event is not of interest"));
        for payload in ["", "{", "nonsense", "[]", "{\"a\":1}x"] {
            assert!(read("star", payload.as_bytes()).is_err(), "Input: {payload}");
        }
    }

    /// T-146
    #[test]
    fn a_payload_of_another_event_is_refused() {
        let push = serde_json::json!({"ref": "refs/heads/main", "before": "1".repeat(40), "after": "2".repeat(40),
            "repository": {"full_name": "acme/app"}, "installation": {"id": 1}, "commits": []});
        for event in ["pull_request", "check_suite", "check_run", "installation", "installation_target"] {
            let refused = read(event, push.to_string().as_bytes());
            assert!(matches!(refused, Err(BadPayload::NotOfThisEvent { .. })), "Input: {event} {refused:?}");
        }
        assert!(matches!(read("push", br#"{"action":"opened"}"#), Err(BadPayload::NotOfThisEvent { .. })));
    }

    /// T-147
    #[test]
    fn names_pass_the_grammar_of_names() {
        for repository in [
            serde_json::json!({"full_name": "acme/../victim"}),
            serde_json::json!({"full_name": "acme"}),
            serde_json::json!({"name": "app?x", "owner": {"login": "acme"}}),
            serde_json::json!({"name": "app", "owner": {"login": "acme/victim"}, "full_name": "acme/app"}),
            serde_json::json!({}),
        ] {
            let payload = serde_json::json!({"repository": repository, "action": "renamed"});
            let refused = read("repository", payload.to_string().as_bytes());
            assert!(matches!(refused, Err(BadPayload::Member { member: "repository", .. })), "Input: {payload}");
        }
    }

    /// T-106
    #[test]
    fn labels_are_a_closed_set() {
        assert_eq!((label("push"), label("evil\n")), ("push", "other"));
    }
}
