//! Tokens of issuers that nobody here can ask: the keys stand in the policy that is asked for.
//!
//! Only for issuers that the operator has named is the policy read before the token is verified, which turns the order of the
//! exchange around for them. So that this opens nothing to strangers:
//!
//! - What the token alone decides comes first, and a budget for each address and owner is charged before GitHub is called.
//! - Every failure up to the signature has one answer, and comes at a full second: whether there is an installation, a
//!   repository, a policy or a key, or a wrong signature, is not to be told apart.
//! - What is asked for in vain counts for the address it comes from, and not for the issuer, which anybody can name.
//! - With verified claims the exchange begins from its beginning: installation, allowlist, policy, match. The keys count only
//!   as long as they stand in the version of the policy that gives the grant, and for no other policy.

use std::{net::IpAddr, sync::Arc, time::Duration, time::Instant};

use octo_sts_oidc::StaticKeySet;
use octo_sts_policy::Requirement;
use octo_sts_types::{Claims, Issuer};

use crate::{
    asked::Asked,
    ending::network,
    error::ExchangeError,
    exchange::{Exchanger, MOST_APPS, contradicts, may_go_elsewhere},
    policies::{Loaded, PolicyKey},
    record::Record,
};

/// Failures are answered at multiples of this: how long GitHub took says what was found there.
const PACE: Duration = Duration::from_secs(1);

impl Exchanger {
    /// Whether tokens of this issuer are verified with the keys of policies, and with those alone.
    pub(crate) fn is_verified_by_policies(&self, issuer: &Issuer) -> bool {
        self.settings.policy_key_issuers.as_ref().is_some_and(|issuers| issuers.admits(issuer)) && !self.verifier.describes(issuer)
    }

    /// Reads the policy that is asked for, and verifies the token with the keys in it.
    pub(crate) async fn verify_by_policy(&self, asked: &Asked, peer: Option<IpAddr>, record: &mut Record<'_>) -> Result<Claims, ExchangeError> {
        self.verifier.precheck(&asked.token).map_err(ExchangeError::Token)?;
        let (begun, owner) = (self.clock.monotonic(), asked.scope.owner());
        self.limits.policy_read(peer, owner, begun)?;
        match self.verified_by_its_policy(asked, peer, record).await {
            Ok(claims) => {
                self.limits.policy_read_was_due(peer, owner);
                Ok(claims)
            }
            Err(error) => {
                tokio::time::sleep(until_full_second(begun, self.clock.monotonic())).await;
                Err(ExchangeError::NotVerifiedByPolicy(error))
            }
        }
    }

    async fn verified_by_its_policy(&self, asked: &Asked, peer: Option<IpAddr>, record: &mut Record<'_>) -> Result<Claims, Arc<ExchangeError>> {
        let counted = stand_in(peer);
        let first = self.read_before(asked, &counted, record).await;
        let loaded = match first {
            Err(error) if contradicts(&error) && record.used_known_installation() => {
                self.forget(asked, record).await;
                self.read_before(asked, &counted, record).await
            }
            other => other,
        };
        let loaded = loaded.inspect_err(|error| self.health.note(error))?;
        Ok(self.verify_with_keys_of(&loaded, asked)?)
    }

    /// The policy, read by the first App that can.
    async fn read_before(&self, asked: &Asked, counted: &Issuer, record: &mut Record<'_>) -> Result<Arc<Loaded>, Arc<ExchangeError>> {
        let pools = self.apps.current();
        let pool = pools.serving(asked.scope.owner()).ok_or(ExchangeError::NoPool)?;
        let mut last = Arc::new(ExchangeError::NotInstalled);
        for app in self.minting.reading_order(pool, asked.scope.owner()).await.into_iter().take(MOST_APPS) {
            let outcome = match self.place(app, asked, counted, record).await {
                Ok(None) => continue,
                Ok(Some(place)) => {
                    let repository = asked.scope.policy_source(&self.settings.policy_repository);
                    let key = PolicyKey { account: place.installation.account_id, repository, identity: asked.identity.clone() };
                    self.policies.load(&place, &key, counted, &record.trace()).await
                }
                Err(error) => Err(error),
            };
            match outcome {
                Err(error) if may_go_elsewhere(&error) => last = error,
                outcome => return outcome.map(|(loaded, _)| loaded),
            }
        }
        Err(last)
    }

    /// Verifies the token with the keys of this version of this policy, which must be about its very issuer.
    fn verify_with_keys_of(&self, loaded: &Loaded, asked: &Asked) -> Result<Claims, ExchangeError> {
        let policy = loaded.policy()?;
        let own = matches!(policy.issuer(), Requirement::Exact(issuer) if **issuer == *asked.token.issuer().as_str());
        let keys = loaded.keys().filter(|_| own).ok_or(ExchangeError::NoKeysInPolicy)?;
        self.verifier.verify_with(&asked.token, keys).map_err(ExchangeError::Token)
    }

    /// Whether a policy that admits the token may count for it: one with keys where those keys verify it, one without where its
    /// issuer's own keys did.
    pub(crate) fn check_keys(&self, asked: &Asked, loaded: &Loaded) -> Result<(), ExchangeError> {
        match (asked.by_policy, loaded.policy()?.jwks()) {
            (false, None) => Ok(()),
            (false, Some(_)) => Err(ExchangeError::PolicyKeysNotAllowed),
            (true, _) => self.verify_with_keys_of(loaded, asked).map(drop).map_err(|error| ExchangeError::NotVerifiedByPolicy(Arc::new(error))),
        }
    }
}

impl Loaded {
    /// The keys in the policy, ready to verify.
    pub(crate) fn keys(&self) -> Option<&StaticKeySet> {
        let read = || self.policy().ok()?.jwks().and_then(|jwks| StaticKeySet::read(jwks.clone(), usize::MAX).ok());
        self.keys.get_or_init(read).as_ref()
    }
}

/// Stands in for an issuer that nobody has verified, in budgets that count for each issuer: it is the caller's network.
fn stand_in(peer: Option<IpAddr>) -> Issuer {
    let network = peer.map(network).map_or_else(|| "unknown".to_owned(), |address| address.to_string().replace(':', "-"));
    #[expect(clippy::expect_used, reason = "an address is made of digits, letters, dots and dashes, as the test below shows")]
    Issuer::parse(&format!("https://unverified.invalid/x{network}x")).expect("an issuer")
}

/// How long it is until a whole number of seconds has passed.
fn until_full_second(begun: Instant, now: Instant) -> Duration {
    let passed = now.saturating_duration_since(begun).as_nanos() % PACE.as_nanos();
    PACE.saturating_sub(Duration::from_nanos(u64::try_from(passed).unwrap_or_default()))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "any instant will do to count from")]
mod tests {
    use super::*;

    #[test]
    fn every_network_stands_in_for_an_issuer_of_its_own() {
        let peers = ["192.0.2.1", "::1", "2001:db8::1", "fe80::1", "::ffff:192.0.2.9", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"];
        let mut seen: Vec<_> = peers.iter().map(|peer| stand_in(Some(peer.parse().unwrap()))).chain([stand_in(None)]).collect();
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), peers.len() + 1, "{seen:?}");
    }

    #[test]
    fn failures_are_answered_at_full_seconds() {
        let begun = Instant::now();
        for (passed, left) in [(0, 1_000), (1, 999), (999, 1), (1_000, 1_000), (1_250, 750)] {
            assert_eq!(until_full_second(begun, begun + Duration::from_millis(passed)), Duration::from_millis(left), "Input: {passed}");
        }
    }
}
