//! The exchange: an OIDC token in, a GitHub installation token out.
//!
//! Everything the service exists for meets here, in one order: the token is verified (`octo-sts-oidc`), the installation
//! is found and the policy read (`octo-sts-github`), the claims are matched (`octo-sts-policy`), the token is minted, the
//! exchange is recorded (`octo-sts-audit`). [`Exchanger::exchange`] is that order; the other files are its steps and what
//! they remember. Transports, status codes and texts for callers are the server's business.

mod allowlist;
mod apps;
mod asked;
mod background;
mod budget;
mod central;
mod changes;
mod consent;
mod delivery;
mod ending;
mod error;
mod exchange;
mod guardrails;
mod health;
mod installations;
mod judging;
mod limits;
mod minting;
mod policies;
mod policy_keys;
mod readers;
mod reason;
mod recent;
mod record;
mod refusal;
mod request;
mod routes;
mod routing;
mod settings;
mod single_use;
mod stage;
mod trace;
mod unknown_names;

pub use apps::{AppPools, Pool};
pub use delivery::Delivery;
pub use ending::NotEnded;
pub use error::{During, ExchangeError, TooMany};
pub use exchange::{DEADLINE, Exchanger};
pub use health::AppFault;
pub use limits::{CallerLimits, Rate};
pub use refusal::{Refusal, TokenFacts};
pub use request::{Authorization, Request, Transport};
pub use routing::QuotaFloors;
pub use settings::{OrgGuardrails, Parts, Replay, Settings};
pub use stage::Stage;
