//! Everything between a socket and an answer: TLS, HTTP, faults, the record of calls.

mod body;
mod front;
mod listener;
mod stream;
mod tls;

pub(crate) use body::ReplyBody;
pub(crate) use front::{Answered, Backend, Front, Latency, Request};
pub(crate) use listener::Listener;
pub(crate) use tls::Authority;
