//! One zeroising cell for 32 secret bytes.

use base::{Entropy, EntropyError};
use zeroize::Zeroizing;

/// Length of every symmetric key and seed here, in bytes.
pub(crate) const KEY_BYTES: usize = 32;

/// Thirty-two secret bytes on the heap: moving the owner moves a pointer and leaves no copy on
/// the stack, and dropping it overwrites the bytes. No `Clone`, no `Debug`.
pub(crate) struct Secret(Box<Zeroizing<[u8; KEY_BYTES]>>);

impl Secret {
    /// All zero, to be filled in place.
    pub(crate) fn zeroed() -> Self {
        Self(Box::new(Zeroizing::new([0; KEY_BYTES])))
    }

    /// Fresh random bytes.
    pub(crate) fn random(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut secret = Self::zeroed();
        entropy.fill(secret.bytes_mut())?;
        Ok(secret)
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8; KEY_BYTES] {
        &mut self.0
    }
}
