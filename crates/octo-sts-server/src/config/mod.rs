//! What the operator wants, read from variables and flags once, at start.
//!
//! [`Config::from_args`] reads texts and files and reports everything that is wrong at once; each problem names the
//! variable and says what to write. Tests and the demo build a [`Config`] in code.

mod app_file;
mod apps;
mod args;
mod duration;
mod expand;
mod issuer_entry;
mod issuers;
mod issuers_file;
pub(crate) mod keys;
mod limits;
mod problem;
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
use octo_sts_policy::{Guardrails, LARGEST_FILE, OrgPermissions};
use octo_sts_types::{Printable, RepositoryName};
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

/// Where GitHub's API is when nothing else is said.
const GITHUB: &str = "https://api.github.com";
/// Where the service listens when nothing else is said.
const PORT: u16 = 8080;
/// Where metrics are served when nothing else is said.
pub(crate) const METRICS_PORT: u16 = 2112;
/// The longest drain when nothing else is said.
const DRAIN: Duration = Duration::from_secs(10);
/// The longest drain that may be asked for: beyond it, supervisors kill.
const LONGEST_DRAIN: Duration = Duration::from_mins(10);

/// The most events of one request.
const LARGEST_BATCH: u32 = 1000;

/// The name where nobody gives one to a receiver.
const RECEIVER: &str = "localhost";

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
        let read = read(role, args, env, &mut findings);
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

/// The text of a variable; an empty one counts as not set.
fn set(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// Reads every part before it gives up, so that all problems are found at once.
fn read(role: Role, args: &ServeArgs, env: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) -> Option<Config> {
    let domain = read_domain(role, args, findings);
    let listen = read_listen(args, findings);
    let tls = read_tls(args, findings);
    let apps = apps::read(args, env, findings);
    let github_base_url = optional(findings, "GITHUB_BASE_URL", args.github_base_url.as_ref(), |text| value::https_url(text, GITHUB));
    let policy_repository = read_policy_repository(args, findings);
    let audiences = read_audiences(args, domain.as_deref().unwrap_or_default(), findings);
    let org_permissions = optional(findings, "STS_REPO_POLICY_ORG_PERMISSIONS", args.sts_repo_policy_org_permissions.as_ref(), org_permissions);
    let reflection = optional(findings, "STS_REFLECTION", args.sts_reflection.as_ref(), value::boolean);
    let strict_policy_files = optional(findings, "STS_STRICT_POLICY_FILES", args.sts_strict_policy_files.as_ref(), value::boolean);
    let org_guardrails = optional(findings, "STS_ORG_GUARDRAILS", args.sts_org_guardrails.as_ref(), org_guardrails_place);
    let guardrails = optional(findings, "STS_GUARDRAILS_FILE", args.sts_guardrails_file.as_ref(), guardrails_file);
    let replay = optional(findings, "STS_REPLAY", args.sts_replay.as_ref(), replay);
    let drain_timeout = optional(findings, "STS_DRAIN_TIMEOUT", args.sts_drain_timeout.as_ref(), |text| duration_within(text, LONGEST_DRAIN));
    let issuers = issuers::read(args, findings);
    let quota = read_quota(args, findings);
    let webhook = webhook::read(args, role, findings);
    let replicas = replicas::read(args, findings);
    let limits = limits::read(args, findings);
    let (metrics, event_ingress) = read_metrics(args, listen.map(|listen| listen.ip()), findings);
    let event_batch = optional(findings, "STS_EVENT_BATCH", args.sts_event_batch.as_ref(), batch);
    let audit_stdout = optional(findings, "STS_AUDIT_STDOUT", args.sts_audit_stdout.as_ref(), value::boolean);
    let audit_file = optional(findings, "STS_AUDIT_FILE", args.sts_audit_file.as_ref(), writable_place);
    let audit_folder = optional(findings, "STS_AUDIT_DIR", args.sts_audit_dir.as_ref(), folder);
    let base = Config::new(domain?, apps?);
    Some(Config {
        listen: listen?,
        tls: tls?,
        reflection: reflection?.unwrap_or(base.reflection),
        drain_timeout: drain_timeout?.unwrap_or(base.drain_timeout),
        github_base_url: github_base_url?.unwrap_or(base.github_base_url),
        policy_repository: policy_repository?,
        default_audiences: audiences?,
        org_permissions: org_permissions?.unwrap_or(base.org_permissions),
        strict_policy_files: strict_policy_files?.unwrap_or(base.strict_policy_files),
        org_guardrails: org_guardrails?.unwrap_or(base.org_guardrails),
        guardrails: guardrails?,
        replay: replay?.unwrap_or(base.replay),
        issuers: issuers?,
        webhook: webhook?,
        replicas: replicas?,
        limits: limits?,
        quota: quota?,
        role,
        event_ingress: event_ingress?,
        event_batch: event_batch?,
        audit_stdout: audit_stdout?.unwrap_or(base.audit_stdout),
        audit_file: audit_file?,
        audit_folder: audit_folder?,
        metrics: metrics?,
        domain: base.domain,
        apps: base.apps,
        extra_roots: None,
        warnings: Vec::new(),
    })
}

/// A value that may be missing: `None` is a problem, `Some(None)` means not set.
#[expect(clippy::option_option, reason = "the outer one is the problem, the inner one the variable")]
fn optional<T>(findings: &mut Findings, name: &str, text: Option<&String>, read: impl FnOnce(&str) -> Result<T, String>) -> Option<Option<T>> {
    match set(text) {
        None => Some(None),
        Some(text) => findings.take(name, read(text)).map(Some),
    }
}

fn read_domain(role: Role, args: &ServeArgs, findings: &mut Findings) -> Option<String> {
    if role == Role::Receiver && set(args.sts_domain.as_ref()).is_none() {
        findings.warn("STS_DOMAIN is not set: test cases of policies that name no audience are judged as if the service was called `localhost`");
        return Some(RECEIVER.to_owned());
    }
    let missing = || "is not set: write the service's public name, such as `sts.example.com`".to_owned();
    findings.take("STS_DOMAIN", set(args.sts_domain.as_ref()).ok_or_else(missing).and_then(value::domain))
}

fn read_listen(args: &ServeArgs, findings: &mut Findings) -> Option<SocketAddr> {
    let port = optional(findings, "PORT", args.port.as_ref(), value::port)?.unwrap_or(PORT);
    let listen = optional(findings, "STS_LISTEN", args.sts_listen.as_ref(), value::address)?;
    if listen.is_some() && set(args.port.as_ref()).is_some() {
        findings.warn("STS_LISTEN is set: PORT is not read");
    }
    Some(listen.unwrap_or(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port)))
}

#[expect(clippy::option_option, reason = "the outer one is the problem, the inner one the variable")]
fn read_tls(args: &ServeArgs, findings: &mut Findings) -> Option<Option<TlsFiles>> {
    match (set(args.sts_tls_cert_file.as_ref()), set(args.sts_tls_key_file.as_ref())) {
        (None, None) => Some(None),
        (Some(certificates), Some(key)) => {
            let files = TlsFiles { certificates: certificates.into(), key: key.into() };
            findings.take("STS_TLS_CERT_FILE, STS_TLS_KEY_FILE", crate::listener::tls::load(&files)).map(|_| Some(files))
        }
        (Some(_), None) => {
            findings.problem("STS_TLS_KEY_FILE", "is not set, and STS_TLS_CERT_FILE is: write the file with the private key, or unset both");
            None
        }
        (None, Some(_)) => {
            findings.problem("STS_TLS_CERT_FILE", "is not set, and STS_TLS_KEY_FILE is: write the file with the certificate chain, or unset both");
            None
        }
    }
}

fn read_policy_repository(args: &ServeArgs, findings: &mut Findings) -> Option<RepositoryName> {
    let text = args.org_policy_repo.as_deref().unwrap_or(".github");
    let read = text
        .parse()
        .map_err(|error| format!("`{}` is not a repository name ({error}): write one such as `.github`, or leave it unset", Printable(text)));
    findings.take("ORG_POLICY_REPO", read)
}

fn read_audiences(args: &ServeArgs, domain: &str, findings: &mut Findings) -> Option<Vec<String>> {
    let strict = optional(findings, "STS_STRICT_AUDIENCE", args.sts_strict_audience.as_ref(), value::boolean)?.unwrap_or(false);
    let Some(text) = set(args.sts_default_audiences.as_ref()) else {
        return Some(if strict { vec![domain.to_owned()] } else { default_audiences(domain) });
    };
    if strict {
        findings.problem("STS_DEFAULT_AUDIENCES, STS_STRICT_AUDIENCE", "contradict each other: unset one of them");
        return None;
    }
    let audiences: Vec<_> = value::list(text).map(str::to_owned).collect();
    if audiences.is_empty() {
        findings.problem("STS_DEFAULT_AUDIENCES", "names no audience: write at least one, or leave it unset");
        return None;
    }
    for audience in &audiences {
        findings.take("STS_DEFAULT_AUDIENCES", check_audience(audience))?;
    }
    Some(audiences)
}

fn check_audience(text: &str) -> Result<(), String> {
    octo_sts_types::Audience::parse(&text.replace("{scope}", "owner/name"))
        .map(drop)
        .map_err(|error| format!("`{}` is not an audience ({error}): write one such as `https://sts.example.com`", Printable(text)))
}

fn org_permissions(text: &str) -> Result<OrgPermissions, String> {
    match text {
        "deny" => Ok(OrgPermissions::Deny),
        "read" => Ok(OrgPermissions::Read),
        "allow" => Ok(OrgPermissions::Allow),
        _ => Err(format!("`{}` is not known: write `deny`, `read` or `allow`", Printable(text))),
    }
}

fn replay(text: &str) -> Result<Replay, String> {
    match text {
        "allow" => Ok(Replay::Allow),
        "once" => Ok(Replay::Once),
        _ => Err(format!("`{}` is not known: write `allow` or `once`", Printable(text))),
    }
}

fn org_guardrails_place(text: &str) -> Result<OrgGuardrails, String> {
    match text {
        "with-allowlist" => Ok(OrgGuardrails::WithAllowlist),
        "always" => Ok(OrgGuardrails::Always),
        _ => Err(format!("`{}` is not known: write `with-allowlist` or `always`", Printable(text))),
    }
}

fn guardrails_file(path: &str) -> Result<Guardrails, String> {
    let unreadable = |why: String| format!("`{path}` cannot be read ({why}): write the path of a YAML file that this process may read");
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    if text.len() > LARGEST_FILE {
        return Err(unreadable(format!("it is longer than {LARGEST_FILE} bytes")));
    }
    Guardrails::parse(&text).map(|parsed| parsed.value).map_err(|faults| format!("`{path}`: {faults}"))
}

fn read_quota(args: &ServeArgs, findings: &mut Findings) -> Option<QuotaFloors> {
    let default = QuotaFloors::default();
    let hard = optional(findings, "OCTOSTS_QUOTA_FLOOR_HARD", args.octosts_quota_floor_hard.as_ref(), value::number);
    let soft = optional(findings, "OCTOSTS_QUOTA_FLOOR_SOFT", args.octosts_quota_floor_soft.as_ref(), value::number);
    let stale = optional(findings, "OCTOSTS_QUOTA_STALE", args.octosts_quota_stale.as_ref(), |text| duration_within(text, Duration::from_hours(1)));
    let floors = QuotaFloors { hard: hard?.unwrap_or(default.hard), soft: soft?.unwrap_or(default.soft), stale: stale?.unwrap_or(default.stale) };
    if floors.hard > floors.soft {
        let both = "OCTOSTS_QUOTA_FLOOR_HARD, OCTOSTS_QUOTA_FLOOR_SOFT";
        findings.problem(both, format!("the hard floor, {}, is above the soft one, {}: write a lower hard floor", floors.hard, floors.soft));
        return None;
    }
    Some(floors)
}

type MetricsAndEvents = (Option<Option<SocketAddr>>, Option<Option<Url>>);

/// `METRICS=false` switches off the events, too, as it does upstream.
fn read_metrics(args: &ServeArgs, ip: Option<IpAddr>, findings: &mut Findings) -> MetricsAndEvents {
    let on = optional(findings, "METRICS", args.metrics.as_ref(), value::boolean);
    let port = optional(findings, "METRICS_PORT", args.metrics_port.as_ref(), value::port);
    let ingress = optional(findings, "EVENT_INGRESS_URI", args.event_ingress_uri.as_ref(), value::sink_url);
    let (Some(on), Some(port), Some(ingress)) = (on, port, ingress) else { return (None, None) };
    if !on.unwrap_or(true) {
        if ingress.is_some() {
            findings.warn("METRICS is false: no events are sent to EVENT_INGRESS_URI; STS_AUDIT_FILE is still written");
        }
        return (Some(None), Some(None));
    }
    let ip = ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    (Some(Some(SocketAddr::new(ip, port.unwrap_or(METRICS_PORT)))), Some(ingress))
}

/// How many events a request takes at the most.
fn batch(text: &str) -> Result<usize, String> {
    let most = value::number(text).ok().filter(|most| (1..=LARGEST_BATCH).contains(most));
    let most = most.ok_or_else(|| format!("`{}` is not a number from 1 to {LARGEST_BATCH}: write one such as `100`", Printable(text)))?;
    usize::try_from(most).map_err(|error| error.to_string())
}

fn duration_within(text: &str, longest: Duration) -> Result<Duration, String> {
    let read = duration::parse(text).map_err(|error| format!("`{}` {error}", Printable(text)))?;
    let seconds = longest.as_secs();
    if read <= longest { Ok(read) } else { Err(format!("`{}` is too long: write {seconds}s at the most", Printable(text))) }
}

/// A file that can be written, as far as its folder tells.
fn writable_place(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() {
        return Err(format!("`{}` is a folder: write the path of a file", path.display()));
    }
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) if !parent.is_dir() => Err(format!("the folder `{}` does not exist: make it, or write another path", parent.display())),
        _ => Ok(path),
    }
}

fn folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.is_dir() { Ok(path) } else { Err(format!("`{}` is not a folder: make it, or write another path", path.display())) }
}

#[cfg(test)]
mod tests;
