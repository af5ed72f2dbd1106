//! The service: one port for HTTP and gRPC, configuration, telemetry, start and end.
//!
//! A request comes in at the `listener`, goes through the `service` to its route (`rest`, `grpc`), and becomes an
//! [`octo_sts_exchange::Request`]; what the exchange answers becomes a reply (`reply`), or a refusal by the one table of
//! `status`. A token counts as delivered only once the connection has taken it.
//!
//! [`serve`] is the whole command; [`start`] is a service inside another program.

pub mod config;
mod doctor;
mod exchange;
mod grpc;
mod lifecycle;
mod listener;
pub mod pb;
mod receiver;
mod reply;
mod rest;
mod service;
mod status;
pub mod telemetry;
#[cfg(test)]
mod transport_tests;

pub use config::{Config, ConfigError, Role, ServeArgs};
pub use octo_sts_webhook::SavedDelivery;

pub use doctor::{Examined, Finding, Verdict, examine};
pub use lifecycle::{Running, ServeError, StartError, replay, serve, start, start_with};
pub use rest::openapi::openapi;
