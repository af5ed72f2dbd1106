//! A request for a token exchange (RFC 8693 §2.1), read and checked for its form.

use secrecy::SecretString;

use super::{
    Refused, Word, one,
    resource::{Names, Target},
};

/// The grant type that this endpoint has.
pub(super) const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// The type of the token that is issued.
pub(super) const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";
/// What an OIDC token may be called: issuers hand out the same signed text under each of these names.
const SUBJECT_TYPES: [&str; 3] = ["urn:ietf:params:oauth:token-type:id_token", "urn:ietf:params:oauth:token-type:jwt", ACCESS_TOKEN];
/// What is secret, and has no place in an address, where logs would show it.
const SECRETS: [&str; 3] = ["subject_token", "actor_token", "client_secret"];

/// What is asked for.
#[derive(Debug)]
pub(super) struct Grant {
    pub(super) subject_token: SecretString,
    pub(super) target: Target,
    /// The `scope` as it was written, which the answer repeats.
    pub(super) scope: Option<String>,
}

impl Grant {
    /// Reads the parameters of the body, and of the endpoint's query where RFC 6749 §3.2 allows them.
    pub(super) fn read(body: Vec<(String, String)>, query: Vec<(String, String)>, names: Names<'_>) -> Result<Self, Refused> {
        if let Some((name, _)) = query.iter().find(|(name, _)| SECRETS.contains(&name.as_str())) {
            return Err(Refused::new(Word::InvalidRequest, format!("{name} belongs into the body of the request, not into its address")));
        }
        let mut pairs = body;
        pairs.extend(query);
        check_kind(&pairs)?;
        let bad = |what: &str| Refused::new(Word::InvalidRequest, what);
        let token = one(&pairs, "subject_token")?.ok_or_else(|| bad("subject_token is missing: send the OIDC token as it was issued"))?;
        let kind = one(&pairs, "subject_token_type")?
            .ok_or_else(|| bad("subject_token_type is missing: write urn:ietf:params:oauth:token-type:id_token"))?;
        if !SUBJECT_TYPES.contains(&kind.as_str()) {
            return Err(bad("subject_token_type is not known: write urn:ietf:params:oauth:token-type:id_token"));
        }
        if one(&pairs, "actor_token")?.is_some() {
            return Err(bad("actor_token is not taken: a token is issued to the subject alone"));
        }
        if one(&pairs, "requested_token_type")?.is_some_and(|kind| kind != ACCESS_TOKEN) {
            return Err(bad("requested_token_type must be urn:ietf:params:oauth:token-type:access_token, or left out"));
        }
        let scope = one(&pairs, "scope")?;
        let target = Target::read(&pairs, names)?;
        if target.scope.is_empty() {
            return Err(bad("no repository is named: write resource=https://github.com/OWNER/REPOSITORY, or scope=OWNER/REPOSITORY"));
        }
        if target.identity.is_empty() {
            return Err(bad("no trust policy is named: write identity=NAME, or identity:NAME in scope"));
        }
        Ok(Self { subject_token: SecretString::from(token), target, scope })
    }
}

fn check_kind(pairs: &[(String, String)]) -> Result<(), Refused> {
    match one(pairs, "grant_type")?.as_deref() {
        Some(TOKEN_EXCHANGE) => Ok(()),
        Some(_) => Err(Refused::new(Word::UnsupportedGrantType, format!("the one grant type here is {TOKEN_EXCHANGE}"))),
        None => Err(Refused::new(Word::InvalidRequest, format!("grant_type is missing: write {TOKEN_EXCHANGE}"))),
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const NAMES: Names<'static> = Names { domain: "sts.example.com", github_host: "github.com" };

    fn pairs(text: &str) -> Vec<(String, String)> {
        text.split('&').filter_map(|pair| pair.split_once('=')).map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn good() -> String {
        format!("grant_type={TOKEN_EXCHANGE}&subject_token=a.b.c&subject_token_type={}&resource=acme/app&identity=ci", SUBJECT_TYPES[0])
    }

    fn read(body: &str, query: &str) -> Result<Grant, (Word, String)> {
        Grant::read(pairs(body), pairs(query), NAMES).map_err(|refused| (refused.word, refused.description))
    }

    #[test]
    fn what_is_the_same_for_every_request_may_stand_in_the_endpoints_address() {
        let grant = read(&good().replace("&identity=ci", ""), "identity=ci&client_id=x").unwrap();
        assert_eq!((grant.subject_token.expose_secret(), grant.target.scope.as_str(), grant.target.identity.as_str()), ("a.b.c", "acme/app", "ci"));
        assert_eq!(grant.scope, None);
    }

    /// T-053
    #[test]
    fn each_fault_has_its_word_and_its_sentence() {
        use Word::{InvalidRequest, UnsupportedGrantType};
        let good = good();
        for (body, query, word, begin) in [
            ("", "", InvalidRequest, "grant_type is missing"),
            ("grant_type=client_credentials", "", UnsupportedGrantType, "the one grant type"),
            (&good.replace("a.b.c", ""), "", InvalidRequest, "subject_token is missing"),
            (&good.replace("subject_token_type", "x"), "", InvalidRequest, "subject_token_type is missing"),
            (&good.replace("id_token", "saml2"), "", InvalidRequest, "subject_token_type is not known"),
            (&format!("{good}&actor_token=x"), "", InvalidRequest, "actor_token is not taken"),
            (&format!("{good}&requested_token_type=x"), "", InvalidRequest, "requested_token_type must be"),
            (&format!("{good}&subject_token=x"), "", InvalidRequest, "the parameter subject_token stands more than once"),
            (&format!("{good}&scope=x&scope=x"), "", InvalidRequest, "the parameter scope stands more than once"),
            (&good.replace("resource", "x"), "", InvalidRequest, "no repository is named"),
            (&good.replace("identity", "x"), "", InvalidRequest, "no trust policy is named"),
            (&good.replace("subject_token=a.b.c&", ""), "subject_token=a.b.c", InvalidRequest, "subject_token belongs into the body"),
        ] {
            let (found, message) = read(body, query).unwrap_err();
            assert_eq!(found, word, "Input: {body}");
            assert!(message.starts_with(begin), "{message}");
        }
    }
}
