//! Deliveries from files, to be looked at again.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A delivery that somebody saved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedDelivery {
    /// The event.
    pub event: String,
    /// The payload, as JSON.
    pub payload: Bytes,
}

/// Why a file holds no delivery.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotADelivery {
    /// It is not JSON.
    #[error("the file is not JSON (line {line}, column {column})")]
    NotJson {
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// It is a payload, and nothing says of which event.
    #[error("nothing in the file names the event: say which it is, for instance `push`")]
    NoEvent,
}

/// What `GET /app/hook/deliveries/{id}` answers; a bare payload has none of these.
#[derive(Deserialize)]
struct Recorded<'a> {
    event: Option<String>,
    #[serde(borrow)]
    request: Option<Sent<'a>>,
}

#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

impl SavedDelivery {
    /// Reads what GitHub's API says of a delivery, or a bare payload. `event` wins over what the file says.
    pub fn read(text: &str, event: Option<&str>) -> Result<Self, NotADelivery> {
        serde_json::from_str::<&RawValue>(text).map_err(|error| NotADelivery::NotJson { line: error.line(), column: error.column() })?;
        // A payload may have members of these names with other types.
        let recorded = serde_json::from_str::<Recorded<'_>>(text).ok();
        let payload = recorded.as_ref().and_then(|recorded| recorded.request.as_ref()?.payload);
        let named = if payload.is_some() { recorded.as_ref().and_then(|recorded| recorded.event.as_deref()) } else { None };
        let event = event.or(named).ok_or(NotADelivery::NoEvent)?.to_owned();
        let payload = Bytes::copy_from_slice(payload.map_or(text, RawValue::get).as_bytes());
        Ok(Self { event, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn githubs_record_and_bare_payloads_are_read() {
        let record = r#"{"id": 1, "guid": "g", "event": "push", "request": {"headers": {"X-GitHub-Event": "push"}, "payload": {"ref": "x"}}}"#;
        let read = |text, event| SavedDelivery::read(text, event).map(|saved| (saved.event, saved.payload));
        assert_eq!(read(record, None), Ok(("push".to_owned(), r#"{"ref": "x"}"#.into())));
        assert_eq!(read(record, Some("check_suite")).unwrap().0, "check_suite");
        assert_eq!(read(r#"{"ref": "x"}"#, Some("push")), Ok(("push".to_owned(), r#"{"ref": "x"}"#.into())));
        assert_eq!(read(r#"{"event": 7, "request": null}"#, Some("push")).unwrap().1, r#"{"event": 7, "request": null}"#);
    }

    #[test]
    fn other_files_are_no_delivery() {
        assert_eq!(SavedDelivery::read("{", Some("push")), Err(NotADelivery::NotJson { line: 1, column: 1 }));
        assert_eq!(SavedDelivery::read(r#"{"ref": "x", "event": "push"}"#, None), Err(NotADelivery::NoEvent));
    }
}
