//! How long a caller is willing to wait.

use std::time::Duration;

use http::HeaderMap;

/// Reads `grpc-timeout`: at most eight digits and a unit (the gRPC protocol over HTTP/2).
pub(super) fn of(headers: &HeaderMap) -> Result<Option<Duration>, &'static str> {
    let Some(value) = headers.get("grpc-timeout") else { return Ok(None) };
    value.to_str().ok().and_then(parse).map(Some).ok_or("invalid grpc-timeout")
}

fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.is_empty() || digits.len() > 8 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(number * 3600)),
        "M" => Some(Duration::from_secs(number * 60)),
        "S" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_millis(number)),
        "u" => Some(Duration::from_micros(number)),
        "n" => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-058
    #[test]
    fn deadlines_are_eight_digits_and_a_unit() {
        for (text, expected) in [
            ("1S", Some(Duration::from_secs(1))),
            ("99999999H", Some(Duration::from_hours(99_999_999))),
            ("0n", Some(Duration::ZERO)),
            ("20m", Some(Duration::from_millis(20))),
            ("999999999S", None),
            ("-1S", None),
            ("1", None),
            ("S", None),
            ("", None),
            ("1s", None),
            ("1é", None),
        ] {
            assert_eq!(parse(text), expected, "Input: {text}");
        }
    }
}
