//! Deliveries by their id, so that one that comes again is not handled again, unless it failed.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

/// How long a delivery is remembered.
const REMEMBERED_FOR: Duration = Duration::from_hours(24);
/// Most deliveries that are remembered; older ones are forgotten first.
const MOST: usize = 100_000;
/// Longest id: GitHub's have 36 characters.
const LONGEST_ID: usize = 64;

/// The value of `X-GitHub-Delivery`. A redelivery has the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct DeliveryId(Arc<str>);

impl DeliveryId {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        (plain && (1..=LONGEST_ID).contains(&text.len())).then(|| Self(text.into()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    InProgress,
    Done,
    Failed,
}

struct Entry {
    state: State,
    /// Which claim wrote the entry.
    serial: u64,
}

/// Every delivery of the last 24 hours, within bounds, and how many are in work.
#[derive(Default)]
pub(crate) struct Deliveries {
    inner: Mutex<Inner>,
    idle: Notify,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<DeliveryId, Entry>,
    /// In order of their claims; an id that was claimed again stands here twice.
    order: VecDeque<(DeliveryId, u64, Instant)>,
    claims: u64,
    in_progress: usize,
}

/// A delivery in work. Dropped before it is done, the delivery has failed, and may come again.
pub(crate) struct Claim {
    deliveries: Arc<Deliveries>,
    id: Option<DeliveryId>,
    serial: u64,
    outcome: State,
}

impl Deliveries {
    /// Takes a delivery for handling; `None` when it is being handled or done already. One without an id is always taken.
    pub(crate) fn claim(self: &Arc<Self>, id: Option<DeliveryId>, now: Instant) -> Option<Claim> {
        let mut inner = self.lock();
        inner.forget(now);
        if let Some(id) = &id
            && inner.entries.get(id).is_some_and(|entry| entry.state != State::Failed)
        {
            return None;
        }
        inner.claims += 1;
        let serial = inner.claims;
        inner.in_progress += 1;
        if let Some(id) = &id {
            inner.entries.insert(id.clone(), Entry { state: State::InProgress, serial });
            inner.order.push_back((id.clone(), serial, now));
        }
        drop(inner);
        Some(Claim { deliveries: Arc::clone(self), id, serial, outcome: State::Failed })
    }

    /// The ids of what is in work.
    pub(crate) fn in_progress(&self) -> Vec<DeliveryId> {
        let inner = self.lock();
        inner.entries.iter().filter(|(_, entry)| entry.state == State::InProgress).map(|(id, _)| id.clone()).collect()
    }

    /// Waits until nothing is in work.
    pub(crate) async fn idle(&self) {
        loop {
            let idle = self.idle.notified();
            if self.lock().in_progress == 0 {
                return;
            }
            idle.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn forget(&mut self, now: Instant) {
        while let Some((id, serial, at)) = self.order.front() {
            if self.order.len() < MOST && now.saturating_duration_since(*at) < REMEMBERED_FOR {
                return;
            }
            if self.entries.get(id).is_some_and(|entry| entry.serial == *serial) {
                self.entries.remove(id);
            }
            self.order.pop_front();
        }
    }
}

impl Claim {
    /// The delivery needs no more handling.
    pub(crate) fn done(mut self) {
        self.outcome = State::Done;
    }

    /// Its id for logs.
    pub(crate) fn label(&self) -> &str {
        self.id.as_ref().map_or("unknown", DeliveryId::as_str)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut inner = self.deliveries.lock();
        inner.in_progress -= 1;
        if let Some(entry) = self.id.as_ref().and_then(|id| inner.entries.get_mut(id))
            && entry.serial == self.serial
        {
            entry.state = self.outcome;
        }
        if inner.in_progress == 0 {
            self.deliveries.idle.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use octo_sts_types::{Clock as _, SystemClock};

    use super::*;

    fn id(text: &str) -> Option<DeliveryId> {
        DeliveryId::parse(text)
    }

    /// T-145
    #[test]
    fn a_delivery_is_handled_once_unless_it_failed() {
        let (deliveries, now) = (Arc::new(Deliveries::default()), SystemClock.monotonic());
        let first = deliveries.claim(id("a"), now).unwrap();
        assert!(deliveries.claim(id("a"), now).is_none());
        assert_eq!(deliveries.in_progress().len(), 1);
        drop(first);
        deliveries.claim(id("a"), now).unwrap().done();
        assert!(deliveries.claim(id("a"), now).is_none());
        assert!(deliveries.claim(id("b"), now).is_some());
    }

    #[test]
    fn a_delivery_is_forgotten_after_a_day() {
        let (deliveries, now) = (Arc::new(Deliveries::default()), SystemClock.monotonic());
        deliveries.claim(id("a"), now).unwrap().done();
        assert!(deliveries.claim(id("a"), now + Duration::from_hours(23)).is_none());
        assert!(deliveries.claim(id("a"), now + Duration::from_hours(24)).is_some());
    }

    /// T-114
    #[test]
    fn memory_is_bounded() {
        let (deliveries, now) = (Arc::new(Deliveries::default()), SystemClock.monotonic());
        for at in 0..MOST + 1_000 {
            deliveries.claim(id(&at.to_string()), now).unwrap().done();
            drop(deliveries.claim(id("again"), now));
        }
        let inner = deliveries.lock();
        assert!(inner.order.len() <= MOST && inner.entries.len() <= MOST);
        assert!(inner.entries.contains_key(&DeliveryId::parse(&(MOST + 999).to_string()).unwrap()));
    }

    #[test]
    fn deliveries_without_an_id_are_always_taken() {
        let (deliveries, now) = (Arc::new(Deliveries::default()), SystemClock.monotonic());
        deliveries.claim(None, now).unwrap().done();
        assert!(deliveries.claim(None, now).is_some());
    }

    #[tokio::test]
    async fn idle_waits_for_the_last_claim() {
        let (deliveries, now) = (Arc::new(Deliveries::default()), SystemClock.monotonic());
        let claim = deliveries.claim(id("a"), now).unwrap();
        assert!(tokio::time::timeout(Duration::from_millis(5), deliveries.idle()).await.is_err());
        tokio::join!(deliveries.idle(), async { claim.done() });
    }

    /// T-104
    #[test]
    fn an_id_is_letters_digits_and_hyphens() {
        assert!(DeliveryId::parse("72d3162e-cc78-11e3-81ab-4c9367dc0958").is_some());
        for text in ["", "a b", "a\n", "é", &"a".repeat(65)] {
            assert!(DeliveryId::parse(text).is_none(), "Input: {text:?}");
        }
    }
}
