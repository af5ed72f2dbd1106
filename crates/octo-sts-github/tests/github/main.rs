//! This crate against a GitHub that misbehaves: a server on loopback that answers as each test says.

mod clock;
mod mint;
mod read;
mod support;
