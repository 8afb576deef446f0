//! Which addresses are connected to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{EgressError, Loopback};

/// Refuses what no connector can mean: the machine itself (unless the entry allows it), the wire it
/// is plugged into (link-local addresses, among them the metadata services of cloud providers),
/// everybody at once (multicast, broadcast) and nobody (unspecified).
pub(crate) fn check(address: IpAddr, loopback: Loopback) -> Result<(), EgressError> {
    let refused = match address.to_canonical() {
        IpAddr::V4(v4) => refused_v4(v4, loopback),
        IpAddr::V6(v6) => refused_v6(v6, loopback),
    };
    match refused {
        Some(kind) => Err(EgressError::Address { address, kind }),
        None => Ok(()),
    }
}

fn refused_v4(address: Ipv4Addr, loopback: Loopback) -> Option<&'static str> {
    // All of 0.0.0.0/8 is "this host on this network" (RFC 1122 section 3.2.1.3).
    if address.octets()[0] == 0 {
        Some("unspecified")
    } else if address.is_multicast() {
        Some("a multicast address")
    } else if address.is_link_local() {
        Some("a link-local address")
    } else if address.is_broadcast() {
        Some("the broadcast address")
    } else if address.is_loopback() && loopback == Loopback::Refuse {
        Some("a loopback address")
    } else {
        None
    }
}

fn refused_v6(address: Ipv6Addr, loopback: Loopback) -> Option<&'static str> {
    if address.is_unspecified() {
        Some("unspecified")
    } else if address.is_loopback() {
        (loopback == Loopback::Refuse).then_some("a loopback address")
    } else if address.is_multicast() {
        Some("a multicast address")
    } else if address.is_unicast_link_local() {
        Some("a link-local address")
    } else {
        embedded_v4(address).and_then(|v4| refused_v4(v4, loopback))
    }
}

/// The IPv4 address that a gateway would take out of this one: translated (`64:ff9b::/96`,
/// RFC 6052), 6to4 (`2002::/16`, RFC 3056), or compatible (`::/96`, RFC 4291 section 2.5.5.1).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let parts = address.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match parts {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0, 0, 0, 0, 0, 0, high, low] => {
            Some(join(high, low))
        }
        [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn what_no_connector_means_is_refused_in_every_spelling() {
        let refused = [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("::", "unspecified"),
            ("224.0.0.1", "a multicast address"),
            ("239.255.255.255", "a multicast address"),
            ("ff02::1", "a multicast address"),
            ("169.254.169.254", "a link-local address"),
            ("::ffff:169.254.169.254", "a link-local address"),
            ("64:ff9b::169.254.169.254", "a link-local address"),
            ("2002:a9fe:a9fe::1", "a link-local address"),
            ("::169.254.169.254", "a link-local address"),
            ("fe80::1", "a link-local address"),
            ("febf::1", "a link-local address"),
            ("255.255.255.255", "the broadcast address"),
            ("127.0.0.1", "a loopback address"),
            ("127.255.0.1", "a loopback address"),
            ("::1", "a loopback address"),
            ("::ffff:127.0.0.1", "a loopback address"),
            ("64:ff9b::7f00:1", "a loopback address"),
        ];
        for (text, expected) in refused {
            match check(text.parse().unwrap(), Loopback::Refuse) {
                Err(EgressError::Address { kind, .. }) => assert_eq!(kind, expected, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn networks_of_a_plant_and_of_the_world_are_not() {
        for text in
            ["10.0.0.1", "192.168.1.9", "172.16.0.4", "198.51.100.7", "2001:db8::1", "fd00::1"]
        {
            check(text.parse().unwrap(), Loopback::Refuse).unwrap();
        }
    }

    #[test]
    fn an_entry_may_allow_this_machine_and_nothing_else_of_that_kind() {
        for text in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            check(text.parse().unwrap(), Loopback::Allow).unwrap();
        }
        for text in ["169.254.0.1", "0.0.0.0", "fe80::1", "::"] {
            assert!(check(text.parse().unwrap(), Loopback::Allow).is_err(), "{text}");
        }
    }
}
