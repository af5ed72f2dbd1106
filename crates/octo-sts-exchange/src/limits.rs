//! How often a caller may exchange, an address may fail, and how much is done at once.

use std::{net::IpAddr, time::Duration, time::Instant};

use octo_sts_oidc::VerifyError;
use octo_sts_store::Key;
use octo_sts_types::{Claims, Owner, Scope};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::{
    budget::Budget,
    ending::network,
    error::{ExchangeError, TooMany},
};

/// Most callers, and most addresses, that are remembered: some 100 bytes each.
const MOST: usize = 100_000;

/// How often something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How often in the long run, each `period`.
    pub count: u32,
    /// The time in which `count` are due.
    pub period: Duration,
    /// How many may come at once.
    pub burst: u32,
}

/// Most exchanges at once, where nothing else is said: less than a second of work for a core, and some 100 MB.
const AT_ONCE: u32 = 4_096;

/// What the operator allows callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerLimits {
    /// Exchanges of one (issuer, subject); `None`: as many as they like.
    pub exchanges: Option<Rate>,
    /// Requests from one address whose token does not verify; `None`: as many as they like.
    pub failures: Option<Rate>,
    /// Requests from one address for one owner whose policy was read for its keys, and whose token it does not verify; `None`:
    /// as many as they like.
    pub policy_reads: Option<Rate>,
    /// Exchanges under way at once, whoever asks for them; `None`: as many as there are requests.
    pub at_once: Option<u32>,
}

impl Default for CallerLimits {
    /// Callers with a valid token are not limited; an address may fail ten times a second, 200 at once, and once a second, 30 at
    /// once, where that costs an owner's quota. Some thousands of exchanges at once are more than any replica finishes in time.
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self {
            exchanges: None,
            failures: Some(Rate { count: 600, period: minute, burst: 200 }),
            policy_reads: Some(Rate { count: 60, period: minute, burst: 30 }),
            at_once: Some(AT_ONCE),
        }
    }
}

pub(crate) struct Limits {
    exchanges: Option<Budget<Key>>,
    failures: Option<Budget<IpAddr>>,
    /// Those behind one proxy share what one address has: without a verified token nothing else tells them apart.
    policy_reads: Option<Budget<(Option<IpAddr>, Owner)>>,
    places: Option<Semaphore>,
}

impl Limits {
    pub(crate) fn new(limits: CallerLimits) -> Self {
        Self {
            exchanges: limits.exchanges.map(budget),
            failures: limits.failures.map(budget),
            policy_reads: limits.policy_reads.map(budget),
            places: limits.at_once.map(|most| Semaphore::new(most as usize)),
        }
    }

    /// A place among the exchanges under way, kept until it is dropped. Whoever finds none hears so at once: those who wait
    /// would be answered after their deadline.
    pub(crate) fn place(&self) -> Result<Option<SemaphorePermit<'_>>, ExchangeError> {
        self.places.as_ref().map(Semaphore::try_acquire).transpose().map_err(|_| ExchangeError::Overloaded)
    }

    /// Takes one of the caller's exchanges, after the token verified; those of a `realm` are counted apart.
    pub(crate) fn exchange(&self, claims: &Claims, realm: Option<&Scope>, now: Instant) -> Result<(), ExchangeError> {
        let Some(budget) = &self.exchanges else { return Ok(()) };
        let realm = realm.map(ToString::to_string).unwrap_or_default();
        let key = Key::of("caller", &[claims.issuer().as_str().as_bytes(), claims.subject().as_str().as_bytes(), realm.as_bytes()]);
        budget.take(&key, now).map_err(|wait| ExchangeError::TooMany(TooMany::Exchanges { retry_after: seconds(wait) }))
    }

    /// Whether an address may cause the work of a verification.
    pub(crate) fn may_fail(&self, peer: Option<IpAddr>, now: Instant) -> Result<(), ExchangeError> {
        let (Some(budget), Some(address)) = (&self.failures, peer.and_then(counted)) else { return Ok(()) };
        budget.check(&address, now).map_err(|wait| ExchangeError::TooMany(TooMany::Failures { retry_after: seconds(wait) }))
    }

    /// Takes one of the reads of an owner's policies that an address has for tokens that are not verified yet.
    pub(crate) fn policy_read(&self, peer: Option<IpAddr>, owner: &Owner, now: Instant) -> Result<(), ExchangeError> {
        let Some(budget) = &self.policy_reads else { return Ok(()) };
        let taken = budget.take(&(peer.and_then(counted), owner.clone()), now);
        taken.map_err(|wait| ExchangeError::TooMany(TooMany::Failures { retry_after: seconds(wait) }))
    }

    /// Gives one back: the token was verified by what was read.
    pub(crate) fn policy_read_was_due(&self, peer: Option<IpAddr>, owner: &Owner) {
        if let Some(budget) = &self.policy_reads {
            budget.give_back(&(peer.and_then(counted), owner.clone()));
        }
    }

    /// A request failed before its token was verified.
    pub(crate) fn failed(&self, peer: Option<IpAddr>, error: &ExchangeError, now: Instant) {
        // That an issuer is away is not its callers' doing.
        let excused = matches!(error, ExchangeError::Token(VerifyError::Discovery(issuer)) if issuer.is_transient());
        if let (Some(budget), Some(address), false) = (&self.failures, peer.and_then(counted), excused) {
            // Whether there was one left to take was asked before.
            _ = budget.take(&address, now);
        }
    }
}

fn budget<K: Eq + std::hash::Hash + Clone>(rate: Rate) -> Budget<K> {
    let burst = rate.burst.max(1);
    Budget::new(burst, rate.period * burst / rate.count.max(1), MOST)
}

/// Whole seconds, rounded up: a second too late is better than one too early.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// What an address counts as; `None` when many callers may be behind it: a proxy on this machine or in this network.
fn counted(address: IpAddr) -> Option<IpAddr> {
    let inside = match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let carrier = first == 100 && (64..128).contains(&second);
            address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified() || carrier
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local() || address.is_unspecified(),
    };
    (!inside).then(|| network(address))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do to count from")]
mod tests {
    use super::*;

    fn limits(count: u32, burst: u32) -> Limits {
        let rate = Some(Rate { count, period: Duration::from_mins(1), burst });
        Limits::new(CallerLimits { exchanges: rate, failures: rate, policy_reads: rate, at_once: None })
    }

    /// T-112
    #[test]
    fn an_address_that_fails_too_often_waits_and_others_do_not() {
        let (limits, now) = (limits(60, 2), Instant::now());
        let (bad, good) = (Some("192.0.2.1".parse().unwrap()), Some("192.0.2.2".parse().unwrap()));
        for _ in 0..2 {
            assert!(limits.may_fail(bad, now).is_ok());
            limits.failed(bad, &ExchangeError::NoScope, now);
        }
        assert!(matches!(limits.may_fail(bad, now), Err(ExchangeError::TooMany(TooMany::Failures { retry_after: 1 }))));
        assert!(limits.may_fail(good, now).is_ok());
        assert!(limits.may_fail(bad, now + Duration::from_secs(1)).is_ok());
    }

    #[test]
    fn addresses_that_stand_for_many_are_not_limited() {
        for address in ["127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "169.254.1.1", "100.64.0.9", "fd00::1", "fe80::1", "::ffff:10.0.0.1"] {
            assert_eq!(counted(address.parse().unwrap()), None, "Input: {address}");
        }
        for address in ["192.0.2.1", "8.8.8.8", "2001:db8::1", "100.128.0.1"] {
            assert!(counted(address.parse().unwrap()).is_some(), "Input: {address}");
        }
    }

    #[test]
    fn nothing_is_limited_that_is_switched_off() {
        let (limits, now) = (Limits::new(CallerLimits { exchanges: None, failures: None, policy_reads: None, at_once: None }), Instant::now());
        let peer = Some("192.0.2.1".parse().unwrap());
        for _ in 0..10_000 {
            limits.failed(peer, &ExchangeError::NoScope, now);
        }
        assert!(limits.may_fail(peer, now).is_ok());
    }

    /// T-112
    #[test]
    fn reads_before_verification_are_counted_by_address_and_owner_and_given_back() {
        let (limits, now) = (limits(60, 2), Instant::now());
        let owner = |name: &str| name.parse().unwrap();
        let take = |peer: &str, name: &str| limits.policy_read(Some(peer.parse().unwrap()), &owner(name), now).is_ok();
        assert!(take("192.0.2.1", "acme") && take("192.0.2.1", "acme") && !take("192.0.2.1", "ACME"));
        assert!(take("192.0.2.1", "other") && take("192.0.2.2", "acme"));
        limits.policy_read_was_due(Some("192.0.2.1".parse().unwrap()), &owner("acme"));
        assert!(take("192.0.2.1", "acme") && !take("192.0.2.1", "acme"));
        // Behind proxies on this machine and in this network all are one.
        assert!(take("127.0.0.1", "acme") && take("10.0.0.1", "acme") && !take("10.0.0.2", "acme"));
    }

    /// T-116
    #[test]
    fn a_place_is_free_again_when_an_exchange_ends() {
        let limits = Limits::new(CallerLimits { at_once: Some(2), ..CallerLimits::default() });
        let places = (limits.place().unwrap(), limits.place().unwrap());
        assert!(matches!(limits.place(), Err(ExchangeError::Overloaded)));
        drop(places);
        assert!(limits.place().is_ok());
        let limitless = Limits::new(CallerLimits { at_once: None, ..CallerLimits::default() });
        assert!(limitless.place().unwrap().is_none());
    }
}
