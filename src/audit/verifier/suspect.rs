//! The first bad row of a log, and what became of what belongs in its place.

use super::{ExaminedRow, FindingKind};
use crate::Hash;

/// The first bad row, and what has been learnt about it since.
#[derive(Debug)]
pub(super) struct Suspect {
    pub(super) index: u64,
    wrong: Wrong,
    found_later: Found,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    No,
    Yes,
}

/// What is wrong with a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wrong {
    /// It has another number than its place.
    Number(u64),
    /// Its bytes do not fit the stored hash, which is this.
    Bytes(Hash),
    /// It fits its hash but says it is another entry.
    Claim(u64),
    /// It fits its hash but is no canonical entry.
    Encoding,
    /// It has no content, and stands behind one that has.
    Erased,
}

impl Suspect {
    pub(super) const fn new(index: u64, wrong: Wrong) -> Self {
        Self { index, wrong, found_later: Found::No }
    }

    /// Notes whether a later row is what belongs in the suspect's place.
    pub(super) fn learn(&mut self, row: &ExaminedRow) {
        let belongs_here = match self.wrong {
            Wrong::Number(_) => row.index == self.index,
            Wrong::Bytes(stored) => row.leaf == stored,
            Wrong::Claim(_) => row.claim == Some(self.index),
            Wrong::Encoding | Wrong::Erased => false,
        };
        if belongs_here {
            self.found_later = Found::Yes;
        }
    }

    pub(super) fn verdict(&self) -> (FindingKind, String) {
        let Self { index, wrong, found_later } = self;
        match (*wrong, *found_later) {
            (Wrong::Number(number), Found::Yes) => {
                (FindingKind::Reordered, format!("entry {number} stands before entry {index}"))
            }
            (Wrong::Number(number), Found::No) if number > *index => (
                FindingKind::Missing,
                format!("entry {index} is not there; the next one is {number}"),
            ),
            (Wrong::Number(number), Found::No) => (
                FindingKind::Reordered,
                format!("entry {number} stands where entry {index} belongs"),
            ),
            (Wrong::Bytes(_), Found::Yes) => (
                FindingKind::Reordered,
                format!("what was recorded as entry {index} stands in a later place"),
            ),
            (Wrong::Bytes(_), Found::No) => (
                FindingKind::Altered,
                format!("entry {index} does not fit the hash stored beside it"),
            ),
            (Wrong::Claim(claim), Found::Yes) => (
                FindingKind::Reordered,
                format!("entry {claim} stands where entry {index} belongs, which comes later"),
            ),
            (Wrong::Claim(claim), Found::No) if claim > *index => (
                FindingKind::Missing,
                format!("entry {index} is not there; entry {claim} was moved into its place"),
            ),
            (Wrong::Claim(claim), Found::No) => (
                FindingKind::Altered,
                format!("entry {index} was replaced by a copy of entry {claim}"),
            ),
            (Wrong::Encoding, _) => (
                FindingKind::Altered,
                format!("entry {index} is not the canonical encoding of an entry"),
            ),
            (Wrong::Erased, _) => (
                FindingKind::Erased,
                format!("the content of entry {index} is gone, though earlier entries have theirs"),
            ),
        }
    }
}
