//! The protected header of a token.

use octo_sts_types::json;

use crate::{algorithm::Algorithm, base64url};

/// Longest `kid`, in bytes.
const LONGEST_KID: usize = 256;

/// What of a header decides how a token is verified. `jku`, `x5u`, `jwk` and `x5c` are not read: where keys come from is
/// for the issuer's discovery document to say, never for the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) algorithm: Algorithm,
    /// Which key signed, when the token says so: opaque text.
    pub(crate) kid: Option<Box<str>>,
}

/// Why a header is not one that is verified.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// Not a JSON object in base64url.
    #[error("the header is not a JSON object in base64url")]
    Form,
    /// `alg` is missing, or is none of those verified: `none` and everything symmetric among them.
    #[error("the header's `alg` is not one that is verified")]
    Algorithm,
    /// There is a `crit`. No extension is understood here, so RFC 7515 §4.1.11 has the token refused.
    #[error("the header has a `crit`")]
    Critical,
    /// `typ` says that the token is something else than an identity (RFC 8725 §3.11), or `cty` that it wraps another.
    #[error("the header's `typ` or `cty` is that of another kind of token")]
    Type,
    /// `kid` is no text, or longer than 256 bytes.
    #[error("the header's `kid` is not a text of at most 256 bytes")]
    KeyId,
}

impl Header {
    pub(crate) fn parse(segment: &str) -> Result<Self, HeaderFault> {
        let bytes = base64url::decode(segment).map_err(|_| HeaderFault::Form)?;
        let members = json::parse_strict_object(&bytes).map_err(|_| HeaderFault::Form)?;
        let algorithm = members.get("alg").and_then(|alg| alg.as_str()).and_then(Algorithm::from_name).ok_or(HeaderFault::Algorithm)?;
        if members.contains_key("crit") {
            return Err(HeaderFault::Critical);
        }
        let text = |name: &str, fault| match members.get(name) {
            None => Ok(None),
            Some(value) => value.as_str().map(Some).ok_or(fault),
        };
        let typed = text("typ", HeaderFault::Type)?.is_none_or(is_identity_type);
        let wraps = text("cty", HeaderFault::Type)?.is_some_and(|cty| bare(cty).eq_ignore_ascii_case("jwt"));
        if !typed || wraps {
            return Err(HeaderFault::Type);
        }
        let kid = text("kid", HeaderFault::KeyId)?;
        if kid.is_some_and(|kid| kid.len() > LONGEST_KID) {
            return Err(HeaderFault::KeyId);
        }
        Ok(Self { algorithm, kid: kid.map(Into::into) })
    }
}

/// Media types are compared without case, and `application/` may be left out (RFC 7515 §4.1.9).
fn is_identity_type(typ: &str) -> bool {
    ["jwt", "at+jwt", "id_token+jwt"].iter().any(|known| bare(typ).eq_ignore_ascii_case(known))
}

fn bare(media_type: &str) -> &str {
    let prefix = "application/";
    match media_type.get(..prefix.len()) {
        Some(start) if start.eq_ignore_ascii_case(prefix) => &media_type[prefix.len()..],
        _ => media_type,
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;

    fn parse(json: &str) -> Result<Header, HeaderFault> {
        Header::parse(&URL_SAFE_NO_PAD.encode(json))
    }

    #[test]
    fn an_ordinary_header_is_read() {
        let header = parse(r#"{"alg":"RS256","kid":"k","typ":"JWT","x5t":"zz"}"#).unwrap();
        assert_eq!(header, Header { algorithm: Algorithm::Rs256, kid: Some("k".into()) });
        assert_eq!(parse(r#"{"alg":"EdDSA"}"#).unwrap().kid, None);
    }

    /// T-001
    #[test]
    fn an_algorithm_that_is_not_verified_is_refused() {
        for alg in [r#""none""#, r#""None""#, r#""nOnE""#, r#""HS256""#, r#""""#, "null", "256", r#"["RS256"]"#] {
            assert_eq!(parse(&format!(r#"{{"alg":{alg}}}"#)), Err(HeaderFault::Algorithm), "Input: {alg}");
        }
        assert_eq!(parse("{}"), Err(HeaderFault::Algorithm));
    }

    /// T-014
    #[test]
    fn any_crit_is_refused() {
        for crit in [r#"["x"]"#, "[]", r#"["exp","exp"]"#, r#"["exp"]"#, "null", r#"["b64"],"b64":false"#] {
            assert_eq!(parse(&format!(r#"{{"alg":"RS256","crit":{crit}}}"#)), Err(HeaderFault::Critical), "Input: {crit}");
        }
    }

    /// T-016
    #[test]
    fn other_kinds_of_token_are_refused() {
        for typ in ["JWT", "jwt", "at+jwt", "AT+JWT", "id_token+jwt", "application/at+jwt", "Application/JWT"] {
            assert!(parse(&format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#)).is_ok(), "Input: {typ}");
        }
        for typ in ["logout+jwt", "secevent+jwt", "dpop+jwt", "kb+jwt", "JWE", "JOSE", "", "application/", "application/application/jwt", "JWT "] {
            assert_eq!(parse(&format!(r#"{{"alg":"RS256","typ":"{typ}"}}"#)), Err(HeaderFault::Type), "Input: {typ}");
        }
        for odd in [r#""typ":1"#, r#""typ":null"#, r#""typ":["JWT"]"#, r#""cty":"JWT""#, r#""cty":"application/jwt""#, r#""cty":1"#] {
            assert_eq!(parse(&format!(r#"{{"alg":"RS256",{odd}}}"#)), Err(HeaderFault::Type), "Input: {odd}");
        }
    }

    /// T-005
    #[test]
    fn a_kid_is_opaque_text_of_bounded_length() {
        for kid in ["../../etc/passwd", "' OR 1=1 --", "\\u0000", "ключ", ""] {
            assert!(parse(&format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#)).is_ok(), "Input: {kid}");
        }
        assert!(parse(&format!(r#"{{"alg":"RS256","kid":"{}"}}"#, "a".repeat(256))).is_ok());
        for kid in ["1", "null", "[\"k\"]", "{}", "true", &format!("\"{}\"", "a".repeat(257))] {
            assert_eq!(parse(&format!(r#"{{"alg":"RS256","kid":{kid}}}"#)), Err(HeaderFault::KeyId), "Input: {kid}");
        }
    }

    /// T-015, T-021
    #[test]
    fn what_is_not_one_plain_object_is_refused() {
        for text in ["", "[]", "1", "{", r#"{"alg":"RS256","alg":"RS256"}"#, r#"{"alg":"RS256","x":{"a":1,"a":2}}"#, r#"{"alg":"RS256"} {}"#] {
            assert_eq!(parse(text), Err(HeaderFault::Form), "Input: {text}");
        }
        for segment in ["", "e30=", "e3 0", "****"] {
            assert_eq!(Header::parse(segment), Err(HeaderFault::Form), "Input: {segment}");
        }
    }
}
