//! The HTTP clients that ask issuers: which addresses they dial, how long they wait, how much they take.

use std::time::Duration;

use octo_sts_http::{AddressGuard, Client, ClientSettings, Protocol, Roots};
use url::Url;

use crate::settings::{VerifierError, VerifierSettings};

/// Longest time to connect to an issuer.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest time for one answer of an issuer.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest document of an issuer, in bytes.
const LONGEST_DOCUMENT: usize = 100 * 1024;

/// How strangers and the operator's own issuers are dialled.
#[derive(Debug)]
pub(crate) struct Clients {
    /// Public addresses only.
    pub(crate) public: Client,
    /// The operator's exceptions, too; used for the very issuers that he excepted, so that no other issuer's `jwks_uri` can
    /// lead there.
    pub(crate) excepted: Client,
}

/// What every client for issuers has in common.
pub(crate) struct ClientParts {
    user_agent: String,
    pub(crate) roots: Roots,
    /// For the public internet, and for this machine where that is allowed.
    pub(crate) guard: AddressGuard,
}

impl ClientParts {
    pub(crate) fn new(settings: &VerifierSettings, roots: Roots) -> Self {
        let guard = strangers(settings);
        let guard = if settings.allow_localhost { guard.allow_loopback() } else { guard };
        Self { user_agent: settings.user_agent.clone(), roots, guard }
    }

    /// One client for strangers, and one that knows the operator's exceptions.
    pub(crate) fn clients(&self, settings: &VerifierSettings) -> Result<Clients, VerifierError> {
        let mut excepted = self.guard.clone();
        for issuer in &settings.private_issuers {
            let port = Url::parse(issuer.as_str()).ok().and_then(|url| url.port_or_known_default());
            excepted = excepted.allow(issuer.host(), port.unwrap_or(443));
        }
        Ok(Clients { public: self.client(self.roots.clone(), strangers(settings))?, excepted: self.client(self.roots.clone(), excepted)? })
    }

    pub(crate) fn client(&self, roots: Roots, guard: AddressGuard) -> Result<Client, VerifierError> {
        let settings = ClientSettings {
            user_agent: self.user_agent.clone(),
            roots,
            protocol: Protocol::Http1,
            guard: Some(guard),
            connect_timeout: CONNECT,
            deadline: ANSWER,
            max_body: LONGEST_DOCUMENT,
        };
        Client::new(settings).map_err(VerifierError::Client)
    }
}

/// The guard for issuers of strangers: the public internet and nothing else.
fn strangers(settings: &VerifierSettings) -> AddressGuard {
    match &settings.lookup {
        Some(lookup) => AddressGuard::new().with_lookup(lookup.clone()),
        None => AddressGuard::new(),
    }
}
