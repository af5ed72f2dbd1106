//! `CloudEvents` 1.0, HTTP protocol binding, binary mode: attributes in headers, the event as body.

use bytes::Bytes;
use http::{Method, Request, header::CONTENT_TYPE};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use url::Url;

use crate::record::Record;

/// What a header value of an attribute encodes (`CloudEvents` HTTP binding §3.1.3.2): everything outside U+0021 to U+007E, and
/// `"` and `%`.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// The request that carries a record.
pub(crate) fn request(to: &Url, source: &str, record: &Record) -> Result<Request<Bytes>, http::Error> {
    Request::builder()
        .method(Method::POST)
        .uri(to.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header("ce-specversion", "1.0")
        .header("ce-id", &record.id)
        .header("ce-source", encoded(source))
        .header("ce-subject", encoded(&record.subject))
        .header("ce-type", &record.kind)
        .header("ce-time", record.time.to_string())
        .body(record.data.clone())
}

fn encoded(value: &str) -> String {
    utf8_percent_encode(value, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::record::EXCHANGE;

    fn headers(subject: &str) -> http::HeaderMap {
        let record = Record::new(EXCHANGE, subject.into(), "2026-01-02T03:04:05Z".parse().unwrap(), &json!({"a": 1})).unwrap();
        request(&"https://events.example/in?x=1".parse().unwrap(), "https://sts.example", &record).unwrap().headers().clone()
    }

    #[test]
    fn attributes_are_headers() {
        let headers = headers("acme/app/ci");
        for (name, value) in [
            ("ce-specversion", "1.0"),
            ("ce-source", "https://sts.example"),
            ("ce-subject", "acme/app/ci"),
            ("ce-type", "dev.octo-sts.exchange"),
            ("ce-time", "2026-01-02T03:04:05Z"),
            ("content-type", "application/json"),
        ] {
            assert_eq!(headers[name], value);
        }
        assert_eq!(headers["ce-id"].len(), 36);
    }

    /// T-104
    #[test]
    fn no_subject_can_keep_its_event_from_being_sent() {
        for (subject, header) in [("x\n/../org/repo", "x%0A/../org/repo"), ("a b\"%41", "a%20b%22%2541"), ("é\u{0}\r", "%C3%A9%00%0D"), ("", "")] {
            assert_eq!(headers(subject)["ce-subject"], header);
        }
    }
}
