//! One port: HTTP/1.1, HTTP/2 and gRPC, with or without TLS.
//!
//! A connection says by its first bytes what it speaks. What it may cost is bounded from the first of them: connections,
//! streams, blocks of headers, and the time that each phase may take.

mod accept;
mod activity;
mod connection;
mod head;
mod phase;
mod sniff;
pub(crate) mod tls;
mod watched;

pub(crate) use accept::{Connections, Port};
pub(crate) use activity::Activity;
pub(crate) use phase::Phase;
