//! The probe that must get a token.

use octo_sts_client::Wanted;
use secrecy::SecretString;

use crate::{error::ProbeError, prober::Prober};

impl Prober {
    /// Exchanges the token for one of GitHub's and takes that through its life.
    pub(crate) async fn positive(&self, genuine: &SecretString) -> Result<(), ProbeError> {
        let identity = &self.settings.identity;
        let wanted = Wanted { scope: &self.scope, identity: identity.as_str() };
        let reply = self.sts.exchange(genuine, wanted).await.map_err(ProbeError::Exchange)?;
        self.github.live(&reply, identity).await
    }
}
