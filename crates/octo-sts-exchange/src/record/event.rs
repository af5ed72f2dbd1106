//! The audit event of one exchange.

use octo_sts_audit::{Actor, AllowlistVerdict, ExchangeEvent, NamedClaim, Outcome, RepositorySelection};
use octo_sts_github::InstallationToken;
use octo_sts_policy::{Mode, TrustPolicy, find_claim};
use octo_sts_types::{Claims, Grant, GrantedRepositories};

use super::Record;
use crate::{error::ExchangeError, stage::Stage};

impl Record<'_> {
    /// The event of an exchange that ended like this.
    pub(super) fn event(&self, token: Option<&InstallationToken>, error: Option<&ExchangeError>, reason: Option<String>) -> ExchangeEvent {
        ExchangeEvent {
            actor: self.claims.as_ref().map(|claims| self.actor(claims)),
            trust_policy: self.loaded.as_ref().and_then(|loaded| loaded.json()),
            installation_id: self.installation.map(|used| used.installation),
            scope: self.request.wanted_scope().to_owned(),
            identity: self.request.identity.clone(),
            user_agent: self.request.user_agent.clone(),
            token_sha256: token.map(InstallationToken::sha256_hex).unwrap_or_default(),
            error: reason,
            time: self.clock.now(),
            issuer_allowlist: self.allowlist_verdict(error),
            outcome: if error.is_none() { Outcome::Granted } else { Outcome::Refused },
            stage: error.map_or(Stage::Done, ExchangeError::stage).as_str().into(),
            reason: error.map(|error| error.reason().into()),
            request_id: self.request.request_id.clone(),
            app_id: self.installation.map(|used| used.app),
            policy_sha: self.loaded.as_ref().map(|loaded| loaded.sha.clone()),
            permissions: token.map(|token| token.permissions().clone()),
            repositories: token.filter(|token| !token.repositories().is_empty()).map(repositories),
            repository_selection: token.map(selection),
            expires_at: token.map(InstallationToken::expires_at),
            consents: self.consents.clone(),
            guardrails: self.findings.clone(),
            stale: self.stale,
            unverified_issuer: self.claims.is_none().then(|| self.unverified_issuer.clone()).flatten(),
            transport: Some(self.request.transport.as_str().into()),
            peer: self.request.peer.map(|peer| peer.to_string()),
            duration_ms: u64::try_from(self.elapsed().as_millis()).ok(),
        }
    }

    /// The full names of what a grant names; `None` for all that the installation sees.
    pub(super) fn granted_repositories(&self, grant: &Grant) -> Option<Vec<String>> {
        let scope = self.scope.as_ref()?;
        match grant.repositories() {
            GrantedRepositories::Target => Some(vec![scope.to_string()]),
            GrantedRepositories::Named(names) => Some(names.iter().map(|name| format!("{}/{name}", scope.owner())).collect()),
            GrantedRepositories::Every => None,
        }
    }

    /// The caller, with the claims that the policy's `claim_pattern` names.
    fn actor(&self, claims: &Claims) -> Actor {
        let policy = self.loaded.as_ref().and_then(|loaded| loaded.policy().ok());
        let named = policy.into_iter().flat_map(TrustPolicy::claim_names);
        let claims_named = named.filter_map(|name| Some(NamedClaim::new(name, find_claim(claims, name)?))).collect();
        Actor { iss: claims.issuer().to_string(), sub: claims.subject().to_string(), claims: claims_named }
    }

    fn allowlist_verdict(&self, error: Option<&ExchangeError>) -> Option<AllowlistVerdict> {
        let mode = match (error, &self.unlisted) {
            (Some(ExchangeError::IssuerNotListed), _) => Mode::Enforce,
            (_, Some(mode)) => *mode,
            _ => return None,
        };
        let iss = self.issuer().unwrap_or_default().to_owned();
        Some(AllowlistVerdict { mode: mode.as_str().into(), allowed: false, iss })
    }
}

fn repositories(token: &InstallationToken) -> Vec<String> {
    token.repositories().iter().map(|repository| repository.full_name.clone()).collect()
}

fn selection(token: &InstallationToken) -> RepositorySelection {
    if token.repositories().is_empty() { RepositorySelection::All } else { RepositorySelection::Selected }
}
