//! Reads a log from its beginning and names the first thing that is wrong with it.

mod anchors;
mod row;
mod suspect;

use std::fmt;

use crate::{Checkpoint, Frontier, Hash};

use anchors::Anchors;
pub use row::ExaminedRow;
use suspect::{Suspect, Wrong};

/// Checks a log entry by entry, in constant memory.
///
/// Give it the rows in the order in which they are stored, [`push`](Self::push) by `push`, then
/// [`finish`](Self::finish). Row number p, counted from 0, is good when it is numbered p, its bytes
/// hash to the hash stored beside them, and they are the canonical encoding of an entry that says
/// it is number p. The first row that is not good is the finding; the rows behind it are read only
/// to tell what happened to it:
///
/// | first bad row p | and behind it | finding |
/// |---|---|---|
/// | has a higher number | a row numbered p | reordered |
/// | has a higher number | no row numbered p | missing |
/// | has a lower number | | reordered |
/// | its bytes do not fit its stored hash | bytes that fit its stored hash | reordered |
/// | its bytes do not fit its stored hash | none | altered |
/// | fits its hash but says it is a later entry | the entry that says it is number p | reordered |
/// | fits its hash but says it is a later entry | no such entry: it was taken out and the rest moved up | missing |
/// | fits its hash but says it is an earlier entry | | altered |
/// | fits its hash but is no canonical entry | | altered |
/// | has no bytes, though an earlier one has | | erased |
///
/// Rows without bytes at the beginning are good when the log holds the record that they were pruned
/// ([`Pruning`](crate::Pruning)); the hash stored beside them is their leaf.
///
/// When every row is good, the log is compared with what is known of it from elsewhere:
///
/// | what | finding, at index |
/// |---|---|
/// | fewer rows than the database's own tree head counts | truncated, at the number of rows |
/// | fewer rows than a checkpoint counts, as many as the database's tree head counts: the whole database is an older one | rolled back, at the number of rows |
/// | fewer rows than a checkpoint counts, and no tree head of the database was given | truncated, at the number of rows |
/// | fewer rows than a checkpoint of a witness counts | behind witness, at the number of rows |
/// | no bytes at the beginning, and no record that says so | erased, at the first one that no record covers |
/// | another root than a checkpoint or the tree head has | root mismatch, at the first entry that no agreeing root covers |
/// | another root than a checkpoint of a witness has | forked, at the first entry that no agreeing one covers |
///
/// A root mismatch with good rows means that entries were rewritten together with their hashes.
/// One root over the whole log cannot tell which; earlier checkpoints ([`earlier`](Self::earlier))
/// narrow it down. A checkpoint that disagrees at or below a bad row outranks that row.
#[derive(Debug)]
pub struct Verifier {
    /// Roots that are known from the log's own checkpoints.
    anchors: Anchors,
    /// Roots that a witness keeps.
    witnessed: Anchors,
    frontier: Frontier,
    suspect: Option<Suspect>,
    /// So many rows from the beginning have no content.
    pruned: u64,
    /// So many of them the log says it has pruned.
    pruned_by_record: u64,
}

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FindingKind {
    /// An entry is not the one that was recorded.
    Altered,
    /// An entry is not there, though later ones are.
    Missing,
    /// An entry stands in another place.
    Reordered,
    /// The end of the log was cut off.
    Truncated,
    /// The whole database is older than its checkpoint.
    RolledBack,
    /// Entries and their hashes were rewritten together.
    RootMismatch,
    /// The content of an entry is gone, and the log does not say that it was pruned.
    Erased,
    /// The log is shorter than a witness saw it: database and checkpoint were rolled back together.
    BehindWitness,
    /// The log is not the continuation of what a witness saw.
    Forked,
}

impl FindingKind {
    /// The word used in reports and API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::Missing => "missing",
            Self::Reordered => "reordered",
            Self::Truncated => "truncated",
            Self::RolledBack => "rolled_back",
            Self::RootMismatch => "root_mismatch",
            Self::Erased => "erased",
            Self::BehindWitness => "behind_witness",
            Self::Forked => "forked",
        }
    }
}

impl fmt::Display for FindingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The first thing that is wrong with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The first bad index, counted from 0.
    pub index: u64,
    /// What is wrong.
    pub kind: FindingKind,
    /// The same in a sentence, without contents of entries.
    pub what: String,
}

/// The outcome of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many rows there were.
    pub size: u64,
    /// Root of the tree over the bytes of the rows, in the order in which they came.
    pub root: Hash,
    /// The first thing that is wrong; none when all is well.
    pub finding: Option<Finding>,
}

impl Verifier {
    /// A verification against `checkpoint`, whose signature has been verified. Without one,
    /// nothing can tell whether the end of the log was cut off or all of it rewritten.
    #[must_use]
    pub fn new(checkpoint: Option<Checkpoint>) -> Self {
        let verifier = Self {
            anchors: Anchors::default(),
            witnessed: Anchors::default(),
            frontier: Frontier::new(),
            suspect: None,
            pruned: 0,
            pruned_by_record: 0,
        };
        match checkpoint {
            Some(checkpoint) => verifier.earlier(&checkpoint),
            None => verifier,
        }
    }

    /// Compares with another verified checkpoint of the same log too, such as one that an auditor
    /// kept. To be called before the first [`push`](Self::push).
    #[must_use]
    pub fn earlier(mut self, checkpoint: &Checkpoint) -> Self {
        self.anchors.add(checkpoint);
        self
    }

    /// Compares with a verified checkpoint that a witness keeps. To be called before the first
    /// [`push`](Self::push).
    #[must_use]
    pub fn witnessed(mut self, checkpoint: &Checkpoint) -> Self {
        self.witnessed.add(checkpoint);
        self
    }

    /// The next row: its number, its bytes, and the leaf hash stored beside them. A row without
    /// bytes is one whose content was pruned.
    pub fn push(&mut self, index: u64, bytes: &[u8], stored_leaf_hash: &Hash) {
        self.take(&ExaminedRow::of(index, bytes, stored_leaf_hash));
    }

    /// As [`push`](Self::push), for a row that was examined already.
    pub fn take(&mut self, row: &ExaminedRow) {
        let expected = self.frontier.size();
        match &mut self.suspect {
            Some(suspect) => suspect.learn(row),
            None => {
                let wrong = self.wrong_with(row, expected);
                self.suspect = wrong.map(|wrong| Suspect::new(expected, wrong));
            }
        }
        if let Some(end) = row.pruned_end {
            self.pruned_by_record = self.pruned_by_record.max(end);
        }
        self.frontier.append(row.leaf);
        self.anchors.reach(&self.frontier);
        self.witnessed.reach(&self.frontier);
    }

    /// What is wrong with the row that should be number `expected`.
    fn wrong_with(&mut self, row: &ExaminedRow, expected: u64) -> Option<Wrong> {
        if row.index != expected {
            return Some(Wrong::Number(row.index));
        }
        if row.is_empty {
            // Pruning goes from the beginning.
            if self.pruned != expected {
                return Some(Wrong::Erased);
            }
            self.pruned += 1;
            return None;
        }
        if row.leaf != row.stored {
            return Some(Wrong::Bytes(row.stored));
        }
        match row.claim {
            Some(claim) if claim == expected => None,
            Some(claim) => Some(Wrong::Claim(claim)),
            None => Some(Wrong::Encoding),
        }
    }

    /// The verdict. `recorded` is the tree head that the database keeps for itself, when there is
    /// one to compare with.
    #[must_use]
    pub fn finish(self, recorded: Option<&Frontier>) -> Report {
        let finding = self
            .bad_row()
            .or_else(|| self.too_short(recorded))
            .or_else(|| self.behind_witness())
            .or_else(|| self.erased())
            .or_else(|| self.disagreeing_anchor(u64::MAX))
            .or_else(|| self.forked())
            .or_else(|| self.disagreeing_head(recorded));
        Report { size: self.frontier.size(), root: self.frontier.root(), finding }
    }

    /// The first bad row, unless a root below it already disagrees.
    fn bad_row(&self) -> Option<Finding> {
        let suspect = self.suspect.as_ref()?;
        self.disagreeing_anchor(suspect.index).or_else(|| {
            let (kind, what) = suspect.verdict();
            Some(Finding { index: suspect.index, kind, what })
        })
    }

    /// Fewer rows than elsewhere is known that there were.
    fn too_short(&self, recorded: Option<&Frontier>) -> Option<Finding> {
        let size = self.frontier.size();
        if let Some(head) = recorded.filter(|head| head.size() > size) {
            let what = format!(
                "the log ends after {size} entries; its own tree head counts {}",
                head.size()
            );
            return Some(Finding { index: size, kind: FindingKind::Truncated, what });
        }
        let anchor = self.anchors.newest().filter(|anchor| anchor.size > size)?;
        let (kind, why) = match recorded {
            Some(_) => (FindingKind::RolledBack, "the whole database is older than its checkpoint"),
            None => (FindingKind::Truncated, "its end was cut off"),
        };
        let what = format!(
            "the log ends after {size} entries; its checkpoint counts {}: {why}",
            anchor.size
        );
        Some(Finding { index: size, kind, what })
    }

    /// Fewer rows than a witness saw.
    fn behind_witness(&self) -> Option<Finding> {
        let size = self.frontier.size();
        let seen = self.witnessed.newest().filter(|anchor| anchor.size > size)?.size;
        let what = format!(
            "the log ends after {size} entries; its witness saw {seen}: database and checkpoint \
             were rolled back together"
        );
        Some(Finding { index: size, kind: FindingKind::BehindWitness, what })
    }

    /// Content that is gone without a record of its pruning.
    fn erased(&self) -> Option<Finding> {
        let index = self.pruned_by_record;
        (index < self.pruned).then(|| Finding {
            index,
            kind: FindingKind::Erased,
            what: format!(
                "the content of the entries {index} to {} is gone, and no entry of the log records \
                 that it was pruned",
                self.pruned - 1
            ),
        })
    }

    /// A checkpoint of a witness whose root the log does not have.
    fn forked(&self) -> Option<Finding> {
        let seen = self.witnessed.first_disagreeing(u64::MAX)?.size;
        let index = self.witnessed.vouched_size(seen);
        let what = format!(
            "the root over the first {seen} entries is not the one that was witnessed: the entries \
             from {index} on are another history"
        );
        Some(Finding { index, kind: FindingKind::Forked, what })
    }

    /// A checkpoint of at most `max_size` entries whose root the log does not have.
    fn disagreeing_anchor(&self, max_size: u64) -> Option<Finding> {
        let anchor = self.anchors.first_disagreeing(max_size)?;
        let index = self.anchors.vouched_size(anchor.size);
        let what = format!(
            "the root over the first {} entries is not that of their checkpoint: \
             entries from {index} on were rewritten together with their hashes",
            anchor.size
        );
        Some(Finding { index, kind: FindingKind::RootMismatch, what })
    }

    /// The database's own tree head does not fit its rows.
    fn disagreeing_head(&self, recorded: Option<&Frontier>) -> Option<Finding> {
        let head = recorded.filter(|head| **head != self.frontier)?;
        let index = self.anchors.vouched_size(u64::MAX);
        let what = format!(
            "the tree head that the database keeps (of {} entries) does not fit its {} entries",
            head.size(),
            self.frontier.size()
        );
        Some(Finding { index, kind: FindingKind::RootMismatch, what })
    }
}

#[cfg(test)]
mod tests;
