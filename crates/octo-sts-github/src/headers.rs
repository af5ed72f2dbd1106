//! The headers of GitHub's answers that mean something here.

use std::time::Duration;

use http::HeaderMap;
use jiff::{Timestamp, fmt::rfc2822::DateTimeParser};

/// Longest wait that is believed. Primary limits reset every hour.
const LONGEST_WAIT: Duration = Duration::from_hours(2);
/// Shortest wait: a zero or a moment that has passed still means "not at once".
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

static DATES: DateTimeParser = DateTimeParser::new();

/// A header's value, where it is visible ASCII.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// A header that is a whole number.
pub(crate) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

/// GitHub's clock, from `Date` (RFC 9110 §6.6.1).
pub(crate) fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(text(headers, "date")?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    DATES.parse_timestamp(text).ok()
}

/// How long `Retry-After` (RFC 9110 §10.2.3) asks to wait: seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = text(headers, "retry-after")?;
    let wait = match text.parse().map(Duration::from_secs) {
        Ok(wait) => wait,
        Err(_) => until(http_date(text)?, now),
    };
    Some(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

/// Whether the primary limit is used up.
pub(crate) fn nothing_remains(headers: &HeaderMap) -> bool {
    number(headers, "x-ratelimit-remaining") == Some(0)
}

/// How long until the primary limit is lifted.
pub(crate) fn until_reset(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let reset = i64::try_from(number(headers, "x-ratelimit-reset")?).ok()?;
    let wait = until(Timestamp::from_second(reset).ok()?, now);
    Some(wait.clamp(SHORTEST_WAIT, LONGEST_WAIT))
}

fn until(moment: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(moment.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), http::HeaderValue::from_static(value))])
    }

    /// 2026-11-25T02:00:00Z
    fn now() -> Timestamp {
        "2026-11-25T02:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_wait_is_seconds_or_a_date_and_never_nothing_or_forever() {
        for (value, seconds) in [
            ("30", Some(30)),
            (" 30 ", Some(30)),
            ("0", Some(1)),
            ("99999999", Some(7200)),
            ("Wed, 25 Nov 2026 02:01:30 GMT", Some(90)),
            ("Wed, 25 Nov 2026 01:00:00 GMT", Some(1)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(retry_after(&headers("retry-after", value), now()).map(|wait| wait.as_secs()), seconds, "Input: {value}");
        }
    }

    #[test]
    fn a_reset_is_a_moment() {
        for (value, seconds) in [("1795572060", Some(60)), ("1795571000", Some(1)), ("9999999999999999999", None), ("x", None)] {
            assert_eq!(until_reset(&headers("x-ratelimit-reset", value), now()).map(|wait| wait.as_secs()), seconds, "Input: {value}");
        }
    }

    #[test]
    fn the_date_is_read() {
        assert_eq!(date(&headers("date", "Wed, 25 Nov 2026 02:00:00 GMT")), Some(now()));
        assert_eq!(date(&headers("date", "yesterday")), None);
    }
}
