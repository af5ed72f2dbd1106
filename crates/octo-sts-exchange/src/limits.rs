//! How often a caller may exchange, and an address may fail.

use std::{net::IpAddr, time::Duration, time::Instant};

use octo_sts_oidc::VerifyError;
use octo_sts_store::Key;
use octo_sts_types::Claims;

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

/// What the operator allows callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallerLimits {
    /// Exchanges of one (issuer, subject); `None`: as many as they like.
    pub exchanges: Option<Rate>,
    /// Requests from one address whose token does not verify; `None`: as many as they like.
    pub failures: Option<Rate>,
}

impl Default for CallerLimits {
    /// Callers with a valid token are not limited; an address may fail ten times a second, 200 at once.
    fn default() -> Self {
        Self { exchanges: None, failures: Some(Rate { count: 600, period: Duration::from_mins(1), burst: 200 }) }
    }
}

pub(crate) struct Limits {
    exchanges: Option<Budget<Key>>,
    failures: Option<Budget<IpAddr>>,
}

impl Limits {
    pub(crate) fn new(limits: CallerLimits) -> Self {
        Self { exchanges: limits.exchanges.map(budget), failures: limits.failures.map(budget) }
    }

    /// Takes one of the caller's exchanges, after the token verified.
    pub(crate) fn exchange(&self, claims: &Claims, now: Instant) -> Result<(), ExchangeError> {
        let Some(budget) = &self.exchanges else { return Ok(()) };
        let key = Key::of("caller", &[claims.issuer().as_str().as_bytes(), claims.subject().as_str().as_bytes()]);
        budget.take(&key, now).map_err(|wait| ExchangeError::TooMany(TooMany::Exchanges { retry_after: seconds(wait) }))
    }

    /// Whether an address may cause the work of a verification.
    pub(crate) fn may_fail(&self, peer: Option<IpAddr>, now: Instant) -> Result<(), ExchangeError> {
        let (Some(budget), Some(address)) = (&self.failures, peer.and_then(counted)) else { return Ok(()) };
        budget.check(&address, now).map_err(|wait| ExchangeError::TooMany(TooMany::Failures { retry_after: seconds(wait) }))
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
        Limits::new(CallerLimits { exchanges: rate, failures: rate })
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
        let (limits, now) = (Limits::new(CallerLimits { exchanges: None, failures: None }), Instant::now());
        let peer = Some("192.0.2.1".parse().unwrap());
        for _ in 0..10_000 {
            limits.failed(peer, &ExchangeError::NoScope, now);
        }
        assert!(limits.may_fail(peer, now).is_ok());
    }
}
