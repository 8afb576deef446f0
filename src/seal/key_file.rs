//! Where the master key comes from: a credential of the service manager, or a key file.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use base::Entropy;
use zeroize::Zeroizing;

use crate::SealError;
use crate::durable::{create_temporary, parent_of, sync_dir};
use crate::secret::{KEY_BYTES, Secret};

/// Digits of a key in a text file.
const HEX_DIGITS: usize = 2 * KEY_BYTES;

/// A key file is read up to here; a longer one is not a key file.
const KEY_FILE_MAX_BYTES: usize = HEX_DIGITS + 2;

/// Permission bits by which anyone but the owner could get at a key file.
const OPEN_TO_OTHERS: u32 = 0o077;

/// Permission bits by which anyone at all could get at a credential. The group bits are not among
/// them: systemd grants a service that is not root its credential by an access-control entry,
/// whose mask shows up as the group's read bit.
const OPEN_TO_ALL: u32 = 0o007;

/// Where to look for the master key.
#[derive(Clone, Debug)]
pub struct KeySource {
    /// A file that the service manager places for this start alone
    /// (`$CREDENTIALS_DIRECTORY/<name>`, systemd `LoadCredential=`). It wins over the key file;
    /// when it is named but missing that is an error, never a reason to look elsewhere.
    pub credential: Option<PathBuf>,
    /// The key file: mode 0600, 64 hexadecimal digits and a newline, or 32 raw bytes.
    pub key_file: PathBuf,
    /// Whether a missing key file may be made.
    pub on_missing: OnMissing,
}

/// What to do when there is no key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnMissing {
    /// Make one with a random key: nothing has been sealed yet.
    Create,
    /// Fail: there is data that only the lost key can open, and a new key would hide that.
    Refuse,
}

/// Where the master key was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// In the credential.
    Credential,
    /// In the key file, which was there.
    KeyFile,
    /// In the key file, which was made just now: the operator should be told to back it up.
    CreatedKeyFile,
    /// Somebody knew the passphrase.
    Passphrase,
    /// Enough people brought their shares.
    Shares,
}

/// Which of the two files is being read; they differ in whom they may be open to.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Credential,
    KeyFile,
}

/// Reads or makes the master key as `source` says.
pub(crate) fn obtain(
    source: &KeySource,
    entropy: &dyn Entropy,
) -> Result<(Secret, KeyOrigin), SealError> {
    if let Some(path) = &source.credential {
        let key = read_key(path, Kind::Credential)?
            .ok_or_else(|| SealError::CredentialMissing { path: path.clone() })?;
        return Ok((key, KeyOrigin::Credential));
    }
    let path = &source.key_file;
    match (read_key(path, Kind::KeyFile)?, source.on_missing) {
        (Some(key), _) => Ok((key, KeyOrigin::KeyFile)),
        (None, OnMissing::Refuse) => Err(SealError::KeyFileMissing { path: path.clone() }),
        (None, OnMissing::Create) => create_key(path, entropy),
    }
}

/// The key in the file at `path`, or `None` when there is no such file.
pub(crate) fn read_key(path: &Path, kind: Kind) -> Result<Option<Secret>, SealError> {
    let failed = |source| SealError::KeyFile { action: "read", path: path.to_owned(), source };
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(SealError::KeyFileKind { path: path.to_owned() });
    }
    let mode = metadata.mode() & 0o7777;
    match kind {
        Kind::KeyFile if mode & OPEN_TO_OTHERS != 0 => {
            return Err(SealError::KeyFileMode { path: path.to_owned(), mode });
        }
        Kind::Credential if mode & OPEN_TO_ALL != 0 => {
            return Err(SealError::CredentialMode { path: path.to_owned(), mode });
        }
        Kind::KeyFile | Kind::Credential => {}
    }
    // One byte more than the longest key file, so that a longer one is seen to be longer.
    let mut bytes = Zeroizing::new([0_u8; KEY_FILE_MAX_BYTES + 1]);
    let mut filled = 0;
    loop {
        match file.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(error)),
        }
    }
    let key = parse_key(&bytes[..filled])
        .map_err(|found| SealError::KeyFileFormat { path: path.to_owned(), found })?;
    Ok(Some(key))
}

/// The key in a key file's bytes, or what is wrong with them.
fn parse_key(bytes: &[u8]) -> Result<Secret, &'static str> {
    let mut key = Secret::zeroed();
    if bytes.len() == KEY_BYTES {
        key.bytes_mut().copy_from_slice(bytes);
    } else {
        let digits = match bytes {
            [digits @ .., b'\r', b'\n'] | [digits @ .., b'\n'] => digits,
            digits => digits,
        };
        match digits.len() {
            0 => return Err("an empty file"),
            HEX_DIGITS => hex::decode_to_slice(digits, key.bytes_mut())
                .map_err(|_| "64 characters that are not all hexadecimal digits")?,
            1..HEX_DIGITS => return Err("too few bytes"),
            _ => return Err("too many bytes"),
        }
    }
    // What a file system leaves where a crash came between size and contents.
    if key.bytes().iter().all(|byte| *byte == 0) {
        return Err("nothing but zeros");
    }
    Ok(key)
}

/// Makes the key file with a random key.
fn create_key(path: &Path, entropy: &dyn Entropy) -> Result<(Secret, KeyOrigin), SealError> {
    let key = Secret::random(entropy)?;
    match link_key(path, &key)? {
        Ok(()) => Ok((key, KeyOrigin::CreatedKeyFile)),
        Err(error) => {
            // Another process was first; its key counts.
            let failed =
                |source| SealError::KeyFile { action: "create", path: path.to_owned(), source };
            let key = read_key(path, Kind::KeyFile)?.ok_or_else(|| failed(error))?;
            Ok((key, KeyOrigin::KeyFile))
        }
    }
}

/// Makes a key file. Written whole beside its place and linked there, so that a crash leaves no
/// half file and an existing one is never replaced: the inner error says that one is there.
pub(crate) fn link_key(path: &Path, key: &Secret) -> Result<io::Result<()>, SealError> {
    let failed = |source| SealError::KeyFile { action: "create", path: path.to_owned(), source };
    let (temporary, written) = write_beside(path, key).map_err(failed)?;
    let linked = written.and_then(|()| fs::hard_link(&temporary, path));
    let removed = fs::remove_file(&temporary);
    match linked {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(Err(error)),
        Err(error) => return Err(failed(error)),
    }
    removed.and_then(|()| sync_dir(parent_of(path))).map_err(failed)?;
    Ok(Ok(()))
}

/// Puts a key file in the place of the one that is there, or where none is.
pub(crate) fn replace_key(path: &Path, key: &Secret) -> Result<(), SealError> {
    let failed = |source| SealError::KeyFile { action: "replace", path: path.to_owned(), source };
    // Opened before it loses its name, so that its bytes can be overwritten afterwards.
    let old = fs::OpenOptions::new().write(true).open(path).ok();
    let (temporary, written) = write_beside(path, key).map_err(failed)?;
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, path)) {
        let _ = fs::remove_file(&temporary);
        return Err(failed(error));
    }
    sync_dir(parent_of(path)).map_err(failed)?;
    if let Some(old) = old {
        overwrite(&old).map_err(failed)?;
    }
    Ok(())
}

/// Overwrites a key file and removes it.
pub(crate) fn destroy_key(path: &Path) -> Result<(), SealError> {
    let failed = |source| SealError::KeyFile { action: "remove", path: path.to_owned(), source };
    match fs::OpenOptions::new().write(true).open(path) {
        Ok(file) => overwrite(&file).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
    }
    fs::remove_file(path).and_then(|()| sync_dir(parent_of(path))).map_err(failed)
}

/// The key file under a temporary name, and whether it is whole and on disk.
fn write_beside(path: &Path, key: &Secret) -> io::Result<(PathBuf, io::Result<()>)> {
    let mut text = Zeroizing::new([b'\n'; HEX_DIGITS + 1]);
    hex::encode_to_slice(key.bytes(), &mut text[..HEX_DIGITS]).map_err(io::Error::other)?;
    let (mut file, temporary) = create_temporary(path)?;
    let written = file.write_all(text.as_slice()).and_then(|()| file.sync_all());
    Ok((temporary, written))
}

/// A file system that writes in place has the key no longer afterwards; one that does not, and a
/// disk that moves blocks about, may keep it: nothing above the disk can help that.
fn overwrite(mut file: &File) -> io::Result<()> {
    let length = file.metadata()?.len().min(KEY_FILE_MAX_BYTES as u64 * 2);
    file.write_all(&vec![0; usize::try_from(length).unwrap_or(0)])?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
