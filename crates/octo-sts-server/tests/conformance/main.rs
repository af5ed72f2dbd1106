//! Every situation in which the reference implementation was observed, played again before the whole service: a fake GitHub,
//! fake issuers, and callers over HTTP and gRPC. Each row names its situation; where we differ on purpose, the row has our
//! answer, and `DIFFERENCES.md` the reason.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod architecture;
mod attacks;
mod documents;
mod faults;
mod forms;
mod grants;
mod grpc;
mod links;
mod paths;
mod refused_policies;
mod refused_tokens;
mod scopes;
mod signals;
mod support;
mod suspected;
#[path = "../wire/mod.rs"]
mod wire;
