//! A prober against the real service and a fake GitHub, and against services that lie.

mod endpoint;
mod honest;
mod liar;
mod lies;
mod lies_at_github;
mod support;
