//! The sandbox seen from outside, over HTTP.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail the test that calls them")]

mod app_jwt;
mod contents;
mod faults;
mod issuers;
mod limits;
mod mint;
mod moves;
mod support;
mod webhooks;
