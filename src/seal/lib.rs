//! Keys, envelopes and encrypted files: everything that makes a stolen disk worthless and a
//! destroyed key final.
//!
//! The master key comes from outside: from a file ([`KeySource`]), or from people who know a
//! passphrase or hold shares of it ([`SealedMaster`]). It is changed in steps that can be broken off
//! anywhere ([`PendingRotation`]). It wraps the data keys of the databases and
//! of the signers ([`MasterKey::wrap`]), each bound to its purpose and to the thing it belongs to.
//! From a data key come the SQLCipher key, the keys of encrypted files ([`EncryptedWriter`],
//! [`EncryptedReader`]) and the Ed25519 signers ([`SigningKey`]).
//!
//! Never:
//! - makes a new master key where data under an old one may exist ([`OnMissing`]);
//! - prints a secret: no secret type has a `Debug` or `Display` that shows contents, no error
//!   carries key bytes;
//! - leaves a secret behind: key bytes live in zeroising heap cells and are not moved about;
//! - hands out a byte that has not been authenticated;
//! - picks its own randomness: every nonce and key is drawn from the caller's
//!   [`Entropy`](base::Entropy).

mod data_key;
mod durable;
mod error;
mod file;
mod gf256;
mod key_file;
mod locked;
mod master;
mod passphrase;
mod rotation;
mod sealed_master;
mod secret;
mod shares;
mod signing;

pub use data_key::DataKey;
pub use durable::{
    is_failed_sync, remove_temporary_files, remove_temporary_files_of, sync_dir, write_atomically,
};
pub use error::SealError;
pub use file::{
    CACHED_CHUNKS, ChunkSize, EncryptedCursor, EncryptedReader, EncryptedWriter, FILE_CHUNKS_MAX,
    FileOptions,
};
pub use key_file::{KeyOrigin, KeySource, OnMissing};
pub use locked::{MemoryLock, memory_lock};
pub use master::{CONTEXT_MAX_BYTES, KeyPurpose, MasterKey, MasterKeyId, WrappedKey};
pub use passphrase::{PASSPHRASE_MAX_BYTES, PASSPHRASE_MIN_CHARS, PassphraseCost};
pub use rotation::{NewProtection, PendingRotation};
pub use sealed_master::{SealedMaster, ShareSet};
pub use shares::{SHARES_MAX, Share, SharePile};
pub use signing::{SigningKey, VerifyingKey};
