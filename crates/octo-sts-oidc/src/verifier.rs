//! Tokens to claims.

use std::{fmt, sync::Arc, time::Duration};

use octo_sts_http::{AddressGuard, Client, ClientError, ClientSettings, Lookup, Protocol, Roots};
use octo_sts_types::{Claims, Clock, Issuer};
use url::Url;

use crate::{
    admission::{Admission, IssuerFilter, IssuerRefused},
    error::{Part, TokenFault, VerifyError},
    fetch::Failure,
    header::Header,
    issuer_keys::Known,
    issuers::{Clients, Issuers, Target},
    stats::VerifierStats,
    token::UnverifiedToken,
};

/// Longest time to connect to an issuer.
const CONNECT: Duration = Duration::from_secs(2);
/// Longest time for one answer of an issuer.
const ANSWER: Duration = Duration::from_secs(5);
/// Longest document of an issuer, in bytes.
const LONGEST_DOCUMENT: usize = 100 * 1024;

/// What a verifier is built from.
#[derive(Clone)]
pub struct VerifierSettings {
    /// The issuers admitted at all; `None` admits every one that the rules for strangers allow.
    pub allowed_issuers: Option<IssuerFilter>,
    /// Issuers on https that may be on private addresses, on this machine, or on other ports than 443.
    pub private_issuers: Vec<Issuer>,
    /// Issuers whose keys are never evicted, as are those listed in the two settings above.
    pub pinned_issuers: Vec<Issuer>,
    /// Admits issuers on this machine, plain http included: for trying things out.
    pub allow_localhost: bool,
    /// Leeway for `exp`.
    pub expiry_leeway: Duration,
    /// The `User-Agent` that issuers see.
    pub user_agent: String,
    /// Resolves names instead of the system's resolver.
    pub lookup: Option<Arc<dyn Lookup>>,
}

impl Default for VerifierSettings {
    fn default() -> Self {
        Self {
            allowed_issuers: None,
            private_issuers: Vec::new(),
            pinned_issuers: Vec::new(),
            allow_localhost: false,
            expiry_leeway: Duration::ZERO,
            user_agent: concat!("octo-sts/", env!("CARGO_PKG_VERSION")).to_owned(),
            lookup: None,
        }
    }
}

/// Why a verifier cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum VerifierError {
    /// A private issuer is not on https.
    #[error("the private issuer `{0}` is not an https URL")]
    PrivateIssuer(Issuer),
    /// The HTTP client cannot be set up.
    #[error("the client for issuers cannot be set up")]
    Client(#[source] ClientError),
}

/// Verifies tokens, and keeps the keys of their issuers; cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    admission: Admission,
    expiry_leeway: Duration,
    issuers: Arc<Issuers>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Builds the verifier; nothing is fetched yet.
    pub fn new(settings: VerifierSettings, roots: Roots, clock: Arc<dyn Clock>) -> Result<Self, VerifierError> {
        if let Some(plain) = settings.private_issuers.iter().find(|issuer| !issuer.is_https()) {
            return Err(VerifierError::PrivateIssuer(plain.clone()));
        }
        let clients = clients(&settings, roots)?;
        let listed: Vec<_> = settings.allowed_issuers.iter().flat_map(IssuerFilter::exact).collect();
        let pinned = settings.pinned_issuers.into_iter().chain(settings.private_issuers.iter().cloned()).chain(listed);
        let issuers = Issuers::new(pinned, clients, clock.clone());
        let admission = Admission { allowed: settings.allowed_issuers, private: settings.private_issuers, localhost: settings.allow_localhost };
        Ok(Self(Arc::new(Inner { admission, expiry_leeway: settings.expiry_leeway, issuers, clock })))
    }

    /// Whether an issuer may be asked for its keys. Where its name leads is found out when it is.
    pub fn admit(&self, issuer: &Issuer) -> Result<(), IssuerRefused> {
        self.0.admission.admit(issuer)
    }

    /// Verifies a token: issuer, header, times, and last its signature.
    ///
    /// Nothing is fetched for a token that these alone refuse. The future may be dropped at any time; a fetch that it
    /// began goes on for whoever else waits for it.
    pub async fn verify(&self, token: &UnverifiedToken) -> Result<Claims, VerifyError> {
        let inner = &*self.0;
        inner.admission.admit(token.issuer()).map_err(VerifyError::IssuerRefused)?;
        let header = inner.check_alone(token).map_err(VerifyError::Token)?;
        let target = inner.target(token.issuer()).await;
        let (known, fetched) = inner.issuers.keys(&target).await.map_err(not_fetched)?;
        match check_signature(&known, header, token) {
            Ok(()) => {}
            Err(fault) if fetched || !fault.may_pass_with_newer_keys() => return Err(VerifyError::Token(fault)),
            Err(fault) => inner.check_again(&target, known, header, token, fault).await?,
        }
        let set = token.claims.clone().map_err(VerifyError::Claims)?;
        #[expect(clippy::disallowed_methods, reason = "the signature and the times of this token were verified just above")]
        Ok(Claims::from_verified(set))
    }

    /// Fetches the keys of an issuer before a token asks for them.
    pub async fn prefetch(&self, issuer: &Issuer) -> Result<(), VerifyError> {
        let inner = &*self.0;
        inner.admission.admit(issuer).map_err(VerifyError::IssuerRefused)?;
        let target = inner.target(issuer).await;
        inner.issuers.keys(&target).await.map(drop).map_err(not_fetched)
    }

    /// What was done so far.
    pub fn stats(&self) -> VerifierStats {
        self.0.issuers.counters.read()
    }
}

impl Inner {
    async fn target(&self, issuer: &Issuer) -> Target {
        self.issuers.target(issuer, self.admission.is_excepted(issuer)).await
    }

    /// What the token alone decides.
    fn check_alone<'a>(&self, token: &'a UnverifiedToken) -> Result<&'a Header, TokenFault> {
        let header = token.header.as_ref().map_err(Clone::clone)?;
        let times = token.times.map_err(TokenFault::Times)?;
        times.check(self.clock.now(), self.expiry_leeway).map_err(TokenFault::Times)?;
        Ok(header)
    }

    /// A token that does not fit the keys may be signed with newer ones. When it is too early to ask for those, the first
    /// verdict stands. Twice, because the first newer keys may come of a fetch that began before the token was signed.
    async fn check_again(
        &self,
        target: &Target,
        mut known: Arc<Known>,
        header: &Header,
        token: &UnverifiedToken,
        mut fault: TokenFault,
    ) -> Result<(), VerifyError> {
        for _ in 0..2 {
            known = match self.issuers.newer(target, &known).await {
                Some(Ok(newer)) => newer,
                Some(Err(failure)) if failure.error.is_transient() => return Err(VerifyError::Token(TokenFault::Keys(failure.error))),
                Some(Err(_)) | None => break,
            };
            match check_signature(&known, header, token) {
                Ok(()) => return Ok(()),
                Err(again) => fault = again,
            }
        }
        Err(VerifyError::Token(fault))
    }
}

fn check_signature(known: &Known, header: &Header, token: &UnverifiedToken) -> Result<(), TokenFault> {
    if !known.discovery.algorithms.contains(header.algorithm) {
        return Err(TokenFault::AlgorithmNotAdvertised(header.algorithm));
    }
    known.keys.verify(header, token.signing_input.as_bytes(), &token.signature)
}

fn not_fetched(failure: Failure) -> VerifyError {
    match failure.part {
        Part::Discovery => VerifyError::Discovery(failure.error),
        Part::Keys => VerifyError::Token(TokenFault::Keys(failure.error)),
    }
}

/// One client for strangers, and one that knows the operator's exceptions.
fn clients(settings: &VerifierSettings, roots: Roots) -> Result<Clients, VerifierError> {
    let mut guard = AddressGuard::new();
    if let Some(lookup) = &settings.lookup {
        guard = guard.with_lookup(lookup.clone());
    }
    let public = client(settings, roots.clone(), guard.clone())?;
    if settings.allow_localhost {
        guard = guard.allow_loopback();
    }
    for issuer in &settings.private_issuers {
        let port = Url::parse(issuer.as_str()).ok().and_then(|url| url.port_or_known_default());
        guard = guard.allow(issuer.host(), port.unwrap_or(443));
    }
    Ok(Clients { public, excepted: client(settings, roots, guard)? })
}

fn client(settings: &VerifierSettings, roots: Roots, guard: AddressGuard) -> Result<Client, VerifierError> {
    let settings = ClientSettings {
        user_agent: settings.user_agent.clone(),
        roots,
        protocol: Protocol::Http1,
        guard: Some(guard),
        connect_timeout: CONNECT,
        deadline: ANSWER,
        max_body: LONGEST_DOCUMENT,
    };
    Client::new(settings).map_err(VerifierError::Client)
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("admission", &self.0.admission).finish_non_exhaustive()
    }
}
