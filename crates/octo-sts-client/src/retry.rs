//! When to ask again.

use std::time::Duration;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use http::StatusCode;

/// First pause; it doubles up to [`LONGEST`].
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);

/// Whether the same question can have another answer: the server was too slow, too early, too busy or broken.
pub(crate) fn may_pass(status: StatusCode) -> bool {
    match status.as_u16() {
        408 | 425 | 429 => true,
        // Not implemented, or a version of HTTP that it does not speak: it will not learn while we wait.
        501 | 505 => false,
        other => other >= 500,
    }
}

/// The pause before attempt `attempt + 1`, or `None` when what is left of the deadline does not hold it.
pub(crate) fn pause(attempt: u32, asked: Option<Duration>, left: Duration) -> Option<Duration> {
    let full = FIRST.saturating_mul(1 << (attempt - 1).min(16)).min(LONGEST);
    let own = full / 2 + full.mul_f64(random_part() / 2.0);
    // An answer may ask for longer; one that asks for none does not make this client hurry.
    let pause = asked.map_or(own, |asked| asked.max(own));
    (pause < left).then_some(pause)
}

/// 0 to 1; 1 where there is no randomness.
fn random_part() -> f64 {
    let mut byte = [255_u8];
    let _ = SystemRandom::new().fill(&mut byte);
    f64::from(byte[0]) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_pass_is_tried_again() {
        for (status, passes) in [
            (400, false),
            (401, false),
            (403, false),
            (404, false),
            (408, true),
            (425, true),
            (429, true),
            (500, true),
            (501, false),
            (503, true),
            (302, false),
        ] {
            assert_eq!(may_pass(StatusCode::from_u16(status).unwrap()), passes, "Status: {status}");
        }
    }

    #[test]
    fn a_pause_grows_keeps_what_was_asked_and_ends_with_the_deadline() {
        let plenty = Duration::from_mins(5);
        for attempt in 1..40 {
            let found = pause(attempt, None, plenty).unwrap();
            assert!(found >= FIRST / 2 && found <= LONGEST, "Attempt: {attempt}");
        }
        assert!(pause(6, None, plenty).unwrap() >= LONGEST / 2);
        assert_eq!(pause(1, Some(Duration::from_mins(1)), plenty), Some(Duration::from_mins(1)));
        assert_eq!(pause(1, Some(Duration::from_mins(6)), plenty), None);
    }

    #[test]
    fn who_asks_for_no_pause_is_not_asked_without_end() {
        assert!(pause(1, Some(Duration::ZERO), Duration::from_mins(1)).unwrap() >= FIRST / 2);
        assert!(pause(9, Some(Duration::ZERO), Duration::from_mins(1)).unwrap() >= LONGEST / 2);
    }
}
