//! The address guard: what strangers name is dialled only on the public internet (server-side request forgery).

use std::{collections::HashSet, fmt, net::IpAddr, sync::Arc};

use url::{Host, Url};

use crate::{
    address::{Reach, reach},
    network::Network,
    resolve::{Lookup, SystemLookup},
};

/// Lets a client dial only global unicast addresses.
///
/// Literal addresses are judged before the request; names are resolved once, every address is judged, and the connection
/// uses those very addresses. One bad address among several refuses the name. Names of internal networks are refused
/// without asking the resolver.
#[derive(Clone)]
pub struct AddressGuard {
    exceptions: HashSet<(String, u16)>,
    networks: Vec<Network>,
    loopback: bool,
    pub(crate) lookup: Arc<dyn Lookup>,
}

/// Where the guard does not let a request go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// The name belongs to an internal network: `localhost`, `*.internal`, `*.local`, or no dot in it.
    #[error("`{0}` is a name of an internal network")]
    Name(String),
    /// The host is, or resolves to, an address that is not on the public internet.
    #[error("`{host}` is at {address}, which is not on the public internet")]
    Address {
        /// The host as the URL has it.
        host: String,
        /// The address in question.
        address: IpAddr,
    },
    /// The URL names no host.
    #[error("the URL names no host")]
    NoHost,
}

/// Which rules a request is under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Public addresses, and loopback under its own names when the guard allows it.
    Public,
    /// An exception: private and loopback addresses, too.
    Exempt,
}

impl AddressGuard {
    /// A guard without exceptions.
    pub fn new() -> Self {
        Self { exceptions: HashSet::new(), networks: Vec::new(), loopback: false, lookup: Arc::new(SystemLookup) }
    }

    /// Lets exactly this host on exactly this port be on a private network or on this machine. Link-local addresses, where
    /// the clouds keep their metadata services, stay refused.
    pub fn allow(mut self, host: &str, port: u16) -> Self {
        self.exceptions.insert((host.to_ascii_lowercase(), port));
        self
    }

    /// Lets every address of these networks be dialled, whatever name leads there and whatever the network is for. It is for
    /// a client that serves a single party, whose addresses the operator has written down.
    pub fn allow_networks(mut self, networks: impl IntoIterator<Item = Network>) -> Self {
        self.networks.extend(networks);
        self
    }

    /// Lets `localhost` and literal loopback addresses be dialled, on any port.
    pub fn allow_loopback(mut self) -> Self {
        self.loopback = true;
        self
    }

    /// Resolves names with `lookup` instead of the system's resolver.
    pub fn with_lookup(mut self, lookup: Arc<dyn Lookup>) -> Self {
        self.lookup = lookup;
        self
    }

    pub(crate) fn has_exceptions(&self) -> bool {
        !self.exceptions.is_empty()
    }

    /// What can be said before the name is resolved.
    pub(crate) fn check_url(&self, url: &Url) -> Result<Rule, Blocked> {
        let host = url.host().ok_or(Blocked::NoHost)?;
        let rule = self.rule(url);
        match host {
            Host::Ipv4(address) => self.check_address(rule, url.host_str().unwrap_or_default(), address.into())?,
            Host::Ipv6(address) => self.check_address(rule, url.host_str().unwrap_or_default(), address.into())?,
            // Where networks are listed, the addresses of a name decide, and not what the name looks like.
            Host::Domain(name) if rule == Rule::Public && self.networks.is_empty() && !(self.loopback && name == "localhost") => check_name(name)?,
            Host::Domain(_) => {}
        }
        Ok(rule)
    }

    fn rule(&self, url: &Url) -> Rule {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return Rule::Public };
        let listed = self.has_exceptions() && self.exceptions.contains(&(host.to_owned(), port));
        if listed { Rule::Exempt } else { Rule::Public }
    }

    /// Judges a literal address, or one that `host` resolves to.
    pub(crate) fn check_address(&self, rule: Rule, host: &str, address: IpAddr) -> Result<(), Blocked> {
        let allowed = match reach(address) {
            Reach::Public => true,
            Reach::Loopback => rule == Rule::Exempt || (self.loopback && is_own_name(host)),
            Reach::Private => rule == Rule::Exempt,
            Reach::Special => false,
        };
        if allowed || self.networks.iter().any(|network| network.contains(address)) {
            Ok(())
        } else {
            Err(Blocked::Address { host: host.to_owned(), address })
        }
    }
}

/// `localhost`, or a literal address; any other name that leads to this machine is somebody's trick.
fn is_own_name(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
}

fn check_name(name: &str) -> Result<(), Blocked> {
    let bare = name.strip_suffix('.').unwrap_or(name);
    let inner = ["localhost", "internal", "local", "localdomain"];
    let last = bare.rsplit('.').next().unwrap_or(bare);
    if last == bare || inner.contains(&last) { Err(Blocked::Name(name.to_owned())) } else { Ok(()) }
}

impl Default for AddressGuard {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AddressGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AddressGuard")
            .field("exceptions", &self.exceptions)
            .field("networks", &self.networks)
            .field("loopback", &self.loopback)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(guard: &AddressGuard, url: &str) -> Result<Rule, Blocked> {
        guard.check_url(&Url::parse(url).unwrap())
    }

    /// T-030: no lookup is needed to refuse any of these.
    #[test]
    fn internal_hosts_are_refused_before_any_lookup() {
        let guard = AddressGuard::new();
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://2852039166/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:a9fe:a9fe]/",
            "https://[fe80::1]/",
            "https://[fd00::1]/",
            "https://[64:ff9b::7f00:1]/",
            "https://[2002:7f00:1::]/",
            "https://0.0.0.0/",
            "https://10.1.2.3/",
            "https://172.20.0.1:8443/",
            "https://192.168.0.1/",
            "https://100.100.100.200/",
            "https://192.0.0.192/",
            "https://198.18.0.1/",
            "https://203.0.113.7/",
            "https://255.255.255.255/",
            "https://localhost/",
            "https://LOCALHOST/",
            "https://localhost./",
            "https://a.localhost/",
            "https://metadata.google.internal/",
            "https://metadata.google.internal./",
            "https://vault.corp.internal/",
            "https://printer.local/",
            "https://a.localdomain/",
            "https://metadata/",
            "https://kubernetes/",
            "http://localhost:6379/",
            "http://127.0.0.1:2375/",
            "https://user@127.0.0.1/",
            "https://a.com@10.0.0.1/",
            "https://%31%30.0.0.1/",
            "https://１０.0.0.1/",
        ] {
            assert!(check(&guard, url).is_err(), "Input: {url}");
        }
    }

    #[test]
    fn public_hosts_pass_on_to_the_lookup() {
        for url in ["https://token.actions.githubusercontent.com/", "https://8.8.8.8/", "https://[2606:4700::1111]/", "https://internal.example/"] {
            assert_eq!(check(&AddressGuard::new(), url), Ok(Rule::Public), "Input: {url}");
        }
        assert_eq!(check(&AddressGuard::new(), "data:text/plain,x"), Err(Blocked::NoHost));
    }

    #[test]
    fn an_exception_is_one_host_on_one_port() {
        let guard = AddressGuard::new().allow("Vault.corp.internal", 443).allow("10.0.0.1", 8443);
        assert_eq!(check(&guard, "https://vault.corp.internal/x"), Ok(Rule::Exempt));
        assert_eq!(check(&guard, "https://10.0.0.1:8443/"), Ok(Rule::Exempt));
        for url in ["https://vault.corp.internal:8443/", "https://10.0.0.1/", "https://a.vault.corp.internal/", "http://vault.corp.internal/"] {
            assert!(check(&guard, url).is_err(), "Input: {url}");
        }
    }

    /// T-030
    #[test]
    fn an_exception_does_not_open_link_local_addresses() {
        let guard = AddressGuard::new().allow("169.254.169.254", 80);
        assert!(check(&guard, "http://169.254.169.254/").is_err());
        assert!(guard.check_address(Rule::Exempt, "vault", "fe80::1".parse().unwrap()).is_err());
        assert!(guard.check_address(Rule::Exempt, "vault", "10.0.0.1".parse().unwrap()).is_ok());
    }

    /// T-030
    #[test]
    fn a_listed_network_opens_its_own_addresses_and_no_others() {
        let networks = ["10.1.0.0/16", "169.254.169.254"].map(|text| Network::parse(text).unwrap());
        let guard = AddressGuard::new().allow_networks(networks);
        for url in ["https://10.1.2.3:6443/", "http://169.254.169.254/", "https://kubernetes/", "https://8.8.8.8/"] {
            assert_eq!(check(&guard, url), Ok(Rule::Public), "Input: {url}");
        }
        for url in ["https://10.2.0.1/", "https://127.0.0.1/", "https://[::1]/", "http://169.254.169.253/", "https://192.168.0.1/"] {
            assert!(check(&guard, url).is_err(), "Input: {url}");
        }
        let resolved = |address: &str| guard.check_address(Rule::Public, "kubernetes", address.parse().unwrap());
        assert!(resolved("10.1.0.1").is_ok());
        assert!(resolved("10.2.0.1").is_err() && resolved("127.0.0.1").is_err());
    }

    #[test]
    fn loopback_is_allowed_under_its_own_names_only() {
        let guard = AddressGuard::new().allow_loopback();
        for url in ["http://localhost:1/", "http://127.0.0.1:1/", "https://[::1]:1/"] {
            assert!(check(&guard, url).is_ok(), "Input: {url}");
        }
        assert!(check(&guard, "http://10.0.0.1/").is_err());
        assert!(check(&guard, "http://a.localhost/").is_err());
        let loopback = "127.0.0.1".parse().unwrap();
        assert!(guard.check_address(Rule::Public, "rebound.example", loopback).is_err());
        assert!(guard.check_address(Rule::Public, "localhost", loopback).is_ok());
    }
}
