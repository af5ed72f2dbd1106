//! What the service gives.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde::{Deserialize, de::DeserializeOwned};

/// A token, and what the service says about it. Upstream's service says nothing but the token; what is odd in the rest is as if
/// it were not there, since the token lives and has to be used or ended.
#[derive(Clone, Debug, Deserialize)]
pub struct Reply {
    /// The GitHub token.
    #[serde(deserialize_with = "secret")]
    pub token: SecretString,
    /// When it ends, RFC 3339.
    #[serde(default, rename = "expiry", deserialize_with = "if_plain")]
    pub expires_at: Option<String>,
    /// How long it lives, in seconds.
    #[serde(default, deserialize_with = "if_plain")]
    pub expires_in: Option<u64>,
    /// What it may do.
    #[serde(default, deserialize_with = "if_plain")]
    pub permissions: Option<BTreeMap<String, String>>,
    /// Where, as full names; absent for everything the installation sees.
    #[serde(default, deserialize_with = "if_plain")]
    pub repositories: Option<Vec<String>>,
    /// `selected` or `all`.
    #[serde(default, deserialize_with = "if_plain")]
    pub repository_selection: Option<String>,
    /// The id of the exchange.
    #[serde(skip)]
    pub request_id: Option<String>,
}

fn secret<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<SecretString, D::Error> {
    let token = String::deserialize(deserializer)?;
    // RFC 6750 §2.1, without the tilde: what a shell would do something with is no token, since people `eval` what is printed.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._+/=".contains(&byte);
    if !token.is_empty() && token.bytes().all(plain) {
        Ok(token.into())
    } else {
        Err(serde::de::Error::custom("the token is empty or holds odd characters"))
    }
}

/// A value of the form that is expected, else nothing.
fn if_plain<'de, D: serde::Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(serde_json::Value::deserialize(deserializer)?).ok())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn the_token_alone_is_enough_and_the_rest_is_kept() {
        let bare: Reply = serde_json::from_str(r#"{"token":"ghs_x","refreshToken":"","expiry":null}"#).unwrap();
        assert_eq!((bare.token.expose_secret(), bare.expires_at), ("ghs_x", None));
        let full = r#"{"token":"t","expiry":"2026-01-02T03:04:05Z","expires_in":3600,"permissions":{"contents":"read"},"repositories":["a/b"],"repository_selection":"selected","new":1}"#;
        let full: Reply = serde_json::from_str(full).unwrap();
        assert_eq!((full.expires_in, full.repositories.unwrap().len()), (Some(3600), 1));
    }

    #[test]
    fn a_token_is_not_lost_for_what_is_odd_beside_it() {
        for odd in [r#""expiry":5"#, r#""permissions":["read"]"#, r#""expires_in":-1"#, r#""repositories":"a/b""#, r#""permissions":{"contents":1}"#]
        {
            let reply: Reply = serde_json::from_str(&format!(r#"{{"token":"ghs_x",{odd}}}"#)).unwrap();
            assert_eq!(reply.token.expose_secret(), "ghs_x");
            assert!(reply.expires_at.is_none() && reply.permissions.is_none() && reply.expires_in.is_none(), "Input: {odd}");
        }
    }

    /// T-105
    #[test]
    fn a_token_prints_nowhere_and_cannot_break_a_line() {
        let reply: Reply = serde_json::from_str(r#"{"token":"ghs_sekret"}"#).unwrap();
        assert!(!format!("{reply:?}").contains("sekret"));
        for odd in [r#"{"token":""}"#, r#"{"token":"a\nb"}"#, r#"{"token":"a b"}"#, r#"{"token":null}"#, "{}"] {
            assert!(serde_json::from_str::<Reply>(odd).is_err(), "Input: {odd}");
        }
    }

    /// T-105: `eval "$(octo-sts exchange --format env)"` runs nothing.
    #[test]
    fn a_token_has_nothing_that_a_shell_acts_on() {
        for odd in ["$(id)", "`id`", "a;id", "a&id", "a|id", "a>b", "'a'", "~root", "a*", "a#b", "{a,b}", "!1", "a\\b"] {
            let reply = serde_json::json!({"token": odd}).to_string();
            assert!(serde_json::from_str::<Reply>(&reply).is_err(), "Input: {odd}");
        }
        let stateless = r#"{"token":"ghs_4242_eyJ0-_x.eyJ9.a_b-c"}"#;
        assert_eq!(serde_json::from_str::<Reply>(stateless).unwrap().token.expose_secret(), "ghs_4242_eyJ0-_x.eyJ9.a_b-c");
    }
}
