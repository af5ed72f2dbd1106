//! The record of each exchange: who got what, when, and why not.
//!
//! One [`ExchangeEvent`] per exchange, granted or refused, goes to every sink that is configured: a file of JSON lines
//! whose hash chain shows deletion and change, a CloudEvents receiver, standard output, log records of OpenTelemetry. Every queue has a bound, and what
//! does not fit is counted in `octo_sts_audit_dropped_total`. A caller waits for the file at most 100 ms, and for
//! nothing else: [`Audit::record`] returns once the line is in the page cache, so that a token that somebody holds has its
//! record even when the process is killed next.
//!
//! The other half of the crate reads: [`verify_chain`], [`Query`] and [`Entry`] are pure functions over lines.

mod audit;
mod batch;
mod chain;
mod cloud_event;
mod event;
mod file;
mod ingress;
mod journal;
mod mints;
mod open;
mod policy_event;
mod post;
mod read;
mod reader_event;
mod receiver;
mod record;
mod schema;
mod settings;
mod source;
mod stdout;
mod task;
mod writer;

pub use audit::{Audit, EXPORTED};
pub use chain::{ChainFault, ChainReport, Fault, GENESIS, verify_chain};
pub use event::{Actor, AllowlistVerdict, Consent, ExchangeEvent, NamedClaim, Outcome, RepositorySelection};
pub use mints::MintNote;
pub use policy_event::{PolicyAction, PolicyEvent};
pub use read::{Entry, Query, read_lines};
pub use reader_event::ReaderEvent;
pub use schema::schema;
pub use settings::{AuditError, AuditSettings};
pub use task::AuditTask;
