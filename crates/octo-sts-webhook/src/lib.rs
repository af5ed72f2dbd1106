//! The webhook: GitHub tells what happened, and policies are judged before they are merged and live once they are.
//!
//! [`Webhook::accept`] takes a signed delivery, [`Webhook::respond`] a whole HTTP request, and answers at once; the work is done behind a bounded queue. What a delivery
//! asks for is one of two things:
//!
//! * **A check.** The policy files that a push or a pull request changes are read at its head commit and judged with the
//!   policy engine's own `parse`. The check run `Trust Policy Validation` says what is wrong, at which line, and what the
//!   change gives to whom. When GitHub limits or fails, the check is made later: an outage is never a verdict.
//! * **News.** A push to a default branch makes policies live at once ([`PolicyCaches`]) and is recorded (`dev.octo-sts.policy`);
//!   installations and repositories that change make memories wrong.
//!
//! A delivery is signed by GitHub, and still nothing of it goes into an address before it has passed the grammar that
//! everything else passes. The installation is looked up, not believed.

mod accepted;
mod access;
mod body;
mod bounds;
mod change;
mod discover;
mod effect;
mod engine;
mod finding;
mod job;
mod judge;
mod known;
mod landed;
mod markdown;
mod payload;
mod policy_path;
mod reach;
mod reader;
mod report;
mod respond;
mod saved;
mod secrets;
mod settings;
mod summary;
mod webhook;
mod worker;

pub use accepted::Accepted;
pub use saved::{NotADelivery, SavedDelivery};
pub use secrets::{InvalidSecrets, WebhookSecrets};
pub use settings::{PolicyCaches, Pools, WebhookParts, WebhookSettings};
pub use webhook::{MOST_BODY, Webhook};
pub use worker::WebhookWorker;
