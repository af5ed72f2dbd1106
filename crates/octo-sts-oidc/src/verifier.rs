//! Tokens to claims.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use octo_sts_http::Roots;
use octo_sts_types::{Claims, Clock, Issuer};

use crate::{
    admission::{Admission, IssuerFilter, IssuerRefused},
    clients::ClientParts,
    entry::{Entries, Entry, IssuerEntry, Keys},
    error::{Part, TokenFault, VerifyError},
    fetch::Failure,
    header::Header,
    issuer_keys::Known,
    issuers::{Issuers, Target},
    settings::{VerifierError, VerifierSettings},
    static_keys::StaticKeySet,
    stats::VerifierStats,
    token::UnverifiedToken,
};

/// Verifies tokens, and keeps the keys of their issuers; cheap to clone.
#[derive(Clone)]
pub struct Verifier(Arc<Inner>);

struct Inner {
    admission: Admission,
    expiry_leeway: Duration,
    issuers: Arc<Issuers>,
    /// Replaced as a whole, so that no token sees half of two descriptions.
    entries: ArcSwap<Entries>,
    parts: ClientParts,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Builds the verifier; nothing is fetched yet.
    pub fn new(settings: VerifierSettings, roots: Roots, clock: Arc<dyn Clock>) -> Result<Self, VerifierError> {
        if let Some(plain) = settings.private_issuers.iter().find(|issuer| !issuer.is_https()) {
            return Err(VerifierError::PrivateIssuer(plain.clone()));
        }
        let parts = ClientParts::new(&settings, roots);
        let clients = parts.clients(&settings)?;
        let entries = ArcSwap::from_pointee(Entries::build(settings.entries, &parts, &Entries::default())?);
        let listed: Vec<_> = settings.allowed_issuers.iter().flat_map(IssuerFilter::exact).collect();
        let pinned = settings.pinned_issuers.into_iter().chain(settings.private_issuers.iter().cloned()).chain(listed);
        let issuers = Issuers::new(pinned, clients, clock.clone());
        let admission = Admission { allowed: settings.allowed_issuers, private: settings.private_issuers, localhost: settings.allow_localhost };
        Ok(Self(Arc::new(Inner { admission, expiry_leeway: settings.expiry_leeway, issuers, entries, parts, clock })))
    }

    /// Whether an issuer may be asked for its keys. Where its name leads is found out when it is.
    pub fn admit(&self, issuer: &Issuer) -> Result<(), IssuerRefused> {
        self.0.admit(issuer, self.0.entry(issuer).as_deref())
    }

    /// Describes issuers anew: from here on these descriptions count, and no others. On an error the earlier ones stay.
    pub fn replace_entries(&self, entries: Vec<IssuerEntry>) -> Result<(), VerifierError> {
        let built = Entries::build(entries, &self.0.parts, &self.0.entries.load())?;
        self.0.entries.store(Arc::new(built));
        Ok(())
    }

    /// Whether the operator has described this issuer.
    pub fn describes(&self, issuer: &Issuer) -> bool {
        self.0.entries.load().of(issuer).is_some()
    }

    /// Verifies a token: issuer, header, times, and last its signature.
    ///
    /// Nothing is fetched for a token that these alone refuse. The future may be dropped at any time; a fetch that it
    /// began goes on for whoever else waits for it.
    pub async fn verify(&self, token: &UnverifiedToken) -> Result<Claims, VerifyError> {
        let inner = &*self.0;
        let entry = inner.entry(token.issuer());
        inner.admit(token.issuer(), entry.as_deref()).map_err(VerifyError::IssuerRefused)?;
        let header = inner.check_alone(token).map_err(VerifyError::Token)?;
        match entry.as_deref().map(Entry::keys) {
            Some(Keys::Fixed(keys)) => return inner.claims_by(keys, token, header, entry.as_deref()),
            Some(Keys::Of(target)) => inner.check_signature(&target, header, token).await?,
            None => inner.check_signature(&inner.target(token.issuer()).await, header, token).await?,
        }
        claims(token, entry.as_deref())
    }

    /// What a token decides alone, and whether tokens of its issuer are verified here at all.
    pub fn precheck(&self, token: &UnverifiedToken) -> Result<(), VerifyError> {
        self.0.admission.admit_listed(token.issuer()).map_err(VerifyError::IssuerRefused)?;
        self.0.check_alone(token).map(drop).map_err(VerifyError::Token)
    }

    /// Verifies a token with these keys and no others. Nobody is asked, and nothing is remembered.
    pub fn verify_with(&self, token: &UnverifiedToken, keys: &StaticKeySet) -> Result<Claims, VerifyError> {
        let inner = &*self.0;
        inner.admission.admit_listed(token.issuer()).map_err(VerifyError::IssuerRefused)?;
        let header = inner.check_alone(token).map_err(VerifyError::Token)?;
        inner.claims_by(keys, token, header, None)
    }

    /// Fetches the keys of an issuer before a token asks for them.
    pub async fn prefetch(&self, issuer: &Issuer) -> Result<(), VerifyError> {
        let inner = &*self.0;
        let entry = inner.entry(issuer);
        inner.admit(issuer, entry.as_deref()).map_err(VerifyError::IssuerRefused)?;
        let target = match entry.as_deref().map(Entry::keys) {
            Some(Keys::Fixed(_)) => return Ok(()),
            Some(Keys::Of(target)) => target,
            None => inner.target(issuer).await,
        };
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

    /// How the operator describes the issuer, if he does.
    fn entry(&self, issuer: &Issuer) -> Option<Arc<Entry>> {
        self.entries.load().of(issuer).cloned()
    }

    /// Where the operator has said where an issuer's keys are, it does not matter what its own name looks like.
    fn admit(&self, issuer: &Issuer, entry: Option<&Entry>) -> Result<(), IssuerRefused> {
        match entry {
            Some(entry) if !entry.is_public() => self.admission.admit_listed(issuer),
            _ => self.admission.admit(issuer),
        }
    }

    fn claims_by(&self, keys: &StaticKeySet, token: &UnverifiedToken, header: &Header, entry: Option<&Entry>) -> Result<Claims, VerifyError> {
        self.issuers.counters.hits.add_one();
        keys.verify(header, token.signing_input.as_bytes(), &token.signature).map_err(VerifyError::Token)?;
        claims(token, entry)
    }

    /// Whether a key of the issuer signed the token.
    async fn check_signature(&self, target: &Target, header: &Header, token: &UnverifiedToken) -> Result<(), VerifyError> {
        let (known, fetched) = self.issuers.keys(target).await.map_err(not_fetched)?;
        match check_signature(&known, header, token) {
            Ok(()) => Ok(()),
            Err(fault) if fetched || !fault.may_pass_with_newer_keys() => Err(VerifyError::Token(fault)),
            Err(fault) => self.check_again(target, known, header, token, fault).await,
        }
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

/// The claims of a token whose signature and times were verified, if they are what the operator requires.
fn claims(token: &UnverifiedToken, entry: Option<&Entry>) -> Result<Claims, VerifyError> {
    let set = token.claims.clone().map_err(VerifyError::Claims)?;
    if let Some(entry) = entry {
        entry.check(&set, token.times.as_ref().ok()).map_err(VerifyError::Unmet)?;
    }
    #[expect(clippy::disallowed_methods, reason = "whoever calls this has verified the signature and the times of the token")]
    Ok(Claims::from_verified(set))
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

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("admission", &self.0.admission).finish_non_exhaustive()
    }
}
