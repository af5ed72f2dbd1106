//! OpenTelemetry, by its standard variables: which signals are exported, where to, and how.
//!
//! Read here is what decides whether the service starts. Headers, compression, the sampler, resource attributes and
//! the pace of the batches are read by the OpenTelemetry libraries themselves, from the same environment.

use std::{path::Path, time::Duration};

use octo_sts_types::Printable;
use url::Url;

use super::{ConfigError, problem::Findings, value};

/// Where a collector on this machine listens for HTTP when no endpoint is given.
const LOCAL_HTTP: &str = "http://localhost:4318";
/// The same for gRPC.
const LOCAL_GRPC: &str = "http://localhost:4317";
/// The port that collectors take gRPC on.
const GRPC_PORT: u16 = 4317;
/// How long one export may take when nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How many spans, or log records, wait when nothing else is said.
const QUEUE: usize = 2048;
/// Samplers that the libraries know.
const SAMPLERS: [&str; 6] =
    ["always_on", "always_off", "traceidratio", "parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"];

/// What is exported to OpenTelemetry collectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TelemetrySettings {
    /// Where spans go; none are made without it.
    pub traces: Option<Collector>,
    /// Where log records go, beside standard error.
    pub logs: Option<Collector>,
    /// Whether a caller's trace is continued, and GitHub told of it (`OTEL_PROPAGATORS` has `tracecontext`).
    pub propagates: bool,
    /// What is odd, and no reason not to start.
    pub warnings: Vec<String>,
}

/// One signal's way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// What is spoken.
    pub protocol: Protocol,
    /// The whole URL.
    pub endpoint: Url,
    /// A certificate authority to trust for it, PEM.
    pub authority: Option<String>,
    /// How long one export may take, repetitions included.
    pub timeout: Duration,
    /// How many records wait at most; more are dropped and counted.
    pub queue: usize,
}

/// How OTLP is carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// gRPC.
    Grpc,
    /// Protobuf over HTTP/1.1.
    Http,
}

/// The names that differ between the signals.
struct Signal {
    /// The part of `OTEL_EXPORTER_OTLP_<name>_ENDPOINT`.
    name: &'static str,
    exporter: &'static str,
    path: &'static str,
    /// The part of `OTEL_<batch>_MAX_QUEUE_SIZE`.
    batch: &'static str,
}

const TRACES: Signal = Signal { name: "TRACES", exporter: "OTEL_TRACES_EXPORTER", path: "v1/traces", batch: "BSP" };
const LOGS: Signal = Signal { name: "LOGS", exporter: "OTEL_LOGS_EXPORTER", path: "v1/logs", batch: "BLRP" };

type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

impl TelemetrySettings {
    /// Reads the variables. Nothing is exported when none of them asks for it.
    pub fn from_env(env: Env<'_>) -> Result<Self, ConfigError> {
        let env = |name: &str| env(name).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        let mut findings = Findings::default();
        if env("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Ok(Self::default());
        }
        let traces = signal(&TRACES, &env, &mut findings);
        let logs = signal(&LOGS, &env, &mut findings);
        let propagates = propagates(&env, &mut findings);
        check_sampler(&env, &mut findings);
        if env("OTEL_METRICS_EXPORTER").is_some_and(|text| text != "none" && text != "prometheus") {
            findings.warn("OTEL_METRICS_EXPORTER: metrics are not exported; Prometheus reads them from METRICS_PORT");
        }
        Ok(Self { traces: traces.flatten(), logs: logs.flatten(), propagates, warnings: findings.conclude()? })
    }
}

/// `None` is a problem, `Some(None)` a signal that is not exported.
#[expect(clippy::option_option, reason = "the outer one is the problem, the inner one the signal")]
fn signal(signal: &Signal, env: Env<'_>, findings: &mut Findings) -> Option<Option<Collector>> {
    let either = |what: &str| {
        let own = format!("OTEL_EXPORTER_OTLP_{}_{what}", signal.name);
        let general = format!("OTEL_EXPORTER_OTLP_{what}");
        env(&own).map(|text| (own, text)).or_else(|| env(&general).map(|text| (general, text)))
    };
    let endpoint = either("ENDPOINT");
    match env(signal.exporter).as_deref() {
        Some("none") => return Some(None),
        None if endpoint.is_none() => return Some(None),
        None | Some("otlp") => {}
        Some(other) => {
            findings.problem(signal.exporter, format!("`{}` is not built in: write `otlp` or `none`", Printable(other)));
            return None;
        }
    }
    let protocol = match either("PROTOCOL") {
        None => None,
        Some((name, text)) => Some(findings.take(&name, protocol(&text))?),
    };
    let (protocol, endpoint) = place(signal, protocol, endpoint, findings)?;
    let authority = match either("CERTIFICATE") {
        None => None,
        Some((name, path)) => Some(findings.take(&name, authority(Path::new(&path)))?),
    };
    let timeout = match either("TIMEOUT") {
        None => TIMEOUT,
        Some((name, text)) => Duration::from_millis(findings.take(&name, whole(&text))?),
    };
    let queue = format!("OTEL_{}_MAX_QUEUE_SIZE", signal.batch);
    let queue = match env(&queue) {
        None => QUEUE,
        Some(text) => usize::try_from(findings.take(&queue, whole(&text))?).unwrap_or(usize::MAX),
    };
    Some(Some(Collector { protocol, endpoint, authority, timeout, queue }))
}

fn protocol(text: &str) -> Result<Protocol, String> {
    match text {
        "grpc" => Ok(Protocol::Grpc),
        "http/protobuf" => Ok(Protocol::Http),
        _ => Err(format!("`{}` is not built in: write `grpc` or `http/protobuf`", Printable(text))),
    }
}

/// The URL to export to. One that is given for all signals gets the signal's path over HTTP. Where no protocol is given,
/// the port that collectors take gRPC on means gRPC.
fn place(signal: &Signal, protocol: Option<Protocol>, given: Option<(String, String)>, findings: &mut Findings) -> Option<(Protocol, Url)> {
    let local = if protocol == Some(Protocol::Grpc) { LOCAL_GRPC } else { LOCAL_HTTP };
    let (name, text) = given.unwrap_or_else(|| ("OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(), local.to_owned()));
    let mut url = findings.take(&name, value::sink_url(&text).map_err(|_| endpoint_problem()))?;
    let by_port = if url.port() == Some(GRPC_PORT) { Protocol::Grpc } else { Protocol::Http };
    let protocol = protocol.unwrap_or(by_port);
    if protocol == Protocol::Http && name == "OTEL_EXPORTER_OTLP_ENDPOINT" {
        let path = format!("{}/{}", url.path().trim_end_matches('/'), signal.path);
        url.set_path(&path);
    }
    Some((protocol, url))
}

fn endpoint_problem() -> String {
    "is not an http or https URL: write one such as `http://localhost:4318`, or `http://localhost:4317` for gRPC".to_owned()
}

fn authority(path: &Path) -> Result<String, String> {
    let unreadable = |why: String| format!("`{}` cannot be read ({why}): write the path of a PEM file that this process may read", path.display());
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    if text.contains("BEGIN CERTIFICATE") { Ok(text) } else { Err(unreadable("there is no certificate in it".to_owned())) }
}

fn whole(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("`{}` is not a whole number above 0", Printable(text)))
}

fn propagates(env: Env<'_>, findings: &mut Findings) -> bool {
    let Some(text) = env("OTEL_PROPAGATORS") else { return true };
    let names: Vec<_> = value::list(&text).collect();
    for other in names.iter().filter(|name| !["tracecontext", "baggage", "none"].contains(*name)) {
        findings.warn(format!("OTEL_PROPAGATORS: `{}` is not built in; `tracecontext` is", Printable(other)));
    }
    names.contains(&"tracecontext")
}

/// The libraries fall back to sampling everything where they do not understand; an operator would rather know.
fn check_sampler(env: Env<'_>, findings: &mut Findings) {
    let Some(sampler) = env("OTEL_TRACES_SAMPLER") else { return };
    if !SAMPLERS.contains(&sampler.as_str()) {
        findings.problem("OTEL_TRACES_SAMPLER", format!("`{}` is not built in: write one of {}", Printable(&sampler), SAMPLERS.join(", ")));
    } else if sampler.ends_with("traceidratio") {
        let share = env("OTEL_TRACES_SAMPLER_ARG").unwrap_or_default();
        if !share.parse::<f64>().is_ok_and(|share| (0.0..=1.0).contains(&share)) {
            let what = format!("`{}` is not a share: write a number from 0 to 1, such as `0.1`", Printable(&share));
            findings.problem("OTEL_TRACES_SAMPLER_ARG", what);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<TelemetrySettings, ConfigError> {
        TelemetrySettings::from_env(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    fn endpoints(variables: &[(&str, &str)]) -> (Option<String>, Option<String>) {
        let settings = read(variables).unwrap();
        let text = |collector: Option<Collector>| collector.map(|collector| format!("{:?} {}", collector.protocol, collector.endpoint));
        (text(settings.traces), text(settings.logs))
    }

    #[test]
    fn nothing_is_exported_unless_a_variable_asks_for_it() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        for variables in [
            [].as_slice(),
            &[("OTEL_SERVICE_NAME", "sts")],
            &[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")],
            &[endpoint, ("OTEL_SDK_DISABLED", "true")],
            &[endpoint, ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_LOGS_EXPORTER", "none")],
        ] {
            assert_eq!(endpoints(variables), (None, None), "Input: {variables:?}");
        }
    }

    #[test]
    fn a_general_endpoint_gets_the_path_of_the_signal_and_an_own_one_is_taken_as_it_is() {
        let both = endpoints(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c.example/base/"), ("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://l/in")]);
        assert_eq!(both, (Some("Http https://c.example/base/v1/traces".into()), Some("Http http://l/in".into())));
        let local = endpoints(&[("OTEL_TRACES_EXPORTER", "otlp"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
        assert_eq!(local, (Some("Grpc http://localhost:4317/".into()), None));
    }

    #[test]
    fn the_port_of_grpc_means_grpc_unless_a_protocol_is_given() {
        let endpoint = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://c:4317");
        assert_eq!(endpoints(&[endpoint]).0.unwrap(), "Grpc http://c:4317/");
        assert_eq!(endpoints(&[endpoint, ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")]).0.unwrap(), "Http http://c:4317/");
    }

    #[test]
    fn what_is_wrong_names_its_variable_and_says_what_to_write() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318");
        for (variable, value) in [
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4317"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem"),
            ("OTEL_TRACES_EXPORTER", "console"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ] {
            let problems = read(&[endpoint, (variable, value)]).unwrap_err().to_string();
            assert!(problems.contains(variable), "{problems}");
        }
        let share = read(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "10")]).unwrap_err();
        assert_eq!(share.to_string(), "OTEL_TRACES_SAMPLER_ARG: `10` is not a share: write a number from 0 to 1, such as `0.1`");
    }

    #[test]
    fn propagators_that_are_not_built_in_are_said() {
        let settings = read(&[("OTEL_PROPAGATORS", "b3")]).unwrap();
        assert_eq!((settings.propagates, settings.warnings.len()), (false, 1));
        assert!(read(&[("OTEL_PROPAGATORS", "tracecontext,baggage")]).unwrap().propagates);
    }
}
