//! The payload in the body of a delivery.

use std::borrow::Cow;

use http::{HeaderMap, header};
use percent_encoding::percent_decode;

/// Why a body has no payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoPayload {
    #[error("the content type is neither application/json nor application/x-www-form-urlencoded")]
    ContentType,
    #[error("compressed bodies are not taken")]
    Encoded,
    #[error("the form has no single field `payload`")]
    Form,
}

/// The JSON text: the body itself, or the field `payload` of a form, as the hook is configured.
pub(crate) fn payload<'b>(headers: &HeaderMap, body: &'b [u8]) -> Result<Cow<'b, [u8]>, NoPayload> {
    if headers.get(header::CONTENT_ENCODING).is_some_and(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(NoPayload::Encoded);
    }
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(Cow::Borrowed(body));
    }
    if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return form(body).map(Cow::Owned).ok_or(NoPayload::Form);
    }
    Err(NoPayload::ContentType)
}

fn form(body: &[u8]) -> Option<Vec<u8>> {
    let mut values = body.split(|byte| *byte == b'&').filter_map(|field| field.strip_prefix(b"payload="));
    let (value, None) = (values.next()?, values.next()) else { return None };
    let spaced: Vec<u8> = value.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    Some(percent_decode(&spaced).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())])
    }

    #[test]
    fn json_and_forms_are_read() {
        for (content_type, body) in [
            ("application/json", r#"{"a": "é+"}"#),
            ("Application/JSON; charset=utf-8", r#"{"a": "é+"}"#),
            ("application/x-www-form-urlencoded", "payload=%7B%22a%22%3A+%22%C3%A9%2B%22%7D"),
            ("application/x-www-form-urlencoded", "x=1&payload=%7B%22a%22%3A+%22%C3%A9%2B%22%7D&y"),
        ] {
            assert_eq!(&*payload(&headers(content_type), body.as_bytes()).unwrap(), r#"{"a": "é+"}"#.as_bytes(), "Input: {body}");
        }
    }

    /// T-144
    #[test]
    fn other_bodies_are_refused() {
        for (content_type, body, why) in [
            ("text/plain", "{}", NoPayload::ContentType),
            ("", "{}", NoPayload::ContentType),
            ("application/jsonx", "{}", NoPayload::ContentType),
            ("application/x-www-form-urlencoded", "{}", NoPayload::Form),
            ("application/x-www-form-urlencoded", "payload=1&payload=2", NoPayload::Form),
        ] {
            assert_eq!(payload(&headers(content_type), body.as_bytes()), Err(why), "Input: {content_type} {body}");
        }
        let mut deflated = headers("application/json");
        deflated.insert(header::CONTENT_ENCODING, "deflate".parse().unwrap());
        assert_eq!(payload(&deflated, b"{}"), Err(NoPayload::Encoded));
        assert_eq!(payload(&HeaderMap::new(), b"{}"), Err(NoPayload::ContentType));
    }
}
