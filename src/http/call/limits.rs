//! Limits by where a request comes from.

use std::net::{IpAddr, Ipv6Addr};

use super::{Head, PeerAddress};
use crate::problem::Problem;
use crate::route::RateClass;

/// Counts what checks a password or a code, by the network it comes from.
pub(super) fn limit_sign_ins(head: &Head) -> Result<(), Problem> {
    if head.rate == RateClass::Login
        && let Some(PeerAddress(address)) = head.parts.extensions.get()
    {
        head.state.login_limiter.check(&network(*address))?;
    }
    Ok(())
}

/// What shares a limit: an address, or the network of 64 bits that one IPv6 machine may use freely.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn one_machine_of_ipv6_is_one_address() {
        let of = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
        assert_eq!(of("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
