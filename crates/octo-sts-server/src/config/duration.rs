//! Durations as Go writes them: `5m`, `1h30m`, `1.5s`.

use std::time::Duration;

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a duration: write a number with a unit, such as `90s`, `5m` or `1h30m`")]
pub(crate) struct InvalidDuration;

/// Units and their lengths in nanoseconds, the longer of two that begin alike first.
const UNITS: [(&str, u128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Reads a duration in the notation of Go's `time.ParseDuration`, without a sign: nothing here lasts less than nothing.
pub(crate) fn parse(text: &str) -> Result<Duration, InvalidDuration> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut total) = (text, 0_u128);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
        let (number, after) = rest.split_at(digits);
        let (unit, length) = UNITS.iter().find(|(unit, _)| after.starts_with(unit)).ok_or(InvalidDuration)?;
        total = total.checked_add(scaled(number, *length)?).ok_or(InvalidDuration)?;
        rest = &after[unit.len()..];
    }
    // Go counts nanoseconds in 63 bits.
    let nanoseconds = i64::try_from(total).map_err(|_| InvalidDuration)?;
    if text.is_empty() { Err(InvalidDuration) } else { Ok(Duration::from_nanos(nanoseconds.unsigned_abs())) }
}

/// `number`, which may have a fraction, times `length`; what is less than a nanosecond is cut.
fn scaled(number: &str, length: u128) -> Result<u128, InvalidDuration> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') || whole.len() > 19 {
        return Err(InvalidDuration);
    }
    let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| InvalidDuration)? };
    let fraction = &fraction[..fraction.len().min(18)];
    let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| InvalidDuration)? };
    let divisor = 10_u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    Ok(whole * length + part * length / divisor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_go_reads_them() {
        for (text, milliseconds) in [
            ("0", 0),
            ("0s", 0),
            ("90s", 90_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1.5s", 1_500),
            (".5s", 500),
            ("1.s", 1_000),
            ("100ms", 100),
            ("1500us", 1),
            ("2000µs", 2),
            ("1m1s1ms", 61_001),
        ] {
            assert_eq!(parse(text).map(|duration| duration.as_millis()), Ok(milliseconds), "Input: {text}");
        }
    }

    #[test]
    fn other_texts_are_not_durations() {
        let long = "9".repeat(40);
        for text in ["", "5", "5 m", "m", ".", "-5m", "+5m", "5d", "5M", "1h 30m", "five", "1..5s", ".s", "9999999999h", &format!("{long}s"), "1e3s"]
        {
            assert_eq!(parse(text), Err(InvalidDuration), "Input: {text}");
        }
    }
}
