//! What keeps a store that is down out of the callers' way.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use octo_sts_types::Clock;

use crate::StoreError;

/// Longest time for one call to a store, connecting included.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_millis(500);
/// How long a store is left alone after a call that failed, by those who can do without it.
pub(crate) const REST: Duration = Duration::from_secs(1);

/// Bounds the calls to one store, and lets it rest after a failure.
///
/// After the rest one caller tries while the others still do without. So a store that is down costs one caller a second the
/// deadline, and one that is back is used again within a second.
pub(crate) struct Guard {
    store: &'static str,
    clock: Arc<dyn Clock>,
    resting_until: Mutex<Option<Instant>>,
}

impl Guard {
    pub(crate) fn new(store: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, resting_until: Mutex::new(None) }
    }

    /// A call that somebody can do without: not made while the store rests.
    pub(crate) async fn optional<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        if !self.may_try() {
            return Err(StoreError::Resting { store: self.store, rest: REST });
        }
        self.needed(call).await
    }

    /// A call that decides something: always made.
    pub(crate) async fn needed<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        let late = |_| Err(StoreError::TimedOut { store: self.store, after: CALL_DEADLINE });
        let answer = tokio::time::timeout(CALL_DEADLINE, call).await.unwrap_or_else(late);
        let down = matches!(answer, Err(StoreError::TimedOut { .. } | StoreError::Unavailable { .. }));
        *self.resting_until() = down.then(|| self.clock.monotonic() + REST);
        answer
    }

    /// Whether the store is up, or rested long enough for this caller to try it.
    fn may_try(&self) -> bool {
        let now = self.clock.monotonic();
        let mut resting_until = self.resting_until();
        match *resting_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                *resting_until = Some(now + REST);
                true
            }
        }
    }

    fn resting_until(&self) -> MutexGuard<'_, Option<Instant>> {
        self.resting_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("store", &self.store).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::{future::pending, io};

    use super::*;
    use crate::expiring::tests::HandClock;

    fn broken() -> Result<(), StoreError> {
        Err(StoreError::Unavailable { store: "the double", source: Arc::new(io::Error::from(io::ErrorKind::BrokenPipe)) })
    }

    /// T-102
    #[tokio::test(start_paused = true)]
    async fn a_stalled_store_costs_one_caller_the_deadline_and_the_others_nothing() {
        let clock = HandClock::new();
        let guard = Guard::new("the double", clock.clone());
        let start = tokio::time::Instant::now();
        let late = guard.optional(pending::<Result<(), _>>()).await.unwrap_err();
        assert_eq!(late.to_string(), "the double did not answer within 500 ms");
        assert_eq!(start.elapsed(), CALL_DEADLINE);
        for _ in 0..100 {
            let resting = guard.optional(pending::<Result<(), _>>()).await.unwrap_err();
            assert_eq!(resting.to_string(), "the double was not asked: it failed less than 1 s ago");
        }
        assert_eq!(start.elapsed(), CALL_DEADLINE);
    }

    #[tokio::test]
    async fn after_its_rest_one_caller_tries_and_success_lets_all_in() {
        let clock = HandClock::new();
        let guard = Guard::new("the double", clock.clone());
        guard.optional(async { broken() }).await.unwrap_err();
        clock.advance(REST);
        let (guard, clock) = (&guard, &clock);
        let trying = guard.optional(async move {
            let meanwhile = guard.optional(async { Ok(()) }).await;
            assert!(matches!(meanwhile, Err(StoreError::Resting { .. })));
            Ok(())
        });
        trying.await.unwrap();
        guard.optional(async { Ok(()) }).await.unwrap();
        clock.advance(REST);
        guard.optional(async { Ok(()) }).await.unwrap();
    }

    #[tokio::test]
    async fn a_decision_is_always_asked_for_and_a_refusal_is_no_outage() {
        let guard = Guard::new("the double", HandClock::new());
        guard.needed(async { broken() }).await.unwrap_err();
        guard.needed(async { Ok(()) }).await.unwrap();
        let refused = || StoreError::Refused { store: "the double", source: Arc::new(io::Error::other("NOPERM")) };
        guard.optional(async { Err::<(), _>(refused()) }).await.unwrap_err();
        guard.optional(async { Ok(()) }).await.unwrap();
    }
}
