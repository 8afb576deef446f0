//! What can go wrong with keys and sealed bytes.

use std::io;
use std::path::PathBuf;

use base::EntropyError;

use crate::KeyPurpose;

/// An error of this room. No variant carries key bytes or content.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// No randomness; nothing may go on without it.
    #[error("a key or nonce could not be drawn")]
    Entropy(#[from] EntropyError),
    /// A credential was named and is not there.
    #[error(
        "the credential {path} that should hold the master key does not exist; \
         check LoadCredential= in the unit, or stop naming a credential to use the key file"
    )]
    CredentialMissing {
        /// Where the credential should be.
        path: PathBuf,
    },
    /// There is no key file, and data under an earlier master key exists.
    #[error(
        "the master key file {path} does not exist, but data sealed under it does; \
         put the file back from its backup (a new key could not open that data)"
    )]
    KeyFileMissing {
        /// Where the key file should be.
        path: PathBuf,
    },
    /// Others than the owner may read or write the key file.
    #[error(
        "the master key file {path} is open to others (mode {mode:04o}); run: chmod 600 {path}"
    )]
    KeyFileMode {
        /// The file at fault.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The credential can be read or written by everybody on the machine.
    #[error(
        "the credential {path} is open to everybody (mode {mode:04o}); run: chmod 600 {path}, \
         or let systemd place it with LoadCredential="
    )]
    CredentialMode {
        /// The file at fault.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is not a plain file.
    #[error("{path} should hold the master key but is not a regular file")]
    KeyFileKind {
        /// The path at fault.
        path: PathBuf,
    },
    /// The key file does not hold a key.
    #[error(
        "the master key in {path} must be 64 hexadecimal digits and a newline, or 32 raw bytes; \
         found {found}"
    )]
    KeyFileFormat {
        /// The file at fault.
        path: PathBuf,
        /// What is there instead, without contents.
        found: &'static str,
    },
    /// A key file or credential could not be read or written.
    #[error("could not {action} the master key file {path}")]
    KeyFile {
        /// What was tried: "read", "create".
        action: &'static str,
        /// The file at fault.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bytes are not a wrapped key of a version that this program knows.
    #[error("not a wrapped key: {0}")]
    WrappedKeyFormat(&'static str),
    /// A wrapped key does not open.
    #[error(
        "the wrapped {purpose} key does not open: another master key, another owner, or damage"
    )]
    Unwrap {
        /// What the key is for.
        purpose: KeyPurpose,
    },
    /// The sealed master key's file, a share or a pending change is not what this program writes.
    #[error("not a sealed master key of this program: {0}")]
    SealedFormat(&'static str),
    /// The passphrase is not the one.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// A passphrase that may not be set.
    #[error("the passphrase {0}")]
    WeakPassphrase(&'static str),
    /// No passphrase, or no shares, protect this master key.
    #[error("the master key is not protected by {0}")]
    NoSuchProtection(&'static str),
    /// The text is not a share, or was mistyped.
    #[error("this is not a share: {0}")]
    ShareFormat(&'static str),
    /// A share that can't be counted.
    #[error("{0}")]
    ShareRefused(&'static str),
    /// How many shares there are to be.
    #[error(
        "of {count} shares {threshold} can't be enough: between 2 and 10 shares are made, and at \
             least 2 of them unseal"
    )]
    ShareCount {
        /// How many unseal.
        threshold: u8,
        /// How many are made.
        count: u8,
    },
    /// The key at hand is neither the old nor the new one of a change that is under way.
    #[error(
        "the master key is being changed from {from} to {to}, and the one that was supplied is \
         neither: supply one of them"
    )]
    NeitherKey {
        /// The old key's name.
        from: crate::MasterKeyId,
        /// The new key's name.
        to: crate::MasterKeyId,
    },
    /// The key derivation refused its parameters.
    #[error("a key can't be derived from the passphrase")]
    Derivation,
    /// A file with a sealed master key could not be read or written.
    #[error("could not {action} {path}")]
    SealedFile {
        /// What was tried: "read", "write", "remove".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The context given with a key or file is longer than
    /// [`CONTEXT_MAX_BYTES`](crate::CONTEXT_MAX_BYTES).
    #[error("a sealing context of {size_bytes} bytes is too long")]
    ContextTooLong {
        /// Its length.
        size_bytes: usize,
    },
    /// AES-GCM refused to encrypt; only inputs beyond its length limit can cause it.
    #[error("the bytes could not be encrypted")]
    Encrypt,
    /// Not a usable Ed25519 public key (RFC 8032).
    #[error("not an Ed25519 public key")]
    VerifyingKey,
    /// The signature was not made by this key over these bytes.
    #[error("the signature does not fit the key and the message")]
    Signature,
    /// The file does not begin as an encrypted file does.
    #[error("not an encrypted file of this program")]
    NotEncrypted,
    /// The file's format is newer than this program, or its header is damaged.
    #[error("encrypted file format {version} is not known to this program (it knows 1)")]
    FormatVersion {
        /// Version byte in the header.
        version: u8,
    },
    /// The file is too short, too long or cut in the wrong place to be whole.
    #[error("the encrypted file is cut short")]
    Truncated,
    /// A chunk is not what was written at this place of this file.
    #[error(
        "chunk {chunk} of the encrypted file does not authenticate: wrong key, another file, \
         or damage"
    )]
    Damaged {
        /// Which chunk, counted from 0.
        chunk: u64,
    },
    /// More bytes than one encrypted file may hold.
    #[error("an encrypted file cannot hold more than {} chunks", crate::FILE_CHUNKS_MAX)]
    FileTooLarge,
    /// An earlier write failed, so the file cannot be finished.
    #[error("the encrypted file cannot be finished because an earlier write failed")]
    WriterFailed,
    /// The underlying file could not be read or written.
    #[error("the encrypted file could not be read or written")]
    Io(#[from] io::Error),
}

impl From<SealError> for io::Error {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Io(source) => source,
            SealError::Truncated => Self::new(io::ErrorKind::UnexpectedEof, error),
            other => Self::new(io::ErrorKind::InvalidData, other),
        }
    }
}
