//! What is recorded.
//!
//! The keys that upstream's events have keep their names and meanings, so that existing consumers read ours; keys of our
//! own stand beside them.

use std::{borrow::Cow, sync::Arc};

use jiff::Timestamp;
use octo_sts_types::{AppId, InstallationId, Permissions};
use serde::{Serialize, Serializer};
use serde_json::{Value, value::RawValue};

/// Longest text of a caller's that an event keeps, in bytes. Every scope, identity, issuer and subject that parses fits.
const LONGEST: usize = 1024;
/// Longest reason that an event keeps, in bytes.
const LONGEST_ERROR: usize = 4096;
/// Most claims that an event keeps.
const MOST_CLAIMS: usize = 64;

/// One exchange, granted or refused: CloudEvents type `dev.octo-sts.exchange`.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExchangeEvent {
    /// Who asked; absent for a request that was refused before its signature was verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// The trust policy as parsed, as JSON text; null when none was read.
    pub trust_policy: Option<Arc<RawValue>>,
    /// The installation that minted, or would have; 0 when none was found.
    #[serde(serialize_with = "zero_when_absent")]
    pub installation_id: Option<InstallationId>,
    /// The scope, as the caller wrote it.
    pub scope: String,
    /// The identity, as the caller wrote it.
    pub identity: String,
    /// The caller's `User-Agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// SHA-256 of the token, in lower-case hex; empty when none was minted.
    pub token_sha256: String,
    /// The whole reason of a refusal, for the operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When the exchange ended.
    #[serde(serialize_with = "rfc3339")]
    pub time: Timestamp,
    /// What the organisation's allowlist says of an issuer that it does not list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer_allowlist: Option<AllowlistVerdict>,

    /// How it ended.
    pub outcome: Outcome,
    /// How far it came: the word that answers, logs and metrics use.
    pub stage: Cow<'static, str>,
    /// The stable word for why it was refused, as in the caller's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// The id that the answer and the log carry.
    pub request_id: String,
    /// The App that minted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<AppId>,
    /// The blob SHA of the policy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_sha: Option<String>,
    /// What the token may do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// Where it may do so, as full names; absent for a token on everything the installation sees.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repositories: Option<Vec<String>>,
    /// Whether the token holds for chosen repositories or for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_selection: Option<RepositorySelection>,
    /// When the token ends.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_rfc3339")]
    pub expires_at: Option<Timestamp>,
    /// The policies of other repositories that consented to the grant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<Consent>,
    /// Whether the policy or the allowlist was served from memory because GitHub limited or failed.
    #[serde(skip_serializing_if = "is_false")]
    pub stale: bool,
    /// What the organisation's guardrails narrowed, warned of or refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub guardrails: Vec<String>,
    /// The issuer that a token claimed whose signature was never verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unverified_issuer: Option<String>,
    /// `http` or `grpc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transport: Option<Cow<'static, str>>,
    /// Where the request came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
    /// How long the exchange took, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// Who asked, from a verified token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// The issuer.
    pub iss: String,
    /// The subject.
    pub sub: String,
    /// The claims that the policy's `claim_pattern` names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<NamedClaim>,
}

/// One claim. A list of these stays one column where a table is made of events, whatever claims policies name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedClaim {
    /// The claim's name, as the policy writes it.
    pub name: String,
    /// Its value as text.
    pub value: String,
}

impl NamedClaim {
    /// Text stays as it is; anything else is its JSON.
    pub fn new(name: impl Into<String>, value: &Value) -> Self {
        let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
        Self { name: name.into(), value }
    }
}

/// What the allowlist says of an issuer that it does not list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AllowlistVerdict {
    /// `enforce` or `audit`.
    pub mode: Cow<'static, str>,
    /// Whether the issuer is listed.
    pub allowed: bool,
    /// The issuer.
    pub iss: String,
}

/// A policy of another repository that consented.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Consent {
    /// The repository, as `OWNER/NAME`.
    pub repository: String,
    /// The blob SHA of its policy.
    pub policy_sha: String,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A token was minted for the caller. Recorded before the answer is sent.
    Granted,
    /// No token.
    #[default]
    Refused,
    /// A token was minted that nobody got: the caller had gone, or the policy had changed. It was revoked.
    Undelivered,
    /// The process was killed while GitHub was asked for a token. Whether there was one is not known; nobody got it.
    Interrupted,
}

impl Outcome {
    /// The word used in events.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::Refused => "refused",
            Self::Undelivered => "undelivered",
            Self::Interrupted => "interrupted",
        }
    }
}

/// For which repositories a token holds, in GitHub's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RepositorySelection {
    /// Those listed.
    Selected,
    /// All that the installation sees.
    All,
}

impl ExchangeEvent {
    /// The same event, as it stands where the process ends before the exchange does.
    pub(crate) fn interrupted(self) -> Self {
        let error = "the process was killed while GitHub was asked for a token: if there was one, nobody got it, and it ends within the hour";
        Self { outcome: Outcome::Interrupted, stage: "mint".into(), reason: Some("INTERRUPTED".into()), error: Some(error.into()), ..self }
    }

    /// The same event with texts of the caller's cut to their bounds.
    pub(crate) fn bounded(mut self) -> Self {
        let texts = [Some(&mut self.scope), Some(&mut self.identity), self.user_agent.as_mut(), self.unverified_issuer.as_mut()];
        texts.into_iter().flatten().for_each(|text| cut(text, LONGEST));
        self.error.iter_mut().for_each(|text| cut(text, LONGEST_ERROR));
        if let Some(actor) = &mut self.actor {
            actor.claims.truncate(MOST_CLAIMS);
            actor.claims.iter_mut().for_each(|claim| cut(&mut claim.value, LONGEST));
        }
        self
    }
}

/// Cuts a text at a character's edge; `…` shows that it was cut.
fn cut(text: &mut String, longest: usize) {
    if text.len() > longest {
        text.truncate(text.floor_char_boundary(longest));
        text.push('…');
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn zero_when_absent<S: Serializer>(id: &Option<InstallationId>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(id.map_or(0, |id| id.0))
}

pub(crate) fn rfc3339<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

#[expect(clippy::ref_option, reason = "serde's signature")]
fn optional_rfc3339<S: Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.collect_str(time),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_event_keeps_upstreams_keys() {
        let event = ExchangeEvent {
            actor: Some(Actor { iss: "https://i".into(), sub: "me".into(), claims: vec![NamedClaim::new("n", &json!(7))] }),
            trust_policy: Some(RawValue::from_string(r#"{"issuer":"https://i"}"#.into()).unwrap().into()),
            installation_id: Some(InstallationId(1001)),
            scope: "acme/app".into(),
            identity: "ci".into(),
            user_agent: Some("curl".into()),
            token_sha256: "ab".into(),
            time: "2026-01-02T03:04:05Z".parse().unwrap(),
            outcome: Outcome::Granted,
            stage: "done".into(),
            ..ExchangeEvent::default()
        };
        let expected = json!({
            "actor": {"iss": "https://i", "sub": "me", "claims": [{"name": "n", "value": "7"}]},
            "trust_policy": {"issuer": "https://i"}, "installation_id": 1001, "scope": "acme/app", "identity": "ci",
            "user_agent": "curl", "token_sha256": "ab", "time": "2026-01-02T03:04:05Z",
            "outcome": "granted", "stage": "done", "request_id": "",
        });
        assert_eq!(serde_json::from_str::<Value>(&serde_json::to_string(&event).unwrap()).unwrap(), expected);
    }

    #[test]
    fn a_refusal_before_the_signature_has_no_actor_and_an_empty_hash() {
        let text = serde_json::to_string(&ExchangeEvent { error: Some("no".into()), ..ExchangeEvent::default() }).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        assert!(value.get("actor").is_none());
        assert_eq!((&value["token_sha256"], &value["installation_id"], &value["trust_policy"]), (&json!(""), &json!(0), &Value::Null));
        assert_eq!((&value["outcome"], &value["error"]), (&json!("refused"), &json!("no")));
    }

    /// T-104
    #[test]
    fn a_callers_texts_are_bounded() {
        let huge = "é".repeat(100_000);
        let claims = vec![NamedClaim::new("c", &json!(huge)); 100];
        let event = ExchangeEvent {
            actor: Some(Actor { claims, ..Actor::default() }),
            scope: huge.clone(),
            identity: huge.clone(),
            user_agent: Some(huge.clone()),
            error: Some(huge.clone()),
            unverified_issuer: Some(huge),
            ..ExchangeEvent::default()
        };
        let event = event.bounded();
        assert!(event.scope.ends_with('…'));
        assert!(serde_json::to_string(&event).unwrap().len() < 80_000);
    }
}
