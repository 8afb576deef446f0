//! Roots that a log must have, known from elsewhere.

use crate::{Checkpoint, Frontier, Hash};

/// A root that the log must have at one size.
#[derive(Debug)]
pub(super) struct Anchor {
    pub(super) size: u64,
    root: Hash,
    computed: Option<Hash>,
}

impl Anchor {
    /// Whether the log reached this size and had another root there.
    fn disagrees(&self) -> bool {
        self.computed.is_some_and(|computed| computed != self.root)
    }
}

/// Roots, smallest tree first.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    sorted: Vec<Anchor>,
    /// The first one that the log has not reached.
    next: usize,
}

impl Anchors {
    /// To be called before the first entry.
    pub(super) fn add(&mut self, checkpoint: &Checkpoint) {
        // The empty tree has its root already.
        let computed = (checkpoint.size == 0).then_some(Hash::EMPTY_ROOT);
        self.sorted.push(Anchor { size: checkpoint.size, root: checkpoint.root, computed });
        self.sorted.sort_by_key(|anchor| anchor.size);
    }

    /// Compares with the tree as it is now.
    pub(super) fn reach(&mut self, tree: &Frontier) {
        while let Some(anchor) = self.sorted.get_mut(self.next)
            && anchor.size <= tree.size()
        {
            if anchor.size == tree.size() {
                anchor.computed = Some(tree.root());
            }
            self.next += 1;
        }
    }

    /// The one of the largest tree.
    pub(super) fn newest(&self) -> Option<&Anchor> {
        self.sorted.last()
    }

    /// The first one of at most `max_size` entries that the log does not have.
    pub(super) fn first_disagreeing(&self, max_size: u64) -> Option<&Anchor> {
        self.sorted.iter().find(|anchor| anchor.size <= max_size && anchor.disagrees())
    }

    /// Entries of the largest tree below `below` entries whose root the log has.
    pub(super) fn vouched_size(&self, below: u64) -> u64 {
        let agreeing = |a: &&Anchor| a.size < below && a.computed == Some(a.root);
        self.sorted.iter().filter(agreeing).map(|anchor| anchor.size).max().unwrap_or(0)
    }
}
