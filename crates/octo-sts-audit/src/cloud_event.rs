//! `CloudEvents` 1.0, HTTP protocol binding. Binary mode: attributes in headers, the event as body. Batched mode: a JSON
//! array of whole events.

use bytes::Bytes;
use http::{Method, Request, header::CONTENT_TYPE};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;
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

/// An event in the JSON format (`CloudEvents` JSON format §3).
#[derive(Serialize)]
struct Whole<'a> {
    specversion: &'static str,
    id: &'a str,
    source: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    subject: &'a str,
    r#type: &'a str,
    time: String,
    datacontenttype: &'static str,
    data: &'a RawValue,
}

/// Why no request can be made of events.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unsendable {
    /// What is in them is no JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// What is in them is no request.
    #[error(transparent)]
    Http(#[from] http::Error),
}

/// The request that carries all of these records (`CloudEvents` HTTP binding §3.3).
pub(crate) fn batch(to: &Url, source: &str, records: &[Record]) -> Result<Request<Bytes>, Unsendable> {
    let whole = |record| whole(source, record);
    let events = records.iter().map(whole).collect::<Result<Vec<_>, _>>()?;
    let request = Request::builder().method(Method::POST).uri(to.as_str());
    let request = request.header(CONTENT_TYPE, "application/cloudevents-batch+json; charset=utf-8");
    Ok(request.body(serde_json::to_vec(&events)?.into())?)
}

fn whole<'a>(source: &'a str, record: &'a Record) -> Result<Whole<'a>, serde_json::Error> {
    Ok(Whole {
        specversion: "1.0",
        id: &record.id,
        source,
        subject: &record.subject,
        r#type: &record.kind,
        time: record.time.to_string(),
        datacontenttype: "application/json",
        data: serde_json::from_slice(&record.data)?,
    })
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

    #[test]
    fn a_batch_is_an_array_of_whole_events() {
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let records = ["acme/app/ci", ""].map(|subject| Record::new(EXCHANGE, subject.into(), at, &json!({"a": subject})).unwrap());
        let request = batch(&"https://events.example/".parse().unwrap(), "https://sts.example", &records).unwrap();
        assert_eq!(request.headers()[CONTENT_TYPE], "application/cloudevents-batch+json; charset=utf-8");
        assert!(request.headers().get("ce-id").is_none());
        let event = |record: &Record| {
            json!({
                "specversion": "1.0", "id": record.id, "source": "https://sts.example", "type": EXCHANGE, "time": "2026-01-02T03:04:05Z",
                "datacontenttype": "application/json", "data": {"a": record.subject},
            })
        };
        let mut expected = [event(&records[0]), event(&records[1])];
        expected[0]["subject"] = json!("acme/app/ci");
        assert_eq!(serde_json::from_slice::<serde_json::Value>(request.body()).unwrap(), json!(expected));
    }

    /// T-104
    #[test]
    fn no_subject_can_keep_its_event_from_being_sent() {
        for (subject, header) in [("x\n/../org/repo", "x%0A/../org/repo"), ("a b\"%41", "a%20b%22%2541"), ("é\u{0}\r", "%C3%A9%00%0D"), ("", "")] {
            assert_eq!(headers(subject)["ce-subject"], header);
        }
    }
}
