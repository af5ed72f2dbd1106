//! Whole exchanges against the sandbox, one file for each promise.

mod allowlist;
mod bounds;
mod callers;
mod freshness;
mod handover;
mod many_apps;
mod names;
mod round_trips;
mod sticky_store;
mod support;
