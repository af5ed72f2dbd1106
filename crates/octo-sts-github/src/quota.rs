//! What GitHub says is left, and when it asked us to wait.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use http::HeaderMap;
use jiff::Timestamp;
use octo_sts_types::{AppId, InstallationId};

use crate::{
    error::{GitHubError, Limit},
    generations::Generations,
    headers,
};

/// How many installations are remembered at the most.
const REMEMBERED: usize = 20_000;
/// The wait after a limit that names none: "wait for at least one minute", then exponentially longer.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// Where that growth ends.
const LONGEST_GROWN_WAIT: Duration = Duration::from_mins(15);

/// What was left of an installation's hourly calls when GitHub last said so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuotaReading {
    /// Calls per hour.
    pub limit: u64,
    /// Calls left until `reset`.
    pub remaining: u64,
    /// When the count starts anew, where GitHub says so.
    pub reset: Option<Timestamp>,
    /// When the reading was taken, by the monotonic clock.
    pub read_at: Instant,
}

impl QuotaReading {
    /// Reads `x-ratelimit-*`; `None` where an answer has none, or reports on something other than the REST API's calls.
    fn from_headers(headers: &HeaderMap, read_at: Instant) -> Option<Self> {
        if headers::text(headers, "x-ratelimit-resource").is_some_and(|resource| resource != "core") {
            return None;
        }
        let reset = headers::number(headers, "x-ratelimit-reset").and_then(|second| Timestamp::from_second(i64::try_from(second).ok()?).ok());
        Some(Self {
            limit: headers::number(headers, "x-ratelimit-limit")?,
            remaining: headers::number(headers, "x-ratelimit-remaining")?,
            reset,
            read_at,
        })
    }
}

/// Calls that share a rate limit. Minting and looking up are the App's own calls; calls with a token count against the
/// installation, so that a policy whose read is limited can still be served stale and minted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Look-ups with the App JWT.
    App(AppId),
    /// Mints of one installation, with the App JWT.
    Mint(AppId, InstallationId),
    /// Calls with a token of the installation.
    Token(AppId, InstallationId),
    /// Calls with a token that somebody handed in; whose it is, nobody here knows.
    HandedIn,
}

impl Lane {
    fn installation(self) -> Option<(AppId, InstallationId)> {
        match self {
            Self::App(_) | Self::HandedIn => None,
            Self::Mint(app, installation) | Self::Token(app, installation) => Some((app, installation)),
        }
    }
}

/// A time in which no call may be made.
#[derive(Clone, Copy, Debug)]
struct Window {
    until: Instant,
    wait: Duration,
    kind: Limit,
}

/// Readings and windows of every App and installation.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    readings: Mutex<Generations<(AppId, InstallationId), QuotaReading, REMEMBERED>>,
    windows: Mutex<Generations<Lane, Window, REMEMBERED>>,
}

impl Quota {
    /// Remembers what an answer says is left.
    pub(crate) fn read(&self, lane: Lane, headers: &HeaderMap, now: Instant) {
        let Some(key) = lane.installation() else { return };
        if let Some(reading) = QuotaReading::from_headers(headers, now) {
            lock(&self.readings).insert(key, reading);
        }
    }

    pub(crate) fn reading(&self, app: AppId, installation: InstallationId) -> Option<QuotaReading> {
        lock(&self.readings).get(&(app, installation)).copied()
    }

    pub(crate) fn readings(&self) -> Vec<(AppId, InstallationId, QuotaReading)> {
        lock(&self.readings).iter().map(|((app, installation), reading)| (*app, *installation, *reading)).collect()
    }

    /// Refuses a call that GitHub asked us not to make yet. An App's own window holds for its mints, too.
    pub(crate) fn admit(&self, lane: Lane, now: Instant) -> Result<(), GitHubError> {
        let windows = lock(&self.windows);
        let open = |lane| windows.get(&lane).filter(|window| window.until > now).copied();
        let above = if let Lane::Mint(app, _) = lane { open(Lane::App(app)) } else { None };
        match open(lane).or(above) {
            Some(window) => Err(GitHubError::RateLimited { kind: window.kind, retry_after: Some(window.until - now) }),
            None => Ok(()),
        }
    }

    /// Opens a window after a limit, and says in the error how long it is. Other errors pass through.
    pub(crate) fn note(&self, lane: Lane, error: GitHubError, now: Instant) -> GitHubError {
        let GitHubError::RateLimited { kind, retry_after } = error else { return error };
        let mut windows = lock(&self.windows);
        let wait = retry_after.unwrap_or_else(|| grown_wait(windows.get(&lane), now));
        windows.insert(lane, Window { until: now + wait, wait, kind });
        GitHubError::RateLimited { kind, retry_after: Some(wait) }
    }
}

/// A minute; twice the last wait when that one ended no longer ago than it lasted.
fn grown_wait(last: Option<&Window>, now: Instant) -> Duration {
    match last {
        Some(last) if now < last.until + last.wait => (last.wait * 2).clamp(FIRST_WAIT, LONGEST_GROWN_WAIT),
        _ => FIRST_WAIT,
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use octo_sts_types::{Clock as _, SystemClock};

    const APP: AppId = AppId(1);
    const ONE: InstallationId = InstallationId(10);

    fn limited(seconds: Option<u64>) -> GitHubError {
        GitHubError::RateLimited { kind: Limit::Secondary, retry_after: seconds.map(Duration::from_secs) }
    }

    fn waits(outcome: Result<(), GitHubError>) -> Option<u64> {
        outcome.err().map(|error| error.retry_after().unwrap().as_secs())
    }

    /// T-122
    #[test]
    fn no_call_is_admitted_inside_the_window() {
        let (quota, now) = (Quota::default(), SystemClock.monotonic());
        quota.note(Lane::Mint(APP, ONE), limited(Some(30)), now);
        assert_eq!(waits(quota.admit(Lane::Mint(APP, ONE), now + Duration::from_secs(10))), Some(20));
        assert_eq!(waits(quota.admit(Lane::Mint(APP, ONE), now + Duration::from_secs(30))), None);
        for other in [Lane::Mint(APP, InstallationId(11)), Lane::Mint(AppId(2), ONE), Lane::Token(APP, ONE), Lane::App(APP)] {
            assert_eq!(waits(quota.admit(other, now)), None, "Input: {other:?}");
        }
    }

    #[test]
    fn the_window_of_an_app_holds_for_its_mints() {
        let (quota, now) = (Quota::default(), SystemClock.monotonic());
        quota.note(Lane::App(APP), limited(Some(30)), now);
        assert_eq!(waits(quota.admit(Lane::Mint(APP, ONE), now)), Some(30));
        assert_eq!(waits(quota.admit(Lane::Token(APP, ONE), now)), None);
    }

    #[test]
    fn a_limit_that_names_no_wait_is_a_minute_and_then_twice_as_long() {
        let (quota, mut now) = (Quota::default(), SystemClock.monotonic());
        for expected in [60, 120, 240, 480, 900, 900] {
            let error = quota.note(Lane::App(APP), limited(None), now);
            assert_eq!(error.retry_after().unwrap().as_secs(), expected);
            now += Duration::from_secs(expected);
        }
        now += Duration::from_hours(1);
        assert_eq!(quota.note(Lane::App(APP), limited(None), now).retry_after().unwrap().as_secs(), 60);
    }

    #[test]
    fn other_errors_open_no_window() {
        let (quota, now) = (Quota::default(), SystemClock.monotonic());
        quota.note(Lane::App(APP), GitHubError::Forbidden { message: String::new() }, now);
        assert_eq!(waits(quota.admit(Lane::App(APP), now)), None);
    }

    #[test]
    fn a_reading_is_kept_per_app_and_installation() {
        let (quota, now) = (Quota::default(), SystemClock.monotonic());
        let headers = |resource: &str| -> HeaderMap {
            [
                ("x-ratelimit-limit", "5000"),
                ("x-ratelimit-remaining", "4321"),
                ("x-ratelimit-reset", "1795572060"),
                ("x-ratelimit-resource", resource),
            ]
            .into_iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
        };
        quota.read(Lane::Token(APP, ONE), &headers("core"), now);
        quota.read(Lane::Token(APP, InstallationId(11)), &headers("search"), now);
        quota.read(Lane::App(APP), &headers("core"), now);
        let reading = quota.reading(APP, ONE).unwrap();
        assert_eq!((reading.limit, reading.remaining, reading.read_at), (5000, 4321, now));
        assert_eq!(quota.readings().len(), 1);
    }
}
