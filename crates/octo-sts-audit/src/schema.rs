//! The events' JSON Schema, for those who make tables of them.

use serde_json::{Value, json};

/// JSON Schema (2020-12) of a line of the file. The data of a `CloudEvent` is the same without `prev`, `hash`, `type` and `id`.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "https://octo-sts.dev/schemas/audit-event.schema.json",
        "title": "Audit event",
        "description": "One line of the audit file. New members may be added; those here keep name and meaning.",
        "type": "object",
        "required": ["type", "id", "time"],
        "properties": {
            "prev": hash("Hash of the line before; zeros for the first."),
            "hash": hash("SHA-256 of the line's bytes before this member."),
            "id": {"type": "string", "format": "uuid", "description": "`ce-id`: the same in every sink, retry and replay."},
            "type": {"type": "string", "description": "`ce-type`."},
            "time": time("When it happened."),
        },
        "oneOf": [exchange(), policy(), reader(), dropped()],
    })
}

fn exchange() -> Value {
    json!({
        "title": "An exchange, granted or refused",
        "properties": {
            "type": {"const": "dev.octo-sts.exchange"},
            "actor": {
                "type": "object",
                "description": "Who asked; absent when the request was refused before its signature was verified.",
                "properties": {
                    "iss": text("Issuer."),
                    "sub": text("Subject."),
                    "claims": {"type": "array", "description": "The claims that the policy names.", "items": members(&["name", "value"])},
                },
                "required": ["iss", "sub"],
            },
            "trust_policy": {"type": ["object", "null"], "description": "The trust policy as parsed; null when none was read."},
            "installation_id": id("The installation; 0 when none was found."),
            "scope": text("The scope, as the caller wrote it."),
            "identity": text("The identity, as the caller wrote it."),
            "user_agent": text("The caller's `User-Agent`."),
            "token_sha256": {"type": "string", "pattern": "^([0-9a-f]{64})?$", "description": "SHA-256 of the token; empty when none was minted."},
            "error": text("The whole reason of a refusal, for the operator."),
            "issuer_allowlist": {
                "type": "object",
                "description": "Present when the organisation's allowlist does not list the issuer.",
                "properties": {"mode": {"enum": ["enforce", "audit"]}, "allowed": {"type": "boolean"}, "iss": text("Issuer.")},
                "required": ["mode", "allowed", "iss"],
            },
            "outcome": {"enum": ["granted", "refused", "undelivered", "interrupted"], "description": "`undelivered`: minted, handed to nobody, revoked. `interrupted`: the process was killed while GitHub was asked for a token, which nobody got."},
            "stage": text("How far the exchange came."),
            "reason": text("The stable word for the refusal."),
            "request_id": text("The id in the answer and the log."),
            "app_id": id("The App that minted."),
            "policy_sha": text("Blob SHA of the policy."),
            "permissions": {"type": "object", "additionalProperties": {"type": "string"}, "description": "What the token may do."},
            "repositories": {"type": "array", "items": {"type": "string"}, "description": "Where; absent for everything the installation sees."},
            "repository_selection": {"enum": ["selected", "all"]},
            "expires_at": time("When the token ends."),
            "consents": {"type": "array", "description": "Other repositories that agreed.", "items": members(&["repository", "policy_sha"])},
            "stale": {"type": "boolean", "description": "Whether policy or allowlist came from memory because GitHub failed."},
            "guardrails": {"type": "array", "items": {"type": "string"}, "description": "What the organisation's guardrails changed."},
            "unverified_issuer": text("The issuer that a token claimed whose signature was never verified."),
            "transport": {"enum": ["http", "grpc"]},
            "peer": text("Where the request came from."),
            "duration_ms": id("How long the exchange took."),
        },
        "required": ["trust_policy", "installation_id", "scope", "identity", "token_sha256", "outcome", "stage", "request_id"],
    })
}

fn policy() -> Value {
    json!({
        "title": "A trust policy or allowlist changed on a default branch",
        "properties": {
            "type": {"const": "dev.octo-sts.policy"},
            "action": {"enum": ["created", "updated", "deleted"]},
            "repository": text("`OWNER/NAME`."),
            "path": text("The file."),
            "identity": text("The identity that the file's name stands for."),
            "commit": text("The commit that the branch is at now."),
            "pusher": text("Who pushed."),
            "installation_id": id("The installation that told us."),
            "trust_policy": {"type": ["object", "null"], "description": "The policy as parsed; null when deleted or invalid."},
            "error": text("Why the file is no valid policy."),
        },
        "required": ["action", "repository", "path", "commit", "pusher", "installation_id", "trust_policy"],
    })
}

fn reader() -> Value {
    json!({
        "title": "A token the service minted for itself, to read policies",
        "properties": {
            "type": {"const": "dev.octo-sts.reader"},
            "installation_id": id("The installation."),
            "app_id": id("The App."),
            "repositories": {"type": "array", "items": {"type": "string"}},
            "token_sha256": {
                "type": "string",
                "pattern": "^([0-9a-f]{64})?$",
                "description": "SHA-256 of the token; empty where the process was killed before it had it.",
            },
        },
        "required": ["installation_id", "app_id", "repositories", "token_sha256"],
    })
}

fn dropped() -> Value {
    json!({
        "title": "Events that the file lost before this line",
        "properties": {"type": {"const": "dev.octo-sts.dropped"}, "events": id("How many.")},
        "required": ["events"],
    })
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn time(description: &str) -> Value {
    json!({"type": "string", "format": "date-time", "description": description})
}

fn hash(description: &str) -> Value {
    json!({"type": "string", "pattern": "^[0-9a-f]{64}$", "description": description})
}

fn id(description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": description})
}

/// An object with these members, all text and all there.
fn members(names: &[&str]) -> Value {
    let properties: serde_json::Map<_, _> = names.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
    json!({"type": "object", "properties": properties, "required": names})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        chain::{GENESIS, seal},
        event::{Actor, AllowlistVerdict, Consent, ExchangeEvent, NamedClaim, Outcome, RepositorySelection},
        policy_event::{PolicyAction, PolicyEvent},
        reader_event::ReaderEvent,
        record::{EXCHANGE, POLICY, READER, Record},
    };
    use jiff::Timestamp;
    use octo_sts_types::{AppId, InstallationId, Permissions};
    use serde::Serialize;

    fn line(kind: &str, event: &impl Serialize) -> Value {
        let record = Record::new(kind, String::new(), Timestamp::UNIX_EPOCH, event).unwrap();
        serde_json::from_slice(&seal(GENESIS, &record.members()).0).unwrap()
    }

    fn full() -> ExchangeEvent {
        ExchangeEvent {
            actor: Some(Actor { iss: "i".into(), sub: "s".into(), claims: vec![NamedClaim::new("n", &json!(["a"]))] }),
            installation_id: Some(InstallationId(1)),
            token_sha256: GENESIS.into(),
            issuer_allowlist: Some(AllowlistVerdict { mode: "audit".into(), allowed: false, iss: "i".into() }),
            outcome: Outcome::Granted,
            permissions: Some(Permissions::contents_read()),
            repositories: Some(vec!["a/b".into()]),
            repository_selection: Some(RepositorySelection::Selected),
            expires_at: Some(Timestamp::UNIX_EPOCH),
            consents: vec![Consent { repository: "a/c".into(), policy_sha: "d".into() }],
            stale: true,
            guardrails: vec!["narrowed".into()],
            transport: Some("grpc".into()),
            ..ExchangeEvent::default()
        }
    }

    fn policy_event() -> PolicyEvent {
        PolicyEvent {
            action: PolicyAction::Deleted,
            repository: "a/b".into(),
            path: "p".into(),
            identity: None,
            commit: "c".into(),
            pusher: "x".into(),
            installation_id: InstallationId(1),
            trust_policy: None,
            error: None,
            time: Timestamp::UNIX_EPOCH,
            more: [("deliveries", json!(1))].into(),
        }
    }

    #[test]
    fn every_line_is_valid_and_odd_ones_are_not() {
        let schema = jsonschema::validator_for(&schema()).unwrap();
        let repositories = vec!["a/b".into()];
        let (installation_id, app_id) = (InstallationId(1), AppId(2));
        let reader = ReaderEvent { installation_id, app_id, repositories, token_sha256: GENESIS.into(), time: Timestamp::UNIX_EPOCH };
        for line in [line(EXCHANGE, &full()), line(EXCHANGE, &ExchangeEvent::default()), line(POLICY, &policy_event()), line(READER, &reader)] {
            let errors: Vec<_> = schema.iter_errors(&line).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{line}: {errors:?}");
        }
        for odd in [line("dev.octo-sts.other", &full()), line(READER, &policy_event()), line(EXCHANGE, &json!({"time": "x"}))] {
            assert!(!schema.is_valid(&odd), "{odd}");
        }
    }

    #[test]
    fn the_published_schema_is_this_one() {
        let published: Value = serde_json::from_str(include_str!("../../../schemas/audit-event.schema.json")).unwrap();
        assert_eq!(published, schema(), "write it anew: `octo-sts audit --schema > schemas/audit-event.schema.json`");
    }
}
