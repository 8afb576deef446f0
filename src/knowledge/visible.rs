//! Which chunks may be retrieved by whom at which moment: rights, validity and filters as one
//! bitmap, made before anything is scored.

use std::collections::HashMap;
use std::sync::Arc;

use base::{ChunkId, Classification, RevisionId, Timestamp};
use parking_lot::Mutex;
use policy::ClearanceFilter;
use store::ReadTx;

use crate::KnowledgeError;
use crate::chunk_set::ChunkSet;
use crate::model::Standing;
use crate::standing::{self, Span};
use crate::store::{self as rows, RetrievalRow};

/// Bitmaps kept, one per clearance that somebody has; there are eight.
const CACHED_SETS_MAX: usize = 8;

/// Which documents are searched. Everything given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchFilters {
    /// Has all of these tags.
    pub tags: Vec<String>,
    /// Is in one of these languages (`de` also finds `de-AT`).
    pub languages: Vec<String>,
    /// Is one of these documents.
    pub document_keys: Vec<String>,
    /// Is no more secret than this, whatever the asking person may see.
    pub classification_max: Option<Classification>,
}

impl SearchFilters {
    fn is_empty(&self) -> bool {
        self.tags.is_empty()
            && self.languages.is_empty()
            && self.document_keys.is_empty()
            && self.classification_max.is_none()
    }

    fn admit(&self, row: &RetrievalRow) -> bool {
        let tags = self.tags.iter().map(|tag| crate::input::tag(tag));
        let mut tags_hold = tags.map(|tag| row.tags.contains(&tag));
        let language = row.language.as_deref().unwrap_or_default();
        let in_language = |wanted: &String| {
            let rest = language.get(..wanted.len());
            rest.is_some_and(|start| start.eq_ignore_ascii_case(wanted))
                && matches!(language.as_bytes().get(wanted.len()), None | Some(b'-'))
        };
        tags_hold.all(|holds| holds)
            && (self.languages.is_empty() || self.languages.iter().any(in_language))
            && (self.document_keys.is_empty() || self.document_keys.contains(&row.document_key))
            && self.classification_max.is_none_or(|most| row.label.classification <= most)
    }
}

/// All revisions of a tenant as retrieval sees them, at one generation.
pub(crate) struct RevisionTable {
    pub(crate) generation: u64,
    rows: Vec<RetrievalRow>,
    by_id: HashMap<RevisionId, usize>,
    cached: Mutex<Vec<CachedSet>>,
}

struct CachedSet {
    clearance: ClearanceFilter,
    from: Timestamp,
    /// First moment at which the clock changes it.
    until: Option<Timestamp>,
    chunks: Arc<ChunkSet>,
}

impl RevisionTable {
    pub(crate) fn load(tx: &ReadTx<'_>) -> Result<Self, KnowledgeError> {
        let generation = rows::generation(tx)?;
        let rows = rows::retrieval_rows(tx)?;
        let by_id = rows.iter().enumerate().map(|(i, row)| (row.revision_id, i)).collect();
        Ok(Self { generation, rows, by_id, cached: Mutex::new(Vec::new()) })
    }

    pub(crate) fn row(&self, revision: RevisionId) -> Option<&RetrievalRow> {
        self.by_id.get(&revision).and_then(|i| self.rows.get(*i))
    }

    /// The published chunks of every revision that is ready, valid or not: what the index holds.
    pub(crate) fn indexed(&self) -> impl Iterator<Item = &RetrievalRow> {
        self.rows.iter().filter(|row| !row.chunks.is_empty())
    }

    /// The chunks that may be scored for somebody with this clearance at `now`.
    pub(crate) fn allowed(
        &self,
        clearance: ClearanceFilter,
        filters: &SearchFilters,
        now: Timestamp,
    ) -> Arc<ChunkSet> {
        if filters.is_empty()
            && let Some(chunks) = self.find_cached(clearance, now)
        {
            return chunks;
        }
        let mut chunks = ChunkSet::new();
        let mut until: Option<Timestamp> = None;
        for document in self.rows.chunk_by(|a, b| a.document_id == b.document_id) {
            let spans = || document.iter().map(|row| row.span);
            let change = standing::next_change(spans(), now);
            until = [until, change].into_iter().flatten().min();
            let head = standing::head(spans(), now);
            for row in document {
                let may = is_valid(&row.span, head, now)
                    && clearance.admits(row.label.classification, row.label.export_control)
                    && filters.admit(row);
                for (first, last) in row.chunks.iter().filter(|_| may) {
                    chunks.insert_range(ChunkId(*first), ChunkId(*last));
                }
            }
        }
        let chunks = Arc::new(chunks);
        if filters.is_empty() {
            self.keep(CachedSet { clearance, from: now, until, chunks: Arc::clone(&chunks) });
        }
        chunks
    }

    fn find_cached(&self, clearance: ClearanceFilter, now: Timestamp) -> Option<Arc<ChunkSet>> {
        let cached = self.cached.lock();
        let fits = |set: &&CachedSet| {
            let in_time = now >= set.from && set.until.is_none_or(|until| now < until);
            set.clearance == clearance && in_time
        };
        cached.iter().find(fits).map(|set| Arc::clone(&set.chunks))
    }

    fn keep(&self, set: CachedSet) {
        let mut cached = self.cached.lock();
        cached.retain(|other| other.clearance != set.clearance);
        if cached.len() >= CACHED_SETS_MAX {
            cached.remove(0);
        }
        cached.push(set);
    }
}

fn is_valid(span: &Span, head: Option<u32>, now: Timestamp) -> bool {
    standing::standing(span, head, now) == Standing::Valid
}
