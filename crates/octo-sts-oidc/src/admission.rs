//! Which issuers are asked for their keys at all.

use std::{fmt, net::Ipv4Addr};

use octo_sts_types::{InvalidIssuer, Issuer};

/// The issuers that the operator admits: exact ones, and patterns in which `*` stands for one segment of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerFilter(Vec<String>);

/// Why a text is not a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIssuerFilter {
    /// There is no entry in it.
    #[error("no issuer is listed")]
    Empty,
    /// An entry is neither an issuer nor a pattern.
    #[error("`{entry}` is neither an issuer nor an issuer with `*` for whole segments of its path")]
    Entry {
        /// The entry.
        entry: String,
        /// What is wrong with it, read with each `*` as an ordinary segment.
        #[source]
        source: InvalidIssuer,
    },
}

impl IssuerFilter {
    /// Reads entries with commas between them; white space around one does not count.
    pub fn parse(text: &str) -> Result<Self, InvalidIssuerFilter> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(check_entry).collect::<Result<Vec<_>, _>>()?;
        if entries.is_empty() { Err(InvalidIssuerFilter::Empty) } else { Ok(Self(entries)) }
    }

    /// Whether the issuer is one of them.
    pub fn admits(&self, issuer: &Issuer) -> bool {
        self.0.iter().any(|entry| entry_admits(entry, issuer.as_str()))
    }

    /// The entries without a `*`.
    pub fn exact(&self) -> impl Iterator<Item = Issuer> {
        self.0.iter().filter_map(|entry| Issuer::parse(entry).ok())
    }
}

fn check_entry(entry: &str) -> Result<String, InvalidIssuerFilter> {
    let plain: Vec<_> = entry.split('/').enumerate().map(|(place, segment)| if place > 2 && segment == "*" { "x" } else { segment }).collect();
    match Issuer::parse(&plain.join("/")) {
        Ok(_) => Ok(entry.to_owned()),
        Err(source) => Err(InvalidIssuerFilter::Entry { entry: entry.to_owned(), source }),
    }
}

/// `*` stands for one segment that is not empty; scheme and host are among the segments and never `*`.
fn entry_admits(entry: &str, issuer: &str) -> bool {
    let (mut entry, mut issuer) = (entry.split('/'), issuer.split('/'));
    loop {
        match (entry.next(), issuer.next()) {
            (None, None) => return true,
            (Some(pattern), Some(segment)) if pattern == segment || (pattern == "*" && !segment.is_empty()) => {}
            _ => return false,
        }
    }
}

/// An issuer that is not asked for its keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{issuer}` is refused: {because}")]
pub struct IssuerRefused {
    /// The issuer.
    pub issuer: Issuer,
    /// Why.
    pub because: RefusedBecause,
}

/// Why an issuer is not asked for its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedBecause {
    /// The operator lists the issuers that are admitted, and it is not among them.
    NotListed,
    /// It is this machine.
    Loopback,
    /// Its host is an address.
    Address,
    /// Its host is a name of an internal network, or has no dot.
    InternalName,
    /// It names a port.
    Port,
}

impl fmt::Display for RefusedBecause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotListed => "it is not among the issuers that this service admits",
            Self::Loopback => "it is on this machine",
            Self::Address => "its host is an address",
            Self::InternalName => "its host is a name of an internal network",
            Self::Port => "it names a port",
        })
    }
}

/// The rules of admission.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    pub(crate) allowed: Option<IssuerFilter>,
    /// These may be anywhere on https.
    pub(crate) private: Vec<Issuer>,
    pub(crate) localhost: bool,
}

impl Admission {
    /// Whether the issuer may be asked. Where its name leads is for the address guard.
    pub(crate) fn admit(&self, issuer: &Issuer) -> Result<(), IssuerRefused> {
        self.admit_listed(issuer)?;
        self.check_host(issuer).map_err(|because| IssuerRefused { issuer: issuer.clone(), because })
    }

    /// Whether tokens of the issuer may be verified, wherever its keys come from.
    pub(crate) fn admit_listed(&self, issuer: &Issuer) -> Result<(), IssuerRefused> {
        let listed = self.allowed.as_ref().is_none_or(|allowed| allowed.admits(issuer));
        if listed { Ok(()) } else { Err(IssuerRefused { issuer: issuer.clone(), because: RefusedBecause::NotListed }) }
    }

    fn check_host(&self, issuer: &Issuer) -> Result<(), RefusedBecause> {
        if self.is_excepted(issuer) {
            return Ok(());
        }
        let host = issuer.host();
        if issuer.is_loopback() {
            return Err(RefusedBecause::Loopback);
        }
        if host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok() {
            return Err(RefusedBecause::Address);
        }
        let last = host.rsplit('.').next().unwrap_or(host);
        if last == host || ["localhost", "internal", "local", "localdomain"].contains(&last) {
            return Err(RefusedBecause::InternalName);
        }
        if issuer.has_port() { Err(RefusedBecause::Port) } else { Ok(()) }
    }

    /// Whether the operator excepted it from the rules for strangers.
    pub(crate) fn is_excepted(&self, issuer: &Issuer) -> bool {
        (issuer.is_https() && self.private.contains(issuer)) || (self.localhost && issuer.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn issuer(text: &str) -> Issuer {
        Issuer::parse(text).unwrap()
    }

    fn open() -> Admission {
        Admission { allowed: None, private: Vec::new(), localhost: false }
    }

    fn refused(admission: &Admission, text: &str) -> Option<RefusedBecause> {
        admission.admit(&issuer(text)).err().map(|refused| refused.because)
    }

    /// T-030
    #[test]
    fn a_stranger_must_be_on_the_public_internet_by_name() {
        for (text, expected) in [
            ("https://token.actions.githubusercontent.com", None),
            ("https://tenant.auth0.com/", None),
            ("https://xn--e1awd7f.com", None),
            ("https://internal.example", None),
            ("http://localhost:6379", Some(RefusedBecause::Loopback)),
            ("https://localhost", Some(RefusedBecause::Loopback)),
            ("https://127.0.0.1:8443/gha", Some(RefusedBecause::Loopback)),
            ("https://[::1]", Some(RefusedBecause::Loopback)),
            ("https://10.0.0.1", Some(RefusedBecause::Address)),
            ("https://8.8.8.8", Some(RefusedBecause::Address)),
            ("https://169.254.169.254", Some(RefusedBecause::Address)),
            ("https://[fd00::1]", Some(RefusedBecause::Address)),
            ("https://[2606:4700::1111]", Some(RefusedBecause::Address)),
            ("https://metadata.google.internal", Some(RefusedBecause::InternalName)),
            ("https://vault.corp.internal", Some(RefusedBecause::InternalName)),
            ("https://printer.local", Some(RefusedBecause::InternalName)),
            ("https://a.localhost", Some(RefusedBecause::InternalName)),
            ("https://rke", Some(RefusedBecause::InternalName)),
            ("https://kubernetes", Some(RefusedBecause::InternalName)),
            ("https://a.example:8443", Some(RefusedBecause::Port)),
            ("https://a.example:80", Some(RefusedBecause::Port)),
        ] {
            assert_eq!(refused(&open(), text), expected, "Input: {text}");
        }
    }

    #[test]
    fn a_private_issuer_is_that_one_issuer() {
        let admission = Admission { private: vec![issuer("https://gitlab.corp.internal:8443/x"), issuer("https://10.0.0.1")], ..open() };
        assert_eq!(refused(&admission, "https://gitlab.corp.internal:8443/x"), None);
        assert_eq!(refused(&admission, "https://10.0.0.1"), None);
        for text in
            ["https://gitlab.corp.internal:8443/", "https://gitlab.corp.internal:8443/x/", "https://gitlab.corp.internal/x", "https://10.0.0.1/"]
        {
            assert!(refused(&admission, text).is_some(), "Input: {text}");
        }
    }

    #[test]
    fn localhost_is_admitted_only_when_it_is_allowed() {
        let admission = Admission { localhost: true, ..open() };
        for text in ["http://localhost:6379", "http://127.0.0.1:1/x", "https://[::1]:8443"] {
            assert_eq!(refused(&admission, text), None, "Input: {text}");
        }
        assert_eq!(refused(&admission, "https://10.0.0.1"), Some(RefusedBecause::Address));
    }

    #[test]
    fn a_star_stands_for_one_segment() {
        let filter = IssuerFilter::parse("https://a.example, https://oidc.circleci.com/org/*,https://b.example/*/x/*").unwrap();
        for text in ["https://a.example", "https://oidc.circleci.com/org/1-2", "https://b.example/1/x/2"] {
            assert!(filter.admits(&issuer(text)), "Input: {text}");
        }
        for text in [
            "https://a.example/",
            "https://a.example/x",
            "https://oidc.circleci.com/org",
            "https://oidc.circleci.com/org/",
            "https://oidc.circleci.com/org/1/2",
            "https://oidc.circleci.com/org/1/",
            "https://b.example/1/y/2",
            "https://a.example.evil.com",
        ] {
            assert!(!filter.admits(&issuer(text)), "Input: {text}");
        }
        assert_eq!(filter.exact().collect::<Vec<_>>(), [issuer("https://a.example")]);
    }

    #[test]
    fn a_filter_lists_issuers_and_nothing_else() {
        assert_eq!(IssuerFilter::parse(" , "), Err(InvalidIssuerFilter::Empty));
        for text in
            ["*", "https://*", "https://*.example", "https://*/x", "https://a.example/x*", "https://a.example/**", "http://a.example", "a.example"]
        {
            assert!(matches!(IssuerFilter::parse(text), Err(InvalidIssuerFilter::Entry { .. })), "Input: {text}");
        }
    }

    #[test]
    fn a_list_holds_for_private_issuers_too() {
        let allowed = Some(IssuerFilter::parse("https://a.example").unwrap());
        let admission = Admission { allowed, private: vec![issuer("https://10.0.0.1")], localhost: true };
        assert_eq!(refused(&admission, "https://a.example"), None);
        for text in ["https://10.0.0.1", "http://localhost:1", "https://b.example"] {
            assert_eq!(refused(&admission, text), Some(RefusedBecause::NotListed), "Input: {text}");
        }
    }
}
