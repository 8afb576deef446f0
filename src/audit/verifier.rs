//! Reads a log from its beginning and names the first thing that is wrong with it.

use std::fmt;

use crate::entry::canonical_index;
use crate::{Checkpoint, Frontier, Hash, leaf_hash};

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
///
/// When every row is good, the log is compared with what is known of it from elsewhere:
///
/// | what | finding, at index |
/// |---|---|
/// | fewer rows than the database's own tree head counts | truncated, at the number of rows |
/// | fewer rows than a checkpoint counts, as many as the database's tree head counts: the whole database is an older one | rolled back, at the number of rows |
/// | fewer rows than a checkpoint counts, and no tree head of the database was given | truncated, at the number of rows |
/// | another root than a checkpoint or the tree head has | root mismatch, at the first entry that no agreeing root covers |
///
/// A root mismatch with good rows means that entries were rewritten together with their hashes.
/// One root over the whole log cannot tell which; earlier checkpoints ([`earlier`](Self::earlier))
/// narrow it down. A checkpoint that disagrees at or below a bad row outranks that row.
#[derive(Debug)]
pub struct Verifier {
    /// Roots that are known from elsewhere, smallest tree first.
    anchors: Vec<Anchor>,
    frontier: Frontier,
    suspect: Option<Suspect>,
}

/// A root that the log must have at one size.
#[derive(Debug)]
struct Anchor {
    size: u64,
    root: Hash,
    computed: Option<Hash>,
}

impl Anchor {
    /// Whether the log reached this size and had another root there.
    fn disagrees(&self) -> bool {
        self.computed.is_some_and(|computed| computed != self.root)
    }
}

/// The first bad row, and what has been learnt about it since.
#[derive(Debug)]
struct Suspect {
    index: u64,
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
enum Wrong {
    /// It has another number than its place.
    Number(u64),
    /// Its bytes do not fit the stored hash, which is this.
    Bytes(Hash),
    /// It fits its hash but says it is another entry.
    Claim(u64),
    /// It fits its hash but is no canonical entry.
    Encoding,
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
        let verifier = Self { anchors: Vec::new(), frontier: Frontier::new(), suspect: None };
        match checkpoint {
            Some(checkpoint) => verifier.earlier(&checkpoint),
            None => verifier,
        }
    }

    /// Compares with another verified checkpoint of the same log too, such as one that an auditor
    /// kept. To be called before the first [`push`](Self::push).
    #[must_use]
    pub fn earlier(mut self, checkpoint: &Checkpoint) -> Self {
        // The empty tree has its root already.
        let computed = (checkpoint.size == 0).then_some(Hash::EMPTY_ROOT);
        self.anchors.push(Anchor { size: checkpoint.size, root: checkpoint.root, computed });
        self.anchors.sort_by_key(|anchor| anchor.size);
        self
    }

    /// The next row: its number, its bytes, and the leaf hash stored beside them.
    pub fn push(&mut self, index: u64, bytes: &[u8], stored_leaf_hash: &Hash) {
        let expected = self.frontier.size();
        let computed = leaf_hash(bytes);
        let claim = canonical_index(bytes);
        match &mut self.suspect {
            Some(suspect) => suspect.learn(index, &computed, claim),
            None => {
                let wrong = if index != expected {
                    Some(Wrong::Number(index))
                } else if computed != *stored_leaf_hash {
                    Some(Wrong::Bytes(*stored_leaf_hash))
                } else {
                    match claim {
                        Some(claim) if claim == expected => None,
                        Some(claim) => Some(Wrong::Claim(claim)),
                        None => Some(Wrong::Encoding),
                    }
                };
                self.suspect =
                    wrong.map(|wrong| Suspect { index: expected, wrong, found_later: Found::No });
            }
        }
        self.frontier.append(computed);
        let size = self.frontier.size();
        for anchor in self.anchors.iter_mut().filter(|anchor| anchor.size == size) {
            anchor.computed = Some(self.frontier.root());
        }
    }

    /// The verdict. `recorded` is the tree head that the database keeps for itself, when there is
    /// one to compare with.
    #[must_use]
    pub fn finish(self, recorded: Option<&Frontier>) -> Report {
        let finding = self
            .bad_row()
            .or_else(|| self.too_short(recorded))
            .or_else(|| self.disagreeing_anchor(u64::MAX))
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
        let anchor = self.anchors.last().filter(|anchor| anchor.size > size)?;
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

    /// A checkpoint of at most `max_size` entries whose root the log does not have.
    fn disagreeing_anchor(&self, max_size: u64) -> Option<Finding> {
        let anchor = self.anchors.iter().find(|a| a.size <= max_size && a.disagrees())?;
        let index = self.vouched_size(anchor.size);
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
        let index = self.vouched_size(u64::MAX);
        let what = format!(
            "the tree head that the database keeps (of {} entries) does not fit its {} entries",
            head.size(),
            self.frontier.size()
        );
        Some(Finding { index, kind: FindingKind::RootMismatch, what })
    }

    /// How many entries from the beginning are covered by a root that agrees and is smaller than
    /// `below` entries.
    fn vouched_size(&self, below: u64) -> u64 {
        let agreeing = |a: &&Anchor| a.size < below && a.computed == Some(a.root);
        self.anchors.iter().filter(agreeing).map(|anchor| anchor.size).max().unwrap_or(0)
    }
}

impl Suspect {
    /// Notes whether a later row is what belongs in the suspect's place.
    fn learn(&mut self, index: u64, computed: &Hash, claim: Option<u64>) {
        let belongs_here = match self.wrong {
            Wrong::Number(_) => index == self.index,
            Wrong::Bytes(stored) => *computed == stored,
            Wrong::Claim(_) => claim == Some(self.index),
            Wrong::Encoding => false,
        };
        if belongs_here {
            self.found_later = Found::Yes;
        }
    }

    fn verdict(&self) -> (FindingKind, String) {
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
        }
    }
}

#[cfg(test)]
mod tests;
