//! Which addresses are on the public internet.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Global unicast: the public internet.
    Public,
    /// This machine.
    Loopback,
    /// A private network: RFC 1918, RFC 6598 (carrier-grade NAT), RFC 4193 (unique local).
    Private,
    /// Nothing that a service is ever at for good reasons: link-local with the clouds' metadata services, multicast,
    /// documentation, benchmarking, tunnels, reserved.
    Special,
}

/// Where `address` leads (IANA special-purpose registries). An address that carries an IPv4 address for a translator,
/// mapped (RFC 4291 §2.5.5.2) or NAT64 (RFC 6052), leads where that one leads.
pub(crate) fn reach(address: IpAddr) -> Reach {
    match address {
        IpAddr::V4(address) => reach_v4(address),
        IpAddr::V6(address) => embedded_v4(address).map_or_else(|| reach_v6(address), reach_v4),
    }
}

fn reach_v4(address: Ipv4Addr) -> Reach {
    match address.octets() {
        [127, ..] => Reach::Loopback,
        [10, ..] | [100, 64..=127, ..] | [172, 16..=31, ..] | [192, 168, ..] => Reach::Private,
        [0 | 224..=255, ..]
        | [169, 254, ..]
        | [192, 0, 0 | 2, _]
        | [192, 31, 196, _]
        | [192, 52, 193, _]
        | [192, 88, 99, _]
        | [192, 175, 48, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Reach::Special,
        _ => Reach::Public,
    }
}

fn reach_v6(address: Ipv6Addr) -> Reach {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Reach::Loopback,
        [0xfc00..=0xfdff, ..] => Reach::Private,
        // IETF protocol assignments (Teredo, ORCHID, benchmarking), documentation, 6to4, documentation again.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x2002, ..] | [0x3fff, 0..=0xfff, ..] => Reach::Special,
        [0x2000..=0x3fff, ..] => Reach::Public,
        _ => Reach::Special,
    }
}

fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T-030
    #[test]
    fn only_global_unicast_addresses_are_public() {
        for (text, expected) in [
            ("8.8.8.8", Reach::Public),
            ("140.82.112.3", Reach::Public),
            ("172.15.255.255", Reach::Public),
            ("172.32.0.1", Reach::Public),
            ("100.63.255.255", Reach::Public),
            ("100.128.0.1", Reach::Public),
            ("192.0.1.1", Reach::Public),
            ("223.255.255.255", Reach::Public),
            ("2606:4700::1111", Reach::Public),
            ("2a00:1450:4001::200e", Reach::Public),
            ("2001:200::1", Reach::Public),
            ("::ffff:8.8.8.8", Reach::Public),
            ("64:ff9b::8.8.8.8", Reach::Public),
            ("127.0.0.1", Reach::Loopback),
            ("127.255.255.254", Reach::Loopback),
            ("::1", Reach::Loopback),
            ("::ffff:127.0.0.1", Reach::Loopback),
            ("64:ff9b::127.0.0.1", Reach::Loopback),
            ("10.0.0.1", Reach::Private),
            ("172.16.0.1", Reach::Private),
            ("172.31.255.255", Reach::Private),
            ("192.168.1.1", Reach::Private),
            ("100.64.0.1", Reach::Private),
            ("100.127.255.255", Reach::Private),
            ("fc00::1", Reach::Private),
            ("fd12:3456::1", Reach::Private),
            ("::ffff:10.0.0.1", Reach::Private),
            ("64:ff9b::10.0.0.1", Reach::Private),
            ("0.0.0.0", Reach::Special),
            ("0.1.2.3", Reach::Special),
            ("169.254.169.254", Reach::Special),
            ("::ffff:169.254.169.254", Reach::Special),
            ("64:ff9b::169.254.169.254", Reach::Special),
            ("64:ff9b:1::8.8.8.8", Reach::Special),
            ("192.0.0.192", Reach::Special),
            ("192.0.2.1", Reach::Special),
            ("192.88.99.1", Reach::Special),
            ("198.18.0.1", Reach::Special),
            ("198.19.255.255", Reach::Special),
            ("198.51.100.1", Reach::Special),
            ("203.0.113.1", Reach::Special),
            ("224.0.0.1", Reach::Special),
            ("239.255.255.255", Reach::Special),
            ("240.0.0.1", Reach::Special),
            ("255.255.255.255", Reach::Special),
            ("::", Reach::Special),
            ("::8.8.8.8", Reach::Special),
            ("fe80::1", Reach::Special),
            ("febf::1", Reach::Special),
            ("fec0::1", Reach::Special),
            ("ff02::1", Reach::Special),
            ("2001::1", Reach::Special),
            ("2001:db8::1", Reach::Special),
            ("2001:10::1", Reach::Special),
            ("2002:7f00:1::", Reach::Special),
            ("3fff::1", Reach::Special),
            ("100::1", Reach::Special),
            ("5f00::1", Reach::Special),
            ("4000::1", Reach::Special),
        ] {
            assert_eq!(reach(text.parse().unwrap()), expected, "Input: {text}");
        }
    }
}
