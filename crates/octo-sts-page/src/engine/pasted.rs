//! The field for a token: a JWT, whose claims are read and not believed, or the claims alone.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use octo_sts_types::{ClaimSet, ClaimsError, Repository, Scope, json};
use serde::Serialize;

/// Longest text that is read, in bytes.
const LONGEST: usize = 64 * 1024;
/// Longest token that the service reads, in bytes.
const LONGEST_TOKEN: usize = 16 * 1024;

/// What was pasted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Form {
    /// Three parts of base64url. Its signature is not checked.
    Token,
    /// A JSON object.
    Claims,
}

/// Claims, as far as what was pasted has any.
pub(super) struct Pasted {
    pub(super) form: Form,
    pub(super) claims: Result<ClaimSet, Unusable>,
}

/// Why there are no claims.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unusable {
    #[error("more than 64 KiB: a token has at most 16")]
    TooLong,
    #[error("longer than 16 KiB: the service reads no such token")]
    TokenTooLong,
    #[error("a token has no spaces and no line breaks in it: copy it in one piece")]
    Spaces,
    #[error("neither a token (three parts with full stops between them) nor claims (a JSON object, `{{…}}`)")]
    Parts,
    #[error("the token's second part is not base64url: was it cut off, or copied twice?")]
    Encoding,
    #[error("the token's second part is not a JSON object with every key once")]
    Payload,
    #[error("not a JSON object with every key once: {0}")]
    Json(serde_json::Error),
    #[error("{0}{cause}", cause = cause(.0))]
    Claims(ClaimsError),
}

/// What is wrong with the one claim, behind what is wrong with them all.
fn cause(error: &ClaimsError) -> String {
    std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default()
}

impl Pasted {
    /// `None` where nothing was pasted.
    pub(super) fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let form = if text.starts_with(['{', '[', '"']) { Form::Claims } else { Form::Token };
        let claims = match form {
            _ if text.len() > LONGEST => Err(Unusable::TooLong),
            Form::Claims => json::parse_strict_object(text.as_bytes()).map_err(Unusable::Json),
            Form::Token => payload(text),
        };
        Some(Self { form, claims: claims.and_then(|members| ClaimSet::from_members(members).map_err(Unusable::Claims)) })
    }

    /// When the token ended, if that was before `now`. Of claims alone nobody expects that they last.
    pub(super) fn ended(&self, now: Timestamp) -> Option<Timestamp> {
        let claims = self.claims.as_ref().ok().filter(|_| self.form == Form::Token)?;
        claims.time("exp").ok().flatten().filter(|end| *end <= now)
    }

    /// The repository that a token of GitHub Actions names as its own.
    pub(super) fn own_scope(&self) -> Option<Scope> {
        let repository = self.claims.as_ref().ok()?.member("repository")?.as_str()?;
        repository.parse::<Repository>().ok().map(Scope::Repository)
    }
}

/// The members of a token's payload (RFC 7515 §7.1).
fn payload(text: &str) -> Result<serde_json::Map<String, serde_json::Value>, Unusable> {
    let token = text.strip_prefix("Bearer ").unwrap_or(text).trim_start();
    if token.len() > LONGEST_TOKEN {
        return Err(Unusable::TokenTooLong);
    }
    let parts: Vec<_> = token.split('.').collect();
    let &[header, payload, _] = parts.as_slice() else { return Err(Unusable::Parts) };
    if header.is_empty() || payload.is_empty() {
        return Err(Unusable::Parts);
    }
    if token.contains(char::is_whitespace) {
        return Err(Unusable::Spaces);
    }
    let members = URL_SAFE_NO_PAD.decode(payload).map_err(|_| Unusable::Encoding)?;
    json::parse_strict_object(&members).map_err(|_| Unusable::Payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(payload: &str) -> String {
        format!("eyJhbGciOiJSUzI1NiJ9.{}.c2ln", URL_SAFE_NO_PAD.encode(payload))
    }

    fn fault(text: &str) -> String {
        Pasted::read(text).unwrap().claims.unwrap_err().to_string()
    }

    const CLAIMS: &str = r#"{"iss":"https://issuer.example","sub":"me","exp":100,"repository":"acme/app"}"#;

    #[test]
    fn a_token_and_its_claims_say_the_same() {
        let (jwt, claims) = (Pasted::read(&token(CLAIMS)).unwrap(), Pasted::read(CLAIMS).unwrap());
        assert_eq!((jwt.form, claims.form), (Form::Token, Form::Claims));
        assert_eq!(jwt.claims.unwrap(), claims.claims.unwrap());
        for around in [format!("  {}\n", token(CLAIMS)), format!("Bearer {}", token(CLAIMS))] {
            assert!(Pasted::read(&around).unwrap().claims.is_ok(), "Input: {around:?}");
        }
        assert!(Pasted::read(" \n\t").is_none());
    }

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        let whole = token(CLAIMS);
        for (text, expected) in [
            ("hello".to_owned(), "neither a token"),
            (".".repeat(1000), "neither a token"),
            ("..".to_owned(), "neither a token"),
            (whole.replacen('.', ".\n", 1), "no spaces and no line breaks"),
            (whole.replacen(".c2ln", "=.c2ln", 1), "not base64url"),
            (token("[]"), "second part is not a JSON object"),
            (token(r#"{"iss":"https://a.example","iss":"https://b.example"}"#), "second part is not a JSON object"),
            ("a".repeat(70_000), "more than 64 KiB"),
            ("a".repeat(20_000), "longer than 16 KiB"),
            ("{".to_owned(), "not a JSON object"),
            ("[]".to_owned(), "not a JSON object"),
            (r#"{"sub":"me"}"#.to_owned(), "no `iss`"),
            (r#"{"iss":"http://a.example","sub":"me"}"#.to_owned(), "`iss` is not an issuer: "),
            (r#"{"iss":"https://a.example","sub":""}"#.to_owned(), "`sub` is not a subject: "),
            (r#"{"iss":"https://a.example","sub":"me","aud":1}"#.to_owned(), "`aud` is of a wrong type"),
            (r#"{"iss":"https://a.example","sub":"me","aud":""}"#.to_owned(), "`aud` holds no audience"),
        ] {
            assert!(fault(&text).contains(expected), "Input: {text:.60}: {}", fault(&text));
        }
    }

    #[test]
    fn only_a_token_ends() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let jwt = Pasted::read(&token(CLAIMS)).unwrap();
        assert_eq!((jwt.ended(at(99)), jwt.ended(at(100))), (None, Some(at(100))));
        assert_eq!(Pasted::read(CLAIMS).unwrap().ended(at(200)), None);
    }

    #[test]
    fn a_token_of_github_actions_names_its_repository() {
        assert_eq!(Pasted::read(CLAIMS).unwrap().own_scope().unwrap().to_string(), "acme/app");
        for odd in [r#"{"iss":"https://a.example","sub":"me","repository":"../x"}"#, r#"{"iss":"https://a.example","sub":"me","repository":1}"#, "x"]
        {
            assert!(Pasted::read(odd).unwrap().own_scope().is_none(), "Input: {odd}");
        }
    }
}
