//! An event on its way to the sinks: serialised once, given its id.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

/// CloudEvents type of an exchange.
pub(crate) const EXCHANGE: &str = "dev.octo-sts.exchange";
/// CloudEvents type of a change of policy.
pub(crate) const POLICY: &str = "dev.octo-sts.policy";
/// Type of a line about a reader token.
pub(crate) const READER: &str = "dev.octo-sts.reader";
/// Type of a line that counts what the file lost before it.
pub(crate) const DROPPED: &str = "dev.octo-sts.dropped";

/// One event, ready for every sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// Stays the same through every retry and replay, so that receivers know duplicates.
    pub(crate) id: String,
    pub(crate) kind: String,
    /// What it is about, as the caller wrote it.
    pub(crate) subject: String,
    pub(crate) time: Timestamp,
    /// The event as a JSON object with at least one member.
    pub(crate) data: Bytes,
}

/// A record as the journal keeps it.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    id: &'a str,
    kind: &'a str,
    subject: String,
    time: String,
    #[serde(borrow)]
    data: &'a RawValue,
}

impl Record {
    pub(crate) fn new(kind: &str, subject: String, time: Timestamp, event: &impl Serialize) -> Result<Self, serde_json::Error> {
        let data = serde_json::to_vec(event)?.into();
        Ok(Self { id: Uuid::new_v4().to_string(), kind: kind.to_owned(), subject, time, data })
    }

    /// The members of a line, without the braces: type and id, then the event's own.
    pub(crate) fn members(&self) -> Vec<u8> {
        let own = self.data.strip_prefix(b"{").and_then(|data| data.strip_suffix(b"}")).unwrap_or_default();
        let mut line = format!(r#""type":"{}","id":"{}","#, self.kind, self.id).into_bytes();
        line.extend_from_slice(own);
        line
    }

    /// The record as one line of the journal, without its end.
    pub(crate) fn to_kept(&self) -> Option<Vec<u8>> {
        let data = serde_json::from_slice(&self.data).ok()?;
        let kept = Kept { id: &self.id, kind: &self.kind, subject: self.subject.clone(), time: self.time.to_string(), data };
        serde_json::to_vec(&kept).ok()
    }

    /// Reads a line of the journal; `None` for one that a crash cut.
    pub(crate) fn from_kept(line: &[u8]) -> Option<Self> {
        let kept: Kept<'_> = serde_json::from_slice(line).ok()?;
        let time = kept.time.parse().ok()?;
        let data = Bytes::copy_from_slice(kept.data.get().as_bytes());
        Some(Self { id: kept.id.to_owned(), kind: kept.kind.to_owned(), subject: kept.subject, time, data })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_record_survives_the_journal() {
        let record = Record::new(EXCHANGE, "a/\"b\n/ci".into(), "2026-01-02T03:04:05Z".parse().unwrap(), &json!({"a": [1, "x\n"]})).unwrap();
        let line = record.to_kept().unwrap();
        assert!(!line.contains(&b'\n'));
        assert_eq!(Record::from_kept(&line), Some(record));
        assert_eq!(Record::from_kept(&line[..line.len() - 1]), None);
    }

    #[test]
    fn a_line_holds_type_and_id_beside_the_event() {
        let record = Record::new(POLICY, String::new(), Timestamp::UNIX_EPOCH, &json!({"a": 1})).unwrap();
        let line = [b"{".as_slice(), &record.members(), b"}"].concat();
        assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), json!({"type": POLICY, "id": record.id, "a": 1}));
    }
}
