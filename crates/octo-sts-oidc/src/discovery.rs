//! The discovery document of an issuer (`OpenID` Connect Discovery 1.0 §3).

use octo_sts_types::{Issuer, Printable, json};
use serde_json::Value;
use url::{Host, Url};

use crate::algorithm::Algorithms;

/// What of a discovery document counts.
#[derive(Clone, Debug)]
pub(crate) struct Discovery {
    pub(crate) keys_url: Url,
    pub(crate) algorithms: Algorithms,
}

/// Why a document of an issuer is not usable.
#[derive(Debug, thiserror::Error)]
pub enum DocumentFault {
    /// Not a JSON object, or a key stands twice in one.
    #[error("it is not a JSON object with every key once")]
    Json(#[source] serde_json::Error),
    /// It names another issuer, or none: the comparison is byte for byte (§4.3).
    #[error("it names the issuer `{}`", Printable(found))]
    OtherIssuer {
        /// What it names.
        found: String,
    },
    /// `jwks_uri` is missing, or leads where keys are not fetched from.
    #[error("its `jwks_uri` is not an https URL without a user, on the internet")]
    KeysUrl,
    /// `id_token_signing_alg_values_supported` is not a list of texts.
    #[error("its `id_token_signing_alg_values_supported` is not a list of texts")]
    Algorithms,
    /// It has no list of keys, or one of more than 100.
    #[error("it is not a list of at most 100 keys")]
    Keys,
    /// There is no key in it that could verify a token.
    #[error("it holds no key that could verify a token")]
    NoUsableKey,
}

impl Discovery {
    /// Reads the document that was found for `issuer`.
    pub(crate) fn parse(body: &[u8], issuer: &Issuer) -> Result<Self, DocumentFault> {
        let document = json::parse_strict_object(body).map_err(DocumentFault::Json)?;
        let found = document.get("issuer").and_then(Value::as_str).unwrap_or_default();
        if found != issuer.as_str() {
            return Err(DocumentFault::OtherIssuer { found: found.to_owned() });
        }
        let keys_url = document.get("jwks_uri").and_then(Value::as_str).ok_or(DocumentFault::KeysUrl)?;
        let algorithms = match document.get("id_token_signing_alg_values_supported") {
            None | Some(Value::Null) => Algorithms::DEFAULT,
            Some(Value::Array(names)) if names.iter().all(Value::is_string) => Algorithms::advertised(names.iter().filter_map(Value::as_str)),
            Some(_) => return Err(DocumentFault::Algorithms),
        };
        Ok(Self { keys_url: check_url(keys_url, issuer).ok_or(DocumentFault::KeysUrl)?, algorithms })
    }
}

/// Another host is fine, as Google's keys are on one. Plain http and this machine are for issuers that are there.
fn check_url(text: &str, issuer: &Issuer) -> Option<Url> {
    let mut url = Url::parse(text).ok()?;
    let here = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    let scheme = match url.scheme() {
        "https" => !here || issuer.is_loopback(),
        "http" => here && !issuer.is_https(),
        _ => false,
    };
    let user = !url.username().is_empty() || url.password().is_some();
    url.set_fragment(None);
    (scheme && !user).then_some(url)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ISSUER: &str = "https://issuer.example/t";

    fn parse_for(issuer: &str, document: &Value) -> Result<Discovery, DocumentFault> {
        Discovery::parse(document.to_string().as_bytes(), &Issuer::parse(issuer).unwrap())
    }

    fn with(name: &str, value: Value) -> Result<Discovery, DocumentFault> {
        let mut document = json!({"issuer": ISSUER, "jwks_uri": "https://keys.example/jwks", "x": [1]});
        document[name] = value;
        parse_for(ISSUER, &document)
    }

    #[test]
    fn keys_may_be_on_another_host() {
        let discovery = with("id_token_signing_alg_values_supported", json!(["ES256", "HS256"])).unwrap();
        assert_eq!(discovery.keys_url.as_str(), "https://keys.example/jwks");
        assert_eq!(discovery.algorithms, Algorithms::advertised(["ES256"].into_iter()));
    }

    /// T-037, T-019
    #[test]
    fn the_issuer_is_compared_byte_for_byte() {
        for odd in ["https://issuer.example/t/", "https://issuer.example", "HTTPS://issuer.example/t", "https://issuer.example:443/t", ""] {
            assert!(matches!(with("issuer", json!(odd)), Err(DocumentFault::OtherIssuer { .. })), "Input: {odd}");
        }
        for odd in [json!([ISSUER]), json!(null), json!(1)] {
            assert!(matches!(with("issuer", odd.clone()), Err(DocumentFault::OtherIssuer { .. })), "Input: {odd}");
        }
    }

    /// T-031
    #[test]
    fn keys_are_fetched_over_https_from_elsewhere_than_here() {
        for odd in [
            "http://keys.example/jwks",
            "http://169.254.169.254/",
            "file:///etc/passwd",
            "gopher://a.example/",
            "ftp://a.example/",
            "data:application/json,{}",
            "https://user@keys.example/",
            "https://u:p@keys.example/",
            "https://127.0.0.1/",
            "https://localhost/jwks",
            "https://[::1]/",
            "/jwks",
            "jwks",
            "",
            "https://",
        ] {
            assert!(matches!(with("jwks_uri", json!(odd)), Err(DocumentFault::KeysUrl)), "Input: {odd}");
        }
        for odd in [json!(null), json!(1), json!(["https://keys.example/jwks"])] {
            assert!(matches!(with("jwks_uri", odd.clone()), Err(DocumentFault::KeysUrl)), "Input: {odd}");
        }
    }

    #[test]
    fn an_issuer_here_has_its_keys_here() {
        let local = "http://localhost:8080";
        let keys = |url: &str| parse_for(local, &json!({"issuer": local, "jwks_uri": url}));
        assert!(keys("http://127.0.0.1:8080/jwks").is_ok());
        assert!(keys("http://10.0.0.1/jwks").is_err());
        assert!(keys("http://keys.example/jwks").is_err());
    }

    /// T-021, T-037
    #[test]
    fn what_is_not_one_plain_object_is_refused() {
        let twice = format!(r#"{{"issuer":"https://x.example","issuer":"{ISSUER}","jwks_uri":"https://keys.example"}}"#);
        for body in ["", "<html></html>", "[]", "null", "{", &twice] {
            let parsed = Discovery::parse(body.as_bytes(), &Issuer::parse(ISSUER).unwrap());
            assert!(matches!(parsed, Err(DocumentFault::Json(_))), "Input: {body}");
        }
        for odd in [json!("RS256"), json!([1]), json!({})] {
            assert!(matches!(with("id_token_signing_alg_values_supported", odd), Err(DocumentFault::Algorithms)));
        }
    }
}
