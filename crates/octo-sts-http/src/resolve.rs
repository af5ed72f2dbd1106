//! Names to addresses, under the guard's eyes.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

use crate::{
    error::Cause,
    guard::{AddressGuard, Rule},
};

/// Looks a name up. Port 0 stands for the port of the URL.
pub trait Lookup: Send + Sync + 'static {
    /// Every address of `host`.
    fn lookup(&self, host: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;
}

/// The system's own resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>> {
        let host = host.to_owned();
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.collect()) })
    }
}

/// Resolves a name once, and hands on its addresses only if the guard, where there is one, passes every one.
#[derive(Clone)]
pub(crate) struct Resolver {
    guard: Option<AddressGuard>,
    rule: Rule,
}

impl Resolver {
    pub(crate) fn new(guard: Option<AddressGuard>, rule: Rule) -> Self {
        Self { guard, rule }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Cause;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Cause>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Cause>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let Self { guard, rule } = self.clone();
        Box::pin(async move {
            let Some(guard) = guard else { return Ok(SystemLookup.lookup(name.as_str()).await?.into_iter()) };
            let addresses = guard.lookup.lookup(name.as_str()).await?;
            for address in &addresses {
                guard.check_address(rule, name.as_str(), address.ip())?;
            }
            Ok(addresses.into_iter())
        })
    }
}
