//! Tokens that count once.
//!
//! A token is claimed before the mint, by its issuer and `jti`, or by its text where it has no `jti`; the claim is kept
//! until the token has expired, and given back when the mint comes to nothing. Who cannot ask the store refuses.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use octo_sts_store::{Claim, Key, Ticket, UsedTokens};
use octo_sts_types::{Claims, Clock};

use crate::error::ExchangeError;

/// How long a claim is kept beyond the token's own end: the leeway of the verifier and what clocks differ by.
const MARGIN: Duration = Duration::from_secs(305);

pub(crate) struct SingleUse {
    store: Arc<dyn UsedTokens>,
    clock: Arc<dyn Clock>,
    /// Whether every token counts once, whatever guardrails say.
    always: bool,
}

impl SingleUse {
    pub(crate) fn new(store: Arc<dyn UsedTokens>, clock: Arc<dyn Clock>, always: bool) -> Self {
        Self { store, clock, always }
    }

    /// Whether every token counts once.
    pub(crate) fn is_always(&self) -> bool {
        self.always
    }

    /// Claims the token for this exchange. A `jti` counts where the issuer itself signed it: the author of a policy with keys
    /// could name those of others.
    pub(crate) async fn claim(&self, claims: &Claims, signing_input: &str, by_policy: bool) -> Result<Ticket, ExchangeError> {
        let key = match claims.member("jti").and_then(serde_json::Value::as_str) {
            Some(id) if !id.is_empty() && !by_policy => Key::of("jti", &[claims.issuer().as_str().as_bytes(), id.as_bytes()]),
            _ => Key::of("token", &[digest(&SHA256, signing_input.as_bytes()).as_ref()]),
        };
        let ends = claims.time("exp").ok().flatten().map_or(0, jiff::Timestamp::as_second);
        let left = u64::try_from(ends - self.clock.now().as_second()).unwrap_or(0);
        match self.store.claim(&key, Duration::from_secs(left) + MARGIN).await {
            Ok(Claim::First(ticket)) => Ok(ticket),
            Ok(Claim::Used) => Err(ExchangeError::UsedBefore),
            Err(source) => Err(ExchangeError::UsesUnknown(source)),
        }
    }

    /// Gives a claim back: no token came of it.
    pub(crate) async fn release(&self, ticket: Ticket) {
        if let Err(error) = self.store.release(ticket).await {
            tracing::warn!(%error, "a claim on a token could not be given back; it counts as used until it expires");
        }
    }
}
