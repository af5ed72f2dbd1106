//! The exchange: an OIDC token in, an installation token out.
//!
//! The order of the steps is a security property. Cheap local checks come first; no call to GitHub is made before a
//! signature verified; an issuer outside the organisation's allowlist learns nothing about its policies; nothing is
//! minted that a current policy does not grant.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use octo_sts_audit::Audit;
use octo_sts_github::{App, GitHub, InstallationToken, Trace};
use octo_sts_oidc::Verifier;
use octo_sts_policy::ParseOptions;
use octo_sts_types::{Claims, Clock, Issuer, Owner};
use tracing::Instrument as _;

use crate::{
    allowlist::Allowlists,
    apps::{AppPools, Apps, Pool},
    asked::{self, Asked},
    background::Background,
    delivery::Delivery,
    ending::UnknownTokens,
    error::{During, ExchangeError},
    guardrails::GuardrailFiles,
    health::Health,
    installations::Installations,
    limits::Limits,
    minting::Minting,
    policies::{Policies, PolicyKey},
    readers::{Place, ReaderError, Readers},
    record::{EventBudget, Record},
    refusal::Refusal,
    request::Request,
    routes::Routes,
    settings::{Parts, Replay, Settings},
    single_use::SingleUse,
    trace,
    unknown_names::UnknownNames,
};

/// The longest an exchange takes.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// How many Apps of a pool an exchange tries to read with.
pub(crate) const MOST_APPS: usize = 3;

/// Exchanges OIDC tokens for installation tokens.
pub struct Exchanger {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) github: GitHub,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) apps: Apps,
    pub(crate) health: Arc<Health>,
    background: Background,
    pub(crate) audit: Audit,
    event_budget: EventBudget,
    pub(crate) unknown_tokens: UnknownTokens,
    pub(crate) installations: Arc<Installations>,
    pub(crate) readers: Arc<Readers>,
    pub(crate) allowlists: Allowlists,
    pub(crate) guardrails: GuardrailFiles,
    pub(crate) single_use: SingleUse,
    pub(crate) policies: Policies,
    pub(crate) minting: Minting,
    pub(crate) limits: Limits,
}

/// One attempt's way through the steps: what stays the same from step to step.
pub(crate) struct Path<'a> {
    pub(crate) asked: &'a Asked,
    pub(crate) claims: &'a Claims,
    pub(crate) pool: &'a Pool,
    pub(crate) place: Place,
    pub(crate) key: PolicyKey,
    pub(crate) trace: &'a Arc<Trace>,
}

impl Exchanger {
    /// Puts the parts together; nothing is called yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts { verifier, github, apps, audit, used_tokens, sticky, clock, settings } = parts;
        let health = Arc::new(Health::default());
        let installations = Arc::new(Installations::new(github.clone(), Arc::clone(&clock)));
        let unknown = Arc::new(UnknownNames::default());
        let readers = Readers::new(github.clone(), Arc::clone(&clock), audit.clone(), settings.policy_repository.clone(), Arc::clone(&unknown));
        let readers = Arc::new(readers);
        let options = ParseOptions { org_permissions: settings.org_permissions, ..ParseOptions::default() };
        Arc::new(Self {
            guardrails: GuardrailFiles::new(Arc::clone(&readers), Arc::clone(&clock), &settings),
            single_use: SingleUse::new(used_tokens, Arc::clone(&clock), settings.replay == Replay::Once),
            allowlists: Allowlists::new(Arc::clone(&readers), Arc::clone(&clock), settings.policy_repository.clone()),
            policies: Policies::new(
                Arc::clone(&readers),
                Arc::clone(&clock),
                settings.policy_repository.clone(),
                options,
                settings.strict_policy_files,
                unknown,
            ),
            minting: Minting::new(github.clone(), Arc::clone(&clock), Arc::clone(&installations), Routes::new(sticky), settings.quota),
            limits: Limits::new(settings.limits),
            apps: Apps::new(apps),
            verifier,
            github,
            clock,
            settings,
            health,
            background: Background::default(),
            audit,
            event_budget: EventBudget::default(),
            unknown_tokens: UnknownTokens::default(),
            installations,
            readers,
        })
    }

    /// Exchanges a token.
    ///
    /// The work runs to its end even when the caller drops this future: a token that was minted for a caller who has gone
    /// is revoked, and the exchange is recorded either way.
    pub async fn exchange(self: &Arc<Self>, request: Request) -> Result<Delivery, Refusal> {
        let exchanger = Arc::clone(self);
        // A caller who has gone leaves nobody to take the delivery, which revokes the token.
        // Boxed here: it is large, and is handed on several times before it runs.
        let span = trace::exchange(&request);
        let work = Box::pin(async move { AssertUnwindSafe(exchanger.run(&request)).catch_unwind().await }.instrument(span));
        self.background.run(work).await.unwrap_or_else(|_| Err(Refusal::broken()))
    }

    /// Gives back what the service holds: reader tokens are revoked, and what runs in the background is waited for.
    pub async fn close(&self, within: Duration) -> bool {
        self.readers.revoke_all().await;
        self.background.settle(within).await & self.github.settled(within).await
    }

    /// Puts other Apps in force; requests under way keep those they began with.
    pub fn replace_apps(&self, apps: AppPools) {
        self.apps.replace(apps);
    }

    /// The Apps in force that serve `owner`, in the order of the configuration.
    pub fn serving(&self, owner: &Owner) -> Vec<Arc<App>> {
        self.apps.current().serving(owner).map(|pool| pool.apps().to_vec()).unwrap_or_default()
    }

    async fn run(&self, request: &Request) -> Result<Delivery, Refusal> {
        let mut record = Record::begin(request, Arc::clone(&self.clock), DEADLINE);
        let outcome = self.steps(request, &mut record).await;
        let outcome = outcome.map(|token| Delivery::new(token, self.github.clone()));
        record.finish(outcome, &self.audit, &self.event_budget).await
    }

    async fn steps(&self, request: &Request, record: &mut Record<'_>) -> Result<InstallationToken, Arc<ExchangeError>> {
        let _place = self.limits.place()?;
        let (asked, claims) = self.verified(request, record).await?;
        self.limits.exchange(&claims, asked.realm(), self.clock.monotonic())?;
        let pools = self.apps.current();
        let pool = pools.serving(asked.scope.owner()).ok_or(ExchangeError::NoPool)?;
        let first = self.attempt(&asked, &claims, pool, record).await;
        match first {
            Err(error) if contradicts(&error) && record.used_known_installation() => {
                self.forget(&asked, record).await;
                Box::pin(self.attempt(&asked, &claims, pool, record)).await
            }
            other => other,
        }
        .inspect(|_| self.health.key_works())
        .inspect_err(|error| self.health.note(error))
    }

    /// What is asked, and the claims of the token. Failures up to here count against the address they come from.
    async fn verified(&self, request: &Request, record: &mut Record<'_>) -> Result<(Asked, Arc<Claims>), ExchangeError> {
        let failed = |error: &ExchangeError| self.limits.failed(request.peer, error, self.clock.monotonic());
        let mut asked = asked::read(request, |token| record.saw(token)).inspect_err(failed)?;
        record.asked(&asked);
        self.limits.may_fail(request.peer, self.clock.monotonic())?;
        asked.by_policy = self.is_verified_by_policies(asked.token.issuer());
        let verified = if asked.by_policy {
            Box::pin(self.verify_by_policy(&asked, request.peer, record)).await
        } else {
            self.verifier.verify(&asked.token).await.map_err(ExchangeError::Token)
        };
        let claims = verified.inspect_err(failed)?;
        let claims = Arc::new(claims);
        record.verified(&claims);
        Ok((asked, claims))
    }

    /// From the installation to the token. Two attempts at the most: the second after GitHub contradicted what was known.
    async fn attempt(&self, asked: &Asked, claims: &Claims, pool: &Pool, record: &mut Record<'_>) -> Result<InstallationToken, Arc<ExchangeError>> {
        let mut last = Arc::new(ExchangeError::NotInstalled);
        for app in self.minting.reading_order(pool, asked.scope.owner()).await.into_iter().take(MOST_APPS) {
            let outcome = match self.place(app, asked, claims.issuer(), record).await {
                Ok(None) => continue,
                Ok(Some(place)) => self.attempt_at(place, asked, claims, pool, record).await,
                Err(error) => Err(error),
            };
            match outcome {
                Err(error) if may_go_elsewhere(&error) => last = error,
                outcome => return outcome,
            }
        }
        Err(last)
    }

    async fn attempt_at(
        &self,
        place: Place,
        asked: &Asked,
        claims: &Claims,
        pool: &Pool,
        record: &mut Record<'_>,
    ) -> Result<InstallationToken, Arc<ExchangeError>> {
        let trace = record.trace();
        let repository = asked.scope.policy_source(&self.settings.policy_repository);
        let key = PolicyKey { account: place.installation.account_id, repository, identity: asked.identity.clone() };
        let path = Path { asked, claims, pool, place, key, trace: &trace };
        match self.readers.reader_for(claims.issuer(), &path.place, &path.key.repository.name, path.trace).await {
            Ok(reader) => {
                record.reached(reader.repository);
                self.judge(&path, reader.repository, record).await
            }
            Err(error) => {
                // Whether the repository exists is none of a foreign issuer's business: the allowlist speaks first.
                if matches!(*error, ReaderError::Unseen) {
                    self.allowlists.admit(&path.place, claims.issuer(), path.trace).await?;
                }
                let allowlist_is_due = self.allowlists.has_list(&path.place.owner).await.is_none();
                Err(reader_refusal(&error, allowlist_is_due).into())
            }
        }
    }

    /// Where `app` is installed on the owner; `None` when it is not.
    pub(crate) async fn place(
        &self,
        app: Arc<App>,
        asked: &Asked,
        issuer: &Issuer,
        record: &mut Record<'_>,
    ) -> Result<Option<Place>, Arc<ExchangeError>> {
        let owner = asked.scope.owner();
        let known = self.installations.cached(&(app.id, owner.clone())).await;
        let was_known = known.is_some();
        looked_up("installation", was_known);
        let found = match known {
            Some(known) => Some(known),
            None => self.installations.find(&app, &asked.scope, issuer, &record.trace()).await?,
        };
        let Some(installation) = found else { return Ok(None) };
        record.installed(app.id, &installation, was_known);
        if installation.suspended {
            self.installations.forget(app.id, owner).await;
            return Err(ExchangeError::Suspended.into());
        }
        Ok(Some(Place { app, installation, owner: owner.clone() }))
    }

    /// Forgets what GitHub has contradicted.
    pub(crate) async fn forget(&self, asked: &Asked, record: &Record<'_>) {
        let Some((app, installation, account)) = record.installation() else { return };
        let repository = asked.scope.policy_source(&self.settings.policy_repository);
        self.installations.forget(app, asked.scope.owner()).await;
        self.readers.forget(installation, &repository.name).await;
        self.allowlists.forget(asked.scope.owner()).await;
        self.guardrails.forget(asked.scope.owner()).await;
        self.policies.forget(&PolicyKey { account, repository, identity: asked.identity.clone() }).await;
    }
}

/// Counts a look into what is remembered.
pub(crate) fn looked_up(cache: &'static str, found: bool) {
    let outcome = if found { "hit" } else { "miss" };
    metrics::counter!("octo_sts_cache_lookups_total", "cache" => cache, "outcome" => outcome).increment(1);
}

/// Whether another App of the pool may have better luck with reading.
pub(crate) fn may_go_elsewhere(error: &ExchangeError) -> bool {
    matches!(error, ExchangeError::GitHub { during: During::Installation | During::Allowlist | During::Policy, source } if source.is_transient())
}

/// Whether an error says that a known installation, or a name, is no longer what it was.
pub(crate) fn contradicts(error: &ExchangeError) -> bool {
    use octo_sts_github::GitHubError as E;
    match error {
        ExchangeError::Renamed => true,
        ExchangeError::GitHub { during, source } => {
            matches!(during, During::Policy | During::Allowlist | During::Mint) && matches!(source, E::NotFound | E::KeyRefused { .. })
        }
        _ => false,
    }
}

/// What it means that there is no reader token. The allowlist is read with it first, where that is due.
fn reader_refusal(error: &ReaderError, allowlist_is_due: bool) -> ExchangeError {
    match error {
        ReaderError::Unseen => ExchangeError::PolicyAbsent,
        ReaderError::Renamed => ExchangeError::Renamed,
        ReaderError::UsedUp(used_up) => (*used_up).into(),
        ReaderError::GitHub(source) if allowlist_is_due && source.is_transient() => {
            ExchangeError::GitHub { during: During::Allowlist, source: source.clone() }
        }
        ReaderError::GitHub(source) => ExchangeError::GitHub { during: During::Policy, source: source.clone() },
    }
}
