//! The signed tree head beside a database, outside of it on purpose.
//!
//! # File format
//!
//! Two slots of 4096 bytes. Each holds a C2SP signed note (the checkpoint), or nothing, and is
//! filled up with zero bytes. The genuine note with the larger tree counts; the next one is
//! written over the other. So a write that a power cut tears leaves the one before it whole, and
//! a new head costs one data sync, no new block and no new directory entry: it can be signed when
//! the disk is full. A plain note as a file of its own is a valid file too (one slot).
//!
//! The note may have an extension line, `at-rest` with a digest: the database file's, without its
//! write-ahead log (see [`at_rest`](crate::at_rest)). It says what the file must be, until the log
//! is folded into it: from before that until after it no note says so. When that is the only
//! change both slots get it, so that neither can be made to stand for the other.

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
    /// What the database file is, as long as nothing is folded into it.
    at_rest: Option<Hash>,
    next_slot: usize,
    /// The two slots were to say the same of the database file, and only one may do so.
    is_torn: bool,
}

/// Begins the extension line of a note.
const AT_REST: &str = "at-rest ";

impl CheckpointFile {
    /// Makes the file with the head of the empty log, before the database is made: from then on
    /// a missing file is a finding.
    pub(crate) fn create(path: &Path, origin: &str, key: &SigningKey) -> Result<(), StoreError> {
        let note = sign(origin, key, (0, Hash::EMPTY_ROOT), None)
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
        let Some(Slot { number, head, at_rest, .. }) =
            read_slots(path, origin, &key.verifying_key())?
        else {
            return Ok(None);
        };
        let file = OpenOptions::new().write(true).open(path);
        let this = Self {
            path: path.to_owned(),
            file: file.map_err(StoreError::io("opening the checkpoint"))?,
            origin: origin.to_owned(),
            key,
            head: (head.size, head.root),
            at_rest,
            next_slot: (number + 1) % SLOTS,
            is_torn: false,
        };
        Ok(Some((this, head)))
    }

    /// Signs and syncs the head of a log, unless it is the one that is on disk. Does not return
    /// when the sync fails.
    pub(crate) fn write(&mut self, size: u64, root: Hash) -> io::Result<()> {
        if self.head == (size, root) {
            return Ok(());
        }
        // A slot of a longer log counts before both that may differ.
        let at_rest = if self.is_torn { None } else { self.at_rest };
        self.write_slot((size, root), at_rest)
    }

    /// What the database file must be; `None` when it is not known.
    pub(crate) const fn at_rest(&self) -> Option<Hash> {
        self.at_rest
    }

    /// Says what the database file is from now on, or that it is about to change. Does not return
    /// when a sync fails.
    pub(crate) fn set_at_rest(&mut self, at_rest: Option<Hash>) -> io::Result<()> {
        if !self.is_torn && self.at_rest == at_rest {
            return Ok(());
        }
        self.write_both(self.head, at_rest)
    }

    /// Says both at once, for a database that was just opened.
    pub(crate) fn settle(&mut self, size: u64, root: Hash, at_rest: Hash) -> io::Result<()> {
        if !self.is_torn && (self.head, self.at_rest) == ((size, root), Some(at_rest)) {
            return Ok(());
        }
        self.write_both((size, root), Some(at_rest))
    }

    fn write_both(&mut self, head: (u64, Hash), at_rest: Option<Hash>) -> io::Result<()> {
        self.is_torn = true;
        for _ in 0..SLOTS {
            self.write_slot(head, at_rest)?;
        }
        self.is_torn = false;
        Ok(())
    }

    fn write_slot(&mut self, head: (u64, Hash), at_rest: Option<Hash>) -> io::Result<()> {
        let slot = sign(&self.origin, &self.key, head, at_rest)?;
        self.file.write_all_at(&slot, (self.next_slot * SLOT_BYTES) as u64)?;
        if let Err(error) = self.file.sync_data() {
            fatal::sync_failed(&self.path.display().to_string(), &error);
        }
        (self.head, self.at_rest) = (head, at_rest);
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
fn sign(
    origin: &str,
    key: &SigningKey,
    head: (u64, Hash),
    at_rest: Option<Hash>,
) -> io::Result<[u8; SLOT_BYTES]> {
    let head = Checkpoint { origin: origin.to_owned(), size: head.0, root: head.1 };
    let at_rest = at_rest.map(|digest| format!("{AT_REST}{digest}"));
    let note = head.sign_extended(key, at_rest.as_deref()).map_err(io::Error::other)?;
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
    Ok(read_slots(path, origin, key)?.map(|slot| slot.head))
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
    Ok(read_slots(path, origin, key)?.map(|slot| (slot.note, slot.head)))
}

/// A genuine note and where it stands.
struct Slot {
    number: usize,
    note: String,
    head: Checkpoint,
    at_rest: Option<Hash>,
}

fn read_slots(path: &Path, origin: &str, key: &VerifyingKey) -> Result<Option<Slot>, StoreError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(StoreError::io("reading the checkpoint")(e)),
    };
    let mut bytes = Vec::with_capacity(SLOTS * SLOT_BYTES);
    file.take((SLOTS * SLOT_BYTES) as u64)
        .read_to_end(&mut bytes)
        .map_err(StoreError::io("reading the checkpoint"))?;
    let mut newest: Option<Slot> = None;
    let mut reason = "the checkpoint file is empty".to_owned();
    for (number, bytes) in bytes.chunks(SLOT_BYTES).enumerate() {
        let note = bytes.split(|b| *b == 0).next().unwrap_or_default();
        if note.is_empty() {
            continue;
        }
        match verify(number, note, origin, key) {
            Ok(slot) if newest.as_ref().is_none_or(|newest| slot.counts_before(newest)) => {
                newest = Some(slot);
            }
            Ok(_) => {}
            Err(why) => reason = why,
        }
    }
    newest.map(Some).ok_or(StoreError::AuditDamaged(reason))
}

impl Slot {
    /// Of two of the same size the one that says what the database file is: the other was cut off
    /// before its pair, so what it announces has not begun.
    fn counts_before(&self, other: &Self) -> bool {
        (self.head.size, self.at_rest.is_some()) > (other.head.size, other.at_rest.is_some())
    }
}

fn verify(number: usize, note: &[u8], origin: &str, key: &VerifyingKey) -> Result<Slot, String> {
    let text = std::str::from_utf8(note).map_err(|_| "the checkpoint is not text".to_owned())?;
    let (head, extension) = Checkpoint::verify_extended(text, origin, key)
        .map_err(|error| format!("the checkpoint is not genuine: {error}"))?;
    let at_rest = match extension.and_then(|line| line.strip_prefix(AT_REST)) {
        None => None,
        Some(digest) => Some(digest.parse().map_err(|_| "the checkpoint has no digest")?),
    };
    Ok(Slot { number, note: text.to_owned(), head, at_rest })
}
