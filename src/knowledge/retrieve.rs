//! From a question to ranked chunks: both arms, then one score, then a second look from where the
//! best of them are (pseudo-relevance feedback).

use std::collections::HashMap;

use base::ChunkId;
use models::Embedding;

use crate::chunk_set::Allowed;
use crate::fusion::{
    ArmScores, DENSE_WEIGHT_SPOKEN, FEEDBACK_CHUNKS, Scale, dense_weight, fuse, is_spoken,
    with_feedback,
};
use crate::index::{IndexError, TextHit, TextQuery, TextSnapshot};
use crate::vector::VectorIndex;

/// Best chunks by words that are looked at.
const TEXT_CANDIDATES: usize = 100;

/// Nearest codes whose vectors are fetched and compared exactly. Of the ten nearest embeddings 63 %
/// are among the ten nearest codes, 93 % among 40, 98.8 % among 100 and 99.8 % among 200; measured
/// with Cranfield's questions, and the same in collections of 350 to 5,690 texts.
const DENSE_CANDIDATES: usize = 200;

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
    /// The fused score, 0 to 1; comparable between questions. With feedback its cosine is the one to
    /// the moved question, and higher.
    pub score: f32,
    /// Share of the best BM25 score that is possible, 0 to 1.
    pub bm25: f32,
    /// Cosine of the question itself and the chunk by the built-in embedder, −1 to 1; 0 when one has no
    /// embedding.
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
    let dense = Dense { vectors, question: input.embedding, by_model: false };
    let fetch = |ids: &[ChunkId]| Ok((fetch(ids)?, Vec::new()));
    retrieve_by(text, dense, fetch, input)
}

/// What is compared by meaning.
#[derive(Clone, Copy)]
pub(crate) struct Dense<'q> {
    /// Codes of the embeddings that are compared.
    pub(crate) vectors: &'q VectorIndex,
    /// The question's embedding by the same embedder.
    pub(crate) question: Option<&'q Embedding>,
    /// Whether that is a model that was assigned, and not the built-in embedder.
    pub(crate) by_model: bool,
}

/// Embeddings by chunk, of the embedder that is compared by, and, where that is a model, of the built-in one.
pub(crate) type Fetched = (Vec<(ChunkId, Embedding)>, Vec<(ChunkId, Embedding)>);

/// The same as [`retrieve`], by any embedder.
pub(crate) fn retrieve_by<E: From<IndexError> + Send>(
    text: &TextSnapshot,
    dense: Dense<'_>,
    fetch: impl FnOnce(&[ChunkId]) -> Result<Fetched, E>,
    input: RetrievalInput<'_>,
) -> Result<Vec<Hit>, E> {
    let matching = text.matching(input.query, input.allowed)?;
    let allowed = matching.as_ref().map_or(input.allowed, Allowed::Only);
    let planned = text.plan(input.query)?;
    let text_limit = TEXT_CANDIDATES.max(input.limit);
    let dense_limit = DENSE_CANDIDATES.max(input.limit);
    let (by_words, by_meaning) = rayon::join(
        || planned.best(allowed, text_limit),
        || match dense.question {
            Some(question) => dense.vectors.nearest(question, allowed, dense_limit),
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

    let mut scored = Ok(Vec::new());
    let fetched = rayon::in_place_scope(|scope| {
        scope.spawn(|_| scored = planned.score(&candidates));
        // On this thread: a connection to a database stays where it is.
        match dense.question {
            Some(_) if !candidates.is_empty() => fetch(&candidates),
            _ => Ok(Fetched::default()),
        }
    });
    let (own, built_in) = fetched?;
    let mut own: HashMap<ChunkId, Embedding> = own.into_iter().collect();
    let mut built_in: HashMap<ChunkId, Embedding> = built_in.into_iter().collect();
    let candidate = |text: TextHit| Candidate {
        embedding: own.remove(&text.chunk_id),
        built_in: built_in.remove(&text.chunk_id),
        text,
    };
    let candidates: Vec<Candidate> = scored?.into_iter().map(candidate).collect();
    Ok(fused(&candidates, dense, input))
}

/// A chunk that one of the arms brought up.
struct Candidate {
    text: TextHit,
    embedding: Option<Embedding>,
    /// Where `embedding` is a model's: the built-in embedder's.
    built_in: Option<Embedding>,
}

impl Candidate {
    /// The fused score, were `point` the question's embedding.
    fn score(&self, point: Option<&Embedding>, arm: ArmWeight) -> f32 {
        let dense = point.zip(self.embedding.as_ref()).map(|(point, own)| point.dot(own));
        let scores = ArmScores {
            bm25: self.text.score,
            dense: dense.map_or(0.0, |dense| arm.scale.of(dense)),
            identifier_match: self.text.has_identifier,
        };
        fuse(scores, arm.weight)
    }
}

/// How much meaning counts.
#[derive(Clone, Copy)]
struct ArmWeight {
    weight: f32,
    scale: Scale,
}

fn cosine(question: Option<&Embedding>, own: Option<&Embedding>) -> f32 {
    question.zip(own).map_or(0.0, |(question, own)| question.dot(own))
}

/// Cosines of models lie elsewhere than the built-in embedder's, which weights and thresholds are made for: they
/// are moved there, as a whole, by what both say of the candidates.
fn scale_of(candidates: &[Candidate], dense: Dense<'_>, question: Option<&Embedding>) -> Scale {
    let (true, Some(by_model), Some(by_built_in)) = (dense.by_model, dense.question, question)
    else {
        return Scale::default();
    };
    let pairs = candidates.iter().filter_map(|candidate| {
        let (own, built_in) = candidate.embedding.as_ref().zip(candidate.built_in.as_ref())?;
        Some((by_model.dot(own), by_built_in.dot(built_in)))
    });
    Scale::between(&pairs.collect::<Vec<_>>())
}

/// The best candidates by both arms; with feedback, where the embedder speaks the language. Which languages an
/// assigned model speaks is not known; whoever assigns one knows those of the plant.
fn fused(candidates: &[Candidate], dense: Dense<'_>, input: RetrievalInput<'_>) -> Vec<Hit> {
    let languages = input.query.languages();
    let weight = match (dense.question, dense.by_model) {
        (None, _) => 0.0,
        (Some(_), true) => DENSE_WEIGHT_SPOKEN,
        (Some(_), false) => dense_weight(languages),
    };
    let arm = ArmWeight { weight, scale: scale_of(candidates, dense, input.embedding) };
    let first = ranked(candidates, dense.question, arm);
    let moved = match dense.question {
        Some(question) if dense.by_model || is_spoken(languages) => {
            let best = first.iter().filter_map(|(candidate, _)| candidate.embedding.as_ref());
            with_feedback(question, &best.take(FEEDBACK_CHUNKS).collect::<Vec<_>>())
        }
        _ => None,
    };
    let last = match &moved {
        Some(moved) => ranked(candidates, Some(moved), arm),
        None => first,
    };
    let hits = last.into_iter().take(input.limit).map(|(candidate, score)| Hit {
        chunk_id: candidate.text.chunk_id,
        score,
        bm25: candidate.text.score,
        dense: match dense.by_model {
            true => cosine(input.embedding, candidate.built_in.as_ref()),
            false => cosine(input.embedding, candidate.embedding.as_ref()),
        },
        identifier_match: candidate.text.has_identifier,
    });
    hits.collect()
}

/// Candidates with their fused scores, best first.
fn ranked<'c>(
    candidates: &'c [Candidate],
    point: Option<&Embedding>,
    arm: ArmWeight,
) -> Vec<(&'c Candidate, f32)> {
    let mut ranked: Vec<(&Candidate, f32)> =
        candidates.iter().map(|candidate| (candidate, candidate.score(point, arm))).collect();
    ranked.sort_by(|(a, a_score), (b, b_score)| {
        b_score.total_cmp(a_score).then(a.text.chunk_id.cmp(&b.text.chunk_id))
    });
    ranked
}

#[cfg(test)]
mod tests;
