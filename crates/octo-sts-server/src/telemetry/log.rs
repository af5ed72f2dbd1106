//! The log: JSON lines on stderr, or text for a person at a terminal.

use std::io::{self, IsTerminal as _};

use tracing::{Subscriber, level_filters::LevelFilter};
use tracing_subscriber::{
    Layer as _,
    filter::Targets,
    fmt::{self, MakeWriter},
    layer::SubscriberExt as _,
    util::{SubscriberInitExt as _, TryInitError},
};

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
}

/// Sets up the log and the note of panics. `filter` is the value of `RUST_LOG`.
pub fn install(filter: Option<&str>) -> Result<(), LogError> {
    let form = if io::stderr().is_terminal() { Form::Text } else { Form::Json };
    subscriber(filter, form, io::stderr)?.try_init().map_err(LogError::Installed)?;
    super::panics::install();
    Ok(())
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
    let layer = fmt::layer().with_writer(writer);
    let layer = match form {
        Form::Text => layer.with_target(false).boxed(),
        Form::Json => layer.json().flatten_event(true).boxed(),
    };
    Ok(tracing_subscriber::registry().with(layer.with_filter(targets(filter)?)))
}

fn targets(filter: Option<&str>) -> Result<Targets, LogError> {
    let targets: Targets = match filter.filter(|filter| !filter.trim().is_empty()) {
        None => Targets::new().with_default(LevelFilter::INFO),
        Some(text) => text.parse().map_err(LogError::Filter)?,
    };
    Ok(targets.with_targets(WIRE.map(|target| (target, LevelFilter::WARN))))
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
