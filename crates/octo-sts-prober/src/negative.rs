//! The probes that must get a refusal, and which.

use octo_sts_client::Wanted as Asked;
use secrecy::SecretString;

use crate::{
    error::ProbeError,
    expect::Wanted,
    forge,
    prober::Prober,
    report::Outcome,
    settings::{FOREIGN_AUDIENCE, MismatchBy},
};

/// A policy that nobody has.
const NO_IDENTITY: &str = "octo-sts-prober-no-such-identity";
/// How the probe of expiry was done, when it was not with a token that has expired.
const MOVED: &str = "with its times moved: no expired token is at hand";
/// Why mismatch is not probed.
const NO_MISMATCH: &str =
    "the source of the OIDC token cannot choose its audience: name a policy that does not admit the token in PROBER_MISMATCH_IDENTITY";

impl Prober {
    pub(crate) async fn wrong_identity(&self, genuine: &SecretString) -> Result<(), ProbeError> {
        self.refuses(genuine, NO_IDENTITY, Wanted::NOT_FOUND).await
    }

    pub(crate) async fn wrong_issuer(&self, genuine: &SecretString) -> Result<(), ProbeError> {
        self.refuses_made(forge::of_no_issuer(genuine), Wanted::INVALID_ARGUMENT).await
    }

    pub(crate) async fn unsigned(&self, genuine: &SecretString) -> Result<(), ProbeError> {
        self.refuses_made(forge::unsigned(genuine), Wanted::UNAUTHENTICATED).await
    }

    /// Asks for a policy that is not about the token, or with a token that the policy is not about.
    pub(crate) async fn mismatch(&self, genuine: &SecretString) -> Outcome {
        let result = match &self.settings.mismatch {
            None => return Outcome::NotRun(NO_MISMATCH),
            Some(MismatchBy::Identity(other)) => self.refuses(genuine, other.as_str(), Wanted::PERMISSION_DENIED).await,
            Some(MismatchBy::Audience) => self.refuses_made(self.token(FOREIGN_AUDIENCE).await, Wanted::PERMISSION_DENIED).await,
        };
        Outcome::of(result, None)
    }

    /// Probes with a token that has expired where there is one, else with one whose times were moved.
    pub(crate) async fn expired(&self, genuine: &SecretString) -> Outcome {
        let now = self.clock.now().as_second();
        let remembered = self.memory.expired(genuine, now);
        let (token, note) = match self.expired_from_file(now) {
            Ok(given) => match given.or(remembered) {
                Some(token) => (Ok(token), None),
                None => (forge::of_yesterday(genuine, now), Some(MOVED)),
            },
            Err(error) => (Err(error), None),
        };
        Outcome::of(self.refuses_made(token, Wanted::UNAUTHENTICATED).await, note)
    }

    /// The same for a token that had to be made first.
    async fn refuses_made(&self, token: Result<SecretString, ProbeError>, wanted: Wanted) -> Result<(), ProbeError> {
        self.refuses(&token?, self.settings.identity.as_str(), wanted).await
    }

    /// Asks, and accepts one refusal alone. A token that comes all the same is revoked.
    async fn refuses(&self, token: &SecretString, identity: &str, wanted: Wanted) -> Result<(), ProbeError> {
        match self.sts.exchange(token, Asked { scope: &self.scope, identity }).await {
            Ok(reply) => Err(ProbeError::Granted { wanted, end: self.github.discard(&reply.token).await }),
            Err(error) => wanted.check(error),
        }
    }
}
