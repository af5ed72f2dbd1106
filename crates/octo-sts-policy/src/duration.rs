//! Lengths of time as Go writes them, in whole units.

use std::time::Duration;

/// `90s`, `15m`, `1h30m`: whole numbers of hours, minutes and seconds, each unit at most once and in this order.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut seconds: u64 = 0;
    for (unit, length) in [('h', 3_600), ('m', 60), ('s', 1)] {
        let Some((number, after)) = rest.split_once(unit) else { continue };
        let number: u64 = number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok())??;
        seconds = seconds.checked_add(number.checked_mul(length)?)?;
        rest = after;
    }
    (rest.is_empty() && !text.is_empty()).then(|| Duration::from_secs(seconds))
}

/// The length of time as [`parse`] reads it.
pub(crate) fn print(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3_600, 'h'), (seconds / 60 % 60, 'm'), (seconds % 60, 's')];
    let text: String = parts.iter().filter(|(number, _)| *number > 0).flat_map(|(number, unit)| [number.to_string(), unit.to_string()]).collect();
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_units_are_read_and_printed() {
        for (text, seconds) in [("90s", 90), ("15m", 900), ("1h30m", 5_400), ("2h", 7_200), ("1h2m3s", 3_723), ("0s", 0)] {
            assert_eq!(parse(text), Some(Duration::from_secs(seconds)), "Input: {text}");
        }
        assert_eq!([print(Duration::from_mins(90)), print(Duration::from_secs(90)), print(Duration::ZERO)], ["1h30m", "1m30s", "0s"]);
        for text in ["", "15", "m", "1.5h", "-1s", "+1s", "1m1h", "1 m", "1d", "15ms", "99999999999999999999s", "9999999999999999999h"] {
            assert_eq!(parse(text), None, "Input: {text}");
        }
    }
}
