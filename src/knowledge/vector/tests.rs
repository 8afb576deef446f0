//! The scan against a sorted list of all distances.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::collections::BTreeMap;

use base::ChunkId;
use models::Embedding;
use proptest::prelude::*;

use super::{BinaryCode, VectorIndex};
use crate::chunk_set::{Allowed, ChunkSet};
use crate::fixtures::embedding;

/// What the index must hold, in the plainest way.
type Known = BTreeMap<i64, BinaryCode>;

fn nearest(known: &Known, point: &Embedding, allowed: Allowed<'_>, limit: usize) -> Vec<ChunkId> {
    let code = BinaryCode::of(point);
    let mut all: Vec<(u32, ChunkId)> = known
        .iter()
        .map(|(id, other)| (code.distance(other), ChunkId(*id)))
        .filter(|(_, id)| allowed.contains(*id))
        .collect();
    all.sort_unstable();
    all.into_iter().take(limit).map(|(_, id)| id).collect()
}

fn assert_alike(index: &VectorIndex, known: &Known, allowed: &ChunkSet) {
    assert_eq!((index.len(), index.is_empty()), (known.len(), known.is_empty()));
    for seed in 900..903 {
        let point = embedding(seed);
        for limit in [0, 1, 7, known.len() + 1] {
            for allowed in [Allowed::All, Allowed::Only(allowed)] {
                let found = index.nearest(&point, allowed, limit);
                assert_eq!(found, nearest(known, &point, allowed, limit));
            }
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<(i64, u64)>),
    Remove(Vec<i64>),
    RemoveRange(i64, i64),
}

fn step() -> impl Strategy<Value = Step> {
    let ids = || prop::collection::vec(0_i64..300, 0..80);
    prop_oneof![
        prop::collection::vec((0_i64..300, 0_u64..500), 0..120).prop_map(Step::Insert),
        ids().prop_map(Step::Remove),
        (0_i64..300, 0_i64..60).prop_map(|(first, count)| Step::RemoveRange(first, first + count)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn equals_a_plain_list_after_any_changes(
        steps in prop::collection::vec(step(), 1..6),
        allowed in prop::collection::btree_set(0_i64..300, 0..200),
    ) {
        let index = VectorIndex::new();
        let mut known = Known::new();
        let allowed: ChunkSet = allowed.into_iter().map(ChunkId).collect();
        for step in steps {
            match step {
                Step::Insert(codes) => {
                    let codes = codes.into_iter().map(|(id, seed)| (id, BinaryCode::of(&embedding(seed))));
                    let codes: Vec<(i64, BinaryCode)> = codes.collect();
                    index.insert(codes.iter().map(|(id, code)| (ChunkId(*id), *code)));
                    known.extend(codes);
                }
                Step::Remove(ids) => {
                    index.remove(&ids.iter().copied().map(ChunkId).collect());
                    known.retain(|id, _| !ids.contains(id));
                }
                Step::RemoveRange(first, last) => {
                    index.remove(&range(first, last));
                    known.retain(|id, _| !(first..=last).contains(id));
                }
            }
            assert_alike(&index, &known, &allowed);
        }
    }
}

fn range(first: i64, last: i64) -> ChunkSet {
    let mut chunks = ChunkSet::new();
    if first <= last {
        chunks.insert_range(ChunkId(first), ChunkId(last));
    }
    chunks
}

#[test]
fn blocks_split_and_join_without_a_loss() {
    const COUNT: i64 = 30_000;
    let some: Vec<BinaryCode> = (0..997).map(|seed| BinaryCode::of(&embedding(seed))).collect();
    let code = |id: i64| some[usize::try_from(id * 31 % 997).unwrap()];
    let index = VectorIndex::new();
    let mut known: Known = (1..=COUNT).map(|id| (id, code(id))).collect();
    // Even ids in ascending order fill blocks, odd ones in descending order split them.
    index.insert((1..=COUNT).filter(|id| id % 2 == 0).map(|id| (ChunkId(id), code(id))));
    index.insert((1..=COUNT).rev().filter(|id| id % 2 == 1).map(|id| (ChunkId(id), code(id))));
    let mut allowed = ChunkSet::new();
    allowed.insert_range(ChunkId(5_000), ChunkId(5_020));
    allowed.insert_range(ChunkId(12_000), ChunkId(25_000));
    assert_alike(&index, &known, &allowed);
    let removed: ChunkSet = (1..=COUNT).filter(|id| id % 17 > 2).map(ChunkId).collect();
    index.remove(&removed);
    known.retain(|id, _| id % 17 <= 2);
    assert_alike(&index, &known, &allowed);
    index.remove(&range(1, COUNT));
    known.clear();
    assert_alike(&index, &known, &allowed);
    assert_eq!(index.memory_bytes(), 0);
}

#[test]
fn full_blocks_waste_no_memory() {
    let code = BinaryCode::of(&embedding(1));
    let index = VectorIndex::new();
    index.insert((1..=8192 * 4).map(|id| (ChunkId(id), code)));
    assert_eq!(index.memory_bytes(), 8192 * 4 * 56);
}
