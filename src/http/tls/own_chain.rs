//! What is asked of a certificate that the administrator brings, beyond fitting its key.

use std::net::IpAddr;

use base::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

/// Looks at a chain, leaf first. The error says which certificate is wrong, counted from 1 as in the
/// file.
pub(super) fn check(chain: &[CertificateDer<'_>], now: Timestamp) -> Result<(), String> {
    let mut parsed = Vec::with_capacity(chain.len());
    for (index, der) in chain.iter().enumerate() {
        let (_, certificate) = X509Certificate::from_der(der)
            .map_err(|_| format!("certificate {} of it can't be read", index + 1))?;
        parsed.push(certificate);
    }
    let Some(leaf) = parsed.first() else {
        return Err("it holds no certificate".into());
    };
    if leaf.is_ca() && parsed.iter().skip(1).any(|other| !other.is_ca()) {
        return Err(
            "the server's own certificate must come first, the authorities behind it".into()
        );
    }
    if leaf.is_ca() && parsed.len() > 1 {
        return Err(
            "it begins with an authority: the server's own certificate must come first".into()
        );
    }
    for (index, pair) in parsed.windows(2).enumerate() {
        let [lower, upper] = pair else { continue };
        let (this, next) = (index + 1, index + 2);
        if lower.issuer() != upper.subject() {
            return Err(format!(
                "certificate {this} was issued by '{}', but certificate {next} is '{}': put each \
                 authority behind what it signed",
                lower.issuer(),
                upper.subject()
            ));
        }
        if !upper.is_ca() {
            return Err(format!("certificate {next} is no authority"));
        }
        if lower.verify_signature(Some(upper.public_key())).is_err() {
            return Err(format!(
                "certificate {this} names certificate {next} as its authority, but was not signed \
                 by it"
            ));
        }
    }
    for (index, certificate) in parsed.iter().enumerate() {
        let begins = moment(certificate.validity().not_before.timestamp());
        if begins > now {
            return Err(format!("certificate {} is not valid before {begins}", index + 1));
        }
        let ends = moment(certificate.validity().not_after.timestamp());
        // A leaf that has ended is served all the same, with an alarm: better than no server.
        if index > 0 && ends <= now {
            return Err(format!("certificate {} has ended on {ends}", index + 1));
        }
    }
    Ok(())
}

fn moment(unix_s: i64) -> Timestamp {
    Timestamp::from_unix_ms(unix_s.saturating_mul(1000))
}

/// The names that `certified` does not cover (RFC 9525 section 6.3: a wildcard stands for one whole
/// label, the leftmost).
pub(super) fn uncovered(names: &[String], certified: &[String]) -> Vec<String> {
    let covers = |pattern: &str, name: &str| {
        let (pattern, name) = (pattern.to_ascii_lowercase(), name.to_ascii_lowercase());
        let by_wildcard = || {
            let parent = pattern.strip_prefix("*.")?;
            let (label, rest) = name.split_once('.')?;
            Some(!label.is_empty() && rest == parent && name.parse::<IpAddr>().is_err())
        };
        pattern == name || by_wildcard().unwrap_or(false)
    };
    let missing = |name: &&String| !certified.iter().any(|pattern| covers(pattern, name));
    names.iter().filter(missing).cloned().collect()
}

/// When people are told that a certificate nears its end, in days; each once.
const NOTICE_DAYS: [i64; 3] = [60, 30, 7];

/// The narrowest of the limits that `days_left` is within; 0 when the certificate has ended.
pub(crate) fn notice(days_left: i64) -> Option<i64> {
    if days_left < 0 {
        return Some(0);
    }
    NOTICE_DAYS.into_iter().rev().find(|limit| days_left <= *limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_stands_for_one_label() {
        let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let certified = names(&["*.plant.example", "mill.example", "10.0.0.1"]);
        let asked = names(&[
            "Mill.plant.example",
            "mill.example",
            "10.0.0.1",
            "a.b.plant.example",
            "10.0.0.2",
        ]);
        assert_eq!(uncovered(&asked, &certified), ["a.b.plant.example", "10.0.0.2"]);
        assert_eq!(uncovered(&names(&["plant.example"]), &certified), ["plant.example"]);
    }

    #[test]
    fn notices_come_at_60_30_and_7_days_and_at_the_end() {
        let found: Vec<_> = [61, 60, 31, 30, 8, 7, 0, -1].into_iter().map(notice).collect();
        let expected = [None, Some(60), Some(60), Some(30), Some(30), Some(7), Some(7), Some(0)];
        assert_eq!(found, expected);
    }
}
