//! The proof from outside that the service works, and refuses.
//!
//! A [`Prober`] is a client like any other: it holds one OIDC token and knows one trust policy. Its *positive* probe takes a
//! token through its whole life at GitHub, a write that must be forbidden included. Its *negative* probes ask for what must
//! be refused, and each accepts one gRPC code and one HTTP status: a service that is down, or that refuses for another
//! reason, fails them as well as one that gives a token.
//!
//! | Probe | Must end as |
//! |---|---|
//! | [`Probe::Exchange`] | a token: read 200, list 200, write 403, revoke 204, reuse 401 |
//! | [`Probe::WrongIdentity`] | 5 `NOT_FOUND`, 404 |
//! | [`Probe::WrongIssuer`] | 3 `INVALID_ARGUMENT`, 400 |
//! | [`Probe::Expired`] | 16 `UNAUTHENTICATED`, 401 |
//! | [`Probe::Unsigned`] | 16 `UNAUTHENTICATED`, 401 |
//! | [`Probe::Mismatch`] | 7 `PERMISSION_DENIED`, 403 |
//!
//! [`Endpoint`] runs a round of probes per request, [`every`] one after the other; both leave metrics.

mod args;
mod endpoint;
mod error;
mod expect;
mod forge;
mod github;
mod listener;
mod memory;
pub mod metrics;
mod mode;
mod negative;
mod positive;
mod probe;
mod prober;
mod report;
mod rounds;
mod settings;

pub use args::ProbeArgs;
pub use endpoint::Endpoint;
pub use error::ProbeError;
pub use listener::serve;
pub use mode::Mode;
pub use probe::{Probe, UnknownProbe};
pub use prober::{Parts, Prober, SPREAD, Variable};
pub use report::{Outcome, Report, Result};
pub use rounds::every;
pub use settings::{ConfigError, MismatchBy, Settings};
