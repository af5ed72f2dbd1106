//! What the operator wants, read from variables and flags once, at start.
//!
//! [`Config::from_args`] reads texts and files and reports everything that is wrong at once; each problem names the
//! variable and says what to write. Tests and the demo build a [`Config`] in code.

mod app_file;
mod apps;
mod args;
mod choices;
mod duration;
mod expand;
mod issuer_entry;
mod issuers;
mod issuers_file;
pub(crate) mod keys;
mod limits;
mod problem;
mod read;
mod reference;
pub(crate) mod replicas;
mod secret;
mod telemetry;
mod unknown;
mod value;
mod webhook;
mod yaml;

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use octo_sts_exchange::{CallerLimits, OrgGuardrails, QuotaFloors, Replay};
use octo_sts_policy::{Guardrails, OrgPermissions};
use octo_sts_types::RepositoryName;
use url::Url;

pub use apps::{AppConfig, AppsSource, KeySource, OwnerApps};
pub use args::ServeArgs;
pub use issuers::IssuerSettings;
pub use issuers_file::IssuersFile;
pub use problem::{ConfigError, Problem};
pub use reference::reference;
pub use replicas::{FirestoreNames, ReplicaSettings, StickyPlace};
pub use secret::SecretSource;
pub use telemetry::{Collector, Protocol, TelemetrySettings};
pub use unknown::warnings_for;
pub use webhook::WebhookConfig;

use problem::Findings;
use read::{optional, set};

/// Where GitHub's API is when nothing else is said.
const GITHUB: &str = "https://api.github.com";
/// Where the service listens when nothing else is said.
const PORT: u16 = 8080;
/// Where metrics are served when nothing else is said.
pub(crate) const METRICS_PORT: u16 = 2112;
/// The longest drain when nothing else is said.
const DRAIN: Duration = Duration::from_secs(10);
/// What a process is there for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Exchanges, and deliveries where there is a secret for them.
    #[default]
    Service,
    /// Deliveries alone.
    Receiver,
}

/// Everything `octo-sts serve` and `octo-sts webhook` need to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// What this process is there for.
    pub role: Role,
    /// The service's public name: the audience that callers ask their token for.
    pub domain: String,
    /// Where to listen; port 0 lets the system choose.
    pub listen: SocketAddr,
    /// Serve TLS with these files.
    pub tls: Option<TlsFiles>,
    /// Whether gRPC reflection answers.
    pub reflection: bool,
    /// The longest drain.
    pub drain_timeout: Duration,
    /// Which Apps serve whom.
    pub apps: AppsSource,
    /// GitHub's API, with its path. Only tests and the demo have one without TLS.
    pub github_base_url: Url,
    /// The repository of organisation policies and the issuer allowlist.
    pub policy_repository: RepositoryName,
    /// The audiences accepted where a policy names none; `{scope}` stands for the repository asked for.
    pub default_audiences: Vec<String>,
    /// What a repository's policy may grant over its organisation.
    pub org_permissions: OrgPermissions,
    /// Refuse policies that are symbolic links.
    pub strict_policy_files: bool,
    /// Where the guardrails of organisations are read.
    pub org_guardrails: OrgGuardrails,
    /// What bounds every grant of this service.
    pub guardrails: Option<Guardrails>,
    /// How often one OIDC token may be exchanged.
    pub replay: Replay,
    /// Which issuers are admitted.
    pub issuers: IssuerSettings,
    /// Whether deliveries are taken.
    pub webhook: Option<WebhookConfig>,
    /// What replicas share.
    pub replicas: ReplicaSettings,
    /// How often callers may exchange, and fail.
    pub limits: CallerLimits,
    /// When an App counts as short of quota.
    pub quota: QuotaFloors,
    /// Where CloudEvents are posted.
    pub event_ingress: Option<Url>,
    /// Most events of one request there; `None` for each event alone.
    pub event_batch: Option<usize>,
    /// Whether a JSON line per exchange goes to standard output.
    pub audit_stdout: bool,
    /// The file that takes one JSON line per exchange.
    pub audit_file: Option<PathBuf>,
    /// The folder where events wait for their receiver.
    pub audit_folder: Option<PathBuf>,
    /// Where metrics are served; port 0 lets the system choose.
    pub metrics: Option<SocketAddr>,
    /// Certificate authorities to trust beside those of the system, PEM; for tests and the demo.
    pub extra_roots: Option<String>,
    /// What is odd about the configuration, and no reason not to start.
    pub warnings: Vec<String>,
}

/// The files of a TLS certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate chain, PEM, the service's own certificate first.
    pub certificates: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

impl Config {
    /// A configuration with every default, for tests and the demo.
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "the constants parse: a test reads them")]
    pub fn new(domain: impl Into<String>, apps: AppsSource) -> Self {
        let domain = domain.into();
        Self {
            role: Role::Service,
            default_audiences: default_audiences(&domain),
            domain,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), PORT),
            tls: None,
            reflection: true,
            drain_timeout: DRAIN,
            apps,
            github_base_url: Url::parse(GITHUB).expect("a URL"),
            policy_repository: ".github".parse().expect("a name"),
            org_permissions: OrgPermissions::Read,
            strict_policy_files: false,
            org_guardrails: OrgGuardrails::WithAllowlist,
            guardrails: None,
            replay: Replay::Allow,
            issuers: IssuerSettings::default(),
            webhook: None,
            replicas: ReplicaSettings::default(),
            limits: CallerLimits::default(),
            quota: QuotaFloors::default(),
            event_ingress: None,
            event_batch: None,
            audit_stdout: false,
            audit_file: None,
            audit_folder: None,
            metrics: None,
            extra_roots: None,
            warnings: Vec::new(),
        }
    }

    /// Reads the configuration; `env` is asked for the variables that `APP_CONFIG_FILE` names.
    pub fn from_args(args: &ServeArgs, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        Self::for_role(Role::Service, args, env)
    }

    /// Reads the configuration of a process with this role.
    pub fn for_role(role: Role, args: &ServeArgs, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut findings = Findings::default();
        let read = read::read(role, args, env, &mut findings);
        let warnings = findings.conclude()?;
        let config = read.ok_or_else(|| ConfigError::single("configuration", "is not complete"))?;
        Ok(Self { warnings, ..config })
    }
}

/// Reads the Apps file again, with the variables of this process.
pub(crate) fn load_app_file(path: &std::path::Path) -> Result<Vec<OwnerApps>, ConfigError> {
    let mut findings = Findings::default();
    let owners = app_file::load(path, &|name| std::env::var(name).ok(), &mut findings);
    findings.conclude()?;
    owners.ok_or_else(|| ConfigError::single("APP_CONFIG_FILE", "is not complete"))
}

/// The audiences of a service of this name: its name, its URL, and the repository asked for.
fn default_audiences(domain: &str) -> Vec<String> {
    vec![domain.to_owned(), format!("https://{domain}"), "https://github.com/{scope}".to_owned()]
}

#[cfg(test)]
mod tests;
