//! From a passphrase to a key: argon2id (RFC 9106) with its cost stored beside what it protects.

use argon2::{Algorithm, Argon2, Params, Version};

use crate::SealError;
use crate::master::MasterKey;
use crate::secret::Secret;

/// Fewest characters of a passphrase that is set.
pub const PASSPHRASE_MIN_CHARS: usize = 12;
/// Most bytes of a passphrase.
pub const PASSPHRASE_MAX_BYTES: usize = 1024;

/// Length of the salt in bytes (RFC 9106 section 3.1).
pub(crate) const SALT_BYTES: usize = 16;

/// What one guess costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for PassphraseCost {
    /// RFC 9106 section 4, second recommendation: 64 MiB, 3 passes, 4 lanes.
    fn default() -> Self {
        Self { memory_kib: 64 * 1024, passes: 3, lanes: 4 }
    }
}

/// A file that asks for more than this is not one of ours: it would stop the machine.
const COST_MAX: PassphraseCost = PassphraseCost { memory_kib: 1024 * 1024, passes: 16, lanes: 16 };

impl PassphraseCost {
    pub(crate) fn check(self) -> Result<Self, SealError> {
        let within = self.memory_kib <= COST_MAX.memory_kib
            && self.passes <= COST_MAX.passes
            && self.lanes <= COST_MAX.lanes;
        if within { Ok(self) } else { Err(SealError::SealedFormat("its cost is out of bounds")) }
    }
}

/// Refuses what may not be set as a passphrase.
pub(crate) fn check(passphrase: &str) -> Result<(), SealError> {
    if passphrase.chars().count() < PASSPHRASE_MIN_CHARS {
        return Err(SealError::WeakPassphrase("must have at least 12 characters"));
    }
    if passphrase.len() > PASSPHRASE_MAX_BYTES {
        return Err(SealError::WeakPassphrase("must have at most 1024 bytes"));
    }
    if passphrase.chars().any(char::is_control) {
        return Err(SealError::WeakPassphrase("must not hold control characters"));
    }
    let first = passphrase.chars().next();
    if passphrase.chars().all(|c| Some(c) == first) {
        return Err(SealError::WeakPassphrase("must be more than one character repeated"));
    }
    Ok(())
}

/// The key that wraps the master key. Takes about a fifth of a second and the cost's memory.
pub(crate) fn derive(
    passphrase: &str,
    salt: &[u8; SALT_BYTES],
    cost: PassphraseCost,
) -> Result<MasterKey, SealError> {
    if passphrase.len() > PASSPHRASE_MAX_BYTES {
        return Err(SealError::WrongPassphrase);
    }
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32))
        .map_err(|_| SealError::Derivation)?;
    let mut key = Secret::zeroed();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, key.bytes_mut())
        .map_err(|_| SealError::Derivation)?;
    Ok(MasterKey::from_secret(key))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn what_is_too_short_or_one_letter_is_refused() {
        assert!(check("correct horse battery").is_ok());
        assert!(check("Übergabe um sechs").is_ok());
        for weak in ["", "elevenchars", "aaaaaaaaaaaaaaaa", "with a\nline break in it"] {
            assert!(matches!(check(weak), Err(SealError::WeakPassphrase(_))), "{weak:?}");
        }
        assert!(check(&"ab".repeat(513)).is_err());
    }

    #[test]
    fn passphrase_salt_and_cost_all_count() {
        let cost = PassphraseCost { memory_kib: 64, passes: 1, lanes: 1 };
        let id = |text: &str, salt: u8, cost| derive(text, &[salt; 16], cost).unwrap().id();
        let here = id("correct horse battery", 1, cost);
        assert_eq!(here, id("correct horse battery", 1, cost));
        assert_ne!(here, id("correct horse batterz", 1, cost));
        assert_ne!(here, id("correct horse battery", 2, cost));
        assert_ne!(here, id("correct horse battery", 1, PassphraseCost { passes: 2, ..cost }));
    }

    #[test]
    fn a_file_can_t_ask_for_all_memory() {
        assert!(PassphraseCost::default().check().is_ok());
        let greedy = PassphraseCost { memory_kib: u32::MAX, ..PassphraseCost::default() };
        assert!(greedy.check().is_err());
    }
}
