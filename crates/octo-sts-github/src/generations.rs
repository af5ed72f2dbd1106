//! A map that cannot grow without end.

use std::{collections::HashMap, hash::Hash};

/// A map of the most recently written entries: at least `N / 2` of them, at most `N`.
///
/// Entries are written to a young generation. When that is half of the bound, it becomes the old one and the old one goes:
/// every operation takes constant time, and nothing has to be searched for the entry to drop.
#[derive(Debug)]
pub(crate) struct Generations<K, V, const N: usize> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
}

impl<K, V, const N: usize> Default for Generations<K, V, N> {
    fn default() -> Self {
        Self { young: HashMap::new(), old: HashMap::new() }
    }
}

impl<K: Eq + Hash, V, const N: usize> Generations<K, V, N> {
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.young.get(key).or_else(|| self.old.get(key))
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.young.len() >= N / 2 && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key, value);
    }

    /// Every entry, the latest value of each key alone.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.young.iter().chain(self.old.iter().filter(|(key, _)| !self.young.contains_key(key)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-114
    #[test]
    fn ten_thousand_keys_leave_no_more_than_the_bound() {
        let mut map = Generations::<u32, u32, 100>::default();
        for key in 0..10_000 {
            map.insert(key, key);
            map.insert(7, key);
        }
        assert!(map.iter().count() <= 100);
        assert_eq!((map.get(&9_999), map.get(&7), map.get(&1)), (Some(&9_999), Some(&9_999), None));
        assert_eq!(map.iter().filter(|(key, _)| **key == 7).count(), 1);
    }

    #[test]
    fn the_latest_half_is_always_there() {
        let mut map = Generations::<u32, u32, 100>::default();
        for key in 0..1_000 {
            map.insert(key, key);
            assert!((key.saturating_sub(49)..=key).all(|recent| map.get(&recent).is_some()), "Input: {key}");
        }
    }
}
