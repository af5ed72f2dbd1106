//! A minted token on its way to the caller.

use std::fmt;

use octo_sts_github::{GitHub, InstallationToken};

/// A token that is either handed to the caller or revoked: there is no third way out of this type.
///
/// The transport calls [`Delivery::delivered`] once the answer has left. A delivery that is dropped before, because the
/// caller hung up or the answer could not be written, revokes its token in the background.
pub struct Delivery {
    token: Option<InstallationToken>,
    github: GitHub,
}

impl Delivery {
    pub(crate) fn new(token: InstallationToken, github: GitHub) -> Self {
        Self { token: Some(token), github }
    }

    /// The token.
    #[expect(clippy::missing_panics_doc, clippy::expect_used, reason = "only `delivered` and `drop` take it, and both take `self`")]
    pub fn token(&self) -> &InstallationToken {
        self.token.as_ref().expect("taken only when the delivery ends")
    }

    /// The answer has left: the token is the caller's now.
    pub fn delivered(mut self) {
        self.token = None;
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let Some(token) = self.token.take() {
            metrics::counter!("octo_sts_undelivered_tokens_total").increment(1);
            tracing::info!(token_sha256 = token.sha256_hex(), "the caller was gone before the token reached him; it is revoked");
            self.github.revoke_in_background(token);
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").field("token", &self.token).finish_non_exhaustive()
    }
}
