//! The field's words, parsed once.
//!
//! Text from outside becomes one of these types at the door, or is refused there; everything behind the door passes
//! types. Nothing here reads a network, a file or the environment, and nothing here is asynchronous.
//!
//! Two types carry trust in their name. [`Claims`] are the members of a token whose signature was verified: only
//! `octo-sts-oidc` makes them. A [`Grant`] is what a trust policy gives for such claims: only `octo-sts-policy` makes
//! one, and only a grant can be minted. `clippy.toml` keeps the constructors out of every other crate.

mod audience;
mod catalogue;
mod claims;
mod clock;
mod commit;
mod grant;
mod id;
mod identity;
mod issuer;
pub mod json;
mod owner;
mod permission;
mod printable;
mod repository;
mod scope;
mod subject;

pub use audience::{Audience, InvalidAudience};
pub use claims::{ClaimSet, Claims, ClaimsError, numeric_date};
pub use clock::{Clock, SystemClock};
pub use commit::{CommitId, InvalidCommitId};
pub use grant::{Grant, GrantedRepositories};
pub use id::{AccountId, AppId, InstallationId, RepositoryId};
pub use identity::{Identity, InvalidIdentity};
pub use issuer::{InvalidIssuer, Issuer};
pub use owner::{InvalidOwner, Owner};
pub use permission::{Category, InvalidPermission, Level, Permission, Permissions};
pub use printable::Printable;
pub use repository::{InvalidRepository, Repository, RepositoryName};
pub use scope::{InvalidScope, Scope};
pub use subject::{InvalidSubject, Subject};
