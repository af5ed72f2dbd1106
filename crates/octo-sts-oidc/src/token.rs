//! A bearer, read and not believed.

use std::{fmt, sync::Arc};

use octo_sts_types::{ClaimSet, ClaimsError, Issuer, json};

use crate::{
    base64url,
    error::{TokenFault, TokenFormError},
    header::Header,
    times::{TimeFault, Times},
};

/// Longest bearer that is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// The text of a token in its parts: form, header and issuer are read, and nothing is proven.
///
/// What keeps a bearer from being a token at all is an error here. What is wrong with a token is kept, and
/// [`Verifier::verify`](crate::Verifier::verify) says it in its place, before anything is fetched.
pub struct UnverifiedToken {
    /// Header and claims as they were signed (RFC 7515 §5.2).
    pub(crate) signing_input: Box<str>,
    pub(crate) signature: Vec<u8>,
    pub(crate) header: Result<Header, TokenFault>,
    pub(crate) times: Result<Times, TimeFault>,
    pub(crate) claims: Result<Arc<ClaimSet>, ClaimsError>,
    issuer: Issuer,
}

/// Why a bearer is not a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAToken {
    /// More than 16 KiB.
    #[error("it is longer than 16 KiB")]
    TooLong,
    /// Not three parts with something in each of the first two.
    #[error("it is not three parts with full stops between them")]
    Parts,
    /// The claims are not base64url.
    #[error("its second part is not base64url")]
    Encoding,
    /// The claims are not a JSON object, or a key stands twice in one.
    #[error("its second part is not a JSON object with every key once")]
    Json,
    /// There is no `iss`, or it is no text.
    #[error("it names no issuer")]
    NoIssuer,
}

impl UnverifiedToken {
    /// Reads the compact form of a JWS (RFC 7515 §7.1). The work is bounded by the length, and the length by 16 KiB.
    pub fn parse(bearer: &str) -> Result<Self, TokenFormError> {
        if bearer.len() > LONGEST {
            return Err(NotAToken::TooLong.into());
        }
        let (header, rest) = bearer.split_once('.').ok_or(NotAToken::Parts)?;
        let (payload, signature) = rest.split_once('.').ok_or(NotAToken::Parts)?;
        if header.is_empty() || payload.is_empty() || signature.contains('.') {
            return Err(NotAToken::Parts.into());
        }
        let members = base64url::decode(payload).map_err(|_| NotAToken::Encoding)?;
        let members = json::parse_strict_object(&members).map_err(|_| NotAToken::Json)?;
        let issuer = members.get("iss").and_then(|iss| iss.as_str()).ok_or(NotAToken::NoIssuer)?;
        let issuer = Issuer::parse(issuer).map_err(TokenFormError::Issuer)?;
        let signed = base64url::decode(signature);
        Ok(Self {
            signing_input: bearer[..=header.len() + payload.len()].into(),
            header: Header::parse(header).map_err(TokenFault::Header).and_then(|header| match signed {
                Ok(_) if !signature.is_empty() => Ok(header),
                _ => Err(TokenFault::Signature),
            }),
            signature: signed.unwrap_or_default(),
            times: Times::read(&members),
            claims: ClaimSet::from_members(members).map(Arc::new),
            issuer,
        })
    }

    /// The issuer that the token names; nobody has proven that it is from there.
    pub fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// What the token says of itself, for those who ask why it is or is not admitted; nobody has proven it, and a grant never
    /// comes of it.
    pub fn unverified_claims(&self) -> Result<&ClaimSet, &ClaimsError> {
        self.claims.as_deref()
    }

    /// Header and claims, as they were signed. Without the signature this is no credential, and of two tokens with the same
    /// signing input each is a replay of the other, whatever their signatures are (ECDSA has several for one text).
    pub fn signing_input(&self) -> &str {
        &self.signing_input
    }
}

impl fmt::Debug for UnverifiedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedToken").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;
    use crate::header::HeaderFault;

    const HEADER: &str = "eyJhbGciOiJSUzI1NiJ9";

    fn payload(json: &str) -> String {
        URL_SAFE_NO_PAD.encode(json)
    }

    fn good() -> String {
        payload(r#"{"iss":"https://issuer.example","sub":"me","exp":1}"#)
    }

    fn refused(bearer: &str) -> TokenFormError {
        UnverifiedToken::parse(bearer).unwrap_err()
    }

    #[test]
    fn the_parts_of_a_token_are_read() {
        let token = UnverifiedToken::parse(&format!("{HEADER}.{}.c2ln", good())).unwrap();
        assert_eq!(token.issuer().as_str(), "https://issuer.example");
        assert_eq!(token.signing_input(), format!("{HEADER}.{}", good()));
        assert_eq!(token.signature, b"sig");
        assert!(token.header.is_ok() && token.times.is_ok() && token.claims.is_ok());
    }

    /// T-015
    #[test]
    fn what_is_not_three_parts_is_not_a_token() {
        let json = format!(r#"{{"payload":"{}","protected":"{HEADER}","signature":"c2ln"}}"#, good());
        let (p, dots) = (good(), ".".repeat(10_000));
        for bearer in ["", ".", "..", "...", "a", "a.b", &json, &dots, &format!("{HEADER}.{p}"), &format!("{HEADER}..c2ln"), &format!(".{p}.c2ln")] {
            assert!(matches!(refused(bearer), TokenFormError::NotAToken(NotAToken::Parts)), "Input: {bearer:.60}");
        }
        for bearer in [format!("{HEADER}.{p}.c2ln."), format!("{HEADER}.{p}.c2ln.x"), format!("{HEADER}.{p}.c2ln.x.y"), format!(".{HEADER}.{p}.c2ln")]
        {
            assert!(matches!(refused(&bearer), TokenFormError::NotAToken(NotAToken::Parts)), "Input: {bearer}");
        }
    }

    /// T-015
    #[test]
    fn the_claims_have_one_spelling() {
        let p = good();
        for odd in [format!("{p}="), format!(" {p}"), format!("{p}\n"), format!("{}\n{}", &p[..8], &p[8..]), "*".to_owned(), "A".to_owned()] {
            let bearer = format!("{HEADER}.{odd}.c2ln");
            assert!(matches!(refused(&bearer), TokenFormError::NotAToken(NotAToken::Encoding)), "Input: {odd:?}");
        }
    }

    /// T-020, T-021, T-02C
    #[test]
    fn the_claims_are_one_object_with_an_issuer() {
        let deep = format!(r#"{{"iss":"https://a.example","x":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
        let twice = r#"{"iss":"https://a.example","iss":"https://b.example"}"#;
        for text in
            ["[]", "null", "1", "\"x\"", "{", "{} {}", twice, r#"{"iss":"https://a.example","x":{"a":1,"a":1}}"#, &deep, "{\"iss\":\"\\ud800\"}"]
        {
            let bearer = format!("{HEADER}.{}.c2ln", payload(text));
            assert!(matches!(refused(&bearer), TokenFormError::NotAToken(NotAToken::Json)), "Input: {text:.60}");
        }
        for text in ["{}", r#"{"iss":1}"#, r#"{"iss":null}"#, r#"{"iss":["https://a.example"]}"#, r#"{"ISS":"https://a.example"}"#] {
            let bearer = format!("{HEADER}.{}.c2ln", payload(text));
            assert!(matches!(refused(&bearer), TokenFormError::NotAToken(NotAToken::NoIssuer)), "Input: {text}");
        }
        let bearer = format!("{HEADER}.{}.c2ln", payload(r#"{"iss":"http://example.com"}"#));
        assert!(matches!(refused(&bearer), TokenFormError::Issuer(_)));
    }

    /// T-051
    #[test]
    fn a_bearer_has_a_bound() {
        let filler = |length: usize| payload(&format!(r#"{{"iss":"https://a.example","x":"{}"}}"#, "a".repeat(length)));
        let longest = format!("{HEADER}.{}.", filler(12_000));
        let longest = format!("{longest}{}", "A".repeat((LONGEST - longest.len()) / 4 * 4));
        assert!(longest.len() > LONGEST - 4 && UnverifiedToken::parse(&longest).is_ok());
        assert!(matches!(refused(&format!("{longest}AAAA")), TokenFormError::NotAToken(NotAToken::TooLong)));
        assert!(matches!(refused(&".".repeat(1_000_000)), TokenFormError::NotAToken(NotAToken::TooLong)));
    }

    /// T-001, T-015: the token is one, and its own fault is kept for the verdict.
    #[test]
    fn a_fault_of_header_or_signature_is_kept() {
        for (header, signature, fault) in [
            ("bm90IGpzb24", "c2ln", TokenFault::Header(HeaderFault::Form)),
            ("eyJhbGciOiJub25lIn0", "", TokenFault::Header(HeaderFault::Algorithm)),
            (HEADER, "", TokenFault::Signature),
            (HEADER, "c2ln=", TokenFault::Signature),
            (HEADER, "c2l", TokenFault::Signature),
            (HEADER, "c2 n", TokenFault::Signature),
        ] {
            let token = UnverifiedToken::parse(&format!("{header}.{}.{signature}", good())).unwrap();
            assert_eq!(token.header.unwrap_err().to_string(), fault.to_string(), "Input: {header}.….{signature}");
        }
    }

    /// T-105
    #[test]
    fn a_token_prints_its_issuer_and_nothing_else() {
        let token = UnverifiedToken::parse(&format!("{HEADER}.{}.c2VjcmV0", good())).unwrap();
        assert_eq!(format!("{token:?}"), r#"UnverifiedToken { issuer: Issuer("https://issuer.example"), .. }"#);
    }
}
