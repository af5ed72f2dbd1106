//! The life of a service: start, self-check, reload, drain, end.

mod assemble;
mod deliveries;
mod described;
mod news;
mod open;
pub(crate) mod readiness;
mod reload;
mod running;
mod self_check;
mod serve;
mod stores;
pub(crate) mod watch;

pub(crate) use assemble::{app_pools, roots, verifier_settings};
pub(crate) use open::Opener;
pub(crate) use self_check::{chain, fatal};
pub(crate) use stores::Stores;

pub use running::{Running, replay, start, start_with};
pub use serve::{ServeError, serve};

/// Why a service does not start, or does not go on.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken, or not ours to take.
    #[error("{variable}: cannot listen on {address}: {source}")]
    Listen {
        /// The variable that names the port.
        variable: &'static str,
        /// Where.
        address: std::net::SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The configuration cannot be put to work.
    #[error("{what}: {why}")]
    Configuration {
        /// The variable, or the part of the service.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The key of an App is not one that GitHub takes for it.
    #[error("the App {app}: {why}")]
    App {
        /// The App.
        app: octo_sts_types::AppId,
        /// What is wrong, and what to do.
        why: String,
    },
}

impl StartError {
    pub(crate) fn configuration(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::Configuration { what: what.into(), why: why.to_string() }
    }
}
