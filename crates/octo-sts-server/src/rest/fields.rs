//! The fields of an exchange request, out of query, form and JSON.

use std::fmt;

use http::{Response, StatusCode, header, request};
use http_body::Body;
use serde::de::{Deserializer as _, MapAccess, Visitor};
use serde_json::Value;
use tonic::Code;

use super::{body, query, reply};
use crate::{reply::Reply, status::Answer};

/// The fields that are read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) scope: String,
    pub(super) scopes: Vec<String>,
    pub(super) identity: String,
}

/// A request that is refused for its form.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) answer: Answer,
    /// The rest of the request is not read: the connection ends.
    pub(super) close: bool,
}

impl Refused {
    pub(super) fn of(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        Self { status, answer: Answer::plain(code, message), close: true }
    }

    fn bad(message: impl fmt::Display) -> Self {
        Self { status: StatusCode::BAD_REQUEST, answer: Answer::plain(Code::InvalidArgument, message.to_string()), close: false }
    }

    pub(super) fn response(self) -> Response<Reply> {
        let mut response = reply::refused(&self.answer, "");
        *response.status_mut() = self.status;
        if self.close { reply::close(response) } else { response }
    }
}

/// What a body is, by its `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Form,
    Json,
    Multipart,
    /// Anything else, which is not read.
    Other,
}

pub(super) fn kind(head: &request::Parts) -> Kind {
    if head.method != http::Method::POST {
        return Kind::Other;
    }
    let value = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/x-www-form-urlencoded" => Kind::Form,
        "application/json" => Kind::Json,
        essence if essence.starts_with("multipart/") => Kind::Multipart,
        _ => Kind::Other,
    }
}

/// The longest body of a request for an exchange, in bytes.
const LONGEST: usize = 4 << 10;

/// Reads the fields: first the body's, then the query's.
pub(super) async fn read<B>(head: &request::Parts, body: B) -> Result<Asked, Refused>
where
    B: Body + Send,
    B::Error: fmt::Display,
{
    let mut pairs = form(head, body, LONGEST).await?;
    pairs.extend(query::parse(head.uri.query().unwrap_or_default().as_bytes()).map_err(Refused::bad)?);
    gather(pairs).map_err(Refused::bad)
}

/// The names and values of a body of at most so many bytes, which is a form, JSON, or not read.
pub(super) async fn form<B>(head: &request::Parts, body: B, longest: usize) -> Result<Vec<(String, String)>, Refused>
where
    B: Body + Send,
    B::Error: fmt::Display,
{
    let kind = kind(head);
    if kind == Kind::Multipart {
        return Err(Refused::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument, "multipart bodies are not read: send a form or JSON"));
    }
    if kind != Kind::Other && head.headers.get(header::CONTENT_ENCODING).is_some_and(|coding| coding != "identity") {
        return Err(Refused::of(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument, "compressed bodies are not read"));
    }
    let body = body::read(body, longest).await?;
    match kind {
        Kind::Form => query::parse(&body).map_err(Refused::bad),
        Kind::Json => json(&body).map_err(Refused::bad),
        Kind::Multipart | Kind::Other => Ok(Vec::new()),
    }
}

/// Sorts pairs into fields. Unknown names are passed over; a field that takes one value takes one, in either spelling.
fn gather(pairs: Vec<(String, String)>) -> Result<Asked, String> {
    let (mut scope, mut identity, mut provider) = (Vec::new(), Vec::new(), Vec::new());
    let mut scopes = Vec::new();
    for (name, value) in pairs {
        match name.as_str() {
            "scope" => scope.push(value),
            "scopes" => scopes.push(value),
            "identity" => identity.push(value),
            "identity_provider" | "identityProvider" => provider.push(value),
            _ => {}
        }
    }
    single("identity_provider", provider)?;
    Ok(Asked { scope: single("scope", scope)?, scopes, identity: single("identity", identity)? })
}

fn single(name: &str, mut values: Vec<String>) -> Result<String, String> {
    match values.len() {
        0 => Ok(String::new()),
        1 => Ok(values.remove(0)),
        _ => Err(format!("too many values for field \"{name}\": {}", values.join(", "))),
    }
}

/// The members of a JSON object as pairs: a text is one, a list of texts several. Equal keys stay apart, to be refused
/// where they matter.
fn json(body: &[u8]) -> Result<Vec<(String, String)>, String> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Vec::new());
    }
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let members = deserializer.deserialize_map(Members).map_err(|error| format!("the body is not a JSON object: {error}"))?;
    deserializer.end().map_err(|error| format!("the body is not a JSON object: {error}"))?;
    let mut pairs = Vec::new();
    for (name, value) in members {
        match (name.as_str(), value) {
            (_, Value::Null) => {}
            (_, Value::String(text)) => pairs.push((name, text)),
            ("scopes", Value::Array(entries)) => {
                for entry in entries {
                    let Value::String(text) = entry else { return Err(format!("field \"{name}\" must be a list of texts")) };
                    pairs.push((name.clone(), text));
                }
            }
            ("scope" | "identity" | "identity_provider" | "identityProvider" | "scopes", _) => {
                return Err(format!("field \"{name}\" must be a text"));
            }
            _ => {}
        }
    }
    Ok(pairs)
}

/// Reads an object as a list of its members.
struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(String, Value)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = entries.next_entry()? {
            members.push(member);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Request;
    use http_body_util::Full;

    use super::*;

    async fn read_from(method: &str, query: &str, content_type: &str, body: &str) -> Result<Asked, (u16, String)> {
        let request = Request::builder().method(method).uri(format!("/sts/exchange?{query}"));
        let request = if content_type.is_empty() { request } else { request.header("content-type", content_type) };
        let (head, ()) = request.body(()).unwrap().into_parts();
        read(&head, Full::new(Bytes::copy_from_slice(body.as_bytes()))).await.map_err(|refused| (refused.status.as_u16(), refused.answer.message))
    }

    fn asked(scope: &str, scopes: &[&str], identity: &str) -> Asked {
        Asked { scope: scope.into(), scopes: scopes.iter().map(|&scope| scope.into()).collect(), identity: identity.into() }
    }

    /// T-052, T-053
    #[tokio::test]
    async fn fields_come_from_query_form_and_json() {
        let (form, json) = ("application/x-www-form-urlencoded", "application/json; charset=utf-8");
        for (method, query, content_type, body, expected) in [
            ("GET", "scope=acme/app&identity=ci", "", "", asked("acme/app", &[], "ci")),
            ("GET", "scope=acme/app&scopes=acme/app&identity=ci&aud=x&cap=y&unknown=1", "", "", asked("acme/app", &["acme/app"], "ci")),
            ("GET", "scopes=a&scopes=b&identity=ci", "", "", asked("", &["a", "b"], "ci")),
            ("GET", "scope=acme%2Fapp&identity=ci&identityProvider=x", "", "", asked("acme/app", &[], "ci")),
            ("GET", "identity=ci", json, r#"{"scope":"x"}"#, asked("", &[], "ci")),
            ("POST", "scope=a&identity=b", "", "{}", asked("a", &[], "b")),
            ("POST", "", "", r#"{"scope":"a"}"#, asked("", &[], "")),
            ("POST", "", "text/plain", r#"{"scope":"a"}"#, asked("", &[], "")),
            ("POST", "", form, "scope=acme/app&identity=ci", asked("acme/app", &[], "ci")),
            ("POST", "identity=ci", form, "scope=acme/app", asked("acme/app", &[], "ci")),
            ("POST", "", json, r#"{"scope":"a","identity":"b","scopes":["a"],"cap":[1],"x":{}}"#, asked("a", &["a"], "b")),
            ("POST", "identity=b", json, r#"{"scope":null,"scopes":"a"}"#, asked("", &["a"], "b")),
            ("POST", "scope=a&identity=b", json, " ", asked("a", &[], "b")),
        ] {
            assert_eq!(read_from(method, query, content_type, body).await, Ok(expected), "Input: {method} {query} {content_type} {body}");
        }
    }

    /// T-053
    #[tokio::test]
    async fn a_field_given_twice_is_refused_wherever_it_stands() {
        let (form, json) = ("application/x-www-form-urlencoded", "application/json");
        for (query, content_type, body, message) in [
            ("scope=acme/app&scope=acme/x", "", "", r#"too many values for field "scope": acme/app, acme/x"#),
            ("scope=b", form, "scope=a", r#"too many values for field "scope": a, b"#),
            ("identity=b", json, r#"{"identity":"a"}"#, r#"too many values for field "identity": a, b"#),
            ("", json, r#"{"scope":"a","scope":"a"}"#, r#"too many values for field "scope": a, a"#),
            ("", json, r#"{"scope":"a","\u0073cope":"b"}"#, r#"too many values for field "scope": a, b"#),
            ("identity_provider=a&identityProvider=b", "", "", r#"too many values for field "identity_provider": a, b"#),
        ] {
            assert_eq!(read_from("POST", query, content_type, body).await, Err((400, message.to_owned())), "Input: {query} {body}");
        }
    }

    /// T-051, T-053
    #[tokio::test]
    async fn bodies_that_are_not_read_are_refused() {
        let (form, json) = ("application/x-www-form-urlencoded", "application/json");
        let long = "a".repeat(4097);
        for (content_type, body, status, begin) in [
            ("multipart/form-data; boundary=x", "--x", 415, "multipart bodies"),
            (json, "{", 400, "the body is not a JSON object"),
            (json, "[]", 400, "the body is not a JSON object"),
            (json, "{} {}", 400, "the body is not a JSON object"),
            (json, r#"{"scope":1}"#, 400, r#"field "scope" must be a text"#),
            (json, r#"{"scope":["a"]}"#, 400, r#"field "scope" must be a text"#),
            (json, r#"{"scopes":[1]}"#, 400, r#"field "scopes" must be a list of texts"#),
            (form, "scope=%zz", 400, r#"invalid URL escape "%zz""#),
            (form, "a=1;b=2", 400, "invalid semicolon separator in query"),
            (form, &long, 413, "the body of the request is longer"),
            ("", &long, 413, "the body of the request is longer"),
        ] {
            let (found, message) = read_from("POST", "", content_type, body).await.unwrap_err();
            assert_eq!(found, status, "Input: {content_type}");
            assert!(message.starts_with(begin), "{message}");
        }
    }
}
