//! Outbound HTTP: one request, one answer, and a bound on everything in between.
//!
//! A [`Client`] follows no redirect, asks no proxy but one that it is given, stores no cookie and decompresses nothing. Every call has one deadline
//! for connecting, headers and body together, and a cap on the body that holds whatever the server announces.
//!
//! With an [`AddressGuard`] a client dials only addresses of the public internet, whatever name leads to them: the guard
//! sees the addresses that the connection then uses, so there is no second lookup to lie to. It is for addresses that
//! strangers choose; a client without one is for addresses that the operator wrote into the configuration.

mod address;
mod client;
mod connect;
mod error;
mod guard;
mod network;
mod proxy;
mod resolve;
mod roots;

pub use client::{Client, ClientSettings, Protocol, Response};
pub use error::{ClientError, HttpError, NotHttp};
pub use guard::{AddressGuard, Blocked};
pub use network::{InvalidNetwork, Network};
pub use proxy::{InvalidProxy, Proxy};
pub use resolve::{Lookup, SystemLookup};
pub use roots::{Roots, RootsError};
