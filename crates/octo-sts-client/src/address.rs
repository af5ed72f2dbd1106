//! Where a token may be sent.

use std::fmt;

use url::{Host, Url};

/// A base address that a token may be sent to: `https`, or `http` on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAddress(Url);

/// Why a text is no such address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAddress {
    /// Not a URL.
    #[error("`{0}` is not a URL: write it like `https://octo-sts.example`")]
    NotAUrl(String),
    /// Over plain http a token would be readable on the way.
    #[error("`{0}` is not https: a token is sent over plain http only to this machine itself")]
    Insecure(String),
    /// A user, query or fragment.
    #[error("`{0}` holds a user, a query or a fragment, which a base address has not")]
    Extra(String),
    /// A URL where a name is due. It may hold a password, and is not repeated.
    #[error("a domain is a name alone, like `octo-sts.example`, and no URL")]
    NotADomain,
}

impl ServiceAddress {
    /// Reads a base URL; a path in it is kept, a slash at its end is not.
    pub fn parse(text: &str) -> Result<Self, InvalidAddress> {
        let url = Url::parse(text).map_err(|_| InvalidAddress::NotAUrl(text.to_owned()))?;
        let local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => return Err(InvalidAddress::NotAUrl(text.to_owned())),
        };
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidAddress::Extra(without_user(&url)));
        }
        if url.scheme() == "https" || (url.scheme() == "http" && local) { Ok(Self(url)) } else { Err(InvalidAddress::Insecure(text.to_owned())) }
    }

    /// The service at `https://DOMAIN`.
    pub fn of_domain(domain: &str) -> Result<Self, InvalidAddress> {
        match Self::parse(&format!("https://{domain}")) {
            _ if domain.contains("//") => Err(InvalidAddress::NotADomain),
            read => read,
        }
    }

    /// The host, without port: the audience that a service accepts by default.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// The port, where it is not the scheme's own.
    pub fn port(&self) -> Option<u16> {
        self.0.port()
    }

    /// Whether what is sent there is encrypted; if not, it stays on this machine.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// An address below this one.
    pub(crate) fn join(&self, path: &str) -> Url {
        let mut url = self.0.clone();
        url.set_path(&format!("{}/{path}", self.0.path().trim_end_matches('/')));
        url
    }
}

impl fmt::Display for ServiceAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

/// What may be shown of a URL that holds too much.
fn without_user(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_sent_in_the_clear_only_to_this_machine() {
        for fine in ["https://a.example", "http://localhost:8080", "http://127.0.0.1:1", "http://[::1]:1", "https://h/api/v3", "http://sts.localhost"]
        {
            assert!(ServiceAddress::parse(fine).is_ok(), "Input: {fine}");
        }
        for odd in
            ["http://a.example", "http://localhost.evil.example", "http://10.0.0.1", "a.example", "ftp://a", "https://u:secret@a", "https://a?x=1"]
        {
            let error = ServiceAddress::parse(odd).unwrap_err();
            assert!(!error.to_string().contains("secret"), "Input: {odd}");
        }
    }

    #[test]
    fn a_path_is_kept() {
        let address = ServiceAddress::parse("https://ghes.example/api/v3/").unwrap();
        assert_eq!(address.join("installation/token").as_str(), "https://ghes.example/api/v3/installation/token");
        assert_eq!(ServiceAddress::of_domain("octo-sts.dev").unwrap().join("sts/exchange").as_str(), "https://octo-sts.dev/sts/exchange");
        assert!(ServiceAddress::of_domain("a.example/x?y").is_err());
    }

    #[test]
    fn a_url_is_no_domain() {
        for odd in ["https://a.example", "http://localhost:8080", "//a.example", "https://u:secret@a"] {
            assert_eq!(ServiceAddress::of_domain(odd), Err(InvalidAddress::NotADomain), "Input: {odd}");
        }
    }
}
