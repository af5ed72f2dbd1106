//! What is known of one issuer's keys, and when it is fetched again.
//!
//! | Keys known | Last fetch failed | A token |
//! |---|---|---|
//! | fresh | | uses them; in the last fifth of their time a fetch starts beside it |
//! | past their time | not of late | waits for a fetch, and uses them if it fails |
//! | past their time | within the last minute | uses them; a fetch starts beside it when its pause is over |
//! | older than a day, or none | within its pause | is refused with that failure |
//! | older than a day, or none | | waits for a fetch |
//!
//! So a key that an issuer removes stops verifying within 15 minutes, and an issuer that is down keeps its users for a day.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::watch;

use crate::{
    discovery::Discovery,
    fetch::{Failure, Fetched},
    key_set::KeySet,
};

/// How long keys are used while their issuer does not answer.
const KEPT: Duration = Duration::from_hours(24);
/// How long a failure says that the issuer is down.
const REMEMBERED: Duration = Duration::from_mins(1);
/// Pause after a failure that may pass in a moment: short, so that an issuer that recovers is used again within 5 seconds.
const SHORT_PAUSE: Duration = Duration::from_secs(2);
/// Pause after a failure that somebody has to mend.
const LONG_PAUSE: Duration = Duration::from_secs(30);
/// Pause between fetches for tokens that do not fit the keys there are.
const UNKNOWN_KEY_PAUSE: Duration = Duration::from_mins(1);

/// The keys of an issuer, as they were fetched.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) keys: KeySet,
    pub(crate) discovery: Discovery,
    fetched: Instant,
    lifetime: Duration,
}

/// How a fetch ended.
pub(crate) type Outcome = Result<Arc<Known>, Failure>;
/// A fetch under way: everybody who waits holds one of these, and nobody's going away ends it.
pub(crate) type Flight = watch::Receiver<Option<Outcome>>;

/// What a token does for its issuer's keys.
#[derive(Debug)]
pub(crate) enum Step {
    Use(Arc<Known>),
    UseAndFetch(Arc<Known>),
    /// These are past their time, and the issuer was not asked of late.
    FetchElseUse(Arc<Known>),
    Fetch,
    Refuse(Failure),
}

#[derive(Debug, Default)]
pub(crate) struct State {
    known: Option<Arc<Known>>,
    failed: Option<Failed>,
    flight: Option<Flight>,
    /// From when on a token that fits no key may have the keys fetched.
    refresh_from: Option<Instant>,
}

#[derive(Debug)]
struct Failed {
    failure: Failure,
    at: Instant,
}

impl Failed {
    fn pause(&self) -> Duration {
        if self.failure.error.is_transient() { SHORT_PAUSE } else { LONG_PAUSE }
    }
}

impl Known {
    pub(crate) fn new(fetched: Fetched, now: Instant) -> Self {
        let Fetched { discovery, keys, lifetime } = fetched;
        Self { keys, discovery, fetched: now, lifetime }
    }
}

impl State {
    /// What a token does now (the table above).
    pub(crate) fn step(&self, now: Instant) -> Step {
        let failed = self.failed.as_ref();
        let paused = failed.is_some_and(|failed| now < failed.at + failed.pause());
        let down = failed.is_some_and(|failed| now < failed.at + REMEMBERED);
        let age = |known: &Known| now.saturating_duration_since(known.fetched);
        match self.known.as_ref().filter(|known| age(known) < KEPT) {
            Some(known) if age(known) < known.lifetime * 4 / 5 => Step::Use(known.clone()),
            Some(known) if age(known) < known.lifetime || down => {
                if paused {
                    Step::Use(known.clone())
                } else {
                    Step::UseAndFetch(known.clone())
                }
            }
            Some(known) => Step::FetchElseUse(known.clone()),
            None => match failed {
                Some(failed) if paused => Step::Refuse(failed.failure.clone()),
                _ => Step::Fetch,
            },
        }
    }

    /// Whether keys are past their time.
    pub(crate) fn is_stale(known: &Known, now: Instant) -> bool {
        now.saturating_duration_since(known.fetched) >= known.lifetime
    }

    /// The fetch under way, if there is one.
    pub(crate) fn flight(&self) -> Option<Flight> {
        self.flight.clone().filter(|flight| flight.has_changed().is_ok())
    }

    pub(crate) fn take_off(&mut self, flight: Flight) {
        self.flight = Some(flight);
    }

    /// Takes the leave for one fetch on behalf of tokens that fit no key.
    pub(crate) fn may_refresh(&mut self, now: Instant) -> bool {
        let may = self.refresh_from.is_none_or(|from| now >= from);
        if may {
            self.refresh_from = Some(now + UNKNOWN_KEY_PAUSE);
        }
        may
    }

    /// Keys of a later fetch than `than`.
    pub(crate) fn newer(&self, than: &Known) -> Option<Arc<Known>> {
        self.known.as_ref().filter(|known| known.fetched > than.fetched).cloned()
    }

    /// Takes in how a fetch ended. Keys there were are kept when it failed.
    pub(crate) fn land(&mut self, outcome: &Outcome, now: Instant) {
        self.flight = None;
        match outcome {
            Ok(known) => {
                self.known = Some(known.clone());
                self.failed = None;
            }
            Err(failure) => {
                if failure.error.is_transient() {
                    self.refresh_from = self.refresh_from.map(|from| from.min(now + SHORT_PAUSE));
                }
                self.failed = Some(Failed { failure: failure.clone(), at: now });
            }
        }
    }

    fn weight(&self) -> usize {
        self.known.as_ref().map_or(0, |known| known.keys.weight())
    }
}

/// The state of one issuer, shared.
#[derive(Debug, Default)]
pub(crate) struct IssuerKeys(Mutex<State>);

impl IssuerKeys {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// About how much memory it takes, in bytes.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.lock().weight() + 1_024).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use octo_sts_types::{Clock, SystemClock};
    use serde_json::json;

    use super::*;
    use crate::{
        algorithm::Algorithms,
        error::{IssuerError, Part},
    };

    const MINUTE: Duration = Duration::from_mins(1);

    /// A fetch and when it ended, after the start.
    type Fetch = (Duration, fn(Instant) -> Outcome);

    #[expect(clippy::unnecessary_wraps, reason = "one of the ways a fetch ends")]
    fn known(at: Instant) -> Outcome {
        let jwk = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]});
        let algorithms = Algorithms::advertised(["EdDSA"].into_iter());
        let keys = KeySet::parse(jwk.to_string().as_bytes(), algorithms).unwrap();
        let discovery = Discovery { keys_url: "https://keys.example/".parse().unwrap(), algorithms };
        Ok(Arc::new(Known::new(Fetched { discovery, keys, lifetime: 15 * MINUTE }, at)))
    }

    fn failure(error: IssuerError) -> Outcome {
        Err(Failure::new(Part::Discovery, error))
    }

    fn transient() -> Outcome {
        failure(IssuerError::TimedOut { within: MINUTE })
    }

    fn definite() -> Outcome {
        failure(IssuerError::Redirect { url: String::new() })
    }

    /// The state after these fetches, each so long after the start.
    fn after(fetches: &[Fetch]) -> (State, Instant) {
        let start = SystemClock.monotonic();
        let mut state = State::default();
        for (when, outcome) in fetches {
            state.land(&outcome(start + *when), start + *when);
        }
        (state, start)
    }

    fn word(step: &Step) -> &'static str {
        match step {
            Step::Use(_) => "use",
            Step::UseAndFetch(_) => "use and fetch",
            Step::FetchElseUse(_) => "fetch, else use",
            Step::Fetch => "fetch",
            Step::Refuse(_) => "refuse",
        }
    }

    fn steps(fetches: &[Fetch], expected: &[(Duration, &str)]) {
        let (state, start) = after(fetches);
        for (when, step) in expected {
            assert_eq!(word(&state.step(start + *when)), *step, "After: {when:?}");
        }
    }

    /// T-041: a removed key verifies for at most 15 minutes while its issuer answers.
    #[test]
    fn fresh_keys_are_used_and_fetched_again_before_their_time_is_over() {
        let expected = [
            (Duration::ZERO, "use"),
            (11 * MINUTE, "use"),
            (12 * MINUTE, "use and fetch"),
            (15 * MINUTE, "fetch, else use"),
            (23 * 60 * MINUTE, "fetch, else use"),
            (24 * 60 * MINUTE, "fetch"),
        ];
        steps(&[(Duration::ZERO, known)], &expected);
    }

    /// T-041
    #[test]
    fn an_issuer_that_is_down_keeps_its_users_for_a_day_without_holding_them_up() {
        let down = 20 * MINUTE;
        let expected =
            [(down, "use"), (down + Duration::from_millis(1_999), "use"), (down + SHORT_PAUSE, "use and fetch"), (down + MINUTE, "fetch, else use")];
        steps(&[(Duration::ZERO, known), (down, |_| transient())], &expected);
        let day = 24 * 60 * MINUTE;
        steps(&[(Duration::ZERO, known), (day, |_| transient())], &[(day, "refuse"), (day + SHORT_PAUSE, "fetch")]);
    }

    /// T-037
    #[test]
    fn a_failure_is_remembered_for_its_pause() {
        let at = |millis: u64| Duration::from_millis(millis);
        steps(&[(at(0), |_| transient())], &[(at(0), "refuse"), (at(1_999), "refuse"), (at(2_000), "fetch")]);
        steps(&[(at(0), |_| definite())], &[(at(0), "refuse"), (at(29_999), "refuse"), (at(30_000), "fetch")]);
        steps(&[(at(0), |_| definite()), (at(1), known)], &[(at(2), "use")]);
        steps(&[], &[(at(0), "fetch")]);
    }

    /// T-017
    #[test]
    fn unknown_keys_lead_to_one_fetch_a_minute() {
        let (mut state, start) = after(&[(Duration::ZERO, known)]);
        let times = [(0, true), (1, false), (59, false), (60, true), (61, false), (119, false), (120, true)];
        for (seconds, expected) in times {
            assert_eq!(state.may_refresh(start + Duration::from_secs(seconds)), expected, "After: {seconds}");
        }
        state.land(&transient(), start + Duration::from_secs(121));
        assert!(!state.may_refresh(start + Duration::from_secs(122)));
        assert!(state.may_refresh(start + Duration::from_secs(123)));
        state.land(&definite(), start + Duration::from_secs(125));
        assert!(!state.may_refresh(start + Duration::from_secs(182)));
    }

    #[test]
    fn a_fetch_that_nobody_flies_any_more_is_not_waited_for() {
        let (mut state, _) = after(&[]);
        let (sender, receiver) = watch::channel(None);
        state.take_off(receiver);
        assert!(state.flight().is_some());
        drop(sender);
        assert!(state.flight().is_none());
    }
}
