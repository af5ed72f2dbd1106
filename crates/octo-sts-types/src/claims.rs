//! What a token says.

use std::{ops::Deref, sync::Arc};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{Audience, InvalidIssuer, InvalidSubject, Issuer, Subject};

/// Most entries of `aud` that are read.
const MOST_AUDIENCES: usize = 100;
/// Latest time a token may name, in seconds since 1970 (RFC 7519 puts no bound; beyond this it is not a date).
const LATEST: f64 = 1_099_511_627_776.0;

/// The members of a token, read and checked for form, but with no word on who wrote them.
///
/// Policies are matched against this, so that `octo-sts policy explain` and tests can ask about tokens that nobody
/// verified; only [`Claims`] lead to a grant.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimSet {
    issuer: Issuer,
    subject: Subject,
    audiences: Vec<Audience>,
    members: Map<String, Value>,
}

/// The members of a token whose signature and times were verified; cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Claims(Arc<ClaimSet>);

/// Why the members of a token are not claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimsError {
    /// `iss` is missing or no text.
    #[error("the token has no `iss`")]
    NoIssuer,
    /// `iss` fails the grammar.
    #[error("the token's `iss` is not an issuer")]
    Issuer(#[source] InvalidIssuer),
    /// `sub` is missing.
    #[error("the token has no `sub`")]
    NoSubject,
    /// `sub` fails the grammar.
    #[error("the token's `sub` is not a subject")]
    Subject(#[source] InvalidSubject),
    /// `aud` is there, and nothing in it is an audience.
    #[error("the token's `aud` holds no audience")]
    Audience,
    /// `sub` or `aud` is there and of a type that RFC 7519 §4.1 does not know for it.
    #[error("the token's `{0}` is of a wrong type")]
    Type(&'static str),
    /// `exp`, `nbf` or `iat` is there and no time.
    #[error("the token's `{0}` is not a time in seconds since 1970")]
    Time(&'static str),
}

impl ClaimSet {
    /// Reads `iss`, `sub` and `aud` from the members of a token.
    pub fn from_members(members: Map<String, Value>) -> Result<Self, ClaimsError> {
        let issuer = members.get("iss").and_then(Value::as_str).ok_or(ClaimsError::NoIssuer)?;
        let issuer = Issuer::parse(issuer).map_err(ClaimsError::Issuer)?;
        let subject = subject(members.get("sub"))?;
        let subject = Subject::parse(subject).map_err(ClaimsError::Subject)?;
        let audiences = audiences(members.get("aud"))?;
        Ok(Self { issuer, subject, audiences, members })
    }

    /// `iss`.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// `sub`.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The entries of `aud` that are audiences; empty when the token has none.
    pub fn audiences(&self) -> &[Audience] {
        &self.audiences
    }

    /// A member by its exact name.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// Every member.
    pub fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// `exp`, `nbf` or `iat` (RFC 7519 §2, `NumericDate`): `Ok(None)` when absent, fractions cut off.
    pub fn time(&self, name: &'static str) -> Result<Option<Timestamp>, ClaimsError> {
        numeric_date(&self.members, name)
    }
}

/// A `NumericDate` among the members of a token: a JSON number above 0 and below 2⁴⁰, never text.
pub fn numeric_date(members: &Map<String, Value>, name: &'static str) -> Result<Option<Timestamp>, ClaimsError> {
    let Some(value) = members.get(name) else { return Ok(None) };
    let seconds = value.as_f64().filter(|seconds| *seconds > 0.0 && *seconds < LATEST).ok_or(ClaimsError::Time(name))?;
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 2⁴⁰")]
    Timestamp::from_second(seconds as i64).map(Some).map_err(|_| ClaimsError::Time(name))
}

/// The text of `sub`; `null` is as good as nothing, which is what Go's decoder makes of it.
fn subject(sub: Option<&Value>) -> Result<&str, ClaimsError> {
    match sub {
        None | Some(Value::Null) => Err(ClaimsError::NoSubject),
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(ClaimsError::Type("sub")),
    }
}

/// The audiences among the entries of `aud`: an odd one beside a good one is passed over.
fn audiences(aud: Option<&Value>) -> Result<Vec<Audience>, ClaimsError> {
    let entries = match aud {
        None => return Ok(Vec::new()),
        Some(Value::String(_)) => std::slice::from_ref(aud.unwrap_or(&Value::Null)),
        Some(Value::Array(entries)) if entries.is_empty() => return Ok(Vec::new()),
        Some(Value::Array(entries)) if entries.len() <= MOST_AUDIENCES => entries.as_slice(),
        Some(Value::Array(_)) => return Err(ClaimsError::Audience),
        Some(_) => return Err(ClaimsError::Type("aud")),
    };
    let audiences: Vec<_> = entries.iter().filter_map(Value::as_str).filter_map(|text| Audience::parse(text).ok()).collect();
    if audiences.is_empty() { Err(ClaimsError::Audience) } else { Ok(audiences) }
}

impl Claims {
    /// For `octo-sts-oidc` alone (`clippy.toml` refuses it elsewhere): the members of a token it has verified.
    pub fn from_verified(set: impl Into<Arc<ClaimSet>>) -> Self {
        Self(set.into())
    }
}

impl Deref for Claims {
    type Target = ClaimSet;

    fn deref(&self) -> &ClaimSet {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(name: &str, value: Value) -> Result<ClaimSet, ClaimsError> {
        let mut members = json!({"iss": "https://issuer.example", "sub": "me", "aud": "octo-sts.dev"});
        members[name] = value;
        let Value::Object(members) = members else { unreachable!() };
        ClaimSet::from_members(members)
    }

    fn audiences_of(value: Value) -> Result<Vec<String>, ClaimsError> {
        with("aud", value).map(|set| set.audiences().iter().map(ToString::to_string).collect())
    }

    /// T-027
    #[test]
    fn an_odd_audience_beside_a_good_one_is_passed_over() {
        assert_eq!(audiences_of(json!("a")).unwrap(), ["a"]);
        assert_eq!(audiences_of(json!(["a", 1, "x@y", null, "b"])).unwrap(), ["a", "b"]);
        assert_eq!(audiences_of(json!([])).unwrap(), Vec::<String>::new());
        for odd in [json!(""), json!([null]), json!([""]), json!("a b"), json!(vec!["a"; 101])] {
            assert_eq!(audiences_of(odd.clone()), Err(ClaimsError::Audience), "Input: {odd}");
        }
        for odd in [json!(null), json!({"a": 1}), json!(1), json!(true)] {
            assert_eq!(audiences_of(odd.clone()), Err(ClaimsError::Type("aud")), "Input: {odd}");
        }
    }

    /// T-029
    #[test]
    fn a_subject_is_text() {
        for (odd, error) in [
            (json!(null), ClaimsError::NoSubject),
            (json!(1), ClaimsError::Type("sub")),
            (json!(true), ClaimsError::Type("sub")),
            (json!(["me"]), ClaimsError::Type("sub")),
            (json!({"me": 1}), ClaimsError::Type("sub")),
        ] {
            assert_eq!(with("sub", odd.clone()).err(), Some(error), "Input: {odd}");
        }
    }

    /// T-020
    #[test]
    fn another_case_is_another_claim() {
        let set = with("SUB", json!("victim")).unwrap();
        assert_eq!(set.subject().as_str(), "me");
        assert_eq!(with("i\u{17f}s", json!("https://evil.example")).unwrap().issuer().as_str(), "https://issuer.example");
    }

    #[test]
    fn issuer_and_subject_must_be_text() {
        assert_eq!(with("iss", json!(1)), Err(ClaimsError::NoIssuer));
        assert_eq!(with("sub", json!(["me"])), Err(ClaimsError::Type("sub")));
        assert_eq!(with("sub", json!("")), Err(ClaimsError::Subject(InvalidSubject::Empty)));
    }

    /// T-022
    #[test]
    fn a_time_is_a_number() {
        let exp = |value: Value| with("exp", value).unwrap().time("exp");
        for good in [json!(1_999_999_999), json!(1_999_999_999.9), json!(1e9)] {
            assert!(matches!(exp(good.clone()), Ok(Some(_))), "Input: {good}");
        }
        for odd in [json!("1999999999"), json!(1e308), json!(u64::MAX), json!(-1), json!(0), json!(null), json!(true), json!([])] {
            assert_eq!(exp(odd.clone()), Err(ClaimsError::Time("exp")), "Input: {odd}");
        }
        assert_eq!(with("x", json!(1)).unwrap().time("exp"), Ok(None));
    }
}
