//! This crate against a GitHub that misbehaves: a server on loopback that answers as each test says.
#![cfg(test)]

mod changes;
mod clock;
mod faults;
mod mint;
mod read;
mod support;
