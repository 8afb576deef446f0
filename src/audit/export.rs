//! Exports: a stretch of a log that can be verified without the log.
//!
//! # Format `millwright-audit-export/1`
//!
//! Text in UTF-8, one line each:
//!
//! 1. the head, a JSON object: `format`; `origin` and `public_key` (base64) of the log; the signed
//!    `checkpoint`; `first`, the index of the first entry; and `before`, the perfect subtrees of the
//!    entries before it, as `[{"size": 4096, "hash": "<hex>"}, …]`, first ones first; and, where
//!    earlier entries were asked for whose content was pruned, `pruned`: how many from the beginning
//!    were (`end`, which is `first` then), and the index of the entry that records it (`by`);
//! 2. the entries, each as its canonical bytes, which are one line of JSON;
//! 3. the end, a JSON object: `end` with the number of entries, and `after`, the perfect subtrees of
//!    the entries behind the last one, up to the checkpoint's size.
//!
//! In the CSV form the head and the end stand behind `# `, and each entry is the last column of its
//! row, quoted as RFC 4180 says; the columns before it repeat what is in it, for spreadsheets.
//!
//! To verify: walk over `before`, the leaf hash of each entry, and `after`, keeping a stack of
//! perfect subtrees. What is pushed on a subtree of its own size becomes one with it, again and
//! again. A subtree of size s must begin at a multiple of s. At the end the stack, folded from the
//! right, is the checkpoint's root, and the sizes add up to the checkpoint's size. Where `pruned`
//! names an entry of the export, that entry must record such a pruning (see [`crate::Pruning`]).

use serde::{Deserialize, Serialize};

use crate::canonical::SAFE_INTEGER_MAX;
use crate::{Checkpoint, Entry, Hash, Pruning, leaf_hash, node_hash};

/// Names the format.
pub const EXPORT_FORMAT: &str = "millwright-audit-export/1";

/// A perfect subtree: `size` leaves, a power of two, beginning at a multiple of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subtree {
    /// How many leaves.
    pub size: u64,
    /// Its root.
    pub hash: Hash,
}

/// The first line of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportHead {
    /// [`EXPORT_FORMAT`].
    pub format: String,
    /// Which log.
    pub origin: String,
    /// The log's Ed25519 key, in base64. Compare it with one that came another way.
    pub public_key: String,
    /// The signed note that the entries are proved against.
    pub checkpoint: String,
    /// Index of the first entry.
    pub first: u64,
    /// What stands before it.
    pub before: Vec<Subtree>,
    /// Why it does not begin earlier, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pruned: Option<PrunedBefore>,
}

/// That the content of earlier entries was pruned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PrunedBefore {
    /// So many entries from the beginning have no content.
    pub end: u64,
    /// Index of the entry that records it.
    pub by: u64,
}

/// The last line of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportEnd {
    /// How many entries there were.
    pub end: u64,
    /// What stands behind the last one.
    pub after: Vec<Subtree>,
}

/// Perfect subtrees over neighbouring leaves: what of a log is before a leaf, between two, or after
/// one. Begin anywhere; at most two subtrees of every size are kept.
#[derive(Clone, Debug)]
pub struct Cover {
    next: u64,
    subtrees: Vec<Subtree>,
}

impl Cover {
    /// Nothing yet; the first leaf will be the one at `first`.
    #[must_use]
    pub const fn from(first: u64) -> Self {
        Self { next: first, subtrees: Vec::new() }
    }

    /// Index of the leaf that comes next.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// Appends the next leaf.
    pub fn push_leaf(&mut self, leaf: Hash) {
        self.join(Subtree { size: 1, hash: leaf });
    }

    /// Appends a subtree that begins at the next leaf.
    ///
    /// # Errors
    /// [`ExportError::Subtrees`] when no perfect subtree of that size begins there.
    pub fn push(&mut self, subtree: Subtree) -> Result<(), ExportError> {
        let Subtree { size, .. } = subtree;
        let fits = size.is_power_of_two() && self.next.is_multiple_of(size);
        if !fits || size > SAFE_INTEGER_MAX - self.next.min(SAFE_INTEGER_MAX) {
            return Err(ExportError::Subtrees);
        }
        self.join(subtree);
        Ok(())
    }

    fn join(&mut self, mut subtree: Subtree) {
        self.next += subtree.size;
        // Two neighbours of one size are one subtree when the left one begins at a multiple of
        // twice the size, which is when both together end at one.
        while let Some(left) = self.subtrees.last().copied()
            && left.size == subtree.size
            && self.next.is_multiple_of(subtree.size * 2)
        {
            self.subtrees.pop();
            let hash = node_hash(&left.hash, &subtree.hash);
            subtree = Subtree { size: subtree.size * 2, hash };
        }
        self.subtrees.push(subtree);
    }

    /// The subtrees, first ones first.
    #[must_use]
    pub fn subtrees(&self) -> &[Subtree] {
        &self.subtrees
    }

    /// The root, for a cover of everything from the first leaf on.
    fn root(&self) -> Hash {
        let mut subtrees = self.subtrees.iter().rev();
        let Some(last) = subtrees.next() else { return Hash::EMPTY_ROOT };
        subtrees.fold(last.hash, |right, left| node_hash(&left.hash, &right))
    }
}

/// Why an export does not prove what it claims.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A line is not what it should be; lines are counted from 1.
    #[error("line {line}: {what}")]
    Line {
        /// Which line.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The checkpoint is not one of this log.
    #[error("the checkpoint is not genuine: {0}")]
    Checkpoint(#[from] crate::NoteError),
    /// The subtrees before or after the entries can't stand where they do.
    #[error("the subtrees before or after the entries do not fit")]
    Subtrees,
    /// An entry does not say the index that is its place.
    #[error("entry {expected} is missing, or stands in another place")]
    Missing {
        /// The index that should have come.
        expected: u64,
    },
    /// The export ends before its end.
    #[error("the export is cut off")]
    CutOff,
    /// The entry that is said to record a pruning does not.
    #[error("entry {by} does not record that the entries before {end} were pruned")]
    Erased {
        /// So many entries are said to be pruned.
        end: u64,
        /// The entry that should say so.
        by: u64,
    },
    /// The entries are not those of the log.
    #[error("an entry was altered, added or left out: the root is not the checkpoint's")]
    Root,
}

/// An export that was read to its end and found sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedExport {
    /// The head, with the log's name and key.
    pub head: ExportHead,
    /// The checkpoint that the entries were proved against.
    pub checkpoint: Checkpoint,
    /// How many entries.
    pub entries: u64,
    /// Whether the entry that records the pruning which the head names is in the export.
    pub has_pruning_record: bool,
}

/// Verifies an export line by line; keeps a few hashes of it.
pub struct ExportVerifier {
    head: ExportHead,
    checkpoint: Checkpoint,
    cover: Cover,
    line: u64,
    entries: u64,
    has_pruning_record: bool,
    end: Option<ExportEnd>,
}

impl ExportVerifier {
    /// Begins with the first line.
    ///
    /// # Errors
    /// [`ExportError`] when it is no head, its checkpoint is not signed by its key, or its subtrees
    /// do not lead to its first entry.
    pub fn begin(first_line: &str) -> Result<Self, ExportError> {
        let wrong = |what: String| ExportError::Line { line: 1, what };
        let head: ExportHead = serde_json::from_str(unmarked(first_line))
            .map_err(|e| wrong(format!("no head of an export: {e}")))?;
        if head.format != EXPORT_FORMAT {
            return Err(wrong(format!("the format is not {EXPORT_FORMAT}")));
        }
        let key = key_of(&head.public_key).ok_or_else(|| wrong("no Ed25519 key".to_owned()))?;
        let checkpoint = Checkpoint::verify(&head.checkpoint, &head.origin, &key)?;
        let mut cover = Cover::from(0);
        for subtree in &head.before {
            cover.push(*subtree)?;
        }
        if cover.next() != head.first || head.pruned.is_some_and(|p| p.end != head.first) {
            return Err(ExportError::Subtrees);
        }
        Ok(Self {
            head,
            checkpoint,
            cover,
            line: 1,
            entries: 0,
            has_pruning_record: false,
            end: None,
        })
    }

    /// Takes a further line; nothing may follow the end.
    ///
    /// # Errors
    /// [`ExportError`] when the line is neither the next entry nor the end.
    pub fn line(&mut self, text: &str) -> Result<(), ExportError> {
        self.line += 1;
        let wrong = |line: u64, what: &str| ExportError::Line { line, what: what.to_owned() };
        if self.end.is_some() {
            return Err(wrong(self.line, "something stands behind the end"));
        }
        if let Ok(end) = serde_json::from_str::<ExportEnd>(unmarked(text)) {
            self.end = Some(end);
            return Ok(());
        }
        let entry = Entry::parse(text.as_bytes())
            .map_err(|e| wrong(self.line, &format!("no entry of a log: {e}")))?;
        if entry.index != self.cover.next() {
            return Err(ExportError::Missing { expected: self.cover.next() });
        }
        if let Some(PrunedBefore { end, by }) = self.head.pruned.filter(|p| p.by == entry.index) {
            if Pruning::of(&entry).is_none_or(|pruning| pruning.end < end) {
                return Err(ExportError::Erased { end, by });
            }
            self.has_pruning_record = true;
        }
        self.cover.push_leaf(leaf_hash(text.as_bytes()));
        self.entries += 1;
        Ok(())
    }

    /// Ends after the last line.
    ///
    /// # Errors
    /// [`ExportError`] when the end is missing or does not fit, or the root is not the checkpoint's.
    pub fn finish(mut self) -> Result<VerifiedExport, ExportError> {
        let end = self.end.take().ok_or(ExportError::CutOff)?;
        if end.end != self.entries {
            return Err(ExportError::CutOff);
        }
        for subtree in end.after {
            self.cover.push(subtree)?;
        }
        if self.cover.next() != self.checkpoint.size || self.cover.root() != self.checkpoint.root {
            return Err(ExportError::Root);
        }
        Ok(VerifiedExport {
            head: self.head,
            checkpoint: self.checkpoint,
            entries: self.entries,
            has_pruning_record: self.has_pruning_record,
        })
    }
}

/// A line of the CSV form without the mark that tells head and end from rows.
fn unmarked(line: &str) -> &str {
    line.strip_prefix("# ").unwrap_or(line)
}

fn key_of(base64: &str) -> Option<seal::VerifyingKey> {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(base64).ok()?;
    seal::VerifyingKey::from_bytes(&bytes.try_into().ok()?).ok()
}

#[cfg(test)]
mod tests;
