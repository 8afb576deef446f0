//! A set of chunks as a compressed bitmap: what a person may retrieve, what a clause matches.

use base::ChunkId;
use roaring::RoaringTreemap;

/// A set of chunk ids (Roaring bitmap; Lemire et al., 2016). Ids of one revision are neighbours,
/// so a million of them take some kilobytes.
///
/// Chunk ids are row ids counted up from 1; an id below 0 is never in a set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ChunkSet(RoaringTreemap);

impl ChunkSet {
    /// The empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `chunk`; tells whether it is new.
    pub fn insert(&mut self, chunk: ChunkId) -> bool {
        u64::try_from(chunk.0).is_ok_and(|id| self.0.insert(id))
    }

    /// Adds `first`, `last` and all between.
    pub fn insert_range(&mut self, first: ChunkId, last: ChunkId) {
        if let (Ok(first), Ok(last)) = (u64::try_from(first.0.max(0)), u64::try_from(last.0)) {
            self.0.insert_range(first..=last);
        }
    }

    /// Whether `chunk` is in the set.
    #[must_use]
    pub fn contains(&self, chunk: ChunkId) -> bool {
        u64::try_from(chunk.0).is_ok_and(|id| self.0.contains(id))
    }

    /// Number of chunks.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many chunks from `first` to `last`, both included, are in the set.
    #[must_use]
    pub fn count_between(&self, first: ChunkId, last: ChunkId) -> u64 {
        match (u64::try_from(first.0.max(0)), u64::try_from(last.0)) {
            (Ok(first), Ok(last)) => self.0.range_cardinality(first..=last),
            _ => 0,
        }
    }

    /// Keeps what is also in `other`.
    pub fn intersect(&mut self, other: &Self) {
        self.0 &= &other.0;
    }

    /// Removes what is in `other`.
    pub fn subtract(&mut self, other: &Self) {
        self.0 -= &other.0;
    }

    /// Adds what is in `other`.
    pub fn unite(&mut self, other: &Self) {
        self.0 |= &other.0;
    }

    /// Unbroken runs of ids between `first` and `last`, both included, in ascending order. Costs as
    /// much as there are runs, however long they are.
    pub(crate) fn runs_between(
        &self,
        first: ChunkId,
        last: ChunkId,
    ) -> impl Iterator<Item = (ChunkId, ChunkId)> {
        self.0.bitmaps().flat_map(move |(high, bitmap)| {
            let base = i64::from(high) << 32;
            // `None` where all ids of this bitmap are below `first`.
            let mut runs = u32::try_from(first.0.saturating_sub(base).max(0)).ok().map(|skipped| {
                let mut ids = bitmap.iter();
                ids.advance_to(skipped);
                ids
            });
            std::iter::from_fn(move || {
                let run = runs.as_mut()?.next_range()?;
                let from = base + i64::from(*run.start());
                let to = (base + i64::from(*run.end())).min(last.0);
                (from <= to).then_some((ChunkId(from), ChunkId(to)))
            })
        })
    }

    /// The chunks, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = ChunkId> {
        self.0.iter().filter_map(|id| i64::try_from(id).ok().map(ChunkId))
    }
}

impl FromIterator<ChunkId> for ChunkSet {
    fn from_iter<I: IntoIterator<Item = ChunkId>>(chunks: I) -> Self {
        Self(chunks.into_iter().filter_map(|chunk| u64::try_from(chunk.0).ok()).collect())
    }
}

impl Extend<ChunkId> for ChunkSet {
    fn extend<I: IntoIterator<Item = ChunkId>>(&mut self, chunks: I) {
        self.0.extend(chunks.into_iter().filter_map(|chunk| u64::try_from(chunk.0).ok()));
    }
}

/// Which chunks a search may see. Applied before scoring, in every arm.
#[derive(Clone, Copy, Debug)]
pub enum Allowed<'s> {
    /// Every one there is.
    All,
    /// These alone.
    Only(&'s ChunkSet),
}

impl Allowed<'_> {
    /// Whether `chunk` may be seen.
    #[must_use]
    pub fn contains(self, chunk: ChunkId) -> bool {
        match self {
            Self::All => true,
            Self::Only(set) => set.contains(chunk),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn behaves_like_a_set(
            a in proptest::collection::btree_set(0_i64..200, 0..60),
            b in proptest::collection::btree_set(0_i64..200, 0..60),
            first in 0_i64..200, last in 0_i64..200,
        ) {
            let set = |ids: &BTreeSet<i64>| ids.iter().copied().map(ChunkId).collect::<ChunkSet>();
            let ids = |set: &ChunkSet| set.iter().map(|c| c.0).collect::<BTreeSet<_>>();
            let (mut both, mut rest, mut all) = (set(&a), set(&a), set(&a));
            both.intersect(&set(&b));
            rest.subtract(&set(&b));
            all.unite(&set(&b));
            prop_assert_eq!(ids(&both), &a & &b);
            prop_assert_eq!(ids(&rest), &a - &b);
            prop_assert_eq!(ids(&all), &a | &b);
            let between = a.iter().filter(|id| (first..=last).contains(*id)).count();
            prop_assert_eq!(set(&a).count_between(ChunkId(first), ChunkId(last)), between as u64);
            let runs: Vec<_> = set(&a).runs_between(ChunkId(first), ChunkId(last)).collect();
            let inside = runs.iter().flat_map(|(from, to)| from.0..=to.0);
            let expected = a.iter().copied().filter(|id| (first..=last).contains(id));
            prop_assert!(inside.eq(expected));
            prop_assert!(runs.windows(2).all(|pair| pair[0].1.0 + 1 < pair[1].0.0));
        }
    }

    #[test]
    fn runs_go_on_behind_what_a_bitmap_of_32_bits_holds() {
        let edge = 1_i64 << 32;
        let mut set = ChunkSet::new();
        set.insert_range(ChunkId(10), ChunkId(100_000));
        set.insert_range(ChunkId(edge + 5), ChunkId(edge + 70_000));
        let runs = |first, last| -> Vec<(i64, i64)> {
            let runs = set.runs_between(ChunkId(first), ChunkId(last));
            runs.map(|(from, to)| (from.0, to.0)).collect()
        };
        assert_eq!(runs(-3, i64::MAX), [(10, 100_000), (edge + 5, edge + 70_000)]);
        assert_eq!(runs(70_000, edge + 9), [(70_000, 100_000), (edge + 5, edge + 9)]);
        assert_eq!(runs(edge + 66_000, edge + 66_001), [(edge + 66_000, edge + 66_001)]);
        assert_eq!(runs(edge * 2, edge * 3), []);
        assert_eq!(runs(-9, -1), []);
        assert_eq!(runs(100, 99), []);
    }

    #[test]
    fn ids_below_zero_are_never_inside() {
        let mut set = ChunkSet::new();
        assert!(!set.insert(ChunkId(-1)));
        set.insert_range(ChunkId(-5), ChunkId(1));
        assert!(!set.contains(ChunkId(-1)));
        assert_eq!(set.len(), 2);
    }
}
