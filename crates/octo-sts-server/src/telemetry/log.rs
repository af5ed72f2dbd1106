//! The log: JSON lines on stderr, or text for a person at a terminal.

use std::io::{self, IsTerminal as _};

use octo_sts_audit::EXPORTED;
use tokio::runtime::Handle;
use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    util::{SubscriberInitExt as _, TryInitError},
};

use super::{
    line::{Json, WithTrace},
    otlp::{BoxedLayer, ExportError, Exporting},
    span::TARGET,
};
use crate::config::TelemetrySettings;

/// Libraries that would write what they send and receive, tokens included: they warn, and nothing more, whatever
/// `RUST_LOG` says.
const WIRE: [&str; 9] = ["h2", "hyper", "hyper_util", "reqwest", "rustls", "tokio_rustls", "tonic", "tower", "mio"];

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// `RUST_LOG` does not parse.
    #[error("RUST_LOG: {0}: write a level, such as `info`, or targets with levels, such as `info,octo_sts_exchange=debug`")]
    Filter(tracing_subscriber::filter::ParseError),
    /// Something else logs already.
    #[error("the log is set up already")]
    Installed(#[source] TryInitError),
    /// What OpenTelemetry's variables ask for cannot be set up.
    #[error(transparent)]
    Export(#[from] ExportError),
}

/// Sets up the log and the note of panics. `filter` is the value of `RUST_LOG`.
pub fn install(filter: Option<&str>) -> Result<(), LogError> {
    subscriber(filter, form_of_stderr(), io::stderr)?.try_init().map_err(LogError::Installed)?;
    super::panics::install();
    Ok(())
}

/// The same, and exports what OpenTelemetry's variables ask for. What is exported is sent by this runtime.
pub fn install_with(filter: Option<&str>, settings: &TelemetrySettings, runtime: &Handle) -> Result<Exporting, LogError> {
    let targets = targets(filter)?;
    // The record of each exchange goes to the collector as well; standard error has its own line of it.
    let exported = targets.clone().with_target(EXPORTED, LevelFilter::INFO);
    let (exporting, mut layers) = Exporting::start(settings, &exported, runtime)?;
    layers.push(written(targets, form_of_stderr(), settings.traces.is_some(), io::stderr));
    tracing_subscriber::registry().with(layers).try_init().map_err(LogError::Installed)?;
    super::panics::install();
    settings.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok(exporting)
}

fn form_of_stderr() -> Form {
    if io::stderr().is_terminal() { Form::Text } else { Form::Json }
}

/// How a log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// For a person at a terminal.
    Text,
    /// One JSON object per line.
    Json,
}

/// The log, written to `writer`.
pub fn subscriber<W>(filter: Option<&str>, form: Form, writer: W) -> Result<impl Subscriber + Send + Sync, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    Ok(tracing_subscriber::registry().with(written(targets(filter)?, form, false, writer)))
}

/// The layer that writes; with the ids of trace and span in each line where there are traces.
fn written<W>(targets: Targets, form: Form, traces: bool, writer: W) -> BoxedLayer
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let layer = fmt::layer().with_writer(writer);
    let layer: BoxedLayer = match (form, traces) {
        (Form::Text, false) => layer.with_target(false).boxed(),
        (Form::Text, true) => layer.with_target(false).map_event_format(WithTrace).boxed(),
        (Form::Json, traces) => layer.event_format(Json { traces }).boxed(),
    };
    layer.with_filter(targets).boxed()
}

fn targets(filter: Option<&str>) -> Result<Targets, LogError> {
    let targets: Targets = match filter.filter(|filter| !filter.trim().is_empty()) {
        None => Targets::new().with_default(LevelFilter::INFO),
        Some(text) => text.parse().map_err(LogError::Filter)?,
    };
    // Spans are for the exporter alone: without it, none is made.
    Ok(targets
        .with_targets(WIRE.map(|target| (target, LevelFilter::WARN)))
        .with_target(TARGET, LevelFilter::OFF)
        .with_target(EXPORTED, LevelFilter::OFF))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    /// T-105
    #[test]
    fn wire_logging_stays_off_at_every_level() {
        let targets = targets(Some("trace,hyper=trace")).unwrap();
        assert!(targets.would_enable("octo_sts_exchange", &Level::TRACE));
        assert!(!targets.would_enable(TARGET, &Level::ERROR), "without an exporter there are no spans");
        for target in ["hyper::proto::h1", "h2::codec", "rustls::client", "tonic::codec"] {
            assert!(!targets.would_enable(target, &Level::DEBUG), "Input: {target}");
        }
    }

    #[test]
    fn the_default_is_info_and_nonsense_is_refused() {
        let default = targets(Some(" ")).unwrap();
        assert!(default.would_enable("octo_sts_server", &Level::INFO) && !default.would_enable("octo_sts_server", &Level::DEBUG));
        assert!(targets(Some("a=b=c")).is_err());
    }
}
