//! When a token counts.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use octo_sts_types::numeric_date;
use serde_json::{Map, Value};

/// How far `nbf` and `iat` may lie ahead, for clocks that differ; what go-oidc allows for `nbf`.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Why a token does not count now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeFault {
    /// `exp` is missing.
    #[error("the token has no `exp`")]
    NoExpiry,
    /// `exp`, `nbf` or `iat` is there, and is no number of seconds since 1970 below 2⁴⁰.
    #[error("the token's `{0}` is not a time in seconds since 1970")]
    Form(&'static str),
    /// `exp` has come.
    #[error("the token expired at {at}")]
    Expired {
        /// Its `exp`.
        at: Timestamp,
    },
    /// `nbf` is more than five minutes ahead.
    #[error("the token does not count before {from}")]
    NotYetValid {
        /// Its `nbf`.
        from: Timestamp,
    },
    /// `iat` is more than five minutes ahead.
    #[error("the token was issued at {at}, which has not come yet")]
    IssuedInTheFuture {
        /// Its `iat`.
        at: Timestamp,
    },
}

/// `exp`, `nbf` and `iat` of a token (RFC 7519 §4.1.4 to §4.1.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    exp: Timestamp,
    nbf: Option<Timestamp>,
    iat: Option<Timestamp>,
}

impl Times {
    /// A time that is there and is no time is a fault, never taken for absent.
    pub(crate) fn read(members: &Map<String, Value>) -> Result<Self, TimeFault> {
        let time = |name| numeric_date(members, name).map_err(|_| TimeFault::Form(name));
        Ok(Self { exp: time("exp")?.ok_or(TimeFault::NoExpiry)?, nbf: time("nbf")?, iat: time("iat")? })
    }

    /// From `iat` to `exp`; `None` where the token does not say when it was issued.
    pub(crate) fn life(&self) -> Option<SignedDuration> {
        self.iat.map(|issued| self.exp.duration_since(issued))
    }

    /// Whether the token counts at `now`; `leeway` is for `exp` alone.
    pub(crate) fn check(&self, now: Timestamp, leeway: Duration) -> Result<(), TimeFault> {
        if self.exp.checked_add(leeway).is_ok_and(|end| now >= end) {
            return Err(TimeFault::Expired { at: self.exp });
        }
        let latest = now.checked_add(AHEAD).unwrap_or(Timestamp::MAX);
        match (self.nbf, self.iat) {
            (Some(from), _) if from > latest => Err(TimeFault::NotYetValid { from }),
            (_, Some(at)) if at > latest => Err(TimeFault::IssuedInTheFuture { at }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn check(members: Value, leeway: u64) -> Result<(), TimeFault> {
        let Value::Object(members) = members else { unreachable!() };
        Times::read(&members)?.check(Timestamp::from_second(NOW).unwrap(), Duration::from_secs(leeway))
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    /// T-023
    #[test]
    fn a_token_ends_at_its_exp_and_not_a_second_later() {
        assert_eq!(check(json!({"exp": NOW + 1}), 0), Ok(()));
        assert_eq!(check(json!({"exp": NOW}), 0), Err(TimeFault::Expired { at: at(NOW) }));
        assert_eq!(check(json!({"exp": NOW - 1}), 0), Err(TimeFault::Expired { at: at(NOW - 1) }));
        assert_eq!(check(json!({"exp": NOW - 29}), 30), Ok(()));
        assert_eq!(check(json!({"exp": NOW - 30}), 30), Err(TimeFault::Expired { at: at(NOW - 30) }));
    }

    /// T-024
    #[test]
    fn nbf_has_a_leeway_of_five_minutes() {
        assert_eq!(check(json!({"exp": NOW + 900, "nbf": NOW + 299}), 0), Ok(()));
        assert_eq!(check(json!({"exp": NOW + 900, "nbf": NOW + 300}), 0), Ok(()));
        assert_eq!(check(json!({"exp": NOW + 900, "nbf": NOW + 301}), 0), Err(TimeFault::NotYetValid { from: at(NOW + 301) }));
    }

    /// T-025, T-026
    #[test]
    fn iat_may_be_absent_or_old_but_not_ahead() {
        for iat in [1, NOW - 864_000, NOW, NOW + 300] {
            assert_eq!(check(json!({"exp": NOW + 900, "iat": iat}), 0), Ok(()), "Input: {iat}");
        }
        assert_eq!(check(json!({"exp": NOW + 900, "iat": NOW + 301}), 0), Err(TimeFault::IssuedInTheFuture { at: at(NOW + 301) }));
    }

    /// T-022
    #[test]
    fn a_time_that_is_no_number_is_not_taken_for_absent() {
        let odd = [json!("1999999999"), json!(1e308), json!(i64::MAX), json!(u64::MAX), json!(-1), json!(0), json!(null), json!(true), json!([])];
        for value in odd {
            for name in ["exp", "nbf", "iat"] {
                let mut members = json!({"exp": NOW + 900});
                members[name] = value.clone();
                assert_eq!(check(members, 0), Err(TimeFault::Form(name)), "Input: {name} {value}");
            }
        }
        assert_eq!(check(json!({}), 0), Err(TimeFault::NoExpiry));
        assert_eq!(check(json!({"exp": 1_800_000_000.9}), 0), Err(TimeFault::Expired { at: at(NOW) }));
        assert_eq!(check(json!({"exp": 1_999_999_999.9, "nbf": 1.5e9}), 0), Ok(()));
    }
}
