//! From a question to ranked chunks: both arms, then one score.

use std::collections::HashMap;

use base::ChunkId;
use models::Embedding;

use crate::chunk_set::Allowed;
use crate::fusion::{ArmScores, dense_weight, fuse};
use crate::index::{IndexError, TextQuery, TextSnapshot};
use crate::vector::VectorIndex;

/// Best chunks by words that are looked at.
const TEXT_CANDIDATES: usize = 200;

/// Nearest codes whose vectors are fetched and compared exactly.
const DENSE_CANDIDATES: usize = 300;

/// What is asked.
#[derive(Clone, Copy)]
pub struct RetrievalInput<'q> {
    /// The analysed question or search line.
    pub query: &'q TextQuery,
    /// Embedding of [`TextQuery::plain_text`]; without one, words alone decide.
    pub embedding: Option<&'q Embedding>,
    /// What the asking person may see and what is valid now.
    pub allowed: Allowed<'q>,
    /// Most hits.
    pub limit: usize,
}

/// A retrieved chunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The chunk.
    pub chunk_id: ChunkId,
    /// The fused score, 0 to 1; comparable between questions.
    pub score: f32,
    /// Share of the best BM25 score that is possible, 0 to 1.
    pub bm25: f32,
    /// Cosine of question and chunk, −1 to 1; 0 when one has no embedding.
    pub dense: f32,
    /// Whether a name of the question (`P-101`, an order number) stands in the chunk.
    pub identifier_match: bool,
}

/// The best chunks for a question, best first.
///
/// `fetch` returns the vectors of record of the given chunks, in any order; one that has none is
/// left out. It is called once, with at most a few hundred ids. Blocks: call it where blocking is
/// allowed.
///
/// # Errors
/// What `fetch` returns, and an [`IndexError`] when the text index can't be read.
pub fn retrieve<E: From<IndexError> + Send>(
    text: &TextSnapshot,
    vectors: &VectorIndex,
    fetch: impl FnOnce(&[ChunkId]) -> Result<Vec<(ChunkId, Embedding)>, E>,
    input: RetrievalInput<'_>,
) -> Result<Vec<Hit>, E> {
    let matching = text.matching(input.query, input.allowed)?;
    let allowed = matching.as_ref().map_or(input.allowed, Allowed::Only);
    let planned = text.plan(input.query)?;
    let text_limit = TEXT_CANDIDATES.max(input.limit);
    let dense_limit = DENSE_CANDIDATES.max(input.limit);
    let (by_words, by_meaning) = rayon::join(
        || planned.best(allowed, text_limit),
        || match input.embedding {
            Some(embedding) => vectors.nearest(embedding, allowed, dense_limit),
            None => Vec::new(),
        },
    );
    let mut candidates = by_words?;
    candidates.extend(by_meaning);
    if candidates.is_empty()
        && let Some(matching) = &matching
    {
        // A search line of conditions alone: whatever fulfils them, in the order of the documents.
        candidates.extend(matching.iter().take(input.limit));
    }
    candidates.sort_unstable();
    candidates.dedup();

    let cosines: HashMap<ChunkId, f32> = match input.embedding {
        Some(question) if !candidates.is_empty() => fetch(&candidates)?
            .into_iter()
            .map(|(chunk, embedding)| (chunk, question.dot(&embedding)))
            .collect(),
        _ => HashMap::new(),
    };
    let weight =
        if input.embedding.is_some() { dense_weight(input.query.languages()) } else { 0.0 };
    let mut hits: Vec<Hit> = planned
        .score(&candidates)?
        .into_iter()
        .map(|hit| {
            let scores = ArmScores {
                bm25: hit.score,
                dense: cosines.get(&hit.chunk_id).copied().unwrap_or(0.0),
                identifier_match: hit.has_identifier,
            };
            Hit {
                chunk_id: hit.chunk_id,
                score: fuse(scores, weight),
                bm25: scores.bm25,
                dense: scores.dense,
                identifier_match: scores.identifier_match,
            }
        })
        .collect();
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk_id.cmp(&b.chunk_id)));
    hits.truncate(input.limit);
    Ok(hits)
}
