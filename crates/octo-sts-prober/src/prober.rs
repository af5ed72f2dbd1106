//! A prober: one round of probes, side by side.

use std::{fmt, io, path::Path, sync::Arc, time::Duration};

use futures_util::future::join_all;
use octo_sts_client::{StsClient, Surroundings, TokenSource};
use octo_sts_http::Client;
use octo_sts_types::Clock;
use secrecy::SecretString;

use crate::{
    error::ProbeError,
    forge,
    github::GitHub,
    memory::Memory,
    probe::Probe,
    report::{Outcome, Report, Result as ProbeResult},
    settings::Settings,
};

/// How long GitHub is given to spread the word of a revocation: its stateless tokens are checked in many places.
pub const SPREAD: Duration = Duration::from_secs(10);

/// Reads an environment variable.
pub type Variable = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a prober is built from.
pub struct Parts {
    /// What is probed, and how.
    pub settings: Settings,
    /// For the service, for GitHub and for the source of tokens; its deadline is that of one call.
    pub http: Client,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The environment, which sources of tokens ask.
    pub variable: Variable,
    /// How long GitHub is given to spread the word of a revocation: [`SPREAD`], but in tests.
    pub spread: Duration,
}

/// Probes one service.
pub struct Prober {
    pub(crate) settings: Settings,
    pub(crate) scope: String,
    pub(crate) sts: StsClient,
    pub(crate) github: GitHub,
    pub(crate) memory: Memory,
    pub(crate) clock: Arc<dyn Clock>,
    http: Client,
    variable: Variable,
}

impl Prober {
    /// Builds a prober; nothing is called yet.
    pub fn new(parts: Parts) -> Self {
        let Parts { settings, http, clock, variable, spread } = parts;
        // Without time for a second attempt: a service that answers only when asked twice is a finding.
        let sts = StsClient::new(http.clone(), settings.service.clone(), Duration::ZERO, Arc::clone(&clock));
        let (api, repository) = (settings.github.clone(), settings.repository.clone());
        let github = GitHub { http: http.clone(), api, repository, clock: Arc::clone(&clock), spread };
        Self { scope: settings.repository.to_string(), settings, sts, github, memory: Memory::default(), clock, http, variable }
    }

    /// Runs the chosen probes once.
    pub async fn round(&self) -> Report {
        let genuine = self.token(&self.settings.audience).await.map_err(Arc::new);
        Report { results: join_all(self.settings.probes.iter().map(|probe| self.run(*probe, &genuine))).await }
    }

    async fn run(&self, probe: Probe, genuine: &Result<SecretString, Arc<ProbeError>>) -> ProbeResult {
        let began = self.clock.monotonic();
        let outcome = match genuine {
            Ok(genuine) => self.outcome(probe, genuine).await,
            Err(error) => Outcome::Failed(Arc::clone(error)),
        };
        ProbeResult { probe, outcome, took: self.clock.monotonic().saturating_duration_since(began) }
    }

    async fn outcome(&self, probe: Probe, genuine: &SecretString) -> Outcome {
        let result = match probe {
            Probe::Exchange => self.positive(genuine).await,
            Probe::WrongIdentity => self.wrong_identity(genuine).await,
            Probe::WrongIssuer => self.wrong_issuer(genuine).await,
            Probe::Unsigned => self.unsigned(genuine).await,
            Probe::Expired => return self.expired(genuine).await,
            Probe::Mismatch => return self.mismatch(genuine).await,
        };
        Outcome::of(result, None)
    }

    /// An OIDC token for this audience.
    pub(crate) async fn token(&self, audience: &str) -> Result<SecretString, ProbeError> {
        let surroundings = Surroundings { variable: &*self.variable, exists: &Path::exists, http: &self.http };
        self.settings.source.token(audience, &surroundings).await.map_err(ProbeError::NoToken)
    }

    /// The operator's own expired token, where he has named one.
    pub(crate) fn expired_from_file(&self, now: i64) -> Result<Option<SecretString>, ProbeError> {
        let Some(path) = &self.settings.expired_token_file else { return Ok(None) };
        let unreadable = |error: io::Error| ProbeError::NoToken(octo_sts_client::SourceError::Unreadable(path.display().to_string(), error));
        let token = SecretString::from(std::fs::read_to_string(path).map_err(unreadable)?.trim());
        match forge::expiry(&token) {
            Some(end) if end < now => Ok(Some(token)),
            Some(_) => Err(ProbeError::NotExpired),
            None => Err(ProbeError::NotAJwt),
        }
    }

    /// Where its OIDC tokens come from.
    pub fn source(&self) -> &TokenSource {
        &self.settings.source
    }
}

impl fmt::Debug for Prober {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prober").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("settings", &self.settings).finish_non_exhaustive()
    }
}
