//! The exchange, as the transports see it.

use std::{fmt, net::IpAddr, sync::Arc};

use async_trait::async_trait;
use jiff::Timestamp;
use octo_sts_exchange::{Delivery, Exchanger, NotEnded, Refusal, Request};
use octo_sts_github::Ended;
use octo_sts_types::Permissions;
use secrecy::SecretString;

/// What answers requests for an exchange: the exchanger, or a stand-in in tests of the transports.
#[async_trait]
pub(crate) trait Exchange: Send + Sync + 'static {
    /// Exchanges a token. Dropping the future means that the caller has gone.
    async fn exchange(&self, request: Request) -> Result<Issued, Refusal>;

    /// Ends a token that somebody at this address handed in.
    async fn end(&self, token: &SecretString, from: IpAddr) -> Result<Ended, NotEnded>;

    /// What keeps exchanges from working, if anything is known to.
    fn trouble(&self) -> Option<String>;
}

/// A token for the caller, and what it is good for.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) token: SecretString,
    pub(crate) expires_at: Timestamp,
    pub(crate) permissions: Permissions,
    /// Full names; empty when the token reaches whatever the installation sees.
    pub(crate) repositories: Vec<String>,
    pub(crate) every_repository: bool,
    pub(crate) receipt: Receipt,
}

/// Proof owed for a token: it was [delivered](Receipt::delivered), or it is revoked when this is dropped.
pub(crate) struct Receipt(Option<Box<dyn Deliverable>>);

/// What ends when a token is delivered.
pub(crate) trait Deliverable: Send + Sync {
    fn delivered(self: Box<Self>);
}

impl Deliverable for Delivery {
    fn delivered(self: Box<Self>) {
        Delivery::delivered(*self);
    }
}

impl Receipt {
    pub(crate) fn new(owed: impl Deliverable + 'static) -> Self {
        Self(Some(Box::new(owed)))
    }

    /// The answer with the token has left this process.
    pub(crate) fn delivered(mut self) {
        if let Some(owed) = self.0.take() {
            owed.delivered();
        }
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receipt")
    }
}

#[async_trait]
impl Exchange for Arc<Exchanger> {
    async fn exchange(&self, request: Request) -> Result<Issued, Refusal> {
        let delivery = Exchanger::exchange(self, request).await?;
        let token = delivery.token();
        Ok(Issued {
            token: SecretString::from(token.expose()),
            expires_at: token.expires_at(),
            permissions: token.permissions().clone(),
            repositories: token.repositories().iter().map(|repository| repository.full_name.clone()).collect(),
            every_repository: token.reaches_every_repository(),
            receipt: Receipt::new(delivery),
        })
    }

    async fn end(&self, token: &SecretString, from: IpAddr) -> Result<Ended, NotEnded> {
        self.end_token(token, from).await
    }

    fn trouble(&self) -> Option<String> {
        self.key_trouble()
    }
}

#[cfg(test)]
pub(crate) use fake::Fate;

#[cfg(test)]
mod fake {
    use std::sync::{Arc, OnceLock};

    use super::{Deliverable, Receipt};

    /// What became of a token: delivered, or not.
    pub(crate) type Fate = Arc<OnceLock<bool>>;

    struct Told(Fate);

    impl Deliverable for Told {
        fn delivered(self: Box<Self>) {
            _ = self.0.set(true);
        }
    }

    impl Drop for Told {
        fn drop(&mut self) {
            _ = self.0.set(false);
        }
    }

    impl Receipt {
        /// A receipt, and where its fate is told.
        pub(crate) fn fake() -> (Self, Arc<FateView>) {
            let fate = Fate::default();
            (Self::new(Told(Arc::clone(&fate))), Arc::new(FateView(fate)))
        }

        /// A receipt that tells its fate here.
        pub(crate) fn telling(fate: &Fate) -> Self {
            Self::new(Told(Arc::clone(fate)))
        }
    }

    /// Reads a fate.
    pub(crate) struct FateView(Fate);

    impl FateView {
        pub(crate) fn get(&self) -> Option<bool> {
            self.0.get().copied()
        }
    }
}
