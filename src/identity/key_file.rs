//! The file with an issuer's keys, read anew when it changes.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::{IssuerName, Timestamp};
use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::jwt::TokenFault;
use crate::key_set::{JoseAlgorithm, KEY_FILE_MAX_BYTES, KeyFault, KeySet};

/// Permission bits by which anyone but the owner could get at a secret.
const OPEN_TO_OTHERS: u32 = 0o077;

/// Within so long after a change another one may bear the same time: the file is read each time.
const SETTLED_AFTER_MS: i64 = 2_000;

/// Why a file of keys can't be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// It can't be read.
    #[error("{path}: {source}", path = .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no regular file.
    #[error("{path}: is not a regular file", path = .0.display())]
    Kind(PathBuf),
    /// It holds a secret and others may get at it.
    #[error("{path}: holds a secret and has mode {mode:04o}: it must be 0600", path = .path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Its keys are wrong.
    #[error("{path}: {source}", path = .path.display())]
    Keys {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: KeyFault,
    },
}

/// A file of keys for one algorithm. What can't be read does not count, and neither does what stood
/// there before: a key that was taken out must not go on because the file is damaged.
pub(crate) struct KeyFile {
    issuer: IssuerName,
    path: PathBuf,
    algorithm: JoseAlgorithm,
    state: Mutex<State>,
}

struct State {
    /// What was read, and `None` when it must be read again.
    mark: Option<Mark>,
    /// `None` when the file can't be used.
    keys: Option<Arc<KeySet>>,
}

/// By what a file is known to be the same as before.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    place: (u64, u64),
    size_bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Mark {
    fn of(metadata: &Metadata) -> Self {
        Self {
            place: (metadata.dev(), metadata.ino()),
            size_bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether a change after it would be seen by its time.
    fn is_settled(&self, now: Timestamp) -> bool {
        let changed_ms = self.changed.0.saturating_mul(1000);
        now.unix_ms().saturating_sub(changed_ms) > SETTLED_AFTER_MS
    }
}

impl KeyFile {
    /// Reads the file.
    pub(crate) fn open(
        issuer: IssuerName,
        path: PathBuf,
        algorithm: JoseAlgorithm,
        now: Timestamp,
    ) -> Result<Self, KeyFileError> {
        let (keys, mark) = read(&path, algorithm)?;
        let state = State { mark: Some(mark).filter(|m| m.is_settled(now)), keys: Some(keys) };
        Ok(Self { issuer, path, algorithm, state: Mutex::new(state) })
    }

    /// The keys that stand in the file at this moment. Costs one look at the file's times; reading it
    /// anew costs at most [`KEY_FILE_MAX_BYTES`].
    pub(crate) fn current(&self, now: Timestamp) -> Result<Arc<KeySet>, TokenFault> {
        let mut state = self.state.lock();
        if let (Some(mark), Some(keys)) = (state.mark, &state.keys)
            && std::fs::metadata(&self.path).is_ok_and(|found| Mark::of(&found) == mark)
        {
            return Ok(Arc::clone(keys));
        }
        match read(&self.path, self.algorithm) {
            Ok((keys, mark)) => {
                if state.keys.is_none() {
                    tracing::info!(issuer.name = %self.issuer, "the issuer's keys can be read again");
                }
                state.mark = Some(mark).filter(|mark| mark.is_settled(now));
                state.keys = Some(Arc::clone(&keys));
                Ok(keys)
            }
            Err(error) => {
                if state.keys.take().is_some() {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(issuer.name = %self.issuer, error,
                        "the issuer's keys can't be read: its tokens are refused until they can");
                }
                state.mark = None;
                Err(TokenFault::Keys)
            }
        }
    }
}

/// Reads a file of keys for `algorithm`.
pub(crate) fn read(
    path: &Path,
    algorithm: JoseAlgorithm,
) -> Result<(Arc<KeySet>, Mark), KeyFileError> {
    let failed = |source| KeyFileError::Read { path: path.to_owned(), source };
    // Opening a pipe would wait for its other end.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(KeyFileError::Kind(path.to_owned()));
    }
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.mode() & 0o7777;
    if algorithm == JoseAlgorithm::Hs256 && mode & OPEN_TO_OTHERS != 0 {
        return Err(KeyFileError::Mode { path: path.to_owned(), mode });
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_FILE_MAX_BYTES + 1));
    file.take(KEY_FILE_MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    let keys = match algorithm {
        _ if bytes.len() > KEY_FILE_MAX_BYTES => Err(KeyFault::TooLarge),
        JoseAlgorithm::Hs256 => KeySet::secret(without_line_end(&bytes)),
        _ => KeySet::from_jwks(&bytes, algorithm),
    };
    let keys = keys.map_err(|source| KeyFileError::Keys { path: path.to_owned(), source })?;
    Ok((Arc::new(keys), Mark::of(&metadata)))
}

/// An editor ends a file with a line end, which is no part of the secret.
fn without_line_end(bytes: &[u8]) -> &[u8] {
    match bytes {
        [secret @ .., b'\r', b'\n'] | [secret @ .., b'\n'] => secret,
        secret => secret,
    }
}
