//! What can be found out about one row by itself, on any thread: the costly part of verifying.

use crate::entry::canonical_index;
use crate::pruning::Pruning;
use crate::{Hash, leaf_hash};

/// A row of a log that was looked at by itself; the verifier says whether it stands where it should.
#[derive(Clone, Copy, Debug)]
pub struct ExaminedRow {
    /// The number that it is stored under.
    pub(super) index: u64,
    /// Its leaf: the hash of its bytes, or the stored hash where there are none.
    pub(super) leaf: Hash,
    /// The hash that is stored beside it.
    pub(super) stored: Hash,
    /// The index that its bytes name; `None` when they are no canonical entry.
    pub(super) claim: Option<u64>,
    /// It has no content.
    pub(super) is_empty: bool,
    /// It records that content was pruned: of all entries below this one.
    pub(super) pruned_end: Option<u64>,
}

impl ExaminedRow {
    /// Looks at a row: its number, its bytes, and the leaf hash stored beside them. No bytes is what
    /// pruning leaves.
    #[must_use]
    pub fn of(index: u64, bytes: &[u8], stored: &Hash) -> Self {
        let is_empty = bytes.is_empty();
        Self {
            index,
            leaf: if is_empty { *stored } else { leaf_hash(bytes) },
            stored: *stored,
            claim: canonical_index(bytes),
            is_empty,
            pruned_end: Pruning::in_bytes(bytes).map(|pruning| pruning.end),
        }
    }
}
