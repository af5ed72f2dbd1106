//! Issuers that the operator describes one by one: where their keys are, whom TLS trusts for them, and what he requires of
//! their tokens.
//!
//! Each has a client of its own, so that what is excepted for one opens nothing to another. Descriptions are replaced as a
//! whole; an issuer whose source of keys stays what it was keeps the keys it has.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use jiff::SignedDuration;
use octo_sts_http::{AddressGuard, Client, Network, Roots};
use octo_sts_types::{ClaimSet, Issuer};
use url::Url;

use crate::{
    algorithm::Algorithms, clients::ClientParts, discovery::Discovery, error::Unmet, issuer_keys::IssuerKeys, issuers::Target,
    settings::VerifierError, static_keys::StaticKeySet, times::Times,
};

/// One issuer, as the operator describes it.
#[derive(Clone, Debug)]
pub struct IssuerEntry {
    /// The issuer, byte for byte.
    pub issuer: Issuer,
    /// Where its keys are.
    pub keys: KeySource,
    /// Certificate authorities that are trusted for this issuer beside the usual ones, PEM.
    pub extra_roots: Option<String>,
    /// Where its addresses may be.
    pub addresses: Addresses,
    /// What its tokens must say.
    pub claims: Option<Arc<dyn RequiredClaims>>,
    /// The longest time from `iat` to `exp` of its tokens.
    pub longest_life: Option<Duration>,
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug, PartialEq)]
pub enum KeySource {
    /// Where its discovery document says.
    Discovery,
    /// Here; discovery is not asked.
    Url(Url),
    /// These; nobody is asked.
    Fixed(StaticKeySet),
}

/// Where the addresses of an issuer may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addresses {
    /// On the public internet, as those of strangers.
    Public,
    /// On private networks and on this machine, too, for the host and port of the issuer and of its `jwks_uri` alone.
    Private,
    /// In these networks, too, whatever they are.
    Within(Vec<Network>),
}

/// What the operator requires of the claims of an issuer's tokens.
pub trait RequiredClaims: fmt::Debug + Send + Sync {
    /// The first claim that is missing, or is not what is required.
    fn unmet(&self, claims: &ClaimSet) -> Option<&str>;
}

/// The descriptions in force.
#[derive(Default)]
pub(crate) struct Entries(HashMap<Issuer, Arc<Entry>>);

/// An issuer that is described, ready for its tokens.
pub(crate) struct Entry {
    pub(crate) described: IssuerEntry,
    source: Source,
}

enum Source {
    Fixed(StaticKeySet),
    Fetched { client: Client, keys: Arc<IssuerKeys>, at: Option<Discovery> },
}

/// What a token of the issuer is verified with.
pub(crate) enum Keys<'e> {
    Fixed(&'e StaticKeySet),
    Of(Target),
}

impl Entries {
    /// Builds a client for each issuer whose keys are fetched, or keeps what `earlier` has for it.
    pub(crate) fn build(described: Vec<IssuerEntry>, parts: &ClientParts, earlier: &Self) -> Result<Self, VerifierError> {
        let mut entries = HashMap::with_capacity(described.len());
        for described in described {
            let issuer = described.issuer.clone();
            let source = match earlier.of(&issuer) {
                Some(entry) if entry.described.has_source_of(&described) => entry.source.clone(),
                _ => Source::of(&described, parts)?,
            };
            entries.insert(issuer, Arc::new(Entry { described, source }));
        }
        Ok(Self(entries))
    }

    pub(crate) fn of(&self, issuer: &Issuer) -> Option<&Arc<Entry>> {
        self.0.get(issuer)
    }
}

impl IssuerEntry {
    /// Whether keys come from the same place in the same way.
    fn has_source_of(&self, other: &Self) -> bool {
        (&self.keys, &self.extra_roots, &self.addresses) == (&other.keys, &other.extra_roots, &other.addresses)
    }

    /// The guard for its client.
    fn guard(&self, guard: AddressGuard) -> AddressGuard {
        match &self.addresses {
            Addresses::Public => guard,
            Addresses::Within(networks) => guard.allow_networks(networks.iter().copied()),
            Addresses::Private => {
                let issuer = Url::parse(self.issuer.as_str()).ok();
                let urls = issuer.iter().chain(if let KeySource::Url(url) = &self.keys { Some(url) } else { None });
                let places = urls.filter_map(|url| Some((url.host_str()?, url.port_or_known_default()?)));
                places.fold(guard, |guard, (host, port)| guard.allow(host, port))
            }
        }
    }
}

impl Source {
    fn of(described: &IssuerEntry, parts: &ClientParts) -> Result<Self, VerifierError> {
        let at = match &described.keys {
            KeySource::Fixed(keys) => return Ok(Self::Fixed(keys.clone())),
            // Nobody advertises algorithms there: the type of a key decides.
            KeySource::Url(url) => Some(Discovery { keys_url: url.clone(), algorithms: Algorithms::ALL }),
            KeySource::Discovery => None,
        };
        let client = parts.client(roots(described, &parts.roots)?, described.guard(parts.guard.clone()))?;
        Ok(Self::Fetched { client, keys: Arc::default(), at })
    }
}

fn roots(described: &IssuerEntry, usual: &Roots) -> Result<Roots, VerifierError> {
    let Some(pem) = &described.extra_roots else { return Ok(usual.clone()) };
    usual.clone().and_pem(pem).map_err(|source| VerifierError::Roots { issuer: described.issuer.clone(), source })
}

impl Clone for Source {
    fn clone(&self) -> Self {
        match self {
            Self::Fixed(keys) => Self::Fixed(keys.clone()),
            Self::Fetched { client, keys, at } => Self::Fetched { client: client.clone(), keys: keys.clone(), at: at.clone() },
        }
    }
}

impl Entry {
    pub(crate) fn keys(&self) -> Keys<'_> {
        match &self.source {
            Source::Fixed(keys) => Keys::Fixed(keys),
            Source::Fetched { client, keys, at } => {
                Keys::Of(Target { issuer: self.described.issuer.clone(), keys: keys.clone(), pinned: true, client: client.clone(), at: at.clone() })
            }
        }
    }

    /// Whether the rules for strangers' names hold for the issuer itself: where nothing excepts it, and it is asked.
    pub(crate) fn is_public(&self) -> bool {
        self.described.addresses == Addresses::Public && self.described.keys == KeySource::Discovery
    }

    /// What the operator requires beside a signature.
    pub(crate) fn check(&self, claims: &ClaimSet, times: Option<&Times>) -> Result<(), Unmet> {
        if let Some(name) = self.described.claims.as_ref().and_then(|required| required.unmet(claims)) {
            return Err(Unmet::Claim { name: name.to_owned() });
        }
        let Some(longest) = self.described.longest_life else { return Ok(()) };
        let life = times.and_then(Times::life).ok_or(Unmet::NoLife)?;
        let longest = SignedDuration::try_from(longest).unwrap_or(SignedDuration::MAX);
        if life <= longest { Ok(()) } else { Err(Unmet::Life) }
    }
}
