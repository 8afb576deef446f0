//! Ed25519 signatures (RFC 8032) for checkpoints and tokens.

use std::fmt;

use ed25519_dalek::Signer;
use zeroize::Zeroizing;

use crate::{DataKey, SealError};

/// What stands before the seed in a version 1 PKCS #8 Ed25519 key (RFC 8410 section 7).
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Signs. Overwritten when dropped; no `Clone`, and `Debug` shows the public half alone.
pub struct SigningKey(Box<ed25519_dalek::SigningKey>);

impl SigningKey {
    /// The signer whose seed is `seed`: the same seed always gives the same key pair.
    #[must_use]
    pub fn from_seed(seed: &DataKey) -> Self {
        Self(Box::new(ed25519_dalek::SigningKey::from_bytes(seed.bytes())))
    }

    /// The half that verifies and may be shown to anybody.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// The 64-byte signature over `message`. Deterministic.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }

    /// The key as PKCS #8 version 1 DER (RFC 8410), the form that token libraries take.
    #[must_use]
    pub fn to_pkcs8_der(&self) -> Zeroizing<Vec<u8>> {
        let mut der = Zeroizing::new(Vec::with_capacity(PKCS8_PREFIX.len() + 32));
        der.extend_from_slice(&PKCS8_PREFIX);
        der.extend_from_slice(self.0.as_bytes());
        der
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.verifying_key())
    }
}

/// Verifies what the [`SigningKey`] of the same pair signed. Not secret.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Whether `signature` was made over `message` by this key's pair. Strict: signatures that
    /// could be altered into another valid one, and keys of small order, do not pass.
    ///
    /// # Errors
    /// [`SealError::Signature`] when it was not.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), SealError> {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).map_err(|_| SealError::Signature)
    }

    /// The 32 bytes of RFC 8032.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// From the 32 bytes of RFC 8032.
    ///
    /// # Errors
    /// [`SealError::VerifyingKey`] when they are not a point of the curve, or one of small order
    /// for which anybody could sign.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, SealError> {
        match ed25519_dalek::VerifyingKey::from_bytes(bytes) {
            Ok(key) if !key.is_weak() => Ok(Self(key)),
            Ok(_) | Err(_) => Err(SealError::VerifyingKey),
        }
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({})", hex::encode(self.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::SeededEntropy;
    use ed25519_dalek::pkcs8::DecodePrivateKey;

    use super::*;
    use crate::secret::Secret;

    fn key_from_hex(seed: &str) -> SigningKey {
        let mut secret = Secret::zeroed();
        hex::decode_to_slice(seed, secret.bytes_mut()).unwrap();
        SigningKey::from_seed(&DataKey::from_secret(secret))
    }

    /// RFC 8032 section 7.1, test 3.
    #[test]
    fn signs_the_published_vector() {
        let key = key_from_hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
        assert_eq!(
            hex::encode(key.verifying_key().as_bytes()),
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025"
        );
        assert_eq!(
            hex::encode(key.sign(&[0xaf, 0x82])),
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
             18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        );
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let key = SigningKey::from_seed(&DataKey::generate(&SeededEntropy::new(1)).unwrap());
        let verifying = VerifyingKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
        let message = *b"size 7";
        let signature = key.sign(&message);
        verifying.verify(&message, &signature).unwrap();
        for bit in 0..512 {
            let mut damaged = signature;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(verifying.verify(&message, &damaged).is_err(), "signature bit {bit}");
        }
        for bit in 0..message.len() * 8 {
            let mut damaged = message;
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(verifying.verify(&damaged, &signature).is_err(), "message bit {bit}");
        }
        let other = SigningKey::from_seed(&DataKey::generate(&SeededEntropy::new(2)).unwrap());
        assert!(other.verifying_key().verify(&message, &signature).is_err());
    }

    #[test]
    fn pkcs8_is_read_back_by_an_independent_parser() {
        let key = SigningKey::from_seed(&DataKey::generate(&SeededEntropy::new(3)).unwrap());
        let read = ed25519_dalek::SigningKey::from_pkcs8_der(&key.to_pkcs8_der()).unwrap();
        assert_eq!(read.as_bytes(), key.0.as_bytes());
    }

    #[test]
    fn refuses_points_that_are_no_keys() {
        assert!(VerifyingKey::from_bytes(&[0; 32]).is_err(), "small order");
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(VerifyingKey::from_bytes(&identity).is_err(), "identity");
        let off_curve = (0..=255_u8)
            .map(|byte| [byte; 32])
            .find(|bytes| ed25519_dalek::VerifyingKey::from_bytes(bytes).is_err())
            .unwrap();
        assert!(VerifyingKey::from_bytes(&off_curve).is_err(), "not on the curve");
    }

    #[test]
    fn debug_shows_the_public_half_alone() {
        let seed = "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7";
        let shown = format!("{:?}", key_from_hex(seed));
        assert!(!shown.contains(seed));
        assert!(shown.contains("fc51cd8e"));
    }
}
