//! Genuine tokens of earlier rounds, kept until they have expired: with one of them, expiry itself is what is probed.

use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::SecretString;

use crate::forge;

/// How long past its end a token must be before it counts as expired for everybody, in seconds. A service may give five
/// minutes of leeway.
const PAST_ANY_LEEWAY: i64 = 360;

/// The freshest token that has expired, and the one that will take its place.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    expired: Option<SecretString>,
    next: Option<(SecretString, i64)>,
}

impl Memory {
    /// Remembers a genuine token; gives one that has expired at `now` (seconds since 1970) where there is one.
    pub(crate) fn expired(&self, genuine: &SecretString, now: i64) -> Option<SecretString> {
        let mut kept = self.lock();
        if kept.next.as_ref().is_some_and(|(_, end)| end + PAST_ANY_LEEWAY < now) {
            kept.expired = kept.next.take().map(|(token, _)| token);
        }
        if kept.next.is_none() {
            kept.next = forge::expiry(genuine).map(|end| (genuine.clone(), end));
        }
        kept.expired.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use secrecy::ExposeSecret as _;

    use super::*;

    fn ends_at(exp: i64) -> SecretString {
        format!("e30.{}.c", URL_SAFE_NO_PAD.encode(format!(r#"{{"exp":{exp}}}"#))).into()
    }

    #[test]
    fn a_token_is_used_once_no_leeway_can_save_it() {
        let memory = Memory::default();
        assert!(memory.expired(&ends_at(1_000), 900).is_none());
        assert!(memory.expired(&ends_at(1_200), 1_000 + PAST_ANY_LEEWAY).is_none());
        let first = memory.expired(&ends_at(2_000), 1_001 + PAST_ANY_LEEWAY).unwrap();
        assert_eq!(first.expose_secret(), ends_at(1_000).expose_secret());
    }

    #[test]
    fn a_newer_one_takes_its_place_without_a_gap() {
        let memory = Memory::default();
        let mut found = Vec::new();
        for now in (0..10_000).step_by(500) {
            found.push(memory.expired(&ends_at(now + 300), now).map(|token| token.expose_secret().to_owned()));
        }
        let first = found.iter().position(Option::is_some).unwrap();
        assert!(found[first..].iter().all(Option::is_some));
        assert_ne!(found[first], found[found.len() - 1]);
    }
}
