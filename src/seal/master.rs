//! The master key and the keys wrapped under it.
//!
//! A wrapped key is 61 bytes:
//!
//! | offset | bytes | what |
//! |---|---|---|
//! | 0 | 1 | version, 1 |
//! | 1 | 12 | random nonce |
//! | 13 | 32 | the key, encrypted |
//! | 45 | 16 | authentication tag |
//!
//! Cipher: AES-256-GCM (NIST SP 800-38D) under HKDF-SHA256(master key, no salt, info
//! `"millwright wrap v1\0"`). Associated data: the version byte, the purpose as one byte (control
//! database 1, tenant data 2, audit signing 3, token signing 4), then the context (for a tenant,
//! the sixteen bytes of its id). A key wrapped for one purpose or owner therefore opens for no
//! other.

use std::fmt;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use base::Entropy;

use crate::key_file::{KeyOrigin, KeySource, obtain};
use crate::secret::{KEY_BYTES, Secret};
use crate::{DataKey, SealError, data_key};

/// Longest context of a wrapped key or encrypted file, in bytes.
pub const CONTEXT_MAX_BYTES: usize = 1024;

const WRAP_INFO: &[u8] = b"millwright wrap v1\0";
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const NONCE_AT: usize = 1;
const KEY_AT: usize = NONCE_AT + NONCE_BYTES;
const TAG_AT: usize = KEY_AT + KEY_BYTES;
const WRAPPED_BYTES: usize = TAG_AT + TAG_BYTES;

/// What a wrapped key is for. Part of the associated data: a token signer's key cannot be passed
/// off as a tenant's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// The appliance's control database.
    ControlDatabase,
    /// One tenant's database, files and index.
    TenantData,
    /// Signatures under the checkpoints of an audit log.
    AuditSigning,
    /// Signatures under API tokens.
    TokenSigning,
}

impl KeyPurpose {
    /// The word for messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ControlDatabase => "control database",
            Self::TenantData => "tenant data",
            Self::AuditSigning => "audit signing",
            Self::TokenSigning => "token signing",
        }
    }

    /// The number in the associated data; part of the on-disk format.
    const fn number(self) -> u8 {
        match self {
            Self::ControlDatabase => 1,
            Self::TenantData => 2,
            Self::AuditSigning => 3,
            Self::TokenSigning => 4,
        }
    }
}

impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The key over all keys. Wraps and unwraps data keys and does nothing else.
///
/// Overwritten when dropped; no `Clone`, and `Debug` shows nothing.
pub struct MasterKey {
    wrapping: Secret,
}

impl MasterKey {
    /// Finds the master key: the credential when one is named, else the key file, made when it is
    /// missing and [`OnMissing::Create`](crate::OnMissing::Create) allows it. Tells where it came
    /// from. Blocks for file access.
    ///
    /// # Errors
    /// The `Credential…` and `KeyFile…` variants of [`SealError`], each naming the file and what
    /// to do.
    pub fn obtain(
        source: &KeySource,
        entropy: &dyn Entropy,
    ) -> Result<(Self, KeyOrigin), SealError> {
        let (key, origin) = obtain(source, entropy)?;
        Ok((Self::from_secret(&key), origin))
    }

    /// Wraps `key` for `purpose` and `context` (whom the key belongs to, at most
    /// [`CONTEXT_MAX_BYTES`]). The nonce is random: wrapping twice gives different bytes.
    ///
    /// # Errors
    /// [`SealError::Entropy`], [`SealError::ContextTooLong`].
    pub fn wrap(
        &self,
        purpose: KeyPurpose,
        context: &[u8],
        key: &DataKey,
        entropy: &dyn Entropy,
    ) -> Result<WrappedKey, SealError> {
        let associated = associated_data(purpose, context)?;
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce)?;
        let mut sealed = *key.bytes();
        let tag = self
            .cipher()
            .encrypt_inout_detached(&Nonce::from(nonce), &associated, sealed.as_mut_slice().into())
            .map_err(|_| SealError::Encrypt)?;
        let mut bytes = [0; WRAPPED_BYTES];
        bytes[0] = VERSION;
        bytes[NONCE_AT..KEY_AT].copy_from_slice(&nonce);
        bytes[KEY_AT..TAG_AT].copy_from_slice(&sealed);
        bytes[TAG_AT..].copy_from_slice(&tag);
        Ok(WrappedKey(bytes.to_vec()))
    }

    /// Opens a key that [`wrap`](Self::wrap) made for the same purpose and context.
    ///
    /// # Errors
    /// [`SealError::Unwrap`] when master key, purpose, context or bytes are not the ones it was
    /// wrapped with; [`SealError::ContextTooLong`].
    pub fn unwrap(
        &self,
        purpose: KeyPurpose,
        context: &[u8],
        wrapped: &WrappedKey,
    ) -> Result<DataKey, SealError> {
        let associated = associated_data(purpose, context)?;
        let (nonce, key, tag) = wrapped.parts();
        let mut opened = Secret::zeroed();
        opened.bytes_mut().copy_from_slice(&key);
        self.cipher()
            .decrypt_inout_detached(
                &Nonce::from(nonce),
                &associated,
                opened.bytes_mut().as_mut_slice().into(),
                &Tag::from(tag),
            )
            .map_err(|_| SealError::Unwrap { purpose })?;
        Ok(DataKey::from_secret(opened))
    }

    fn from_secret(key: &Secret) -> Self {
        let mut wrapping = Secret::zeroed();
        data_key::expand(key.bytes(), None, &[WRAP_INFO], &mut wrapping);
        Self { wrapping }
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.wrapping.bytes().into())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(..)")
    }
}

fn associated_data(purpose: KeyPurpose, context: &[u8]) -> Result<Vec<u8>, SealError> {
    check_context(context)?;
    let mut associated = Vec::with_capacity(2 + context.len());
    associated.extend_from_slice(&[VERSION, purpose.number()]);
    associated.extend_from_slice(context);
    Ok(associated)
}

/// Refuses a context over [`CONTEXT_MAX_BYTES`].
pub(crate) fn check_context(context: &[u8]) -> Result<(), SealError> {
    if context.len() > CONTEXT_MAX_BYTES {
        return Err(SealError::ContextTooLong { size_bytes: context.len() });
    }
    Ok(())
}

/// A data key as it may lie on disk: encrypted under the master key, bound to purpose and context.
///
/// Destroying all copies of these bytes destroys what the key opens.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey(Vec<u8>);

impl WrappedKey {
    /// The 61 bytes to store; the module's documentation tells their layout.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From stored bytes. Only the shape is checked here; the contents, when it is unwrapped.
    ///
    /// # Errors
    /// [`SealError::WrappedKeyFormat`] for another length or version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        match bytes.first() {
            None => Err(SealError::WrappedKeyFormat("it is empty")),
            Some(&VERSION) if bytes.len() == WRAPPED_BYTES => Ok(Self(bytes.to_vec())),
            Some(&VERSION) => Err(SealError::WrappedKeyFormat("version 1 has 61 bytes")),
            Some(_) => Err(SealError::WrappedKeyFormat("its version is not known")),
        }
    }

    fn parts(&self) -> ([u8; NONCE_BYTES], [u8; KEY_BYTES], [u8; TAG_BYTES]) {
        let (mut nonce, mut key, mut tag) = ([0; NONCE_BYTES], [0; KEY_BYTES], [0; TAG_BYTES]);
        nonce.copy_from_slice(&self.0[NONCE_AT..KEY_AT]);
        key.copy_from_slice(&self.0[KEY_AT..TAG_AT]);
        tag.copy_from_slice(&self.0[TAG_AT..]);
        (nonce, key, tag)
    }
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappedKey(..)")
    }
}

#[cfg(test)]
mod tests;
