//! `octo-sts serve`: a service that lives until the system says otherwise.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

use super::{StartError, running::start};
use crate::config::{Config, warnings_for};

/// Why `octo-sts serve` ends with an error.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// It does not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The system does not hand out signals.
    #[error("signals cannot be received")]
    Signals(#[source] std::io::Error),
    /// A second signal cut the drain short.
    #[error("ended at once by a second signal")]
    Interrupted,
}

/// Serves until SIGTERM or SIGINT, then drains; a second one ends at once. SIGHUP reads keys, Apps and certificate again.
pub async fn serve(config: Config) -> Result<(), ServeError> {
    let names: Vec<_> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    for warning in config.warnings.iter().chain(&warnings_for(names.iter().map(String::as_str))) {
        warn!("{warning}");
    }
    let mut signals = Signals::listen().map_err(ServeError::Signals)?;
    let running = start(config).await?;
    loop {
        tokio::select! {
            error = running.failed() => return Err(error.into()),
            ends = signals.next() => if ends { break } else { running.reload() },
        }
    }
    info!("draining: new exchanges are refused, those under way finish");
    tokio::select! {
        () = running.shutdown() => {
            info!("ended");
            Ok(())
        }
        () = signals.end() => Err(ServeError::Interrupted),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())?, hang_up: signal(SignalKind::hangup())? })
    }

    /// The next signal: whether it says to end.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => true,
            _ = self.interrupt.recv() => true,
            _ = self.hang_up.recv() => false,
        }
    }

    /// Waits for a signal that says to end.
    async fn end(&mut self) {
        while !self.next().await {}
    }
}
