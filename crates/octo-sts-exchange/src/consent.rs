//! Repository policies that list other repositories: each of those must agree.
//!
//! By a policy of the same identity that admits the same token, or because the organisation has delegated it. The policies
//! are read side by side; the list in a consenting policy is not followed.

use std::{collections::HashMap, sync::Arc};

use futures_util::future::join_all;
use octo_sts_policy::{Consent, MatchContext, TrustPolicy};
use octo_sts_types::{Grant, Repository, RepositoryName};

use crate::{
    error::ExchangeError,
    exchange::{Exchanger, Path},
    guardrails::Bounds,
    policies::{Loaded, PolicyKey},
    record::Record,
};

impl Exchanger {
    /// What `policy` gives once every other repository that it lists has answered.
    pub(crate) async fn consented(
        &self,
        path: &Path<'_>,
        policy: &TrustPolicy,
        bounds: &Bounds,
        record: &mut Record<'_>,
    ) -> Result<Grant, Arc<ExchangeError>> {
        let own = &path.key.repository.name;
        let context = MatchContext { scope: &path.asked.scope, default_audiences: &self.settings.default_audiences };
        let asked: Vec<_> = policy.repositories_to_ask(&path.asked.scope).filter(|name| bounds.delegated(own, name).is_none()).collect();
        let answers = join_all(asked.iter().map(|name| self.policy_of(path, name))).await;
        let mut loaded = HashMap::new();
        for (name, answer) in asked.iter().zip(answers) {
            loaded.insert((*name).clone(), answer?);
        }
        let answer = |name: &RepositoryName| match loaded.get(name) {
            // Keys in one policy never make a token count for another.
            Some(Some(theirs)) if self.check_keys(path.asked, theirs).is_err() => Consent::None,
            Some(Some(theirs)) => theirs.policy().map_or(Consent::None, Consent::Policy),
            Some(None) => Consent::None,
            None => bounds.delegated(own, name).unwrap_or(Consent::None),
        };
        let grant = policy.grant_with_consent(path.claims, &context, answer).map_err(ExchangeError::NoConsent)?;
        for (name, theirs) in loaded.iter().filter_map(|(name, theirs)| Some((name, theirs.as_ref()?))) {
            record.consented(format!("{}/{name}", path.key.repository.owner), theirs.sha.clone());
        }
        Ok(grant)
    }

    /// The policy of the same identity in another repository; `None` when there is none that counts.
    async fn policy_of(&self, path: &Path<'_>, name: &RepositoryName) -> Result<Option<Arc<Loaded>>, Arc<ExchangeError>> {
        let repository = Repository { owner: path.key.repository.owner.clone(), name: name.clone() };
        let key = PolicyKey { repository, ..path.key.clone() };
        match self.policies.load(&path.place, &key, path.claims.issuer(), path.trace).await {
            Ok((loaded, _)) => Ok(Some(loaded)),
            Err(error) if matches!(*error, ExchangeError::PolicyAbsent | ExchangeError::PolicyOdd(_) | ExchangeError::Renamed) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
