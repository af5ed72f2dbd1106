//! A GitHub, issuers and an event sink of one's own, in the process that needs them.
//!
//! The fake GitHub answers as the real one does where this project can tell the difference: App JWTs are verified, installation
//! tokens reach only what they were minted for, files have `ETag`s, names redirect after a rename. A ledger keeps every token
//! there ever was. The fake issuers sign with every algorithm, and their keys rotate. Any call can be made to fail.
//!
//! Nothing here has to be installed, and nothing leaves the machine. Tests use it, and so does `octo-sts demo`.
//!
//! ```
//! use http::Method;
//! use octo_sts_sandbox::{ActionsJob, Fault, Sandbox, SandboxSettings, Selection};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start(SandboxSettings { tls: true, path_prefix: "/api/v3".into(), ..Default::default() }).await?;
//!
//! // An App on an organisation, and a policy in a repository of it.
//! let github = sandbox.github();
//! let app = github.create_app(4242, &[("contents", "write"), ("issues", "write")]);
//! github.put_file("acme/app", ".github/chainguard/ci.sts.yaml", "issuer: …\n");
//! let installation = app.install("acme", &Selection::All);
//! assert!(app.private_key_pem().starts_with("-----BEGIN RSA PRIVATE KEY-----"));
//!
//! // A token as a workflow would get it.
//! let issuer = sandbox.issuer("gha");
//! let token = issuer.token(&issuer.actions_claims(&ActionsJob::new("acme/app"), Some("octo-sts.test")));
//! assert_eq!(token.split('.').count(), 3);
//!
//! // The next read of a file fails, once.
//! github.fault(Fault::on(Method::GET, "contents").times(1).respond(500, &json!({"message": "Server Error"})));
//!
//! // What happened so far: nothing.
//! assert!(github.ledger().is_empty());
//! assert!(sandbox.calls().is_empty());
//! # let _ = installation;
//! # Ok(())
//! # }
//! ```

mod algorithm;
mod call;
mod clock;
mod der;
mod events;
mod fault;
mod github;
mod issuer;
mod jws;
mod keys;
mod lock;
mod reply;
mod sandbox;
mod settings;
mod transport;

pub use algorithm::Algorithm;
pub use call::{Call, Caller, Service};
pub use clock::FakeClock;
pub use events::{Event, EventSink};
pub use fault::Fault;
pub use github::{Change, CheckRun, FakeApp, FakeGitHub, Issue, LedgerEntry, OwnerKind, PermissionMap, Selection, Visibility};
pub use issuer::{ActionsCredentials, ActionsJob, FakeIssuer, IssuerAddress, KeyId, SignOptions, Signature};
pub use keys::InvalidKey;
pub use sandbox::{Sandbox, StartError};
pub use settings::{EmptyPermissions, SandboxSettings, TokenFormat};
