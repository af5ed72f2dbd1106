//! Questions to the lines: who got what on a repository, in a span of time; which exchange a token came from.

use std::io::{self, BufRead};

use jiff::Timestamp;
use octo_sts_types::{Owner, Repository};
use serde_json::{Map, Value};

use crate::event::Outcome;

/// Reads lines as they stand, ends cut off; bytes that are not UTF-8 are replaced, and so break the line's hash.
pub fn read_lines(reader: impl BufRead) -> impl Iterator<Item = io::Result<String>> {
    reader.split(b'\n').map(|line| line.map(|line| String::from_utf8_lossy(&line).into_owned()))
}

/// One line, read.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    members: Map<String, Value>,
}

/// What to look for; what is absent does not matter, what is present must all hold.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// Exchanges for this repository, and tokens that hold for it: by name, or because they hold for everything of its owner.
    pub repository: Option<Repository>,
    /// Exchanges for this owner or any repository of his.
    pub owner: Option<Owner>,
    /// Events at this time or later.
    pub since: Option<Timestamp>,
    /// Events before this time.
    pub until: Option<Timestamp>,
    /// The exchange that this token came from: SHA-256 in hex, in either case.
    pub token_sha256: Option<String>,
    /// Exchanges that ended so.
    pub outcome: Option<Outcome>,
    /// Exchanges under this identity.
    pub identity: Option<String>,
    /// Exchanges by this subject.
    pub subject: Option<String>,
    /// The exchange with this id in its answer.
    pub request_id: Option<String>,
}

impl Entry {
    /// Reads a line; `None` for one that is no JSON object.
    pub fn parse(line: &str) -> Option<Self> {
        serde_json::from_str(line).ok().map(|members| Self { members })
    }

    /// A member that is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// When.
    pub fn time(&self) -> Option<Timestamp> {
        self.text("time")?.parse().ok()
    }

    /// Who asked: issuer and subject.
    pub fn actor(&self) -> Option<(&str, &str)> {
        let actor = self.members.get("actor")?;
        Some((actor.get("iss")?.as_str()?, actor.get("sub")?.as_str()?))
    }

    /// The repositories that the token holds for, as full names; empty where the line lists none.
    pub fn repositories(&self) -> impl Iterator<Item = &str> {
        self.members.get("repositories").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// The permissions, as `name: level`.
    pub fn permissions(&self) -> impl Iterator<Item = (&str, &str)> {
        let permissions = self.members.get("permissions").and_then(Value::as_object);
        permissions.into_iter().flatten().filter_map(|(name, level)| Some((name.as_str(), level.as_str()?)))
    }

    /// Every member.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// The owner that the line is about.
    fn owner(&self) -> Option<&str> {
        let about = self.text("scope").or_else(|| self.text("repository")).or_else(|| self.repositories().next())?;
        Some(about.split_once('/').map_or(about, |(owner, _)| owner))
    }

    fn concerns(&self, wanted: &Repository) -> bool {
        let name = wanted.to_string();
        let about = self.text("scope").into_iter().chain(self.text("repository")).chain(self.repositories());
        let everything = self.text("repository_selection") == Some("all") && self.owner().is_some_and(|owner| wanted.owner.is(owner));
        everything || about.into_iter().any(|listed| listed.eq_ignore_ascii_case(&name))
    }
}

impl Query {
    /// Whether a line answers the query.
    pub fn matches(&self, entry: &Entry) -> bool {
        let same = |wanted: &Option<String>, member: &str| wanted.as_deref().is_none_or(|wanted| entry.text(member) == Some(wanted));
        self.repository.as_ref().is_none_or(|repository| entry.concerns(repository))
            && self.owner.as_ref().is_none_or(|wanted| entry.owner().is_some_and(|owner| wanted.is(owner)))
            && self.since.is_none_or(|since| entry.time().is_some_and(|time| time >= since))
            && self.until.is_none_or(|until| entry.time().is_some_and(|time| time < until))
            && self.token_sha256.as_ref().is_none_or(|hash| entry.text("token_sha256").is_some_and(|token| token.eq_ignore_ascii_case(hash)))
            && self.outcome.is_none_or(|outcome| entry.text("outcome") == Some(outcome.as_str()))
            && self.subject.as_deref().is_none_or(|subject| entry.actor().is_some_and(|(_, actor)| actor == subject))
            && same(&self.identity, "identity")
            && same(&self.request_id, "request_id")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn entry(change: &Value) -> Entry {
        let mut value = json!({
            "type": "dev.octo-sts.exchange", "actor": {"iss": "https://i", "sub": "me"}, "scope": "Acme/app", "identity": "ci",
            "token_sha256": "ab12", "time": "2026-01-02T03:04:05Z", "outcome": "granted", "request_id": "r1",
            "repositories": ["Acme/app", "Acme/lib"], "permissions": {"contents": "read"},
        });
        for (name, member) in change.as_object().unwrap() {
            value[name] = member.clone();
        }
        Entry::parse(&value.to_string()).unwrap()
    }

    fn on(repository: &str) -> Query {
        Query { repository: Some(repository.parse().unwrap()), ..Query::default() }
    }

    #[test]
    fn a_repository_is_found_by_scope_by_list_and_by_everything() {
        let plain = entry(&json!({}));
        assert!(on("acme/APP").matches(&plain) && on("acme/lib").matches(&plain));
        assert!(!on("acme/other").matches(&plain) && !on("other/app").matches(&plain));
        let all = entry(&json!({"scope": "Acme", "repositories": null, "repository_selection": "all"}));
        assert!(on("acme/other").matches(&all) && !on("other/app").matches(&all));
    }

    #[test]
    fn a_span_holds_its_start_and_not_its_end() {
        let time = |text: &str| Some(text.parse().unwrap());
        let span = |since, until| Query { since, until, ..Query::default() }.matches(&entry(&json!({})));
        assert!(span(time("2026-01-02T03:04:05Z"), time("2026-01-02T03:04:06Z")));
        assert!(!span(None, time("2026-01-02T03:04:05Z")));
        assert!(!span(time("2026-01-02T03:04:06Z"), None));
    }

    #[test]
    fn every_part_of_a_query_must_hold() {
        let text = |value: &str| Some(value.to_owned());
        for (query, holds) in [
            (Query { token_sha256: text("AB12"), ..Query::default() }, true),
            (Query { token_sha256: text("ab13"), ..Query::default() }, false),
            (Query { outcome: Some(Outcome::Refused), ..Query::default() }, false),
            (Query { owner: Some("acme".parse().unwrap()), ..Query::default() }, true),
            (Query { owner: Some("acm".parse().unwrap()), ..Query::default() }, false),
            (Query { subject: text("me"), request_id: text("r1"), ..Query::default() }, true),
            (Query { subject: text("me"), request_id: text("r2"), ..Query::default() }, false),
            (Query { identity: text("CI"), ..Query::default() }, false),
        ] {
            assert_eq!(query.matches(&entry(&json!({}))), holds, "Query: {query:?}");
        }
    }

    #[test]
    fn lines_are_read_as_they_stand() {
        let lines: Vec<_> = read_lines(b"a\r\n\n\xff\nb".as_slice()).map(Result::unwrap).collect();
        assert_eq!(lines, ["a\r", "", "\u{fffd}", "b"]);
    }
}
