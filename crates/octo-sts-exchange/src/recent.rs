//! What happened a moment ago.

use std::{borrow::Borrow, collections::HashMap, hash::Hash, sync::Mutex, sync::PoisonError, time::Duration, time::Instant};

/// When each of many things last happened, for as long as it matters.
///
/// At most `most` are remembered. When there are more, those that no longer matter are forgotten, and then, if that was not
/// enough, all of them: whatever rests on this is asked for again.
#[derive(Debug)]
pub(crate) struct Recent<K> {
    matters_for: Duration,
    most: usize,
    times: Mutex<HashMap<K, Instant>>,
}

impl<K: Eq + Hash> Recent<K> {
    pub(crate) fn new(matters_for: Duration, most: usize) -> Self {
        Self { matters_for, most, times: Mutex::new(HashMap::new()) }
    }

    /// It happened just now.
    pub(crate) fn note(&self, what: K, now: Instant) {
        let mut times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        if times.len() >= self.most && !times.contains_key(&what) {
            times.retain(|_, at| now.saturating_duration_since(*at) < self.matters_for);
            if times.len() >= self.most {
                times.clear();
            }
        }
        times.insert(what, now);
    }

    /// When it last happened, if that still matters.
    pub(crate) fn last<Q>(&self, what: &Q, now: Instant) -> Option<Instant>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        times.get(what).copied().filter(|at| now.saturating_duration_since(*at) < self.matters_for)
    }

    /// It does not matter any more.
    pub(crate) fn forget(&self, what: &K) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do to count from")]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_ago_does_not_matter() {
        let (recent, start) = (Recent::new(Duration::from_secs(10), 10), Instant::now());
        recent.note("a", start);
        assert_eq!(recent.last("a", start + Duration::from_secs(9)), Some(start));
        assert_eq!(recent.last("a", start + Duration::from_secs(10)), None);
        recent.forget(&"a");
        assert_eq!(recent.last("a", start), None);
    }

    /// T-114
    #[test]
    fn a_flood_is_bounded_and_drops_what_is_old_first() {
        let (recent, start) = (Recent::new(Duration::from_secs(10), 100), Instant::now());
        for old in 0..99 {
            recent.note(old, start);
        }
        let later = start + Duration::from_secs(20);
        recent.note(1_000, later);
        recent.note(1_001, later);
        assert_eq!(recent.last(&1_000, later), Some(later));
        for flood in 0..10_000 {
            recent.note(flood, later);
        }
        assert!(recent.times.lock().unwrap().len() <= 100);
    }
}
