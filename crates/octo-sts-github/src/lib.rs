//! GitHub, as much of it as an exchange needs.
//!
//! [`GitHub`] finds the installation of an [`App`], mints and revokes [`InstallationToken`]s, and reads files. Every answer
//! is classified in one place (`classify.rs`), so that a permission error is never taken for a limit nor a limit for a
//! refusal; every call has a deadline and is repeated only where that is safe; no redirect is followed.
//!
//! What may be minted comes from a [`octo_sts_types::Grant`] alone. The reply is checked to be as narrow as the request
//! before anybody sees the token, and a token that nobody takes is revoked.
//!
//! Limits are respected by themselves: after "wait" no call of that kind is made until the time is over, and what is left
//! of an installation's quota is kept from every answer ([`GitHub::quota`]).

mod app;
mod background;
mod call;
mod call_span;
mod changed_file;
mod check_run;
mod classify;
mod comparison;
mod content;
mod content_at;
mod content_reply;
mod endpoint;
mod error;
mod generations;
mod github;
mod headers;
mod hook;
mod installation;
mod mint;
mod mint_reply;
mod order;
mod pages;
mod pulls;
mod quota;
mod reply;
mod revoke;
mod send;
#[cfg(test)]
#[path = "../tests/github/clock.rs"]
mod test_clock;
mod token;
mod trace;

pub use app::App;
pub use background::ToItsEnd;
pub use changed_file::{ChangedFile, ChangedFiles, FileStatus};
pub use check_run::{Annotation, AnnotationLevel, CheckRun, CheckRunId, Conclusion};
pub use comparison::Comparison;
pub use content::{DirectoryRead, ETag, Entry, EntryKind, FileRead, OddContent};
pub use endpoint::InvalidBaseUrl;
pub use error::{GitHubError, Limit, Outage};
pub use github::{GitHub, GitHubSettings, client_settings};
pub use hook::{Delivery, Hook};
pub use installation::{AppFacts, Installation, Selection};
pub use order::Targets;
pub use pulls::PullRequest;
pub use quota::QuotaReading;
pub use revoke::Ended;
pub use token::{InstallationToken, MintedRepository};
pub use trace::Trace;
