//! The sandbox seen from outside, over HTTP.

mod app_jwt;
mod contents;
mod faults;
mod issuers;
mod limits;
mod mint;
mod moves;
mod support;
mod webhooks;
