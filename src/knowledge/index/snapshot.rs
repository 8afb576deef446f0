//! One state of the index, searched: every step of a query sees the same chunks.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base::ChunkId;
use rayon::prelude::*;
use tantivy::columnar::ColumnValues;
use tantivy::query::{
    AllQuery, BooleanQuery, EmptyQuery, EnableScoring, Occur, PhraseQuery, Query, TermQuery, Weight,
};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocAddress, DocId, Score, Searcher, SegmentReader, TERMINATED, Term};

use super::plan::{Plan, plan};
use super::schema::{CHUNK_COLUMN, Fields};
use super::{Clause, ClauseField, IndexError, Polarity, TextQuery};
use crate::chunk_set::{Allowed, ChunkSet};
use crate::text::{Language, fold, query_identifiers, words};

/// Up to this many allowed chunks are looked up one by one instead of searched for.
const LOOKUP_MAX_CHUNKS: u64 = 1024;

/// Chunks with one name of the query that are always candidates.
const NAMED_MAX_CHUNKS: usize = 32;

/// A chunk and how well its words fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextHit {
    /// The chunk.
    pub chunk_id: ChunkId,
    /// BM25 divided by what a text of nothing but the query's words would score; 0 to about 1,
    /// comparable between queries.
    pub score: f32,
    /// Whether it holds a name (`P-101`, an order number) that the query holds.
    pub has_identifier: bool,
}

/// Chunk ids of a segment's documents, both ways.
pub(super) struct SegmentChunks {
    ids: Arc<dyn ColumnValues<i64>>,
    /// Documents by ascending chunk id, where they don't stand in that order anyway.
    by_id: Option<Vec<DocId>>,
    documents: u32,
}

impl SegmentChunks {
    pub(super) fn open(segment: &SegmentReader) -> Result<Self, IndexError> {
        let ids = segment.fast_fields().i64(CHUNK_COLUMN)?.first_or_default_col(-1);
        let documents = segment.max_doc();
        let is_ascending = (1..documents).all(|d| ids.get_val(d - 1) < ids.get_val(d));
        let by_id = (!is_ascending).then(|| {
            let mut order: Vec<DocId> = (0..documents).collect();
            order.sort_by_key(|&document| ids.get_val(document));
            order
        });
        Ok(Self { ids, by_id, documents })
    }

    fn id(&self, document: DocId) -> ChunkId {
        ChunkId(self.ids.get_val(document))
    }

    /// The living document of `chunk`. A chunk that was indexed twice has one living document.
    fn document(&self, segment: &SegmentReader, chunk: ChunkId) -> Option<DocId> {
        let at = |position: u32| match &self.by_id {
            Some(order) => usize::try_from(position).ok().and_then(|p| order.get(p)).copied(),
            None => (position < self.documents).then_some(position),
        };
        let (mut low, mut high) = (0, self.documents);
        while low < high {
            let middle = low + (high - low) / 2;
            if at(middle).is_some_and(|document| self.ids.get_val(document) < chunk.0) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (low..self.documents)
            .map_while(|position| at(position).filter(|d| self.ids.get_val(*d) == chunk.0))
            .find(|document| !segment.is_deleted(*document))
    }
}

/// One state of the index. Cheap to take; later commits don't change it.
pub struct TextSnapshot {
    pub(super) searcher: Searcher,
    pub(super) fields: Fields,
    pub(super) segments: Arc<Vec<SegmentChunks>>,
    pub(super) languages: Arc<Vec<Language>>,
}

/// A query bound to a snapshot: planned once, scored as often as needed.
pub(crate) struct Planned<'s> {
    snapshot: &'s TextSnapshot,
    plan: Plan,
    weight: Box<dyn Weight>,
}

impl TextSnapshot {
    /// Languages of the chunks, the most frequent first.
    #[must_use]
    pub fn languages(&self) -> &[Language] {
        &self.languages
    }

    /// Number of chunks.
    #[must_use]
    pub fn chunk_count(&self) -> u64 {
        self.searcher.num_docs()
    }

    /// The best `limit` chunks by words alone, best first.
    ///
    /// # Errors
    /// [`IndexError`] when a file of the index can't be read.
    pub fn search(
        &self,
        query: &TextQuery,
        allowed: Allowed<'_>,
        limit: usize,
    ) -> Result<Vec<TextHit>, IndexError> {
        let planned = self.plan(query)?;
        let best = planned.best(allowed, limit)?;
        let mut hits = planned.score(&best)?;
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.chunk_id.cmp(&b.chunk_id)));
        Ok(hits)
    }

    pub(crate) fn plan(&self, query: &TextQuery) -> Result<Planned<'_>, IndexError> {
        let plan = plan(&self.searcher, &self.fields, query)?;
        let weight = plan.query.weight(EnableScoring::enabled_from_searcher(&self.searcher))?;
        Ok(Planned { snapshot: self, plan, weight })
    }

    /// The allowed chunks that fulfil every clause of `query`; `None` when it has none.
    ///
    /// # Errors
    /// [`IndexError`] when a file of the index can't be read.
    pub fn matching(
        &self,
        query: &TextQuery,
        allowed: Allowed<'_>,
    ) -> Result<Option<ChunkSet>, IndexError> {
        if query.clauses.is_empty() {
            return Ok(None);
        }
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = vec![(Occur::Must, Box::new(AllQuery))];
        for clause in &query.clauses {
            let occur = match clause.polarity {
                Polarity::Must => Occur::Must,
                Polarity::MustNot => Occur::MustNot,
            };
            clauses.push((occur, self.clause(clause)));
        }
        let conditions = BooleanQuery::new(clauses);
        let weight = conditions.weight(EnableScoring::disabled_from_searcher(&self.searcher))?;
        let mut found = ChunkSet::new();
        for (segment, chunks) in self.segments() {
            weight.for_each_no_score(segment, &mut |documents| {
                let living = documents.iter().filter(|d| !segment.is_deleted(**d));
                found.extend(living.map(|d| chunks.id(*d)).filter(|id| allowed.contains(*id)));
            })?;
        }
        Ok(Some(found))
    }

    fn clause(&self, clause: &Clause) -> Box<dyn Query> {
        let fields = &self.fields;
        let term = |field: Field, text: &str| -> Box<dyn Query> {
            Box::new(TermQuery::new(Term::from_field_text(field, text), IndexRecordOption::Basic))
        };
        let value = clause.value.trim();
        match clause.field {
            ClauseField::Text => phrase(fields.exact, value),
            ClauseField::Title => phrase(fields.title, value),
            ClauseField::Tag => term(fields.tag, &value.to_lowercase()),
            ClauseField::Language => {
                let tag = Language::from_tag(value).map_or("", Language::tag);
                term(fields.language, tag)
            }
            ClauseField::Identifier => {
                let longest = query_identifiers(value).into_iter().max_by_key(|i| i.term.len());
                // Without a digit it is a word like any other.
                longest.map_or_else(
                    || phrase(fields.exact, value),
                    |identifier| term(fields.identifier, &identifier.term),
                )
            }
            ClauseField::Page => value.parse().map_or_else(
                |_| Box::new(EmptyQuery) as Box<dyn Query>,
                |page| {
                    let term = Term::from_field_u64(fields.page, page);
                    Box::new(TermQuery::new(term, IndexRecordOption::Basic))
                },
            ),
        }
    }

    fn segments(&self) -> impl Iterator<Item = (&SegmentReader, &SegmentChunks)> {
        self.searcher.segment_readers().iter().zip(self.segments.iter())
    }

    /// Where `chunk` is indexed, if it is.
    fn locate(&self, chunk: ChunkId) -> Option<DocAddress> {
        (0_u32..).zip(self.segments()).find_map(|(ordinal, (segment, chunks))| {
            chunks.document(segment, chunk).map(|document| DocAddress::new(ordinal, document))
        })
    }
}

fn phrase(field: Field, text: &str) -> Box<dyn Query> {
    let mut terms: Vec<Term> =
        words(text).map(|w| Term::from_field_text(field, &fold(w.text))).collect();
    match terms.pop() {
        None => Box::new(EmptyQuery),
        Some(only) if terms.is_empty() => Box::new(TermQuery::new(only, IndexRecordOption::Basic)),
        Some(last) => {
            terms.push(last);
            Box::new(PhraseQuery::new(terms))
        }
    }
}

impl Planned<'_> {
    /// The best `limit` allowed chunks, and a few more that hold a name of the query; in no
    /// particular order.
    pub(crate) fn best(
        &self,
        allowed: Allowed<'_>,
        limit: usize,
    ) -> Result<Vec<ChunkId>, IndexError> {
        if let Allowed::Only(set) = allowed
            && set.len() <= LOOKUP_MAX_CHUNKS
        {
            return self.best_of_few(set, limit);
        }
        let mut best = self.top(self.weight.as_ref(), allowed, limit)?;
        for name in &self.plan.names {
            let query = TermQuery::new(name.term.clone(), IndexRecordOption::WithFreqs);
            let scoring = EnableScoring::enabled_from_searcher(&self.snapshot.searcher);
            let weight = query.weight(scoring)?;
            best.extend(self.top(weight.as_ref(), allowed, NAMED_MAX_CHUNKS)?);
        }
        best.sort_unstable();
        best.dedup();
        Ok(best)
    }

    fn best_of_few(&self, set: &ChunkSet, limit: usize) -> Result<Vec<ChunkId>, IndexError> {
        let all: Vec<ChunkId> = set.iter().collect();
        let mut hits = self.score(&all)?;
        hits.retain(|hit| hit.score > 0.0);
        hits.sort_by(|a, b| {
            let by_score = b.score.total_cmp(&a.score);
            b.has_identifier.cmp(&a.has_identifier).then(by_score).then(a.chunk_id.cmp(&b.chunk_id))
        });
        hits.truncate(limit);
        Ok(hits.into_iter().map(|hit| hit.chunk_id).collect())
    }

    fn top(
        &self,
        weight: &dyn Weight,
        allowed: Allowed<'_>,
        limit: usize,
    ) -> Result<Vec<ChunkId>, IndexError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let bar = Bar::default();
        let segments: Vec<(&SegmentReader, &SegmentChunks)> = self.snapshot.segments().collect();
        let best = segments.into_par_iter().map(|(segment, chunks)| {
            let mut heap: BinaryHeap<Reverse<Ranked>> = BinaryHeap::with_capacity(limit + 1);
            // The filter stands between the scorer and the heap: a chunk that is not allowed
            // neither takes a place nor raises the bar.
            weight.for_each_pruning(bar.height(), segment, &mut |document, score| {
                if !segment.is_deleted(document) {
                    let chunk = chunks.id(document);
                    if allowed.contains(chunk) {
                        heap.push(Reverse(Ranked { score, chunk: Reverse(chunk) }));
                        if heap.len() > limit {
                            heap.pop();
                        }
                        bar.raise(&heap, limit);
                    }
                }
                bar.height()
            })?;
            Ok(heap.into_vec())
        });
        let best: Vec<Vec<Reverse<Ranked>>> = best.collect::<Result<_, IndexError>>()?;
        let mut best: Vec<Reverse<Ranked>> = best.into_iter().flatten().collect();
        best.sort_unstable();
        best.truncate(limit);
        Ok(best.into_iter().map(|Reverse(ranked)| ranked.chunk.0).collect())
    }

    /// The normalised scores of `chunks`; those that are not indexed are left out, those without
    /// a word of the query have score 0.
    pub(crate) fn score(&self, chunks: &[ChunkId]) -> Result<Vec<TextHit>, IndexError> {
        let snapshot = self.snapshot;
        let mut by_segment: HashMap<u32, Vec<(DocId, ChunkId)>> = HashMap::new();
        for &chunk in chunks {
            if let Some(address) = snapshot.locate(chunk) {
                by_segment.entry(address.segment_ord).or_default().push((address.doc_id, chunk));
            }
        }
        let mut hits = Vec::with_capacity(chunks.len());
        for (ordinal, mut documents) in by_segment {
            documents.sort_unstable();
            documents.dedup();
            let segment = snapshot.searcher.segment_reader(ordinal);
            let scores = scores_of(self.weight.as_ref(), segment, &documents)?;
            let mut named = vec![false; documents.len()];
            for name in &self.plan.names {
                let query = TermQuery::new(name.term.clone(), IndexRecordOption::Basic);
                let scoring = EnableScoring::disabled_from_searcher(&snapshot.searcher);
                let weight = query.weight(scoring)?;
                let found = scores_of(weight.as_ref(), segment, &documents)?;
                for (is_named, score) in named.iter_mut().zip(found) {
                    *is_named |= score.is_some();
                }
            }
            let found = documents.iter().zip(scores).zip(named);
            hits.extend(found.map(|((&(_, chunk_id), score), has_identifier)| TextHit {
                chunk_id,
                score: self.normalised(score.unwrap_or(0.0)),
                has_identifier,
            }));
        }
        Ok(hits)
    }

    fn normalised(&self, score: Score) -> f32 {
        if self.plan.ceiling > 0.0 { (score / self.plan.ceiling).clamp(0.0, 1.0) } else { 0.0 }
    }
}

/// Scores of `documents` (ascending); `None` where `weight` does not match.
fn scores_of(
    weight: &dyn Weight,
    segment: &SegmentReader,
    documents: &[(DocId, ChunkId)],
) -> Result<Vec<Option<Score>>, IndexError> {
    let mut scorer = weight.scorer(segment, 1.0)?;
    let mut scores = Vec::with_capacity(documents.len());
    for &(document, _) in documents {
        let mut at = scorer.doc();
        if at < document {
            at = scorer.seek(document);
        }
        scores.push((at == document && at != TERMINATED).then(|| scorer.score()));
    }
    Ok(scores)
}

/// The score below which nothing needs to be looked at, shared by the segments of one search: as
/// soon as one of them has as many chunks as are asked for, the others need not look for worse.
///
/// Bits of a score: they are not negative, so their bits are in the same order.
#[derive(Default)]
struct Bar(AtomicU32);

impl Bar {
    /// What a score must be above. Just below the worst of the best, so that of equal scores none
    /// is lost to whichever segment was faster.
    fn height(&self) -> Score {
        let score = Score::from_bits(self.0.load(Ordering::Relaxed));
        if score > 0.0 { score.next_down() } else { Score::MIN }
    }

    fn raise(&self, heap: &BinaryHeap<Reverse<Ranked>>, limit: usize) {
        if let Some(Reverse(worst)) = heap.peek()
            && heap.len() >= limit
        {
            self.0.fetch_max(worst.score.max(0.0).to_bits(), Ordering::Relaxed);
        }
    }
}

/// Orders by score, then by the smaller chunk id.
#[derive(Clone, Copy, PartialEq)]
struct Ranked {
    score: Score,
    chunk: Reverse<ChunkId>,
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.score.total_cmp(&other.score).then_with(|| self.chunk.cmp(&other.chunk))
    }
}
