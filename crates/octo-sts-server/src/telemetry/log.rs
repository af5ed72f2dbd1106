//! The log: JSON lines on stderr, or text for a person at a terminal.

use std::io::{self, IsTerminal as _};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::{
    Layer as _,
    filter::Targets,
    fmt,
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
    let targets = targets(filter)?;
    let registry = tracing_subscriber::registry();
    let installed = if io::stderr().is_terminal() {
        registry.with(fmt::layer().with_writer(io::stderr).with_target(false).with_filter(targets)).try_init()
    } else {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(io::stderr).with_filter(targets)).try_init()
    };
    installed.map_err(LogError::Installed)?;
    super::panics::install();
    Ok(())
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
