//! From variables and flags to a [`Config`].

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use octo_sts_exchange::QuotaFloors;
use octo_sts_policy::{Guardrails, LARGEST_FILE};
use octo_sts_types::{Printable, RepositoryName};
use url::Url;

use super::{
    Config, GITHUB, METRICS_PORT, PORT, Role, ServeArgs, TlsFiles, apps, choices, default_audiences, issuers, limits, problem::Findings, replicas,
    value, webhook,
};

/// The longest drain that may be asked for: beyond it, supervisors kill.
const LONGEST_DRAIN: Duration = Duration::from_mins(10);

/// The name where nobody gives one to a receiver.
const RECEIVER: &str = "localhost";

/// The text of a variable; an empty one counts as not set.
pub(super) fn set(text: Option<&String>) -> Option<&str> {
    text.map(String::as_str).filter(|text| !text.is_empty())
}

/// Reads every part before it gives up, so that all problems are found at once.
pub(super) fn read(role: Role, args: &ServeArgs, env: &dyn Fn(&str) -> Option<String>, findings: &mut Findings) -> Option<Config> {
    let domain = read_domain(role, args, findings);
    let listen = read_listen(args, findings);
    let tls = read_tls(args, findings);
    let apps = apps::read(args, env, findings);
    let github_base_url = optional(findings, "GITHUB_BASE_URL", args.github_base_url.as_ref(), |text| value::https_url(text, GITHUB));
    let policy_repository = read_policy_repository(args, findings);
    let audiences = read_audiences(args, domain.as_deref().unwrap_or_default(), findings);
    let org_permissions =
        optional(findings, "STS_REPO_POLICY_ORG_PERMISSIONS", args.sts_repo_policy_org_permissions.as_ref(), choices::org_permissions);
    let reflection = optional(findings, "STS_REFLECTION", args.sts_reflection.as_ref(), value::boolean);
    let strict_policy_files = optional(findings, "STS_STRICT_POLICY_FILES", args.sts_strict_policy_files.as_ref(), value::boolean);
    let org_guardrails = optional(findings, "STS_ORG_GUARDRAILS", args.sts_org_guardrails.as_ref(), choices::org_guardrails);
    let guardrails = optional(findings, "STS_GUARDRAILS_FILE", args.sts_guardrails_file.as_ref(), guardrails_file);
    let replay = optional(findings, "STS_REPLAY", args.sts_replay.as_ref(), choices::replay);
    let drain_timeout = optional(findings, "STS_DRAIN_TIMEOUT", args.sts_drain_timeout.as_ref(), |text| value::duration_within(text, LONGEST_DRAIN));
    let issuers = issuers::read(args, findings);
    let quota = read_quota(args, findings);
    let webhook = webhook::read(args, role, findings);
    let replicas = replicas::read(args, findings);
    let limits = limits::read(args, findings);
    let (metrics, event_ingress) = read_metrics(args, listen.map(|listen| listen.ip()), findings);
    let event_batch = optional(findings, "STS_EVENT_BATCH", args.sts_event_batch.as_ref(), value::batch);
    let audit_stdout = optional(findings, "STS_AUDIT_STDOUT", args.sts_audit_stdout.as_ref(), value::boolean);
    let audit_file = optional(findings, "STS_AUDIT_FILE", args.sts_audit_file.as_ref(), value::writable_file);
    let audit_folder = optional(findings, "STS_AUDIT_DIR", args.sts_audit_dir.as_ref(), value::folder);
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
pub(super) fn optional<T>(
    findings: &mut Findings,
    name: &str,
    text: Option<&String>,
    read: impl FnOnce(&str) -> Result<T, String>,
) -> Option<Option<T>> {
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
    let stale =
        optional(findings, "OCTOSTS_QUOTA_STALE", args.octosts_quota_stale.as_ref(), |text| value::duration_within(text, Duration::from_hours(1)));
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
