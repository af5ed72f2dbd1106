//! Rates, as `600/min` or `600/min burst 200`, and how much is done at once.

use std::time::Duration;

use octo_sts_exchange::{CallerLimits, Rate};
use octo_sts_types::Printable;

use super::{ServeArgs, optional, problem::Findings};

const AT_ONCE: &str = "STS_MAX_EXCHANGES";
const CALLER: &str = "STS_RATE_LIMIT_PER_CALLER";
const FAILURES: &str = "STS_RATE_LIMIT_FAILURES_PER_ADDRESS";
const POLICY_READS: &str = "STS_RATE_LIMIT_POLICY_JWKS";
/// The part of a rate that may come at once, where nothing is said: a third.
const BURST: u32 = 3;

pub(super) fn read(args: &ServeArgs, findings: &mut Findings) -> Option<CallerLimits> {
    let base = CallerLimits::default();
    let exchanges = optional(findings, CALLER, args.sts_rate_limit_per_caller.as_ref(), rate);
    let failures = optional(findings, FAILURES, args.sts_rate_limit_failures_per_address.as_ref(), rate);
    let policy_reads = optional(findings, POLICY_READS, args.sts_rate_limit_policy_jwks.as_ref(), rate);
    let at_once = optional(findings, AT_ONCE, args.sts_max_exchanges.as_ref(), count);
    Some(CallerLimits {
        exchanges: exchanges?.unwrap_or(base.exchanges),
        failures: failures?.unwrap_or(base.failures),
        policy_reads: policy_reads?.unwrap_or(base.policy_reads),
        at_once: at_once?.unwrap_or(base.at_once),
    })
}

/// Reads a rate; `off` is none.
fn rate(text: &str) -> Result<Option<Rate>, String> {
    if text == "off" {
        return Ok(None);
    }
    let wrong = || format!("`{}` is not a rate: write one such as `600/min`, `10/s burst 50`, or `off`", Printable(text));
    let words: Vec<_> = text.split_whitespace().collect();
    let (rate, burst) = match words.as_slice() {
        [rate] => (*rate, None),
        [rate, "burst", burst] => (*rate, Some(positive(burst).ok_or_else(wrong)?)),
        _ => return Err(wrong()),
    };
    let (count, unit) = rate.split_once('/').ok_or_else(wrong)?;
    let count = positive(count).ok_or_else(wrong)?;
    let period = match unit {
        "s" => Duration::from_secs(1),
        "min" | "m" => Duration::from_mins(1),
        "h" => Duration::from_hours(1),
        _ => return Err(wrong()),
    };
    Ok(Some(Rate { count, period, burst: burst.unwrap_or(count.div_ceil(BURST)) }))
}

/// Reads how many; `off` is any number.
fn count(text: &str) -> Result<Option<u32>, String> {
    if text == "off" {
        return Ok(None);
    }
    positive(text).map(Some).ok_or_else(|| format!("`{}` is no such number: write one from 1 to 1000000, or `off`", Printable(text)))
}

/// A number from one to a million.
fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| (1..=1_000_000).contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_with_their_burst() {
        for (text, count, seconds, burst) in
            [("600/min", 600, 60, 200), ("600/min burst 200", 600, 60, 200), ("10/s", 10, 1, 4), ("1/h", 1, 3_600, 1), ("5/m burst 1", 5, 60, 1)]
        {
            assert_eq!(rate(text).unwrap(), Some(Rate { count, period: Duration::from_secs(seconds), burst }), "Input: {text}");
        }
        assert_eq!(rate("off").unwrap(), None);
        assert_eq!((count("1"), count("4096"), count("off")), (Ok(Some(1)), Ok(Some(4_096)), Ok(None)));
        for text in ["0", "-1", "1.5", "many", "", "1000001"] {
            assert!(count(text).is_err(), "Input: {text}");
        }
        for text in ["600", "600/day", "0/min", "-1/s", "/s", "1/s burst", "1/s burst 0", "1/s 5", "2000000/s", "OFF"] {
            assert!(rate(text).is_err(), "Input: {text}");
        }
    }
}
