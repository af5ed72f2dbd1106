//! Stores in this process's memory, for a single replica.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use octo_sts_types::{AppId, Clock};

use crate::{Claim, Key, StickyStore, StoreError, Ticket, UsedTokens, expiring::ExpiringMap};

/// Sticky routes in memory. When there are too many, the one that was not used for longest goes.
pub struct MemoryRoutes {
    clock: Arc<dyn Clock>,
    ttl: Duration,
    routes: Mutex<ExpiringMap<AppId>>,
}

/// Used tokens in memory. When there are too many, further ones are refused: none is forgotten while it is valid.
pub struct MemoryTokens {
    clock: Arc<dyn Clock>,
    capacity: usize,
    tokens: Mutex<ExpiringMap<[u8; 16]>>,
}

impl MemoryRoutes {
    /// How many routes are remembered, unless configured; about 200 bytes each.
    pub const CAPACITY: usize = 100_000;

    /// Empty, for `capacity` routes that last `ttl` after their last use.
    pub fn new(capacity: usize, ttl: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { clock, ttl, routes: Mutex::new(ExpiringMap::new(capacity)) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut ExpiringMap<AppId>) -> T) -> T {
        act(&mut self.routes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl MemoryTokens {
    /// How many tokens are remembered, unless configured; about 200 bytes each.
    pub const CAPACITY: usize = 200_000;

    /// Empty, for `capacity` tokens.
    pub fn new(capacity: usize, clock: Arc<dyn Clock>) -> Self {
        Self { clock, capacity, tokens: Mutex::new(ExpiringMap::new(capacity)) }
    }

    fn with<T>(&self, act: impl FnOnce(&mut ExpiringMap<[u8; 16]>) -> T) -> T {
        act(&mut self.tokens.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[async_trait]
impl StickyStore for MemoryRoutes {
    async fn get(&self, key: &Key) -> Result<Option<AppId>, StoreError> {
        let now = self.clock.monotonic();
        Ok(self.with(|routes| routes.get(key, now).copied()))
    }

    async fn assign(&self, key: &Key, app: AppId, instead_of: Option<AppId>) -> Result<AppId, StoreError> {
        let now = self.clock.monotonic();
        Ok(self.with(|routes| {
            let known = routes.get(key, now).copied();
            if let Some(first) = known.filter(|first| Some(*first) != instead_of) {
                return first;
            }
            if known.is_none() && routes.is_full(now) {
                routes.drop_first();
            }
            routes.insert(*key, app, now, self.ttl);
            app
        }))
    }

    async fn refresh(&self, key: &Key) -> Result<(), StoreError> {
        let now = self.clock.monotonic();
        self.with(|routes| {
            if let Some(&app) = routes.get(key, now) {
                routes.insert(*key, app, now, self.ttl);
            }
        });
        Ok(())
    }
}

#[async_trait]
impl UsedTokens for MemoryTokens {
    async fn claim(&self, key: &Key, keep: Duration) -> Result<Claim, StoreError> {
        let now = self.clock.monotonic();
        let ticket = Ticket::new(*key)?;
        self.with(|tokens| {
            if tokens.get(key, now).is_some() {
                return Ok(Claim::Used);
            }
            if tokens.is_full(now) {
                return Err(StoreError::Full { store: "the memory for used tokens", capacity: self.capacity });
            }
            tokens.insert(*key, ticket.number, now, keep);
            Ok(Claim::First(ticket))
        })
    }

    async fn release(&self, ticket: Ticket) -> Result<(), StoreError> {
        let now = self.clock.monotonic();
        self.with(|tokens| {
            if tokens.get(&ticket.key, now) == Some(&ticket.number) {
                tokens.remove(&ticket.key);
            }
        });
        Ok(())
    }
}

impl fmt::Debug for MemoryRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryRoutes").field("ttl", &self.ttl).finish_non_exhaustive()
    }
}

impl fmt::Debug for MemoryTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTokens").field("capacity", &self.capacity).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ROUTE_TTL, expiring::tests::HandClock};

    const MINUTE: Duration = Duration::from_mins(1);

    fn key(number: u64) -> Key {
        Key::of("test", &[&number.to_be_bytes()])
    }

    /// T-102
    #[tokio::test]
    async fn the_first_assignment_counts_until_its_app_is_gone() {
        let routes = MemoryRoutes::new(10, ROUTE_TTL, HandClock::new());
        assert_eq!(routes.get(&key(1)).await.unwrap(), None);
        assert_eq!(routes.assign(&key(1), AppId(1), None).await.unwrap(), AppId(1));
        assert_eq!(routes.assign(&key(1), AppId(2), None).await.unwrap(), AppId(1));
        assert_eq!(routes.assign(&key(1), AppId(2), Some(AppId(3))).await.unwrap(), AppId(1));
        assert_eq!(routes.assign(&key(1), AppId(2), Some(AppId(1))).await.unwrap(), AppId(2));
        assert_eq!(routes.get(&key(1)).await.unwrap(), Some(AppId(2)));
    }

    #[tokio::test]
    async fn a_route_lasts_an_hour_after_its_last_use() {
        let clock = HandClock::new();
        let routes = MemoryRoutes::new(10, ROUTE_TTL, clock.clone());
        routes.assign(&key(1), AppId(1), None).await.unwrap();
        for _ in 0..3 {
            clock.advance(59 * MINUTE);
            routes.refresh(&key(1)).await.unwrap();
        }
        assert_eq!(routes.get(&key(1)).await.unwrap(), Some(AppId(1)));
        clock.advance(60 * MINUTE);
        routes.refresh(&key(1)).await.unwrap();
        assert_eq!(routes.get(&key(1)).await.unwrap(), None);
    }

    /// T-102
    #[tokio::test]
    async fn too_many_routes_push_out_the_one_that_was_not_used_for_longest() {
        let clock = HandClock::new();
        let routes = MemoryRoutes::new(3, ROUTE_TTL, clock.clone());
        for number in 1..=3 {
            routes.assign(&key(number), AppId(number), None).await.unwrap();
            clock.advance(MINUTE);
        }
        routes.refresh(&key(1)).await.unwrap();
        routes.assign(&key(3), AppId(9), Some(AppId(3))).await.unwrap();
        routes.assign(&key(4), AppId(4), None).await.unwrap();
        let mut known = Vec::new();
        for number in 1..=4 {
            known.extend(routes.get(&key(number)).await.unwrap());
        }
        assert_eq!(known, [AppId(1), AppId(9), AppId(4)]);
    }

    /// T-028
    #[tokio::test]
    async fn a_token_is_claimed_once_until_it_expires_or_is_given_back() {
        let clock = HandClock::new();
        let tokens = MemoryTokens::new(10, clock.clone());
        let Claim::First(ticket) = tokens.claim(&key(1), 5 * MINUTE).await.unwrap() else { panic!("the first claim") };
        assert!(matches!(tokens.claim(&key(1), 5 * MINUTE).await.unwrap(), Claim::Used));
        tokens.release(ticket).await.unwrap();
        let Claim::First(late) = tokens.claim(&key(1), 5 * MINUTE).await.unwrap() else { panic!("the second claim") };
        clock.advance(5 * MINUTE);
        assert!(matches!(tokens.claim(&key(1), 5 * MINUTE).await.unwrap(), Claim::First(_)));
        tokens.release(late).await.unwrap();
        assert!(matches!(tokens.claim(&key(1), 5 * MINUTE).await.unwrap(), Claim::Used), "a ticket of before gives nothing back");
    }

    /// T-028
    #[tokio::test]
    async fn a_full_memory_refuses_rather_than_forgets() {
        let clock = HandClock::new();
        let tokens = MemoryTokens::new(2, clock.clone());
        for number in 1..=2 {
            tokens.claim(&key(number), MINUTE).await.unwrap();
        }
        assert_eq!(tokens.claim(&key(3), MINUTE).await.unwrap_err().to_string(), "the memory for used tokens is full: 2 entries are all still valid");
        assert!(matches!(tokens.claim(&key(1), MINUTE).await.unwrap(), Claim::Used));
        clock.advance(MINUTE);
        assert!(matches!(tokens.claim(&key(3), MINUTE).await.unwrap(), Claim::First(_)));
    }

    /// T-028
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_at_once_one_wins() {
        let tokens = Arc::new(MemoryTokens::new(10_000, HandClock::new()));
        for race in 0..1_000 {
            let claims = (0..4).map(|_| {
                let tokens = tokens.clone();
                tokio::spawn(async move { matches!(tokens.claim(&key(race), MINUTE).await.unwrap(), Claim::First(_)) })
            });
            let mut winners = 0;
            for claim in claims.collect::<Vec<_>>() {
                winners += usize::from(claim.await.unwrap());
            }
            assert_eq!(winners, 1);
        }
    }
}
