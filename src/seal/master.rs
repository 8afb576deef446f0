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
//! database 1, tenant data 2, audit signing 3, token signing 4, master key 16), then the context (for a tenant,
//! the sixteen bytes of its id). A key wrapped for one purpose or owner therefore opens for no
//! other.

use std::fmt;

use aes_gcm::aead::AeadInOut;
use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag};
use base::Entropy;

use crate::key_file::{self, KeyOrigin, KeySource, obtain};
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
    /// Another master key: under a passphrase, under shares, or while one takes the other's place.
    MasterKey,
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
            Self::MasterKey => "master",
        }
    }

    /// The number in the associated data; part of the on-disk format.
    const fn number(self) -> u8 {
        match self {
            Self::ControlDatabase => 1,
            Self::TenantData => 2,
            Self::AuditSigning => 3,
            Self::TokenSigning => 4,
            // 5 to 15 are left for further keys of data.
            Self::MasterKey => 16,
        }
    }
}

impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Info of the name of a master key.
const ID_INFO: &[u8] = b"millwright master key id v1\0";
const ID_BYTES: usize = 8;

/// The name of a master key: says which key is meant and nothing about it. The first eight bytes of
/// HKDF-SHA256 (no salt, info `"millwright master key id v1\0"`), in files and logs as 16 hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MasterKeyId([u8; ID_BYTES]);

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&hex::encode(self.0))
    }
}

impl std::str::FromStr for MasterKeyId {
    type Err = SealError;

    fn from_str(text: &str) -> Result<Self, SealError> {
        let mut bytes = [0; ID_BYTES];
        hex::decode_to_slice(text, &mut bytes)
            .map_err(|_| SealError::SealedFormat("the name of a master key is 16 hex digits"))?;
        Ok(Self(bytes))
    }
}

/// The key over all keys. Wraps and unwraps data keys and does nothing else.
///
/// Overwritten when dropped; no `Clone`, and `Debug` shows its name alone.
pub struct MasterKey {
    key: Secret,
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
        Ok((Self::from_secret(key), origin))
    }

    /// A new random master key.
    ///
    /// # Errors
    /// [`SealError::Entropy`].
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, SealError> {
        Ok(Self::from_secret(Secret::random(entropy)?))
    }

    /// The key in the file at `path`, which must be as a key file is ([`KeySource`]); `None` when
    /// there is no such file.
    ///
    /// # Errors
    /// The `KeyFile…` variants of [`SealError`].
    pub fn read_file(path: &std::path::Path) -> Result<Option<Self>, SealError> {
        Ok(key_file::read_key(path, key_file::Kind::KeyFile)?.map(Self::from_secret))
    }

    /// Writes the key as a key file. A file that is there already is never replaced.
    ///
    /// # Errors
    /// [`SealError::KeyFile`].
    pub fn write_new_file(&self, path: &std::path::Path) -> Result<(), SealError> {
        key_file::link_key(path, &self.key)?.map_err(|source| SealError::KeyFile {
            action: "create",
            path: path.to_owned(),
            source,
        })
    }

    /// Writes the key as a key file in place of the one that is there, whose bytes are overwritten
    /// as far as the file system writes in place. On disk when this returns.
    ///
    /// # Errors
    /// [`SealError::KeyFile`].
    pub fn replace_file(&self, path: &std::path::Path) -> Result<(), SealError> {
        key_file::replace_key(path, &self.key)
    }

    /// Overwrites a key file as far as the file system writes in place, and removes it. A missing
    /// one is fine.
    ///
    /// # Errors
    /// [`SealError::KeyFile`].
    pub fn destroy_file(path: &std::path::Path) -> Result<(), SealError> {
        key_file::destroy_key(path)
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> MasterKeyId {
        let mut expanded = Secret::zeroed();
        data_key::expand(self.key.bytes(), None, &[ID_INFO], &mut expanded);
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&expanded.bytes()[..ID_BYTES]);
        MasterKeyId(id)
    }

    /// Wraps another master key under this one.
    ///
    /// # Errors
    /// As [`MasterKey::wrap`].
    pub(crate) fn wrap_master(
        &self,
        context: &[u8],
        other: &Self,
        entropy: &dyn Entropy,
    ) -> Result<WrappedKey, SealError> {
        let other = DataKey::from_secret(other.key.duplicate());
        self.wrap(KeyPurpose::MasterKey, context, &other, entropy)
    }

    /// Opens what [`MasterKey::wrap_master`] made.
    ///
    /// # Errors
    /// As [`MasterKey::unwrap`].
    pub(crate) fn unwrap_master(
        &self,
        context: &[u8],
        wrapped: &WrappedKey,
    ) -> Result<Self, SealError> {
        Ok(Self::from_secret(self.unwrap(KeyPurpose::MasterKey, context, wrapped)?.into_secret()))
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

    pub(crate) fn from_secret(key: Secret) -> Self {
        let mut wrapping = Secret::zeroed();
        data_key::expand(key.bytes(), None, &[WRAP_INFO], &mut wrapping);
        Self { key, wrapping }
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new(self.wrapping.bytes().into())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id())
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
