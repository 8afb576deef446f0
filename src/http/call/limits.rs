//! How often: limits by where a request comes from, and by who asks; and what the answer tells of
//! them.
//!
//! The fields `RateLimit-Policy` and `RateLimit` are those of
//! draft-ietf-httpapi-ratelimit-headers-10: lists of structured fields (RFC 9651), one member per
//! limit that was asked. `q` is what a window of `w` seconds allows, `r` what may be sent at once
//! now, `t` the seconds until the whole is there again.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use base::{TenantId, UserId};
use parking_lot::Mutex;
use policy::{Allowance, RateRefused};
use store::LiveKey;

use super::{Head, PeerAddress};
use crate::problem::Problem;
use crate::route::RateClass;

/// What the limits that apply are.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// How it stands with them.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Length of the window that limits are counted by, in seconds.
const WINDOW_S: u32 = 60;

/// The limits that a request was counted against, and how it stands with each.
#[derive(Clone, Default)]
pub(crate) struct Rates(Arc<Mutex<Vec<(&'static str, Allowance)>>>);

impl Rates {
    /// Notes what a limiter said.
    fn note(
        &self,
        policy: &'static str,
        counted: Result<Allowance, RateRefused>,
    ) -> Result<(), Problem> {
        let standing = match &counted {
            Ok(allowance) => *allowance,
            Err(refused) => Allowance { limit: refused.limit, remaining: 0 },
        };
        self.0.lock().push((policy, standing));
        counted.map(|_| ()).map_err(|refused| {
            Problem::from(refused)
                .with_detail(format!("The limit by {policy} is reached: {refused}."))
        })
    }

    /// Sets the fields of an answer; none when nothing was counted.
    pub(crate) fn set_headers(&self, headers: &mut HeaderMap) {
        let (mut policies, mut standings) = (String::new(), String::new());
        for (policy, standing) in self.0.lock().iter() {
            let separator = if policies.is_empty() { "" } else { ", " };
            let Allowance { limit, remaining } = standing;
            let reset_s = standing.full_after_s();
            // Writing to a string does not fail.
            let _ = write!(policies, "{separator}\"{policy}\";q={limit};w={WINDOW_S}");
            let _ = write!(standings, "{separator}\"{policy}\";r={remaining};t={reset_s}");
        }
        if policies.is_empty() {
            return;
        }
        for (name, value) in [(RATE_LIMIT_POLICY, policies), (RATE_LIMIT, standings)] {
            // Names of policies are fixed words, so this is a field value.
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

/// Counts a request by the network it comes from, before anything is known of who asks; what checks a
/// password or a code by a second, lower limit too. Probes and pages without a tenant are not counted:
/// who watches the appliance must not be shut out by who floods it.
pub(super) fn limit_address(head: &Head) -> Result<(), Problem> {
    let Some(PeerAddress(address)) = head.parts.extensions.get() else { return Ok(()) };
    if head.rate == RateClass::Open {
        return Ok(());
    }
    let network = network(*address);
    head.rates.note("address", head.state.address_limiter.check(&network))?;
    if head.rate == RateClass::Login {
        head.rates.note("sign-in", head.state.login_limiter.check(&network))?;
    }
    Ok(())
}

/// Counts a request by who asks: by the key where one was shown, which so can't use up what its
/// person has in the browser, by the person otherwise; then by the tenant.
pub(super) fn limit_caller(
    head: &Head,
    tenant: TenantId,
    person: Option<UserId>,
    key: Option<&LiveKey>,
) -> Result<(), Problem> {
    let state = &head.state;
    match key {
        Some(key) => {
            let settings = &state.settings.keys;
            let limit = key.requests_per_minute.unwrap_or(settings.requests_per_minute);
            // The highest limit may have been lowered since the key was made.
            let limit = limit.min(settings.requests_per_minute_max);
            let limit = NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
            head.rates.note("key", state.key_limiter.check(&key.id, limit))?;
        }
        None => head.rates.note("user", state.person_limiter.check(&(tenant, person)))?,
    }
    head.rates.note("tenant", state.tenant_limiter.check(&tenant))
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

    #[test]
    fn the_fields_name_every_limit_that_was_asked() {
        let rates = Rates::default();
        let mut headers = HeaderMap::new();
        rates.set_headers(&mut headers);
        assert!(headers.is_empty());
        rates.note("address", Ok(Allowance { limit: 6000, remaining: 5999 })).unwrap();
        let refused = RateRefused { limit: 60, retry_after_ms: 900 };
        let problem = rates.note("user", Err(refused)).unwrap_err();
        assert_eq!(problem.code(), "rate_limited");
        rates.set_headers(&mut headers);
        assert_eq!(headers["ratelimit-policy"], "\"address\";q=6000;w=60, \"user\";q=60;w=60");
        assert_eq!(headers["ratelimit"], "\"address\";r=5999;t=1, \"user\";r=0;t=60");
    }
}
