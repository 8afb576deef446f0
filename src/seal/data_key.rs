//! The key of one database or one signer, and what is derived from it.

use std::fmt;

use base::Entropy;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::SealError;
use crate::secret::{KEY_BYTES, Secret};

/// Separates [`DataKey::derive`] from every other use of HKDF over a data key.
const DERIVE_INFO: &[u8] = b"millwright derive v1\0";

/// A random 256-bit key: of a tenant's data, of the control database, or the seed of a signer.
///
/// On disk it exists only as a [`WrappedKey`](crate::WrappedKey). In memory it is overwritten when
/// dropped; there is no `Clone`, and `Debug` shows nothing.
pub struct DataKey(Secret);

impl DataKey {
    /// A new random key.
    ///
    /// # Errors
    /// [`SealError::Entropy`] when no random bytes can be had.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, SealError> {
        Ok(Self(Secret::random(entropy)?))
    }

    /// The sub-key for one use, told apart by `label` (`"blobs"`, `"index"`): HKDF-SHA256
    /// (RFC 5869) without salt, with the label as info. The same key and label give the same
    /// sub-key; nothing about the key or about other sub-keys follows from it.
    #[must_use]
    pub fn derive(&self, label: &'static str) -> Self {
        let mut derived = Secret::zeroed();
        self.expand(None, &[DERIVE_INFO, label.as_bytes()], &mut derived);
        Self(derived)
    }

    /// The key as SQLCipher's `PRAGMA key = "x'…'"` takes a raw one: 64 lower-case hex digits.
    #[must_use]
    pub fn sqlcipher_key(&self) -> Zeroizing<String> {
        Zeroizing::new(hex::encode(self.0.bytes()))
    }

    /// HKDF-SHA256 from this key into `out`.
    pub(crate) fn expand(&self, salt: Option<&[u8]>, info: &[&[u8]], out: &mut Secret) {
        expand(self.0.bytes(), salt, info, out);
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        self.0.bytes()
    }

    pub(crate) fn from_secret(secret: Secret) -> Self {
        Self(secret)
    }

    pub(crate) fn into_secret(self) -> Secret {
        self.0
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

/// HKDF-SHA256 (RFC 5869) of `key` into the 32 bytes of `out`.
pub(crate) fn expand(key: &[u8], salt: Option<&[u8]>, info: &[&[u8]], out: &mut Secret) {
    let hkdf = Hkdf::<Sha256>::new(salt, key);
    #[expect(
        clippy::expect_used,
        reason = "RFC 5869 section 2.3 allows up to 255 hashes of output; this asks for one"
    )]
    hkdf.expand_multi_info(info, out.bytes_mut()).expect("32 bytes are within HKDF's limit");
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::SeededEntropy;

    use super::*;

    #[test]
    fn sub_keys_depend_on_key_and_label() {
        let entropy = SeededEntropy::new(1);
        let first = DataKey::generate(&entropy).unwrap();
        let second = DataKey::generate(&entropy).unwrap();
        assert_ne!(first.bytes(), second.bytes());
        assert_eq!(first.derive("blobs").bytes(), first.derive("blobs").bytes());
        assert_ne!(first.derive("blobs").bytes(), first.derive("index").bytes());
        assert_ne!(first.derive("blobs").bytes(), second.derive("blobs").bytes());
        assert_ne!(first.derive("blobs").bytes(), first.bytes());
    }

    /// RFC 5869 appendix A.3: empty salt and info, first 32 of its 42 bytes.
    #[test]
    fn hkdf_gives_the_published_bytes() {
        let mut out = Secret::zeroed();
        expand(&[0x0b; 22], None, &[], &mut out);
        assert_eq!(
            hex::encode(out.bytes()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
        );
    }

    #[test]
    fn the_sqlcipher_key_is_64_hex_digits_of_the_key() {
        let key = DataKey::generate(&SeededEntropy::new(2)).unwrap();
        assert_eq!(hex::decode(key.sqlcipher_key().as_str()).unwrap(), key.bytes());
        assert_eq!(key.sqlcipher_key().len(), 64);
    }

    #[test]
    fn debug_shows_nothing() {
        let key = DataKey::generate(&SeededEntropy::new(3)).unwrap();
        assert_eq!(format!("{key:?}"), "DataKey(..)");
    }
}
