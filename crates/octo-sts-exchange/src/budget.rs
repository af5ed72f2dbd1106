//! How often one party may cause work.

use std::{collections::HashMap, hash::Hash, sync::Mutex, sync::PoisonError, time::Duration, time::Instant};

/// A token bucket per key: `burst` at once, refilled evenly over `refill`.
///
/// At most `most_keys` are remembered. When there are more, the full buckets are forgotten first; a key that was
/// forgotten begins anew.
#[derive(Debug)]
pub(crate) struct Budget<K> {
    burst: f64,
    per_second: f64,
    most_keys: usize,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

impl<K: Eq + Hash + Clone> Budget<K> {
    pub(crate) fn new(burst: u32, refill: Duration, most_keys: usize) -> Self {
        let burst = f64::from(burst);
        Self { burst, per_second: burst / refill.as_secs_f64(), most_keys, buckets: Mutex::new(HashMap::new()) }
    }

    /// Takes one, or says how long until there is one.
    pub(crate) fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let left = buckets.get(key).map_or(self.burst, |bucket| self.refilled(*bucket, now));
        if left < 1.0 {
            return Err(Duration::from_secs_f64((1.0 - left) / self.per_second));
        }
        if buckets.len() >= self.most_keys && !buckets.contains_key(key) {
            self.forget(&mut buckets, now);
        }
        buckets.insert(key.clone(), Bucket { left: left - 1.0, at: now });
        Ok(())
    }

    /// Whether there is one to take; otherwise how long until there is.
    pub(crate) fn check(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let left = buckets.get(key).map_or(self.burst, |bucket| self.refilled(*bucket, now));
        if left < 1.0 { Err(Duration::from_secs_f64((1.0 - left) / self.per_second)) } else { Ok(()) }
    }

    /// Gives back what was taken.
    pub(crate) fn give_back(&self, key: &K) {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = buckets.get_mut(key) {
            bucket.left = (bucket.left + 1.0).min(self.burst);
        }
    }

    fn refilled(&self, bucket: Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.left + since * self.per_second).min(self.burst)
    }

    fn forget(&self, buckets: &mut HashMap<K, Bucket>, now: Instant) {
        buckets.retain(|_, bucket| self.refilled(*bucket, now) < self.burst);
        if buckets.len() >= self.most_keys {
            buckets.clear();
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do to count from")]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_followed_by_the_even_rate() {
        let (budget, start) = (Budget::new(3, Duration::from_mins(1), 10), Instant::now());
        for _ in 0..3 {
            assert_eq!(budget.take(&"a", start), Ok(()));
        }
        assert_eq!(budget.take(&"a", start), Err(Duration::from_secs(20)));
        assert_eq!(budget.take(&"b", start), Ok(()));
        assert_eq!(budget.take(&"a", start + Duration::from_secs(20)), Ok(()));
        assert!(budget.check(&"a", start + Duration::from_secs(21)).is_err());
    }

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let (budget, start) = (Budget::new(1, Duration::from_mins(1), 10), Instant::now());
        for _ in 0..5 {
            assert_eq!(budget.take(&"a", start), Ok(()));
            budget.give_back(&"a");
        }
        budget.give_back(&"a");
        assert_eq!(budget.take(&"a", start), Ok(()));
        assert!(budget.take(&"a", start).is_err());
    }

    /// T-114
    #[test]
    fn a_flood_of_keys_is_bounded() {
        let (budget, start) = (Budget::new(1, Duration::from_mins(1), 100), Instant::now());
        for key in 0..10_000_u32 {
            assert_eq!(budget.take(&key, start), Ok(()));
        }
        assert!(budget.buckets.lock().unwrap().len() <= 100);
    }
}
