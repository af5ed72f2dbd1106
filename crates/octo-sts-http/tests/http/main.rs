//! What the client promises, against servers that keep to no rule.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must fail")]

mod guard;
mod http2;
mod limits;
mod proxy;
mod server;
mod tls;
