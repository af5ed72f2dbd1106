//! Names to addresses, under the guard's eyes.

use std::{fmt, future::Future, io, net::SocketAddr, pin::Pin};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::guard::{AddressGuard, Rule};

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

/// Resolves a name once, and hands on its addresses only if the guard passes every one.
pub(crate) struct GuardedResolver {
    pub(crate) guard: AddressGuard,
    pub(crate) rule: Rule,
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (guard, rule) = (self.guard.clone(), self.rule);
        Box::pin(async move {
            let addresses = guard.lookup.lookup(name.as_str()).await?;
            for address in &addresses {
                guard.check_address(rule, name.as_str(), address.ip())?;
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

impl fmt::Debug for GuardedResolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedResolver").field("guard", &self.guard).field("rule", &self.rule).finish()
    }
}
