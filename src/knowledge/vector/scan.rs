//! Codes of a tenant's chunks, and the scan over them.

use std::collections::BinaryHeap;
use std::sync::Arc;

use base::ChunkId;
use models::Embedding;
use parking_lot::RwLock;
use rayon::prelude::*;

use super::BinaryCode;
use super::code::distances;
use crate::chunk_set::{Allowed, ChunkSet};

/// Codes of one block: the unit of parallel work and of copying on write.
const BLOCK_CHUNKS: usize = 8192;

/// Distances computed at a time; their buffer stays in the first-level cache.
const STRIDE: usize = 512;

/// Binary codes of chunks, ordered by chunk id. Searches run on the state they started with;
/// changes copy at most the blocks they touch.
#[derive(Debug, Default)]
pub struct VectorIndex {
    blocks: RwLock<Vec<Arc<Block>>>,
}

/// Neighbours by id; never empty.
#[derive(Clone, Debug, Default)]
struct Block {
    ids: Vec<ChunkId>,
    codes: Vec<BinaryCode>,
}

/// A candidate: smaller distance first, then smaller id.
type Candidate = (u32, ChunkId);

impl VectorIndex {
    /// Without codes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds codes; one of a chunk that has a code already takes its place. Fastest in ascending
    /// order of ids.
    pub fn insert(&self, codes: impl IntoIterator<Item = (ChunkId, BinaryCode)>) {
        let mut blocks = self.blocks.write();
        for (id, code) in codes {
            insert(&mut blocks, id, code);
        }
    }

    /// Forgets `chunks`.
    pub fn remove(&self, chunks: &ChunkSet) {
        self.retain(|first, last| chunks.count_between(first, last) > 0, |id| !chunks.contains(id));
    }

    /// Keeps the codes that `keep` says; looks only into blocks whose first and last id `touches`.
    fn retain(&self, touches: impl Fn(ChunkId, ChunkId) -> bool, keep: impl Fn(ChunkId) -> bool) {
        let mut blocks = self.blocks.write();
        for block in blocks.iter_mut() {
            let (Some(&first), Some(&last)) = (block.ids.first(), block.ids.last()) else {
                continue;
            };
            if !touches(first, last) {
                continue;
            }
            let mut kept = Block::default();
            for (&id, &code) in block.ids.iter().zip(&block.codes) {
                if keep(id) {
                    kept.ids.push(id);
                    kept.codes.push(code);
                }
            }
            *block = Arc::new(kept);
        }
        blocks.retain(|block| !block.ids.is_empty());
        merge_small(&mut blocks);
    }

    /// Number of codes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.read().iter().map(|block| block.ids.len()).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.blocks.read().is_empty()
    }

    /// Memory of codes and ids, in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let of_block = |block: &Arc<Block>| {
            block.ids.capacity() * size_of::<ChunkId>()
                + block.codes.capacity() * size_of::<BinaryCode>()
        };
        self.blocks.read().iter().map(of_block).sum()
    }

    /// The `limit` allowed chunks whose codes are nearest to that of `embedding`, nearest first.
    /// Scans every allowed code, on all threads of rayon's pool.
    #[must_use]
    pub fn nearest(
        &self,
        embedding: &Embedding,
        allowed: Allowed<'_>,
        limit: usize,
    ) -> Vec<ChunkId> {
        if limit == 0 {
            return Vec::new();
        }
        let query = BinaryCode::of(embedding);
        let blocks: Vec<Arc<Block>> = self.blocks.read().clone();
        let nearest = blocks
            .par_iter()
            .fold(BinaryHeap::new, |mut heap, block| {
                scan(block, &query, allowed, limit, &mut heap);
                heap
            })
            .reduce(BinaryHeap::new, |mut all, some| {
                for candidate in some {
                    offer(&mut all, candidate, limit);
                }
                all
            });
        nearest.into_sorted_vec().into_iter().map(|(_, id)| id).collect()
    }
}

fn insert(blocks: &mut Vec<Arc<Block>>, id: ChunkId, code: BinaryCode) {
    // The last block that begins at or before the id.
    let position = blocks.partition_point(|block| block.ids.first().is_some_and(|f| *f <= id));
    let Some(block) = blocks.get_mut(position.saturating_sub(1)) else {
        blocks.push(Arc::new(Block { ids: vec![id], codes: vec![code] }));
        return;
    };
    let is_full_and_behind =
        block.ids.len() >= BLOCK_CHUNKS && block.ids.last().is_some_and(|last| *last < id);
    if is_full_and_behind {
        blocks.insert(position, Arc::new(Block { ids: vec![id], codes: vec![code] }));
        return;
    }
    let inner = Arc::make_mut(block);
    match inner.ids.binary_search(&id) {
        Ok(row) => inner.codes[row] = code,
        Err(row) => {
            inner.ids.insert(row, id);
            inner.codes.insert(row, code);
        }
    }
    if inner.ids.len() > BLOCK_CHUNKS {
        let half = inner.ids.len() / 2;
        let tail = Block { ids: inner.ids.split_off(half), codes: inner.codes.split_off(half) };
        blocks.insert(position.max(1), Arc::new(tail));
    }
}

/// Joins neighbours that fit into one block, so that many removals don't leave many crumbs.
fn merge_small(blocks: &mut Vec<Arc<Block>>) {
    let mut merged: Vec<Arc<Block>> = Vec::with_capacity(blocks.len());
    for block in blocks.drain(..) {
        match merged.last_mut() {
            Some(last) if last.ids.len() + block.ids.len() <= BLOCK_CHUNKS => {
                let last = Arc::make_mut(last);
                last.ids.extend_from_slice(&block.ids);
                last.codes.extend_from_slice(&block.codes);
            }
            _ => merged.push(block),
        }
    }
    *blocks = merged;
}

fn scan(
    block: &Block,
    query: &BinaryCode,
    allowed: Allowed<'_>,
    limit: usize,
    heap: &mut BinaryHeap<Candidate>,
) {
    let (Some(&first), Some(&last)) = (block.ids.first(), block.ids.last()) else { return };
    match allowed {
        Allowed::All => scan_rows(block, 0..block.ids.len(), query, limit, heap),
        Allowed::Only(set) => {
            for (from, to) in set.runs_between(first, last) {
                let rows = block.ids.partition_point(|id| *id < from)
                    ..block.ids.partition_point(|id| *id <= to);
                scan_rows(block, rows, query, limit, heap);
            }
        }
    }
}

fn scan_rows(
    block: &Block,
    rows: std::ops::Range<usize>,
    query: &BinaryCode,
    limit: usize,
    heap: &mut BinaryHeap<Candidate>,
) {
    let mut buffer = [0; STRIDE];
    let mut furthest = furthest_of_interest(heap, limit);
    let ids = block.ids[rows.clone()].chunks(STRIDE);
    for (ids, codes) in ids.zip(block.codes[rows].chunks(STRIDE)) {
        let found = &mut buffer[..codes.len()];
        distances(query, codes, found);
        for (&id, &distance) in ids.iter().zip(found.iter()) {
            if distance <= furthest {
                offer(heap, (distance, id), limit);
                furthest = furthest_of_interest(heap, limit);
            }
        }
    }
}

/// No candidate behind this distance gets into the heap.
fn furthest_of_interest(heap: &BinaryHeap<Candidate>, limit: usize) -> u32 {
    match heap.peek() {
        Some(worst) if heap.len() >= limit => worst.0,
        _ => u32::MAX,
    }
}

/// Keeps the `limit` smallest candidates.
#[inline]
fn offer(heap: &mut BinaryHeap<Candidate>, candidate: Candidate, limit: usize) {
    if heap.len() < limit {
        heap.push(candidate);
    } else if let Some(mut worst) = heap.peek_mut()
        && candidate < *worst
    {
        *worst = candidate;
    }
}
