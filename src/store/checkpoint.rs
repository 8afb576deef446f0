//! The signed tree head beside a database, outside of it on purpose.
//!
//! # File format
//!
//! Two slots of 4096 bytes. Each holds a C2SP signed note (the checkpoint), or nothing, and is
//! filled up with zero bytes. The genuine note with the larger tree counts; the next one is
//! written over the other. So a write that a power cut tears leaves the one before it whole, and
//! a new head costs one data sync, no new block and no new directory entry: it can be signed when
//! the disk is full. A plain note as a file of its own is a valid file too (one slot).

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use audit::{Checkpoint, Hash};
use seal::{SigningKey, VerifyingKey};

use crate::{StoreError, fatal};

/// One block of any disk, so that writing one slot can't harm the other.
const SLOT_BYTES: usize = 4096;
const SLOTS: usize = 2;

/// The file of one log, for the one writer of its database.
pub(crate) struct CheckpointFile {
    path: PathBuf,
    file: File,
    origin: String,
    key: SigningKey,
    /// Size and root that are on disk.
    head: (u64, Hash),
    next_slot: usize,
}

impl CheckpointFile {
    /// Makes the file with the head of the empty log, before the database is made: from then on
    /// a missing file is a finding.
    pub(crate) fn create(path: &Path, origin: &str, key: &SigningKey) -> Result<(), StoreError> {
        let note = sign(origin, key, (0, Hash::EMPTY_ROOT))
            .map_err(StoreError::io("signing the checkpoint"))?;
        let mut bytes = note.to_vec();
        bytes.resize(SLOTS * SLOT_BYTES, 0);
        seal::write_atomically(path, &bytes).map_err(StoreError::io("making the checkpoint"))
    }

    /// Opens the file and gives the head; `None` when there is no file.
    pub(crate) fn open(
        path: &Path,
        origin: &str,
        key: SigningKey,
    ) -> Result<Option<(Self, Checkpoint)>, StoreError> {
        let Some((slot, _, head)) = read_slots(path, origin, &key.verifying_key())? else {
            return Ok(None);
        };
        let file = OpenOptions::new().write(true).open(path);
        let this = Self {
            path: path.to_owned(),
            file: file.map_err(StoreError::io("opening the checkpoint"))?,
            origin: origin.to_owned(),
            key,
            head: (head.size, head.root),
            next_slot: (slot + 1) % SLOTS,
        };
        Ok(Some((this, head)))
    }

    /// Signs and syncs the head of a log, unless it is the one that is on disk. Does not return
    /// when the sync fails.
    pub(crate) fn write(&mut self, size: u64, root: Hash) -> io::Result<()> {
        if self.head == (size, root) {
            return Ok(());
        }
        let slot = sign(&self.origin, &self.key, (size, root))?;
        self.file.write_all_at(&slot, (self.next_slot * SLOT_BYTES) as u64)?;
        if let Err(error) = self.file.sync_data() {
            fatal::sync_failed(&self.path.display().to_string(), &error);
        }
        self.head = (size, root);
        self.next_slot = (self.next_slot + 1) % SLOTS;
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// For tests of what happens when the head can't be written.
    #[cfg(test)]
    pub(crate) fn replace_file(&mut self, file: File) {
        self.file = file;
    }
}

/// A slot with the signed head.
fn sign(origin: &str, key: &SigningKey, head: (u64, Hash)) -> io::Result<[u8; SLOT_BYTES]> {
    let head = Checkpoint { origin: origin.to_owned(), size: head.0, root: head.1 };
    let note = head.sign(key).map_err(io::Error::other)?;
    let mut slot = [0; SLOT_BYTES];
    slot.get_mut(..note.len())
        .ok_or_else(|| io::Error::other("the checkpoint does not fit its slot"))?
        .copy_from_slice(note.as_bytes());
    Ok(slot)
}

/// The newest genuine head in the file at `path`.
#[cfg(test)]
pub(crate) fn read_checkpoint(
    path: &Path,
    origin: &str,
    key: &VerifyingKey,
) -> Result<Option<Checkpoint>, StoreError> {
    Ok(read_signed_note(path, origin, key)?.map(|(_, head)| head))
}

/// The newest genuine head in the file at `path`, with the note as it was signed; `None` when there
/// is no file.
///
/// # Errors
/// [`StoreError::AuditDamaged`] when the file holds none.
pub(crate) fn read_signed_note(
    path: &Path,
    origin: &str,
    key: &VerifyingKey,
) -> Result<Option<(String, Checkpoint)>, StoreError> {
    Ok(read_slots(path, origin, key)?.map(|(_, note, head)| (note, head)))
}

fn read_slots(
    path: &Path,
    origin: &str,
    key: &VerifyingKey,
) -> Result<Option<(usize, String, Checkpoint)>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::io("reading the checkpoint")(e)),
    };
    let mut bytes = Vec::with_capacity(SLOTS * SLOT_BYTES);
    file.take((SLOTS * SLOT_BYTES) as u64)
        .read_to_end(&mut bytes)
        .map_err(StoreError::io("reading the checkpoint"))?;
    let mut newest: Option<(usize, String, Checkpoint)> = None;
    let mut reason = "the checkpoint file is empty".to_owned();
    for (slot, bytes) in bytes.chunks(SLOT_BYTES).enumerate() {
        let note = bytes.split(|b| *b == 0).next().unwrap_or_default();
        if note.is_empty() {
            continue;
        }
        match verify(note, origin, key) {
            Ok(head) if newest.as_ref().is_none_or(|(_, _, n)| head.size > n.size) => {
                newest = Some((slot, String::from_utf8_lossy(note).into_owned(), head));
            }
            Ok(_) => {}
            Err(why) => reason = why,
        }
    }
    newest.map(Some).ok_or(StoreError::AuditDamaged(reason))
}

fn verify(note: &[u8], origin: &str, key: &VerifyingKey) -> Result<Checkpoint, String> {
    let text = std::str::from_utf8(note).map_err(|_| "the checkpoint is not text".to_owned())?;
    Checkpoint::verify(text, origin, key)
        .map_err(|error| format!("the checkpoint is not genuine: {error}"))
}
