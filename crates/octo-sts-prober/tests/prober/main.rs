//! A prober against the real service and a fake GitHub, and against services that lie.

// A whole service inside a test is a deep future.
#![recursion_limit = "256"]

mod endpoint;
mod honest;
mod liar;
mod lies;
mod lies_at_github;
mod round;
mod support;
