//! A map whose entries expire, with a bound on their number.

use std::{
    collections::{BTreeMap, HashMap},
    time::{Duration, Instant},
};

use crate::Key;

/// A map whose entries expire. Time is an argument.
#[derive(Debug)]
pub(crate) struct ExpiringMap<V> {
    capacity: usize,
    entries: HashMap<Key, Entry<V>>,
    /// The same entries by when they expire; the number keeps those of one instant apart.
    order: BTreeMap<(Instant, u64), Key>,
    next: u64,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    place: (Instant, u64),
}

impl<V> ExpiringMap<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), entries: HashMap::new(), order: BTreeMap::new(), next: 0 }
    }

    pub(crate) fn get(&mut self, key: &Key, now: Instant) -> Option<&V> {
        self.drop_expired(now);
        self.entries.get(key).map(|entry| &entry.value)
    }

    /// Puts an entry in, in place of one of the same key.
    pub(crate) fn insert(&mut self, key: Key, value: V, now: Instant, ttl: Duration) {
        self.remove(&key);
        let place = (now + ttl, self.next);
        self.next += 1;
        self.order.insert(place, key);
        self.entries.insert(key, Entry { value, place });
    }

    pub(crate) fn remove(&mut self, key: &Key) -> Option<V> {
        let entry = self.entries.remove(key)?;
        self.order.remove(&entry.place);
        Some(entry.value)
    }

    /// Whether there is no room for another entry.
    pub(crate) fn is_full(&mut self, now: Instant) -> bool {
        self.drop_expired(now);
        self.entries.len() >= self.capacity
    }

    /// Drops the entry that would expire first.
    pub(crate) fn drop_first(&mut self) {
        if let Some((_, key)) = self.order.pop_first() {
            self.entries.remove(&key);
        }
    }

    fn drop_expired(&mut self, now: Instant) {
        while self.order.first_key_value().is_some_and(|((expires, _), _)| *expires <= now) {
            self.drop_first();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::{Arc, Mutex};

    use octo_sts_types::{Clock, SystemClock};

    use super::*;

    /// A clock that is moved by hand.
    #[derive(Debug)]
    pub(crate) struct HandClock(Mutex<(jiff::Timestamp, Instant)>);

    impl HandClock {
        pub(crate) fn new() -> Arc<Self> {
            Arc::new(Self(Mutex::new((jiff::Timestamp::from_second(1_800_000_000).unwrap(), SystemClock.monotonic()))))
        }

        pub(crate) fn advance(&self, by: Duration) {
            let mut now = self.0.lock().unwrap();
            *now = (now.0 + by, now.1 + by);
        }
    }

    impl Clock for HandClock {
        fn now(&self) -> jiff::Timestamp {
            self.0.lock().unwrap().0
        }

        fn monotonic(&self) -> Instant {
            self.0.lock().unwrap().1
        }
    }

    const MINUTE: Duration = Duration::from_mins(1);

    fn key(number: u64) -> Key {
        Key::of("test", &[&number.to_be_bytes()])
    }

    #[test]
    fn entries_expire_in_their_own_time() {
        let (mut map, start) = (ExpiringMap::new(10), SystemClock.monotonic());
        map.insert(key(1), "long", start, 2 * MINUTE);
        map.insert(key(2), "short", start, MINUTE);
        assert_eq!(map.get(&key(2), start + Duration::from_millis(59_999)), Some(&"short"));
        assert_eq!(map.get(&key(2), start + MINUTE), None);
        assert_eq!(map.get(&key(1), start + MINUTE), Some(&"long"));
        assert_eq!(map.get(&key(1), start + 2 * MINUTE), None);
        assert!(map.entries.is_empty() && map.order.is_empty());
    }

    #[test]
    fn an_entry_that_is_put_in_again_is_there_once_and_lives_longer() {
        let (mut map, start) = (ExpiringMap::new(10), SystemClock.monotonic());
        for _ in 0..1_000 {
            map.insert(key(1), 1, start, MINUTE);
        }
        map.insert(key(1), 2, start + MINUTE / 2, MINUTE);
        assert_eq!((map.entries.len(), map.order.len()), (1, 1));
        assert_eq!(map.get(&key(1), start + MINUTE), Some(&2));
        assert_eq!((map.remove(&key(1)), map.remove(&key(1)), map.order.len()), (Some(2), None, 0));
    }

    #[test]
    fn a_full_map_has_room_again_when_entries_expire_or_are_dropped() {
        let (mut map, start) = (ExpiringMap::new(2), SystemClock.monotonic());
        map.insert(key(1), 1, start, MINUTE);
        assert!(!map.is_full(start));
        map.insert(key(2), 2, start, 2 * MINUTE);
        assert!(map.is_full(start) && !map.is_full(start + MINUTE));
        map.insert(key(3), 3, start + MINUTE, 3 * MINUTE);
        map.drop_first();
        assert_eq!(map.get(&key(2), start + MINUTE), None);
        assert_eq!(map.get(&key(3), start + MINUTE), Some(&3));
    }
}
