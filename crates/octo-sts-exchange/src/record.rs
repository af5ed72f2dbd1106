//! What is remembered of one exchange: the log line, the metrics, the audit event.

mod event;

use std::{error::Error, fmt::Write as _, net::IpAddr, sync::Arc, time::Duration, time::Instant};

use octo_sts_audit::{Audit, ExchangeEvent, MintNote};
use octo_sts_github::{Installation, InstallationToken, Trace};
use octo_sts_oidc::UnverifiedToken;
use octo_sts_policy::Mode;
use octo_sts_types::{AccountId, AppId, Claims, Clock, Grant, Identity, InstallationId, Printable, RepositoryId, Scope};

use crate::{
    allowlist::Admitted,
    asked::{Asked, was_token_shaped},
    budget::Budget,
    delivery::Delivery,
    error::ExchangeError,
    policies::Loaded,
    refusal::{Refusal, TokenFacts},
    request::Request,
    stage::Stage,
    trace,
};

/// Events of one second that one address may cause before any signature of its was verified.
const UNVERIFIED_EVENTS: u32 = 10;
/// Most addresses whose events are counted.
const MOST_ADDRESSES: usize = 10_000;

/// Keeps strangers from flooding the audit record.
pub(crate) struct EventBudget(Budget<Option<IpAddr>>);

impl Default for EventBudget {
    fn default() -> Self {
        Self(Budget::new(UNVERIFIED_EVENTS, Duration::from_secs(1), MOST_ADDRESSES))
    }
}

/// The App and installation that an attempt rests on.
#[derive(Clone, Copy)]
struct Used {
    app: AppId,
    installation: InstallationId,
    account: AccountId,
    was_known: bool,
}

/// One exchange, as far as it has come.
pub(crate) struct Record<'a> {
    request: &'a Request,
    clock: Arc<dyn Clock>,
    trace: Arc<Trace>,
    started: Instant,
    verified_after: Option<Duration>,
    read_after: Option<Duration>,
    unverified_issuer: Option<String>,
    scope: Option<Scope>,
    identity: Option<Identity>,
    claims: Option<Arc<Claims>>,
    installation: Option<Used>,
    repository: Option<RepositoryId>,
    unlisted: Option<Mode>,
    findings: Vec<String>,
    loaded: Option<Arc<Loaded>>,
    stale: bool,
    consents: Vec<octo_sts_audit::Consent>,
    mints: Vec<MintNote>,
}

impl<'a> Record<'a> {
    pub(crate) fn begin(request: &'a Request, clock: Arc<dyn Clock>, deadline: Duration) -> Self {
        let started = clock.monotonic();
        Self {
            request,
            trace: Arc::new(Trace::until(started + deadline)),
            clock,
            started,
            verified_after: None,
            read_after: None,
            unverified_issuer: None,
            scope: None,
            identity: None,
            claims: None,
            installation: None,
            repository: None,
            unlisted: None,
            findings: Vec::new(),
            loaded: None,
            stale: false,
            consents: Vec::new(),
            mints: Vec::new(),
        }
    }

    pub(crate) fn trace(&self) -> Arc<Trace> {
        Arc::clone(&self.trace)
    }

    pub(crate) fn saw(&mut self, token: &UnverifiedToken) {
        self.unverified_issuer = Some(token.issuer().to_string());
    }

    pub(crate) fn asked(&mut self, asked: &Asked) {
        self.scope = Some(asked.scope.clone());
        self.identity = Some(asked.identity.clone());
    }

    pub(crate) fn verified(&mut self, claims: &Arc<Claims>) {
        self.verified_after = Some(self.elapsed());
        self.claims = Some(Arc::clone(claims));
    }

    pub(crate) fn installed(&mut self, app: AppId, installation: &Installation, was_known: bool) {
        self.installation = Some(Used { app, installation: installation.id, account: installation.account_id, was_known });
    }

    pub(crate) fn reached(&mut self, repository: RepositoryId) {
        self.repository = Some(repository);
    }

    pub(crate) fn admitted(&mut self, admitted: Admitted) {
        self.unlisted = admitted.unlisted;
    }

    pub(crate) fn loaded(&mut self, loaded: &Arc<Loaded>, stale: bool) {
        self.read_after = Some(self.elapsed());
        self.loaded = Some(Arc::clone(loaded));
        self.stale |= stale;
    }

    pub(crate) fn consented(&mut self, repository: String, policy_sha: String) {
        self.consents.push(octo_sts_audit::Consent { repository, policy_sha });
    }

    /// Notes what GitHub is asked for, before it is: a process that is killed next leaves a record.
    pub(crate) async fn minting(&mut self, audit: &Audit, loaded: &Arc<Loaded>, grant: &Grant) {
        if !audit.notes_mints() {
            return;
        }
        let event = ExchangeEvent {
            trust_policy: loaded.json(),
            policy_sha: Some(loaded.sha.clone()),
            permissions: Some(grant.permissions().clone()),
            repositories: self.granted_repositories(grant),
            ..self.event(None, None, None)
        };
        self.mints.push(audit.note_mint(event).await);
    }

    pub(crate) fn bounded(&mut self, findings: Vec<String>) {
        self.findings = findings;
    }

    /// The App, installation and account the last attempt used.
    pub(crate) fn installation(&self) -> Option<(AppId, InstallationId, AccountId)> {
        self.installation.map(|used| (used.app, used.installation, used.account))
    }

    /// Whether the last attempt rested on an installation that was looked up earlier.
    pub(crate) fn used_known_installation(&self) -> bool {
        self.installation.is_some_and(|used| used.was_known)
    }

    /// Counts, logs and records the outcome, and turns it into what the transport gets.
    pub(crate) async fn finish(
        mut self,
        outcome: Result<Delivery, Arc<ExchangeError>>,
        audit: &Audit,
        budget: &EventBudget,
    ) -> Result<Delivery, Refusal> {
        let (token, error) = match &outcome {
            Ok(delivery) => (Some(delivery.token()), None),
            Err(error) => (None, Some(&**error)),
        };
        self.count(error);
        trace::ended(&trace::Ended {
            scope: self.scope.as_ref(),
            identity: self.identity.as_ref(),
            stage: error.map_or(Stage::Done, ExchangeError::stage).as_str(),
            reason: error.map(ExchangeError::reason),
            installation: self.installation.map(|used| used.installation.0),
            github_calls: self.trace.calls(),
        });
        let reason = error.map(chain);
        self.log(token, error, reason.as_deref());
        if audit.is_on() && self.is_event(error, budget) {
            audit.record(self.event(token, error, reason)).await;
        }
        self.mints.drain(..).for_each(MintNote::strike_out);
        outcome.map_err(|error| Refusal { error, facts: self.facts(), scope: self.scope, identity: self.identity })
    }

    fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_duration_since(self.started)
    }

    fn count(&self, error: Option<&ExchangeError>) {
        let outcome = if error.is_none() { "granted" } else { "refused" };
        let stage = error.map_or(Stage::Done, ExchangeError::stage).as_str();
        let reason = error.map_or("", ExchangeError::reason);
        metrics::counter!("octo_sts_exchanges_total", "outcome" => outcome, "stage" => stage, "reason" => reason).increment(1);
        metrics::histogram!("octo_sts_exchange_seconds", "outcome" => outcome).record(self.elapsed().as_secs_f64());
        if self.stale {
            metrics::counter!("octo_sts_stale_policies_total").increment(1);
        }
    }

    fn log(&self, token: Option<&InstallationToken>, error: Option<&ExchangeError>, reason: Option<&str>) {
        let ms = |duration: Duration| duration.as_secs_f64() * 1_000.0;
        tracing::info!(
            target: "octo_sts::exchange",
            request_id = self.request.request_id,
            outcome = if error.is_none() { "granted" } else { "refused" },
            stage = error.map_or(Stage::Done, ExchangeError::stage).as_str(),
            scope = %Printable(self.request.wanted_scope()),
            identity = %Printable(&self.request.identity),
            issuer = self.issuer().map(|issuer| Printable(issuer).to_string()),
            subject = self.claims.as_ref().map(|claims| Printable(claims.subject().as_str()).to_string()),
            app_id = self.installation.map(|used| used.app.0),
            installation_id = self.installation.map(|used| used.installation.0),
            repository_id = self.repository.map(|repository| repository.0),
            policy_sha = self.loaded.as_ref().map(|loaded| loaded.sha.as_str()),
            stale = self.stale.then_some(true),
            token_sha256 = token.map(InstallationToken::sha256_hex),
            github_calls = self.trace.calls(),
            verify_ms = self.verified_after.map(ms),
            policy_ms = self.read_after.map(ms),
            total_ms = ms(self.elapsed()),
            transport = self.request.transport.as_str(),
            reason,
            "exchange"
        );
    }

    fn issuer(&self) -> Option<&str> {
        self.claims.as_ref().map(|claims| claims.issuer().as_str()).or(self.unverified_issuer.as_deref())
    }

    /// Whether the outcome is an event: everything after a verified signature is; before it, a token by its shape, and not
    /// more often than the budget of its address allows.
    fn is_event(&self, error: Option<&ExchangeError>, budget: &EventBudget) -> bool {
        let Some(error) = error else { return true };
        self.claims.is_some() || (was_token_shaped(error) && budget.0.take(&self.request.peer, self.clock.monotonic()).is_ok())
    }

    fn facts(&self) -> TokenFacts {
        let claims = self.claims.as_ref();
        TokenFacts {
            issuer: self.issuer().map(ToOwned::to_owned),
            subject: claims.map(|claims| claims.subject().to_string()),
            audiences: claims.map(|claims| claims.audiences().iter().map(ToString::to_string).collect()).unwrap_or_default(),
        }
    }
}

/// An error and all its sources, for the operator.
fn chain(error: &ExchangeError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}
