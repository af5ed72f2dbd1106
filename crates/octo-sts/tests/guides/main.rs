//! The guides, followed as a newcomer follows them: in a shell, in front of `octo-sts demo --serve`.
#![expect(clippy::unwrap_used, reason = "a test ends where something is odd")]

mod action;
mod clients;
mod demo;
mod getting_started;
mod github_actions;
mod pages;
mod questions;
