//! Guardrails: what an organisation, or the operator, bounds every grant by.
//!
//! An organisation's file counts where the organisation has an issuer allowlist, be it one in audit mode: that file is the
//! switch of central control, and an organisation without it costs no call for the other. An operator may have the file
//! read in every organisation (`STS_ORG_GUARDRAILS=always`), for one call more in an exchange that knows nothing yet. The
//! operator's own guardrails (`STS_GUARDRAILS_FILE`) count for everybody.

use std::sync::Arc;

use octo_sts_github::Trace;
use octo_sts_policy::{Consent, Guardrails, JudgedRequest, TrustPolicy};
use octo_sts_types::{Claims, Clock, Grant, Owner, RepositoryName};

use crate::{
    central::{CentralFile, InForce, Kind, Known},
    error::{During, ExchangeError},
    readers::{Place, Readers},
    settings::{OrgGuardrails, Settings},
};

const KIND: Kind<Guardrails> = Kind { path: Guardrails::PATH, during: During::Guardrails, parse: Guardrails::parse };

/// What bounds the grants of one owner just now.
#[derive(Clone, Default)]
pub(crate) struct Bounds {
    organisation: Option<Arc<Guardrails>>,
    operator: Option<Arc<Guardrails>>,
}

/// A grant after everything that bounds it.
pub(crate) struct Bounded {
    pub(crate) grant: Grant,
    /// What was taken away, or would have been in audit mode.
    pub(crate) findings: Vec<String>,
    /// Whether the token may be exchanged this once only.
    pub(crate) single_use: bool,
}

pub(crate) struct GuardrailFiles {
    files: CentralFile<Guardrails>,
    operator: Option<Arc<Guardrails>>,
    read: OrgGuardrails,
}

impl GuardrailFiles {
    pub(crate) fn new(readers: Arc<Readers>, clock: Arc<dyn Clock>, settings: &Settings) -> Self {
        Self {
            files: CentralFile::new(KIND, readers, clock, settings.policy_repository.clone()),
            operator: settings.guardrails.clone().map(Arc::new),
            read: settings.org_guardrails,
        }
    }

    /// Asks GitHub beforehand where the file is read in any case, so that it costs no round trip of its own. What goes wrong
    /// here is said by [`Self::bounds`], which asks again.
    pub(crate) async fn prepare(&self, place: &Place, trace: &Trace) {
        if self.read == OrgGuardrails::Always {
            drop(self.files.current(place, trace).await);
        }
    }

    /// Whether the owner's file counts.
    fn counts(&self, listed: bool) -> bool {
        listed || self.read == OrgGuardrails::Always
    }

    /// What bounds the owner's grants; `listed` says whether the owner has an allowlist.
    pub(crate) async fn bounds(&self, place: &Place, listed: bool, trace: &Trace) -> Result<Bounds, Arc<ExchangeError>> {
        let operator = self.operator.clone();
        if !self.counts(listed) {
            return Ok(Bounds { organisation: None, operator });
        }
        let known = self.files.current(place, trace).await?;
        Ok(Bounds { organisation: in_force(&known)?, operator })
    }

    /// The same without asking anybody; `None` when that cannot be said.
    pub(crate) async fn known_bounds(&self, owner: &Owner, listed: bool) -> Option<Bounds> {
        let operator = self.operator.clone();
        if !self.counts(listed) {
            return Some(Bounds { organisation: None, operator });
        }
        let known = self.files.fresh(owner).await?;
        Some(Bounds { organisation: in_force(&known).ok()?, operator })
    }

    pub(crate) async fn forget(&self, owner: &Owner) {
        self.files.forget(owner).await;
    }
}

fn in_force(known: &Known<Guardrails>) -> Result<Option<Arc<Guardrails>>, ExchangeError> {
    match known.in_force() {
        InForce::Nothing => Ok(None),
        InForce::Version(guardrails) => Ok(Some(Arc::clone(guardrails))),
        InForce::Invalid(diagnostics) => Err(ExchangeError::GuardrailsInvalid(diagnostics.clone())),
        InForce::Odd(odd) => Err(ExchangeError::GuardrailsOdd(odd.clone())),
    }
}

impl Bounds {
    /// What is left of a grant.
    pub(crate) fn bound(&self, policy: &TrustPolicy, claims: &Claims, grant: Grant) -> Result<Bounded, ExchangeError> {
        let mut bounded = Bounded { grant, findings: Vec::new(), single_use: false };
        for guardrails in [&self.operator, &self.organisation].into_iter().flatten() {
            let judgement = guardrails.judge(&JudgedRequest { policy, claims }, &bounded.grant);
            bounded.findings.extend(judgement.findings.iter().map(ToString::to_string));
            bounded.single_use |= judgement.single_use;
            bounded.grant = judgement.outcome.map_err(ExchangeError::Guardrails)?;
        }
        Ok(bounded)
    }

    /// Whether the organisation lets policies of `from` reach `to` without its consent.
    pub(crate) fn delegated(&self, from: &RepositoryName, to: &RepositoryName) -> Option<Consent<'_>> {
        let delegated = self.organisation.as_ref()?.delegated(from, to)?;
        Some(Consent::Delegated { at_most: delegated.at_most })
    }
}
