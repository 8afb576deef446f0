//! The short name of a configured token issuer.

use std::fmt;
use std::str::FromStr;

/// Longest name, in bytes.
const MAX_BYTES: usize = 32;

/// What an administrator calls an issuer of tokens: 1 to 32 of `a-z`, `0-9` and `-`. Small enough to
/// travel with everything that is done under its tokens.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct IssuerName {
    /// Letters in front, zeros behind.
    bytes: [u8; MAX_BYTES],
}

/// The text is no name of an issuer.
#[derive(Debug, thiserror::Error)]
#[error("must have 1 to 32 characters out of a-z, 0-9 and -, and begin with a letter")]
pub struct IssuerNameError;

impl IssuerName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let end = self.bytes.iter().position(|byte| *byte == 0).unwrap_or(MAX_BYTES);
        // Only ASCII gets in.
        std::str::from_utf8(&self.bytes[..end]).unwrap_or_default()
    }
}

impl FromStr for IssuerName {
    type Err = IssuerNameError;

    fn from_str(text: &str) -> Result<Self, IssuerNameError> {
        let of_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let begins = text.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
        if !begins || text.len() > MAX_BYTES || !text.bytes().all(of_name) {
            return Err(IssuerNameError);
        }
        let mut bytes = [0; MAX_BYTES];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { bytes })
    }
}

impl fmt::Display for IssuerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for IssuerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerName({self})")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn names_are_short_words() {
        let longest = "a".repeat(MAX_BYTES);
        for text in ["a", "plant-sso", "mes2", &longest] {
            assert_eq!(text.parse::<IssuerName>().unwrap().as_str(), text);
        }
        let longer = "a".repeat(MAX_BYTES + 1);
        for text in ["", "-a", "2a", "Plant", "plant sso", "plant\0", "sso.plant", "ä", &longer] {
            assert!(text.parse::<IssuerName>().is_err(), "{text:?}");
        }
    }
}
