//! Shares of a secret (Shamir, "How to share a secret", 1979): any `threshold` of them give it back,
//! fewer say nothing about it. Each of the 32 bytes is the value at 0 of a random polynomial of
//! degree `threshold - 1` over GF(2^8); share `i` holds the values at `i`.
//!
//! Own code instead of a crate: those there are draw their own randomness, and the arithmetic of the
//! small ones goes through tables, whose timing tells what was looked up.
//!
//! # Text
//!
//! `MW-SHARE-` and twelve groups of six digits in Crockford's base 32 (no I, L, O, U; case and
//! hyphens do not count): 360 bits, 45 bytes.
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | version, 1 |
//! | 1 | 4 | set: random, the same for all shares that were made together |
//! | 5 | 1 | threshold |
//! | 6 | 1 | count of shares made |
//! | 7 | 1 | index, from 1 |
//! | 8 | 32 | values |
//! | 40 | 5 | SHA-256 of `"millwright share v1\0"` and the bytes before, cut |

use std::fmt;

use base::Entropy;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use crate::SealError;
use crate::gf256::{invert, multiply};
use crate::secret::{KEY_BYTES, Secret};

/// Most shares that are made of one key.
pub const SHARES_MAX: u8 = 10;

const PREFIX: &str = "MW-SHARE";
const VERSION: u8 = 1;
const PAYLOAD_BYTES: usize = 8 + KEY_BYTES;
const CHECK_BYTES: usize = 5;
const SHARE_BYTES: usize = PAYLOAD_BYTES + CHECK_BYTES;
const DIGITS: usize = SHARE_BYTES * 8 / 5;
const GROUP_DIGITS: usize = 6;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHECK_INFO: &[u8] = b"millwright share v1\0";

/// One share. `Debug` shows set and index alone.
pub struct Share {
    set: [u8; 4],
    threshold: u8,
    count: u8,
    index: u8,
    value: Secret,
}

impl Share {
    /// Which shares belong together, as 8 hex digits.
    #[must_use]
    pub fn set(&self) -> String {
        hex::encode(self.set)
    }

    pub(crate) const fn set_bytes(&self) -> [u8; 4] {
        self.set
    }

    /// How many shares of the set give the secret.
    #[must_use]
    pub const fn threshold(&self) -> u8 {
        self.threshold
    }

    /// How many were made.
    #[must_use]
    pub const fn count(&self) -> u8 {
        self.count
    }

    /// Which of them this is, from 1.
    #[must_use]
    pub const fn index(&self) -> u8 {
        self.index
    }

    /// The share to be printed.
    #[must_use]
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0_u8; SHARE_BYTES]);
        bytes[0] = VERSION;
        bytes[1..5].copy_from_slice(&self.set);
        bytes[5..8].copy_from_slice(&[self.threshold, self.count, self.index]);
        bytes[8..PAYLOAD_BYTES].copy_from_slice(self.value.bytes());
        let check = check_bytes(&bytes[..PAYLOAD_BYTES]);
        bytes[PAYLOAD_BYTES..].copy_from_slice(&check);
        // With its capacity, so that no smaller buffer is left behind.
        let mut text =
            Zeroizing::new(String::with_capacity(PREFIX.len() + DIGITS + DIGITS / GROUP_DIGITS));
        text.push_str(PREFIX);
        for digit in 0..DIGITS {
            if digit % GROUP_DIGITS == 0 {
                text.push('-');
            }
            let mut value = 0;
            for bit in digit * 5..digit * 5 + 5 {
                value = (value << 1) | ((bytes[bit / 8] >> (7 - bit % 8)) & 1);
            }
            text.push(char::from(ALPHABET[usize::from(value)]));
        }
        text
    }

    /// Reads a share as it was printed, with whatever case, spaces and hyphens.
    ///
    /// # Errors
    /// [`SealError::ShareFormat`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let text = text.trim();
        let rest = text
            .get(..PREFIX.len())
            .filter(|start| start.eq_ignore_ascii_case(PREFIX))
            .and_then(|_| text.get(PREFIX.len()..))
            .ok_or(SealError::ShareFormat("a share begins with MW-SHARE"))?;
        let mut bytes = Zeroizing::new([0_u8; SHARE_BYTES]);
        let mut digits = 0;
        for letter in rest.chars().filter(|c| !c.is_whitespace() && *c != '-') {
            let value = digit_value(letter)
                .ok_or(SealError::ShareFormat("it holds a character that no share has"))?;
            if digits == DIGITS {
                return Err(SealError::ShareFormat("it is longer than a share"));
            }
            for bit in 0..5 {
                let at = digits * 5 + bit;
                bytes[at / 8] |= ((value >> (4 - bit)) & 1) << (7 - at % 8);
            }
            digits += 1;
        }
        if digits < DIGITS {
            return Err(SealError::ShareFormat("it is shorter than a share"));
        }
        Self::from_bytes(&bytes)
    }

    fn from_bytes(bytes: &[u8; SHARE_BYTES]) -> Result<Self, SealError> {
        let check = check_bytes(&bytes[..PAYLOAD_BYTES]);
        if !bool::from(check.ct_eq(&bytes[PAYLOAD_BYTES..])) {
            return Err(SealError::ShareFormat("it was mistyped: its check digits do not fit"));
        }
        let [threshold, count, index] = [bytes[5], bytes[6], bytes[7]];
        if bytes[0] != VERSION {
            return Err(SealError::ShareFormat("a newer program made it"));
        }
        if check_count(threshold, count).is_err() || !(1..=count).contains(&index) {
            return Err(SealError::ShareFormat("its numbers are out of bounds"));
        }
        let mut value = Secret::zeroed();
        value.bytes_mut().copy_from_slice(&bytes[8..PAYLOAD_BYTES]);
        let mut set = [0; 4];
        set.copy_from_slice(&bytes[1..5]);
        Ok(Self { set, threshold, count, index, value })
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Share({} {}/{})", self.set(), self.index, self.count)
    }
}

fn digit_value(letter: char) -> Option<u8> {
    let upper = match letter.to_ascii_uppercase() {
        'I' | 'L' => '1',
        'O' => '0',
        other => other,
    };
    let place = ALPHABET.iter().position(|digit| char::from(*digit) == upper)?;
    u8::try_from(place).ok()
}

fn check_bytes(payload: &[u8]) -> [u8; CHECK_BYTES] {
    let digest = Sha256::new().chain_update(CHECK_INFO).chain_update(payload).finalize();
    let mut check = [0; CHECK_BYTES];
    check.copy_from_slice(&digest[..CHECK_BYTES]);
    check
}

pub(crate) fn check_count(threshold: u8, count: u8) -> Result<(), SealError> {
    if (2..=SHARES_MAX).contains(&count) && (2..=count).contains(&threshold) {
        Ok(())
    } else {
        Err(SealError::ShareCount { threshold, count })
    }
}

/// Makes `count` shares of `secret`, of which `threshold` give it back.
pub(crate) fn split(
    secret: &Secret,
    threshold: u8,
    count: u8,
    entropy: &dyn Entropy,
) -> Result<Vec<Share>, SealError> {
    check_count(threshold, count)?;
    let mut set = [0; 4];
    entropy.fill(&mut set)?;
    let coefficients =
        (1..threshold).map(|_| Secret::random(entropy)).collect::<Result<Vec<_>, _>>()?;
    let share = |index: u8| {
        let mut value = Secret::zeroed();
        for (byte, out) in value.bytes_mut().iter_mut().enumerate() {
            // Horner, from the highest coefficient down.
            let mut sum = 0;
            for coefficient in coefficients.iter().rev() {
                sum = multiply(sum ^ coefficient.bytes()[byte], index);
            }
            *out = sum ^ secret.bytes()[byte];
        }
        Share { set, threshold, count, index, value }
    };
    Ok((1..=count).map(share).collect())
}

/// The value at 0 of the polynomial through `shares`, whose indexes differ. What comes out is only
/// the secret when there are enough of them and none is false.
pub(crate) fn combine(shares: &[&Share]) -> Secret {
    let mut secret = Secret::zeroed();
    for share in shares {
        // Lagrange at 0: the product of j / (j - i) over all other indexes j.
        let mut factor = 1;
        for other in shares.iter().filter(|other| other.index != share.index) {
            factor = multiply(factor, multiply(other.index, invert(other.index ^ share.index)));
        }
        for (out, value) in secret.bytes_mut().iter_mut().zip(share.value.bytes()) {
            *out ^= multiply(*value, factor);
        }
    }
    secret
}

/// Shares that people have brought so far, of one set.
#[derive(Default)]
pub struct SharePile(Vec<Share>);

impl SharePile {
    /// Adds a share; tells how many there are now.
    ///
    /// # Errors
    /// [`SealError::ShareRefused`] for one that is there already, or is of another set than those.
    pub fn add(&mut self, share: Share) -> Result<usize, SealError> {
        if let Some(first) = self.0.first() {
            let alike = (first.set, first.threshold, first.count);
            if alike != (share.set, share.threshold, share.count) {
                return Err(SealError::ShareRefused("this share belongs to another set"));
            }
        }
        if self.0.iter().any(|known| known.index == share.index) {
            return Err(SealError::ShareRefused(
                "this share was counted already: bring another one",
            ));
        }
        self.0.push(share);
        Ok(self.0.len())
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Forgets them all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn shares(&self) -> &[Share] {
        &self.0
    }
}

/// A share with the same numbers and other values.
#[cfg(test)]
pub(crate) fn forge(share: &Share) -> Share {
    let mut value = share.value.duplicate();
    value.bytes_mut()[0] ^= 1;
    let Share { set, threshold, count, index, .. } = *share;
    Share { set, threshold, count, index, value }
}

#[cfg(test)]
mod tests;
