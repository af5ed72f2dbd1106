//! The issuers that are known, and the fetches under way for them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use moka::future::Cache;
use octo_sts_http::Client;
use octo_sts_types::{Clock, Issuer};
use tokio::sync::{Semaphore, watch};

use crate::{
    clients::Clients,
    discovery::Discovery,
    error::{IssuerError, Part},
    fetch::{Failure, fetch},
    issuer_keys::{Flight, IssuerKeys, Known, Outcome, State, Step},
    stats::Counters,
};

/// Most memory for the keys of issuers that nobody configured, in bytes.
const CAPACITY: u64 = 24 * 1024 * 1024;
/// Most fetches at once for issuers that nobody configured.
const MOST_FETCHES: usize = 64;
/// Longest wait for one's turn among them.
const TURN: Duration = Duration::from_secs(1);
/// How long an issuer nobody asks about is remembered; keys are no good for longer.
const IDLE: Duration = Duration::from_hours(24);

/// One issuer to fetch from.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) issuer: Issuer,
    pub(crate) keys: Arc<IssuerKeys>,
    pub(crate) pinned: bool,
    pub(crate) client: Client,
    /// Where its keys are, when nobody has to be asked for that.
    pub(crate) at: Option<Discovery>,
}

pub(crate) struct Issuers {
    /// Those the operator named: never evicted, and never queueing behind strangers.
    pinned: HashMap<Issuer, Arc<IssuerKeys>>,
    others: Cache<Issuer, Arc<IssuerKeys>>,
    turns: Semaphore,
    clients: Clients,
    clock: Arc<dyn Clock>,
    pub(crate) counters: Counters,
}

impl Issuers {
    pub(crate) fn new(pinned: impl Iterator<Item = Issuer>, clients: Clients, clock: Arc<dyn Clock>) -> Arc<Self> {
        let others = Cache::builder().max_capacity(CAPACITY).time_to_idle(IDLE);
        let others = others.weigher(|_: &Issuer, keys: &Arc<IssuerKeys>| keys.weight()).build();
        let pinned = pinned.map(|issuer| (issuer, Arc::default())).collect();
        Arc::new(Self { pinned, others, turns: Semaphore::new(MOST_FETCHES), clients, clock, counters: Counters::default() })
    }

    pub(crate) async fn target(&self, issuer: &Issuer, excepted: bool) -> Target {
        let (keys, pinned) = match self.pinned.get(issuer) {
            Some(keys) => (keys.clone(), true),
            None => (self.others.get_with_by_ref(issuer, async { Arc::default() }).await, false),
        };
        let client = if excepted { &self.clients.excepted } else { &self.clients.public };
        Target { issuer: issuer.clone(), keys, pinned, client: client.clone(), at: None }
    }

    /// The issuer's keys, and whether they were fetched for this very call.
    pub(crate) async fn keys(self: &Arc<Self>, target: &Target) -> Result<(Arc<Known>, bool), Failure> {
        let now = self.clock.monotonic();
        let step = target.keys.lock().step(now);
        let fetched = match step {
            Step::Use(known) => return Ok((self.count_use(known, now), false)),
            Step::UseAndFetch(known) => {
                drop(self.fetch(target, None));
                return Ok((self.count_use(known, now), false));
            }
            Step::Refuse(failure) => {
                self.counters.refused_known_failure.add_one();
                return Err(failure);
            }
            Step::FetchElseUse(known) => match self.wait(self.fetch(target, None)).await {
                Err(_) => return Ok((self.count_use(known, now), false)),
                fetched => fetched,
            },
            Step::Fetch => self.wait(self.fetch(target, None)).await,
        };
        fetched.map(|known| (known, true))
    }

    fn count_use(&self, known: Arc<Known>, now: std::time::Instant) -> Arc<Known> {
        let counter = if State::is_stale(&known, now) { &self.counters.stale } else { &self.counters.hits };
        counter.add_one();
        known
    }

    /// Keys newer than these, for a token that does not fit them: fetched at most once a minute for each issuer, whatever
    /// tokens come. `None` when it is too early to ask.
    pub(crate) async fn newer(self: &Arc<Self>, target: &Target, than: &Known) -> Option<Outcome> {
        let flight = {
            let mut state = target.keys.lock();
            if let Some(newer) = state.newer(than) {
                return Some(Ok(newer));
            }
            match state.flight() {
                Some(flight) => flight,
                None if state.may_refresh(self.clock.monotonic()) => {
                    self.counters.refreshes_for_unknown_keys.add_one();
                    self.take_off(&mut state, target, Some(than.discovery.clone()))
                }
                None => return None,
            }
        };
        Some(self.wait(flight).await)
    }

    async fn wait(&self, mut flight: Flight) -> Outcome {
        self.counters.waits.add_one();
        match flight.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            _ => Err(Failure::new(Part::Keys, IssuerError::BrokenOff)),
        }
    }

    /// Joins the fetch under way, or begins one.
    fn fetch(self: &Arc<Self>, target: &Target, known: Option<Discovery>) -> Flight {
        let mut state = target.keys.lock();
        state.flight().unwrap_or_else(|| self.take_off(&mut state, target, known))
    }

    /// Begins a fetch in a task of its own: callers come and go without ending it.
    fn take_off(self: &Arc<Self>, state: &mut State, target: &Target, known: Option<Discovery>) -> Flight {
        let (sender, flight) = watch::channel(None);
        state.take_off(flight.clone());
        let (issuers, target) = (self.clone(), target.clone());
        tokio::spawn(async move {
            let outcome = issuers.fly(&target, known).await;
            target.keys.lock().land(&outcome, issuers.clock.monotonic());
            sender.send_replace(Some(outcome));
            if !target.pinned {
                // Put back, so that the cache weighs it with its keys.
                issuers.others.insert(target.issuer, target.keys).await;
            }
        });
        flight
    }

    async fn fly(&self, target: &Target, known: Option<Discovery>) -> Outcome {
        self.counters.fetches.add_one();
        let known = known.or_else(|| target.at.clone());
        let part = if known.is_some() { Part::Keys } else { Part::Discovery };
        let _turn = if target.pinned {
            None
        } else {
            let turn = tokio::time::timeout(TURN, self.turns.acquire()).await;
            Some(turn.map_err(|_| self.failed(target, Failure::new(part, IssuerError::Busy)))?)
        };
        // What a fetch brings is as old as its beginning.
        let begun = self.clock.monotonic();
        let fetched = fetch(&target.client, &target.issuer, known).await.map_err(|failure| self.failed(target, failure))?;
        Ok(Arc::new(Known::new(fetched, begun)))
    }

    fn failed(&self, target: &Target, failure: Failure) -> Failure {
        self.counters.failures.add_one();
        tracing::debug!(issuer = %target.issuer, error = &*failure.error as &dyn std::error::Error, "the issuer's keys were not fetched");
        failure
    }
}
