//! The binary, run as a person or a script runs it.
#![expect(clippy::unwrap_used, reason = "a test ends where something is odd")]

mod audit;
mod client;
mod clone;
mod doctor;
mod git;
mod killed;
mod policy;
mod probe;
mod secrets;
mod series;
mod setup;
mod signals;
mod sources;
mod support;
mod telemetry;
mod whole;
