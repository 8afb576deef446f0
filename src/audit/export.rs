//! Exports: a stretch of a log that can be verified without the log.
//!
//! # Format `millwright-audit-export/1`
//!
//! Text in UTF-8, one line each:
//!
//! 1. the head, a JSON object: `format`; `origin` and `public_key` (base64) of the log; the signed
//!    `checkpoint`; `first`, the index of the first entry; and `before`, the perfect subtrees of the
//!    entries before it, as `[{"size": 4096, "hash": "<hex>"}, …]`, first ones first;
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
//! right, is the checkpoint's root, and the sizes add up to the checkpoint's size.

use serde::{Deserialize, Serialize};

use crate::canonical::SAFE_INTEGER_MAX;
use crate::{Checkpoint, Entry, Hash, leaf_hash, node_hash};

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
}

/// Verifies an export line by line; keeps a few hashes of it.
pub struct ExportVerifier {
    head: ExportHead,
    checkpoint: Checkpoint,
    cover: Cover,
    line: u64,
    entries: u64,
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
        if cover.next() != head.first {
            return Err(ExportError::Subtrees);
        }
        Ok(Self { head, checkpoint, cover, line: 1, entries: 0, end: None })
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
        Ok(VerifiedExport { head: self.head, checkpoint: self.checkpoint, entries: self.entries })
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
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use base::{Actor, OsEntropy, Timestamp};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use proptest::prelude::*;
    use seal::{DataKey, SigningKey};

    use super::*;
    use crate::{Action, Event, Stamp, root};

    const ORIGIN: &str = "millwright/log/test";

    fn entry(index: u64) -> String {
        let stamp = Stamp {
            index,
            time: Timestamp::from_unix_ms(1_795_000_000_000),
            actor: Actor::Console,
            tenant: None,
            request_id: None,
        };
        let event = Event::new(Action::new("setting.changed")).object("setting", "a \"b\"");
        String::from_utf8(event.into_entry(stamp).canonical()).unwrap()
    }

    /// The lines of an export of `first..last` out of a log of `size`.
    fn export(size: u64, first: u64, last: u64) -> Vec<String> {
        let key = SigningKey::from_seed(&DataKey::generate(&OsEntropy).unwrap());
        let entries: Vec<String> = (0..size).map(entry).collect();
        let leaves: Vec<Hash> = entries.iter().map(|e| leaf_hash(e.as_bytes())).collect();
        let note = Checkpoint { origin: ORIGIN.to_owned(), size, root: root(&leaves) };
        let cover = |range: std::ops::Range<u64>| {
            let mut cover = Cover::from(range.start);
            leaves[range.start as usize..range.end as usize]
                .iter()
                .for_each(|l| cover.push_leaf(*l));
            cover.subtrees().to_vec()
        };
        let head = ExportHead {
            format: EXPORT_FORMAT.to_owned(),
            origin: ORIGIN.to_owned(),
            public_key: STANDARD.encode(key.verifying_key().as_bytes()),
            checkpoint: note.sign(&key).unwrap(),
            first,
            before: cover(0..first),
        };
        let end = ExportEnd { end: last - first, after: cover(last..size) };
        let mut lines = vec![serde_json::to_string(&head).unwrap()];
        lines.extend(entries[first as usize..last as usize].iter().cloned());
        lines.push(serde_json::to_string(&end).unwrap());
        lines
    }

    fn verify(lines: &[String]) -> Result<VerifiedExport, ExportError> {
        let mut verifier = ExportVerifier::begin(&lines[0])?;
        for line in &lines[1..] {
            verifier.line(line)?;
        }
        verifier.finish()
    }

    #[test]
    fn every_stretch_of_every_small_log_is_proved() {
        for size in 0..=17 {
            for first in 0..=size {
                for last in first..=size {
                    let sound = verify(&export(size, first, last)).unwrap();
                    assert_eq!(sound.entries, last - first, "{first}..{last} of {size}");
                    assert_eq!(sound.checkpoint.size, size);
                }
            }
        }
    }

    #[test]
    fn the_whole_log_has_the_root_of_the_tree() {
        let leaves: Vec<Hash> = (0..300).map(|i| leaf_hash(entry(i).as_bytes())).collect();
        let mut cover = Cover::from(0);
        leaves.iter().for_each(|leaf| cover.push_leaf(*leaf));
        assert_eq!(cover.root(), root(&leaves));
        assert_eq!(Cover::from(0).root(), Hash::EMPTY_ROOT);
    }

    #[test]
    fn whatever_is_done_to_an_export_is_found() {
        let good = export(21, 5, 13);
        verify(&good).unwrap();
        let damaged = |change: &dyn Fn(&mut Vec<String>)| {
            let mut lines = good.clone();
            change(&mut lines);
            verify(&lines).unwrap_err().to_string()
        };
        let swap = |from: &'static str, to: &'static str, line: usize| {
            move |lines: &mut Vec<String>| {
                assert!(lines[line].contains(from), "{}", lines[line]);
                lines[line] = lines[line].replacen(from, to, 1);
            }
        };
        for (change, says) in [
            (&swap("success", "denied", 3) as &dyn Fn(&mut Vec<String>), "altered"),
            (&|lines| drop(lines.remove(4)), "entry 8 is missing"),
            (&|lines| lines.swap(2, 3), "entry 6 is missing"),
            (&|lines| drop(lines.pop()), "cut off"),
            (&|lines| lines.truncate(4), "cut off"),
            (&|lines| drop(lines.remove(8)), "cut off"),
            (&|lines| lines.push(entry(13)), "behind the end"),
            (&|lines| lines.insert(9, entry(13)), "cut off"),
            (&swap("\"first\":5", "\"first\":4", 0), "do not fit"),
            (&swap("\"size\":4", "\"size\":3", 0), "do not fit"),
            (&swap("\\n21\\n", "\\n22\\n", 0), "not genuine"),
            (&swap("export/1", "export/2", 0), "the format is not"),
            (&swap("\"end\":8", "\"end\":7", 9), "cut off"),
            (&|lines| lines[0].clear(), "line 1"),
            (&|lines| lines[5] = "{}".to_owned(), "line 6"),
        ] {
            let said = damaged(change);
            assert!(said.contains(says), "{said} does not say {says}");
        }
        // The subtrees around the entries are as much a part of the proof as they are.
        let hash_in = |line: usize| {
            let at = good[line].rfind("\"hash\":\"").unwrap() + 8;
            damaged(&|lines| {
                let other = if lines[line].as_bytes()[at] == b'0' { "1" } else { "0" };
                lines[line].replace_range(at..=at, other);
            })
        };
        assert!(hash_in(0).contains("altered") && hash_in(9).contains("altered"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(lines in proptest::collection::vec("\\PC{0,80}", 1..6)) {
            let _ = verify(&lines);
        }

        #[test]
        fn a_flipped_byte_is_found(line in 1_usize..9, at in any::<prop::sample::Index>(), bit in 0_u8..7) {
            let mut lines = export(12, 2, 10);
            let mut bytes = lines[line].clone().into_bytes();
            let at = at.index(bytes.len());
            bytes[at] ^= 1_u8 << bit;
            if let Ok(text) = String::from_utf8(bytes) {
                lines[line] = text;
                prop_assert!(verify(&lines).is_err());
            }
        }
    }
}
