//! Chunks and embeddings for the tests of this room.
#![allow(clippy::unwrap_used, reason = "tests fail by panicking")]

use base::{ChunkId, DocumentId, Entropy as _, PageNumber, RevisionId, SeededEntropy};
use models::Embedding;
use tantivy::directory::RamDirectory;

use crate::index::{IndexedChunk, TextIndex, TextSnapshot};
use crate::text::Language;

/// An English chunk of the first revision.
pub(crate) fn chunk(id: i64, text: &str) -> IndexedChunk<'_> {
    IndexedChunk {
        id: ChunkId(id),
        document_id: DocumentId::from_bytes([1; 16]),
        revision_id: RevisionId::from_bytes([1; 16]),
        document_key: "",
        title: "",
        heading_path: &[],
        text,
        language: Some(Language::English),
        tags: &[],
        page_first: PageNumber(1),
        page_last: PageNumber(1),
    }
}

/// An index in memory that holds `chunks`, as it is after its first commit.
pub(crate) fn indexed<'c>(chunks: impl IntoIterator<Item = IndexedChunk<'c>>) -> TextSnapshot {
    let index = TextIndex::open(RamDirectory::create()).unwrap();
    let mut writer = index.writer().unwrap();
    for chunk in chunks {
        writer.add(&chunk).unwrap();
    }
    writer.commit(1).unwrap();
    index.snapshot().unwrap()
}

/// A random direction.
pub(crate) fn embedding(seed: u64) -> Embedding {
    let mut bytes = [0; 768];
    SeededEntropy::new(seed).fill(&mut bytes).unwrap();
    let number = |i: usize| f32::from(i16::from_le_bytes([bytes[2 * i], bytes[2 * i + 1]])) + 0.5;
    Embedding::normalise(std::array::from_fn(number)).unwrap()
}

/// The point between two directions, `share` of the way to `b`.
pub(crate) fn between(a: &Embedding, b: &Embedding, share: f32) -> Embedding {
    let (a, b) = (a.as_array(), b.as_array());
    Embedding::normalise(std::array::from_fn(|i| (1.0 - share) * a[i] + share * b[i])).unwrap()
}

pub(crate) fn ids(ids: impl IntoIterator<Item = i64>) -> Vec<ChunkId> {
    ids.into_iter().map(ChunkId).collect()
}
