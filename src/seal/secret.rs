//! One zeroising cell for 32 secret bytes, in a page that is not swapped out where the kernel
//! allows it.

use base::{Entropy, EntropyError};

use crate::locked::Cell;

/// Length of every symmetric key and seed here, in bytes.
pub(crate) const KEY_BYTES: usize = 32;

/// Thirty-two secret bytes in a locked page: moving the owner moves a pointer and leaves no copy on
/// the stack, and dropping it overwrites the bytes. No `Clone`, no `Debug`.
pub(crate) struct Secret(Cell);

impl Secret {
    /// All zero, to be filled in place.
    pub(crate) fn zeroed() -> Self {
        Self(Cell::take())
    }

    /// Fresh random bytes.
    pub(crate) fn random(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut secret = Self::zeroed();
        entropy.fill(secret.bytes_mut())?;
        Ok(secret)
    }

    /// A second cell with the same bytes, for the few places where a key has two owners.
    pub(crate) fn duplicate(&self) -> Self {
        let mut copy = Self::zeroed();
        copy.bytes_mut().copy_from_slice(self.bytes());
        copy
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.bytes()
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; KEY_BYTES] {
        self.0.bytes_mut()
    }
}
