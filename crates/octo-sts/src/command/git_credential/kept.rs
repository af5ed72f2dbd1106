//! Tokens that are kept for git, and what is said about them over the agent's socket.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use octo_sts_client::sha256_hex;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

/// Most tokens at a time; the one that ends first makes room.
const MOST: usize = 256;
/// A token that ends sooner is of no use: git may be about to send it to a slow server.
const SHORTEST_LIFE: Duration = Duration::from_mins(1);

/// A token and its end.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) token: SecretString,
    pub(super) until: Timestamp,
}

/// One line to the agent.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Request {
    /// The token under a key, if there is one.
    Get { key: String },
    /// Keep a token.
    Keep { key: String, token: String, until: i64 },
    /// Forget a token, by its SHA-256.
    Forget { token_sha256: String },
}

/// One line from the agent.
#[derive(Default, Deserialize, Serialize)]
pub(super) struct Answer {
    pub(super) token: Option<String>,
    pub(super) until: Option<i64>,
}

impl Answer {
    pub(super) fn token(self) -> Option<Token> {
        Some(Token { token: self.token?.into(), until: Timestamp::from_second(self.until?).ok()? })
    }
}

/// The tokens, by the key that they are asked for with.
#[derive(Debug, Default)]
pub(super) struct Kept(BTreeMap<String, Token>);

impl Kept {
    pub(super) fn answer(&mut self, request: Request, now: Timestamp) -> Answer {
        self.0.retain(|_, token| token.until > now);
        match request {
            Request::Get { key } => self.get(&key, now),
            Request::Keep { key, token, until } => {
                self.keep(key, token.into(), until);
                Answer::default()
            }
            Request::Forget { token_sha256 } => {
                self.0.retain(|_, kept| sha256_hex(kept.token.expose_secret()) != token_sha256);
                Answer::default()
            }
        }
    }

    fn get(&self, key: &str, now: Timestamp) -> Answer {
        let usable = self.0.get(key).filter(|kept| kept.until > now + SHORTEST_LIFE);
        usable.map_or_else(Answer::default, |kept| Answer { token: Some(kept.token.expose_secret().to_owned()), until: Some(kept.until.as_second()) })
    }

    fn keep(&mut self, key: String, token: SecretString, until: i64) {
        let Ok(until) = Timestamp::from_second(until) else { return };
        if self.0.len() >= MOST
            && let Some(first) = self.0.iter().min_by_key(|(_, kept)| kept.until).map(|(key, _)| key.clone())
        {
            self.0.remove(&first);
        }
        self.0.insert(key, Token { token, until });
    }

    /// When the last of them ends; `None` where there is none.
    pub(super) fn end(&self) -> Option<Timestamp> {
        self.0.values().map(|kept| kept.until).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn keep(kept: &mut Kept, key: &str, token: &str, until: i64) {
        kept.answer(Request::Keep { key: key.into(), token: token.into(), until }, at(0));
    }

    fn get(kept: &mut Kept, key: &str, now: i64) -> Option<String> {
        kept.answer(Request::Get { key: key.into() }, at(now)).token
    }

    #[test]
    fn a_token_is_kept_until_shortly_before_its_end() {
        let mut kept = Kept::default();
        keep(&mut kept, "k", "ghs_x", 3_600);
        assert_eq!(get(&mut kept, "k", 3_539).as_deref(), Some("ghs_x"));
        assert_eq!(get(&mut kept, "k", 3_540), None);
        assert_eq!(get(&mut kept, "other", 0), None);
        assert_eq!(kept.end(), Some(at(3_600)));
        get(&mut kept, "k", 3_600);
        assert_eq!(kept.end(), None, "what has ended is not kept");
    }

    #[test]
    fn a_token_is_forgotten_by_its_hash() {
        let mut kept = Kept::default();
        keep(&mut kept, "a", "ghs_x", 3_600);
        keep(&mut kept, "b", "ghs_y", 3_600);
        kept.answer(Request::Forget { token_sha256: sha256_hex("ghs_x") }, at(0));
        assert_eq!((get(&mut kept, "a", 0), get(&mut kept, "b", 0).as_deref()), (None, Some("ghs_y")));
    }

    #[test]
    fn the_first_to_end_makes_room() {
        let mut kept = Kept::default();
        for number in 0..=MOST {
            keep(&mut kept, &number.to_string(), "t", 3_600 + i64::try_from(number).unwrap());
        }
        assert_eq!((get(&mut kept, "0", 0), get(&mut kept, "1", 0).as_deref(), kept.0.len()), (None, Some("t"), MOST));
        keep(&mut kept, "x", "t", i64::MAX);
        assert_eq!(get(&mut kept, "x", 0), None, "no time is so late");
    }

    /// T-105
    #[test]
    fn kept_tokens_print_nowhere() {
        let mut kept = Kept::default();
        keep(&mut kept, "a", "ghs_sekret", 3_600);
        assert!(!format!("{kept:?}").contains("sekret"));
    }
}
