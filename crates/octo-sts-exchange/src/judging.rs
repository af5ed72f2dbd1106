//! Judging: what the current policy gives these claims, and the mint for it.
//!
//! Cold, the policy is read, then judged, then minted for. Warm, the mint for the last known version runs beside the
//! question whether it is the current one, and nobody sees its token unless it is.

use std::sync::Arc;

use futures_util::future::join3;
use octo_sts_github::InstallationToken;
use octo_sts_policy::MatchContext;
use octo_sts_types::{Grant, RepositoryId};

use crate::{
    allowlist::Admitted,
    error::ExchangeError,
    exchange::{Exchanger, Path, looked_up},
    guardrails::Bounded,
    minting::{Minted, Wanted},
    policies::{Freshness, Loaded},
    record::Record,
};

/// What a known policy gives within known bounds.
struct Expected {
    bounded: Bounded,
    /// Whether the owner had an allowlist when this was worked out.
    listed: bool,
}

impl Exchanger {
    /// Policy, match and mint. With a known policy that admits the token all three run side by side.
    pub(crate) async fn judge(
        &self,
        path: &Path<'_>,
        target: RepositoryId,
        record: &mut Record<'_>,
    ) -> Result<InstallationToken, Arc<ExchangeError>> {
        let known = self.policies.known(&path.key).await;
        looked_up("policy", known.is_some());
        if let Some(known) = known
            && let Some(expected) = self.expected(path, &known).await
        {
            return self.confirm(path, &known, expected, target, record).await;
        }
        // The cold way is boxed, so that the warm one keeps a small future.
        Box::pin(self.judge_cold(path, target, record)).await
    }

    /// What the known policy would give within the known bounds; `None` when either is not known well enough to mint for.
    async fn expected(&self, path: &Path<'_>, known: &Loaded) -> Option<Expected> {
        let listed = self.allowlists.has_list(&path.place.owner).await?;
        let bounds = self.guardrails.known_bounds(&path.place.owner, listed).await?;
        let bounded = bounds.bound(known.policy().ok()?, path.claims, self.grant(path, known).ok()?).ok()?;
        let once = bounded.single_use || self.single_use.is_always();
        (!once).then_some(Expected { bounded, listed })
    }

    /// Allowlist, policy and, where they always count, guardrails side by side, then match and mint.
    async fn judge_cold(&self, path: &Path<'_>, target: RepositoryId, record: &mut Record<'_>) -> Result<InstallationToken, Arc<ExchangeError>> {
        if self.allowlists.has_list(&path.place.owner).await.is_some() {
            // Known without asking: an issuer outside the list costs no read of a policy.
            self.allowlists.admit(&path.place, path.claims.issuer(), path.trace).await?;
        }
        let admitted = self.allowlists.admit(&path.place, path.claims.issuer(), path.trace);
        let loaded = self.policies.load(&path.place, &path.key, path.claims.issuer(), path.trace);
        let prepared = self.guardrails.prepare(&path.place, path.trace);
        let (admitted, loaded, ()) = join3(admitted, loaded, prepared).await;
        let admitted = admitted?;
        record.admitted(admitted);
        let (loaded, stale) = loaded?;
        record.loaded(&loaded, stale);
        self.judge_anew(path, &loaded, admitted.listed, target, record).await
    }

    /// Match, consent, bounds and mint, one after the other.
    async fn judge_anew(
        &self,
        path: &Path<'_>,
        loaded: &Arc<Loaded>,
        listed: bool,
        target: RepositoryId,
        record: &mut Record<'_>,
    ) -> Result<InstallationToken, Arc<ExchangeError>> {
        let target = self.target_now(path, target).await;
        record.reached(target);
        let policy = loaded.policy()?;
        let asks_others = policy.repositories_to_ask(&path.asked.scope).next().is_some();
        let own = if asks_others { None } else { Some(self.grant(path, loaded)?) };
        let bounds = self.guardrails.bounds(&path.place, listed, path.trace).await?;
        let grant = if let Some(grant) = own {
            grant
        } else {
            let grant = self.consented(path, policy, &bounds, record).await?;
            self.check_keys(path.asked, loaded)?;
            grant
        };
        let bounded = bounds.bound(policy, path.claims, grant)?;
        record.bounded(bounded.findings.clone());
        if !bounded.single_use && !self.single_use.is_always() {
            record.minting(&self.audit, loaded, &bounded.grant).await;
            return Ok(self.minting.hand_over(self.mint(path, loaded, &bounded.grant, target, true).await?).await);
        }
        let ticket = self.single_use.claim(path.claims, path.asked.token.signing_input(), path.asked.by_policy).await?;
        record.minting(&self.audit, loaded, &bounded.grant).await;
        let minted = self.mint(path, loaded, &bounded.grant, target, true).await;
        if minted.is_err() {
            self.single_use.release(ticket).await;
        }
        Ok(self.minting.hand_over(minted?).await)
    }

    /// Mints for the last known version of the policy while GitHub says whether it is the current one. The token is
    /// handed over only when it is; otherwise it is revoked, unseen, and the new version is judged.
    async fn confirm(
        &self,
        path: &Path<'_>,
        known: &Arc<Loaded>,
        expected: Expected,
        target: RepositoryId,
        record: &mut Record<'_>,
    ) -> Result<InstallationToken, Arc<ExchangeError>> {
        record.minting(&self.audit, known, &expected.bounded.grant).await;
        let admitted = self.allowlists.admit(&path.place, path.claims.issuer(), path.trace);
        let fresh = self.policies.revalidate(&path.place, &path.key, known, path.trace);
        let minted = self.mint(path, known, &expected.bounded.grant, target, false);
        let (admitted, fresh, minted) = join3(admitted, fresh, minted).await;
        let (admitted, fresh) = match both(admitted, fresh) {
            Ok(said) => said,
            Err(error) => {
                self.discard(minted);
                return Err(error);
            }
        };
        record.admitted(admitted);
        let (current, stale) = match fresh {
            Freshness::Same => (known, false),
            Freshness::Stale => (known, true),
            Freshness::Changed(ref loaded) => (loaded, false),
        };
        record.loaded(current, stale);
        if Arc::ptr_eq(current, known) && admitted.listed == expected.listed && self.target_now(path, target).await == target {
            record.bounded(expected.bounded.findings);
            return Ok(self.minting.hand_over(minted?).await);
        }
        self.discard(minted);
        Box::pin(self.judge_anew(path, current, admitted.listed, target, record)).await
    }

    /// The repository that was read: one that was made again under its name has another id, which the reading has found out.
    async fn target_now(&self, path: &Path<'_>, target: RepositoryId) -> RepositoryId {
        self.readers.repository(&path.place, &path.key.repository.name).await.unwrap_or(target)
    }

    fn grant(&self, path: &Path<'_>, loaded: &Loaded) -> Result<Grant, ExchangeError> {
        let context = MatchContext { scope: &path.asked.scope, default_audiences: &self.settings.default_audiences };
        let grant = loaded.policy()?.grant(path.claims, &context).map_err(ExchangeError::Mismatch)?;
        self.check_keys(path.asked, loaded)?;
        Ok(grant)
    }

    async fn mint(&self, path: &Path<'_>, loaded: &Loaded, grant: &Grant, target: RepositoryId, newly_read: bool) -> Result<Minted, ExchangeError> {
        let app = loaded.policy()?.app();
        let wanted = Wanted {
            scope: &path.asked.scope,
            identity: &path.asked.identity,
            claims: path.claims,
            target: &path.key.repository,
            target_id: target,
            newly_read,
        };
        self.minting.mint(path.pool, &path.place, app, grant, &wanted, path.trace).await
    }

    /// Ends a token that was minted for a version of the policy that is not current.
    fn discard(&self, minted: Result<Minted, ExchangeError>) {
        if let Ok(Minted { token, .. }) = minted {
            tracing::info!(token_sha256 = token.sha256_hex(), "the policy that a token was minted for is not current; it is revoked");
            self.github.revoke_in_background(token);
        }
    }
}

fn both(
    admitted: Result<Admitted, Arc<ExchangeError>>,
    fresh: Result<Freshness, Arc<ExchangeError>>,
) -> Result<(Admitted, Freshness), Arc<ExchangeError>> {
    Ok((admitted?, fresh?))
}
