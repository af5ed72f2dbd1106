//! The proxy of a command's environment: a tunnel (`CONNECT`, RFC 9110 §9.3.6), through which TLS goes unread.

use std::{fmt, sync::Arc};

use http::Uri;
use hyper_util::client::{legacy::connect::proxy::Tunnel, proxy::matcher::Matcher};
use url::Url;

/// A proxy for `https` addresses. `http` ones are reached without it, so that no credential is shown to a proxy.
#[derive(Clone)]
pub struct Proxy(Arc<Matcher>);

/// Why an address is not that of a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a proxy is written `http://HOST:PORT`, with `USER:PASSWORD@` before the host where it asks for one")]
pub struct InvalidProxy;

impl Proxy {
    /// `address` as in `HTTPS_PROXY`, `http://` being understood; `except` as in `NO_PROXY`: names, addresses and networks
    /// with commas between, `*` for everything.
    pub fn new(address: &str, except: &str) -> Result<Self, InvalidProxy> {
        let address = if address.contains("://") { address.to_owned() } else { format!("http://{address}") };
        let url = Url::parse(&address).map_err(|_| InvalidProxy)?;
        if url.scheme() != "http" || url.host().is_none() {
            return Err(InvalidProxy);
        }
        Ok(Self(Arc::new(Matcher::builder().https(address).no(except).build())))
    }

    /// The way to `to`, unless it is one of the exceptions, dialled with `connector`.
    pub(crate) fn tunnel<C: Clone>(&self, to: &Uri, connector: &C) -> Option<Tunnel<C>> {
        let intercept = self.0.intercept(to)?;
        let tunnel = Tunnel::new(intercept.uri().clone(), connector.clone());
        Some(match intercept.basic_auth() {
            Some(credentials) => tunnel.with_auth(credentials.clone()),
            None => tunnel,
        })
    }
}

impl fmt::Debug for Proxy {
    /// Without the address: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_speaks_http_and_has_exceptions() {
        for wrong in ["", "socks5://proxy:1080", "https://proxy:443", "http://", "http://a b"] {
            assert!(Proxy::new(wrong, "").is_err(), "Input: {wrong}");
        }
        let proxy = Proxy::new("proxy.example:3128", "internal.example,10.0.0.0/8,.corp").unwrap();
        let goes_through = |to: &'static str| proxy.tunnel(&Uri::from_static(to), &()).is_some();
        assert!(goes_through("https://sts.example/") && goes_through("https://192.0.2.1/"));
        for direct in ["https://internal.example/", "https://a.internal.example/", "https://10.1.2.3/", "https://x.corp/", "http://sts.example/"] {
            assert!(!goes_through(direct), "Input: {direct}");
        }
        assert!(!format!("{:?}", Proxy::new("http://me:secret@proxy:1", "").unwrap()).contains("secret"));
    }
}
