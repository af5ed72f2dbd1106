//! Whole exchanges against the sandbox, one file for each promise.
#![expect(clippy::unwrap_used, reason = "a test ends where something is odd")]

mod allowlist;
mod app_choice;
mod bounds;
mod callers;
mod freshness;
mod handover;
mod hostile;
mod many_apps;
mod names;
mod policy_keys;
mod round_trips;
mod scale;
mod sticky_store;
mod support;
