//! Networks that an operator names.

use std::net::IpAddr;

use ipnet::IpNet;

/// A network such as `10.0.0.0/8`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

/// Why a text is not a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// It is neither an address nor an address with the length of its prefix.
    #[error("it is neither an address nor a network such as `10.0.0.0/8`")]
    Form,
    /// Bits are set behind the prefix, so that it may be meant as another network.
    #[error("bits are set behind its prefix: the network of that length is `{0}`")]
    HostBits(String),
}

impl Network {
    /// Reads `10.0.0.0/8`, `fd00::/8` or `10.1.2.3`.
    pub fn parse(text: &str) -> Result<Self, InvalidNetwork> {
        // The standard library's addresses have one spelling: `010.0.0.0` is none, as some read it in octal.
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork::Form)?;
        let length = prefix
            .filter(|prefix| prefix.bytes().all(|byte| byte.is_ascii_digit()) && (prefix.len() == 1 || !prefix.starts_with('0')))
            .map(str::parse);
        let network = match (prefix, length) {
            (None, _) => IpNet::from(address),
            (Some(_), Some(Ok(length))) => IpNet::new(address, length).map_err(|_| InvalidNetwork::Form)?,
            (Some(_), _) => return Err(InvalidNetwork::Form),
        };
        if network == network.trunc() { Ok(Self(network)) } else { Err(InvalidNetwork::HostBits(network.trunc().to_string())) }
    }

    /// Whether the address is in it. An IPv4 address that is written as an IPv6 one is the IPv4 address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_holds_its_own_addresses() {
        for (network, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.4"),
            ("10.1.2.3", "::ffff:10.1.2.3", "::10.1.2.3"),
            ("fd00:1::/32", "fd00:1::9", "fd00:2::9"),
            ("0.0.0.0/0", "127.0.0.1", "::1"),
        ] {
            let network = Network::parse(network).unwrap();
            assert!(network.contains(inside.parse().unwrap()), "Input: {inside}");
            assert!(!network.contains(outside.parse().unwrap()), "Input: {outside}");
        }
    }

    #[test]
    fn a_network_has_one_spelling() {
        assert_eq!(Network::parse("10.1.2.3/8"), Err(InvalidNetwork::HostBits("10.0.0.0/8".to_owned())));
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0/8",
            "10.0.0.0/-1",
            "10.0.0.0/8 ",
            "k8s.example",
            "10.0.0.0-10.0.0.9",
            "010.0.0.0/8",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "::/129",
        ] {
            assert_eq!(Network::parse(text), Err(InvalidNetwork::Form), "Input: {text}");
        }
    }
}
