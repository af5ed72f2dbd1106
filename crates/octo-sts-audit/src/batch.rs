//! How events that wait are put together into requests.

use crate::record::Record;

/// Longest body of a batch, in bytes: what receivers take that take any.
const LONGEST_BODY: usize = 512 << 10;
/// What an event has beside its data, in bytes, in a batch.
const ATTRIBUTES: usize = 512;

/// The events of each request: at most so many, and at most [`LONGEST_BODY`] bytes unless one alone is longer.
pub(crate) fn requests(records: &[Record], most: usize) -> Vec<&[Record]> {
    let (mut requests, mut rest) = (Vec::new(), records);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fit = rest.iter().take(most).take_while(|record| {
            bytes += record.data.len() + ATTRIBUTES;
            bytes <= LONGEST_BODY
        });
        let (request, behind) = rest.split_at(fit.count().max(1));
        requests.push(request);
        rest = behind;
    }
    requests
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_request_is_bounded_in_events_and_in_bytes() {
        let long = serde_json::json!({"a": "x".repeat(LONGEST_BODY / 3)});
        let long = Record::new("k", String::new(), Timestamp::UNIX_EPOCH, &long).unwrap();
        let short = Record::new("k", "a".to_owned(), Timestamp::UNIX_EPOCH, &serde_json::json!({"a": 1})).unwrap();
        let counts = |records: &[Record], most| requests(records, most).into_iter().map(<[_]>::len).collect::<Vec<_>>();
        assert_eq!(counts(&vec![long; 5], 100), [2, 2, 1]);
        assert_eq!(counts(&vec![short; 5], 2), [2, 2, 1]);
        let endless = serde_json::json!({"a": "x".repeat(LONGEST_BODY * 2)});
        assert_eq!(counts(&[Record::new("k", String::new(), Timestamp::UNIX_EPOCH, &endless).unwrap()], 9), [1]);
    }
}
