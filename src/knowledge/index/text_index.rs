//! The index on disk: opened, written, reloaded.

use std::collections::HashMap;
use std::sync::Arc;

use base::{ChunkId, RevisionId};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tantivy::directory::Directory;
use tantivy::{Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, Term};

use super::schema::{Fields, document, schema};
use super::snapshot::SegmentChunks;
use super::{IndexError, IndexedChunk, TextSnapshot};
use crate::text::{ANALYSIS_VERSION, Language};

/// Memory of a writer before it flushes a segment, in bytes; tantivy's least is 15 MB.
const WRITER_MEMORY_BYTES: usize = 48 * 1024 * 1024;

/// The text index of one tenant. Cheap to clone.
#[derive(Clone)]
pub struct TextIndex {
    shared: Arc<Shared>,
}

struct Shared {
    index: Index,
    reader: IndexReader,
    fields: Fields,
    loaded: RwLock<Loaded>,
}

/// What is kept beside tantivy's own reader for the segments that it has open.
#[derive(Default)]
struct Loaded {
    searcher_generation: Option<u64>,
    segments: Arc<Vec<SegmentChunks>>,
    languages: Arc<Vec<Language>>,
}

/// Payload of a commit.
#[derive(Serialize, Deserialize)]
struct Payload {
    generation: u64,
    analysis: u32,
}

impl TextIndex {
    /// Opens the index in `directory`, or makes an empty one there.
    ///
    /// # Errors
    /// [`IndexError::Outdated`] when it was built with other fields or another analysis, any other
    /// when it is damaged. In both cases: empty the directory and rebuild.
    pub fn open(directory: impl Into<Box<dyn Directory>>) -> Result<Self, IndexError> {
        let directory = directory.into();
        let (schema, fields) = schema();
        let index = if Index::exists(directory.as_ref())? {
            Index::open(directory)?
        } else {
            Index::create(directory, schema.clone(), IndexSettings::default())?
        };
        if index.schema() != schema {
            return Err(IndexError::Outdated);
        }
        if let Some(payload) = payload(&index)?
            && payload.analysis != ANALYSIS_VERSION
        {
            return Err(IndexError::Outdated);
        }
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let loaded = RwLock::default();
        Ok(Self { shared: Arc::new(Shared { index, reader, fields, loaded }) })
    }

    /// The generation of the last commit; `None` before the first.
    ///
    /// # Errors
    /// [`IndexError`] when the index's own description can't be read.
    pub fn generation(&self) -> Result<Option<u64>, IndexError> {
        Ok(payload(&self.shared.index)?.map(|payload| payload.generation))
    }

    /// The state of the last commit.
    ///
    /// # Errors
    /// [`IndexError`] when a file of the index can't be read.
    pub fn snapshot(&self) -> Result<TextSnapshot, IndexError> {
        let searcher = self.shared.reader.searcher();
        let generation = searcher.generation().generation_id();
        let fields = self.shared.fields;
        {
            let loaded = self.shared.loaded.read();
            if loaded.searcher_generation == Some(generation) {
                return Ok(TextSnapshot {
                    searcher,
                    fields,
                    segments: Arc::clone(&loaded.segments),
                    languages: Arc::clone(&loaded.languages),
                });
            }
        }
        let mut segments = Vec::new();
        for segment in searcher.segment_readers() {
            segments.push(SegmentChunks::open(segment)?);
        }
        let segments = Arc::new(segments);
        let languages = Arc::new(languages(&searcher, &fields)?);
        let mut loaded = self.shared.loaded.write();
        // A slower thread must not put an older state in the place of a newer one.
        if loaded.searcher_generation.is_none_or(|known| known < generation) {
            *loaded = Loaded {
                searcher_generation: Some(generation),
                segments: Arc::clone(&segments),
                languages: Arc::clone(&languages),
            };
        }
        Ok(TextSnapshot { searcher, fields, segments, languages })
    }

    /// A writer. There is one at a time; it holds some 50 MB until it is dropped.
    ///
    /// # Errors
    /// [`IndexError`] when there is a writer already.
    pub fn writer(&self) -> Result<TextWriter, IndexError> {
        let writer = self.shared.index.writer_with_num_threads(1, WRITER_MEMORY_BYTES)?;
        Ok(TextWriter { shared: Arc::clone(&self.shared), writer })
    }
}

/// Changes the index. Nothing is seen before [`TextWriter::commit`]; what was not committed when
/// it is dropped is forgotten.
pub struct TextWriter {
    shared: Arc<Shared>,
    writer: IndexWriter,
}

impl TextWriter {
    /// Adds a chunk. Its analysis runs in the calling thread; blocks while the writer is busy.
    ///
    /// # Errors
    /// [`IndexError`] when the writer has failed.
    pub fn add(&self, chunk: &IndexedChunk<'_>) -> Result<(), IndexError> {
        self.writer.add_document(document(&self.shared.fields, chunk))?;
        Ok(())
    }

    /// Removes every chunk of a revision that was added before.
    pub fn delete_revision(&self, revision: RevisionId) {
        let term = Term::from_field_bytes(self.shared.fields.revision, revision.as_bytes());
        self.writer.delete_term(term);
    }

    /// Removes one chunk that was added before.
    pub fn delete_chunk(&self, chunk: ChunkId) {
        self.writer.delete_term(Term::from_field_i64(self.shared.fields.chunk, chunk.0));
    }

    /// Removes all chunks.
    ///
    /// # Errors
    /// [`IndexError`] when the writer has failed.
    pub fn delete_all(&self) -> Result<(), IndexError> {
        self.writer.delete_all_documents()?;
        Ok(())
    }

    /// Makes the changes durable and seen, as the state of `generation`. Blocks for disk syncs.
    ///
    /// # Errors
    /// [`IndexError`] when a file can't be written; nothing has changed then.
    pub fn commit(&mut self, generation: u64) -> Result<(), IndexError> {
        let payload = Payload { generation, analysis: ANALYSIS_VERSION };
        let mut prepared = self.writer.prepare_commit()?;
        prepared.set_payload(&serde_json::to_string(&payload).map_err(std::io::Error::from)?);
        prepared.commit()?;
        self.shared.reader.reload()?;
        Ok(())
    }

    /// Waits for merges in the background and ends the writer.
    ///
    /// # Errors
    /// [`IndexError`] when a merge failed; the last commit stands.
    pub fn finish(self) -> Result<(), IndexError> {
        let Self { shared, writer } = self;
        writer.wait_merging_threads()?;
        shared.reader.reload()?;
        Ok(())
    }
}

fn payload(index: &Index) -> Result<Option<Payload>, IndexError> {
    match index.load_metas()?.payload {
        None => Ok(None),
        Some(text) => serde_json::from_str(&text).map(Some).map_err(|_| IndexError::Outdated),
    }
}

fn languages(searcher: &tantivy::Searcher, fields: &Fields) -> Result<Vec<Language>, IndexError> {
    let mut chunks: HashMap<Language, u64> = HashMap::new();
    for segment in searcher.segment_readers() {
        let index = segment.inverted_index(fields.language)?;
        let mut terms = index.terms().stream()?;
        while terms.advance() {
            let tag = std::str::from_utf8(terms.key()).unwrap_or_default();
            if let Some(language) = Language::from_tag(tag) {
                *chunks.entry(language).or_default() += u64::from(terms.value().doc_freq);
            }
        }
    }
    let mut languages: Vec<(Language, u64)> = chunks.into_iter().collect();
    languages.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    Ok(languages.into_iter().map(|(language, _)| language).collect())
}
