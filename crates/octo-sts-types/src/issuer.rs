//! The `iss` of a token.

use std::{fmt, net::Ipv4Addr, net::Ipv6Addr};

/// Longest issuer, in characters.
const LONGEST: usize = 255;
/// Longest segment of an issuer's path, in characters.
const LONGEST_SEGMENT: usize = 150;

/// The URL of an issuer, kept and compared byte for byte: a trailing slash makes another issuer.
///
/// The grammar admits one spelling per address: lower-case scheme and host, no default port, no percent escapes, no user,
/// no query. Whether the address may be dialled is for `octo-sts-oidc` to say.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Issuer(Box<str>);

/// Why a text is not an issuer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIssuer {
    /// Empty, longer than 255 characters, or not printable ASCII.
    #[error("an issuer is 1 to 255 printable ASCII characters")]
    Text,
    /// Neither `https://`, nor `http://` on a loopback name.
    #[error("an issuer begins with `https://` in lower case")]
    Scheme,
    /// The host has another canonical spelling, or none.
    #[error("the issuer's host is not a lower-case DNS name or a plainly written address")]
    Host,
    /// The port is not a number from 1 to 65535, or is the scheme's own.
    #[error("the issuer's port is not a plain number, or is the one its scheme has anyway")]
    Port,
    /// A user, query or fragment, or a path that other software would rewrite.
    #[error("the issuer's path may hold only letters, digits and `- . _ ~ /`, without `//`, `..` or a query")]
    Path,
}

impl Issuer {
    /// Checks the grammar.
    pub fn parse(text: &str) -> Result<Self, InvalidIssuer> {
        if text.is_empty() || text.len() > LONGEST || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidIssuer::Text);
        }
        let (secure, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Err(InvalidIssuer::Scheme),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = split_port(authority)?;
        check_port(port, secure)?;
        check_host(host)?;
        if !secure && !is_loopback(host) {
            return Err(InvalidIssuer::Scheme);
        }
        check_path(path)?;
        Ok(Self(text.into()))
    }

    /// The issuer, byte for byte.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// The host, without port; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        let authority = &rest[..rest.find('/').unwrap_or(rest.len())];
        split_port(authority).map_or(authority, |(host, _)| host)
    }

    /// Whether the host is this machine by name or address.
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }

    /// Whether a port is written.
    pub fn has_port(&self) -> bool {
        let rest = self.0.split_once("://").map_or("", |(_, rest)| rest);
        split_port(&rest[..rest.find('/').unwrap_or(rest.len())]).is_ok_and(|(_, port)| port.is_some())
    }

    /// Where the discovery document is (`OpenID` Connect Discovery 1.0 §4): a trailing slash is dropped before the suffix.
    pub fn discovery_url(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.0.strip_suffix('/').unwrap_or(&self.0))
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<&str>), InvalidIssuer> {
    if authority.starts_with('[') {
        let end = authority.find(']').ok_or(InvalidIssuer::Host)?;
        let (host, rest) = authority.split_at(end + 1);
        return match rest.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if rest.is_empty() => Ok((host, None)),
            None => Err(InvalidIssuer::Host),
        };
    }
    Ok(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

fn check_port(port: Option<&str>, secure: bool) -> Result<(), InvalidIssuer> {
    let Some(port) = port else { return Ok(()) };
    let plain = !port.starts_with('0') && port.bytes().all(|byte| byte.is_ascii_digit());
    let own = if secure { "443" } else { "80" };
    if plain && port != own && port.parse::<u16>().is_ok() { Ok(()) } else { Err(InvalidIssuer::Port) }
}

fn check_host(host: &str) -> Result<(), InvalidIssuer> {
    let canonical = if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        address.parse::<Ipv6Addr>().is_ok_and(|parsed| parsed.to_string() == address)
    } else if is_number(host.rsplit('.').next().unwrap_or(host)) {
        host.parse::<Ipv4Addr>().is_ok()
    } else {
        host.split('.').all(is_label)
    };
    if canonical { Ok(()) } else { Err(InvalidIssuer::Host) }
}

/// Whether a URL parser reads a host that ends in this label as an IPv4 address (WHATWG URL, "ends in a number").
fn is_number(label: &str) -> bool {
    let hex = label.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hex || (!label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_label(label: &str) -> bool {
    let plain = label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_'));
    plain && !label.is_empty()
}

fn is_loopback(host: &str) -> bool {
    let v4 = host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    host == "localhost" || host == "[::1]" || v4
}

fn check_path(path: &str) -> Result<(), InvalidIssuer> {
    let plain = path.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/'));
    let segments = path.split('/').all(|segment| !matches!(segment, "." | "~") && segment.len() <= LONGEST_SEGMENT);
    if plain && segments && !path.contains("..") && !path.contains("//") { Ok(()) } else { Err(InvalidIssuer::Path) }
}

impl fmt::Display for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issuers_in_the_wild_are_issuers() {
        for text in [
            "https://token.actions.githubusercontent.com",
            "https://accounts.google.com",
            "https://tenant.auth0.com/",
            "https://oidc.eks.us-west-2.amazonaws.com/id/ABCDEF0123456789",
            "https://container.googleapis.com/v1/projects/p/locations/l/clusters/c",
            "https://xn--e1awd7f.com",
            "https://a_b.com",
            "https://a.com/.well-known",
            "https://127.0.0.1:8443/gha",
            "https://[::1]:8443",
            "http://localhost:6379",
            "http://127.0.0.1/x",
            "http://[::1]:80801",
        ] {
            let expected = text != "http://[::1]:80801";
            assert_eq!(Issuer::parse(text).is_ok(), expected, "Input: {text}");
        }
    }

    /// T-030, T-035, T-036: each has another spelling, or reads differently to other software.
    #[test]
    fn spellings_that_are_not_canonical_are_refused() {
        for text in [
            "",
            "https://",
            "https:a.com",
            "//a.com",
            "accounts.google.com",
            "HTTPS://a.com",
            "https://A.com",
            "https://a.com.",
            "https://.a.com",
            "https://a.com:443",
            "https://a.com:",
            "https://a.com:0443",
            "https://a.com:99999",
            "https://a.com//",
            "https://a.com/%2e%2e/x",
            "https://a.com\\@b.com",
            "https://a.com/\tb",
            "https://user:p@a.com",
            "https://@a.com",
            "https://a.com/~",
            "https://\u{435}xample.com",
            "https://a.com/;x",
            "https://a.com?x=1",
            "https://a.com#x",
            "https://%61.com",
            "https://a.com/..a",
            "https://a.com/a..b",
            "https://a.com/.",
            "https://2852039166",
            "https://0x7f.1",
            "https://127.1",
            "https://1.2.3.4.5",
            "https://[::1%25eth0]",
            "https://[0:0::1]",
            "http://a.com",
            "http://localhost.evil.com",
            "http://LOCALHOST",
            "http://localhost./",
            "http://10.0.0.1",
            "ftp://a.com",
            "https://a.com\n",
            "https://a.com/a@b",
            "https://a.com/a+b",
            "https://a.com/!",
        ] {
            assert!(Issuer::parse(text).is_err(), "Input: {text:?}");
        }
        assert!(Issuer::parse(&format!("https://a.com/{}", "a".repeat(151))).is_err());
        assert!(Issuer::parse(&format!("https://{}.com", "a".repeat(244))).is_err());
    }

    #[test]
    fn a_trailing_slash_makes_another_issuer_with_the_same_discovery() {
        let (plain, slashed) = (Issuer::parse("https://a.com/t").unwrap(), Issuer::parse("https://a.com/t/").unwrap());
        assert_ne!(plain, slashed);
        assert_eq!(plain.discovery_url(), "https://a.com/t/.well-known/openid-configuration");
        assert_eq!(plain.discovery_url(), slashed.discovery_url());
    }

    #[test]
    fn host_and_port_are_read_back() {
        let issuer = Issuer::parse("https://[::1]:8443/x").unwrap();
        assert_eq!((issuer.host(), issuer.has_port(), issuer.is_loopback()), ("[::1]", true, true));
        let issuer = Issuer::parse("https://a.example").unwrap();
        assert_eq!((issuer.host(), issuer.has_port(), issuer.is_loopback()), ("a.example", false, false));
    }
}
