//! The organisation's issuer allowlist, consulted before any policy is read.
//!
//! A list in force admits the issuers it names; in mode `audit` it admits all, and the event says what `enforce` would have
//! said. What counts while the file cannot be read is said in `central.rs`.

use std::sync::Arc;

use octo_sts_github::Trace;
use octo_sts_policy::{IssuerAllowlist, Mode};
use octo_sts_types::{Clock, Issuer, Owner, RepositoryName};

use crate::{
    central::{CentralFile, InForce, Kind},
    error::{During, ExchangeError},
    readers::{Place, Readers},
};

const KIND: Kind<IssuerAllowlist> =
    Kind { path: ".github/chainguard/trusted-token-issuers.yaml", during: During::Allowlist, parse: IssuerAllowlist::parse };

/// What the allowlist says of an issuer that it admits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    /// Whether there is a list at all.
    pub(crate) listed: bool,
    /// The mode of a list that does not name the issuer: audit.
    pub(crate) unlisted: Option<Mode>,
}

pub(crate) struct Allowlists(CentralFile<IssuerAllowlist>);

impl Allowlists {
    pub(crate) fn new(readers: Arc<Readers>, clock: Arc<dyn Clock>, policy_repository: RepositoryName) -> Self {
        Self(CentralFile::new(KIND, readers, clock, policy_repository))
    }

    /// Admits `issuer`, or says why not.
    pub(crate) async fn admit(&self, place: &Place, issuer: &Issuer, trace: &Trace) -> Result<Admitted, Arc<ExchangeError>> {
        let known = self.0.current(place, trace).await?;
        let list = match known.in_force() {
            InForce::Nothing => return Ok(Admitted { listed: false, unlisted: None }),
            InForce::Version(list) => list,
            InForce::Invalid(diagnostics) => return Err(ExchangeError::AllowlistInvalid(diagnostics.clone()).into()),
            InForce::Odd(odd) => return Err(ExchangeError::AllowlistOdd(odd.clone()).into()),
        };
        match list.mode() {
            _ if list.admits(issuer) => Ok(Admitted { listed: true, unlisted: None }),
            Mode::Audit => Ok(Admitted { listed: true, unlisted: Some(Mode::Audit) }),
            Mode::Enforce => Err(ExchangeError::IssuerNotListed.into()),
        }
    }

    /// Whether the owner is known to have a list; `None` when that is not known any more.
    pub(crate) async fn has_list(&self, owner: &Owner) -> Option<bool> {
        let known = self.0.fresh(owner).await?;
        Some(!matches!(known.in_force(), InForce::Nothing))
    }

    /// Forgets the answer for an owner: the next exchange asks again.
    pub(crate) async fn forget(&self, owner: &Owner) {
        self.0.forget(owner).await;
    }
}
