//! The index of one tenant in memory and on disk, kept in step with the database.
//!
//! The database is the truth. Every change of what can be retrieved raises its generation; the
//! table of revisions is read anew as soon as a query sees another generation, so a withdrawal
//! counts from its commit on. The text index on disk carries the generation it was committed for:
//! when it opens with another one, or not at all, it is rebuilt from the database.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use base::{ChunkId, OsEntropy, RevisionId};
use models::ModelHash;
use parking_lot::RwLock;
use store::{ReadTx, SealedDirectory, TenantCtx};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::KnowledgeError;
use crate::chunk_set::ChunkSet;
use crate::index::{
    EncryptedDirectory, EncryptedDirectoryOptions, IndexError, IndexedChunk, TextIndex, TextWriter,
};
use crate::store::{self as rows, By, ChunkText, RetrievalRow};
use crate::text::Language;
use crate::upload;
use crate::vector::VectorIndex;
use crate::visible::RevisionTable;

/// Codes that are handed to the vector index together.
const CODES_AT_ONCE: usize = 8192;

/// Chunk ids of a revision, as ranges.
type Ranges = Vec<(i64, i64)>;

/// What of a revision stands in the arms; what it is compared by.
#[derive(Clone, PartialEq, Eq)]
struct Held {
    chunks: Ranges,
    /// Words about it that its chunks are found by.
    title: String,
    tags: Vec<String>,
}

/// What lives in memory as long as the tenant is open.
pub(crate) struct TenantIndex {
    directory: SealedDirectory,
    table: RwLock<Option<Arc<RevisionTable>>>,
    arms: RwLock<Option<Arc<Arms>>>,
    /// Whoever changes the arms holds it.
    writing: Arc<Mutex<Written>>,
    /// A query met a damaged file: what is on disk is not used again.
    distrusted: AtomicBool,
}

/// What queries search in.
pub(crate) struct Arms {
    pub(crate) text: TextIndex,
    pub(crate) vectors: VectorIndex,
    /// Read when a query first wants them.
    by_model: RwLock<Option<ModelVectors>>,
}

/// Codes of the embeddings that an assigned model has made.
#[derive(Clone)]
struct ModelVectors {
    model: ModelHash,
    vectors: Arc<VectorIndex>,
}

impl Arms {
    fn new(text: TextIndex, vectors: VectorIndex) -> Self {
        Self { text, vectors, by_model: RwLock::default() }
    }

    /// Those by `model`; `None` as long as it has not embedded every chunk that can be found.
    fn complete(&self, by_model: &ModelVectors, model: ModelHash) -> Option<Arc<VectorIndex>> {
        let is_complete = by_model.model == model && by_model.vectors.len() == self.vectors.len();
        is_complete.then(|| Arc::clone(&by_model.vectors))
    }
}

/// What the arms hold.
#[derive(Default)]
struct Written {
    generation: Option<u64>,
    revisions: HashMap<RevisionId, Held>,
}

/// The state that a query works on.
pub(crate) struct Current {
    pub(crate) table: Arc<RevisionTable>,
    pub(crate) arms: Arc<Arms>,
}

/// Brings the index in step after a commit of the caller. What can't be done now is done by the
/// next query or at the next opening, so it is reported and not returned.
pub(crate) async fn follow(ctx: &TenantCtx) {
    let brought = async {
        let index = TenantIndex::of(ctx)?;
        let writing = Arc::clone(&index.writing).lock_owned().await;
        index.bring_up(ctx, writing).await
    };
    if let Err(error) = brought.await {
        tracing::error!(
            tenant.id = %ctx.tenant_id(),
            error = &error as &dyn std::error::Error,
            "the index can't follow the database now"
        );
    }
}

/// The tenant's table and arms, opened at first use.
pub(crate) async fn current(ctx: &TenantCtx) -> Result<Current, KnowledgeError> {
    let index = TenantIndex::of(ctx)?;
    let table = index.table(ctx).await?;
    let opened = index.arms.read().clone();
    let arms = match opened {
        Some(arms) => {
            // Somebody else is at it already, or was cut off before they could: then this query
            // does it. Until then the bitmap hides what is gone.
            if let Ok(writing) = Arc::clone(&index.writing).try_lock_owned()
                && writing.generation != Some(table.generation)
            {
                index.bring_up(ctx, writing).await?;
            }
            arms
        }
        None => {
            upload::sweep_once(ctx).await?;
            let writing = Arc::clone(&index.writing).lock_owned().await;
            index.bring_up(ctx, writing).await?;
            let opened = index.arms.read().clone();
            opened.ok_or(KnowledgeError::Panicked)?
        }
    };
    Ok(Current { table, arms })
}

/// The codes of `model`'s embeddings in `arms`; `None` as long as it has not embedded every chunk that can be
/// found.
pub(crate) async fn vectors_by(
    ctx: &TenantCtx,
    arms: &Arc<Arms>,
    model: ModelHash,
) -> Result<Option<Arc<VectorIndex>>, KnowledgeError> {
    let known = arms.by_model.read().clone();
    if let Some(known) = known.filter(|known| known.model == model) {
        return Ok(arms.complete(&known, model));
    }
    let index = TenantIndex::of(ctx)?;
    // While somebody changes the arms, the built-in embedder goes on; a query does not wait for that.
    let Ok(writing) = Arc::clone(&index.writing).try_lock_owned() else { return Ok(None) };
    let arms = Arc::clone(arms);
    ctx.read(move |tx| {
        // What the arms hold, and not what the database may hold by now.
        let mut ranges: Ranges =
            writing.revisions.values().flat_map(|held| held.chunks.iter().copied()).collect();
        ranges.sort_unstable();
        let vectors = VectorIndex::new();
        if rows::embedder(tx)? == Some(model) {
            read_codes(tx, By::Model, &vectors, &ranges)?;
        }
        let read = ModelVectors { model, vectors: Arc::new(vectors) };
        let complete = arms.complete(&read, model);
        *arms.by_model.write() = Some(read);
        Ok(complete)
    })
    .await
}

/// After a model has embedded what was missing: the next query reads its codes anew.
pub(crate) async fn reread_model(ctx: &TenantCtx) -> Result<(), KnowledgeError> {
    let index = TenantIndex::of(ctx)?;
    let _writing = Arc::clone(&index.writing).lock_owned().await;
    if let Some(arms) = &*index.arms.read() {
        *arms.by_model.write() = None;
    }
    Ok(())
}

/// After a query met a damaged file of `arms`: the next one makes the index anew from the database.
/// Does nothing when somebody else has seen to it already.
pub(crate) fn distrust(ctx: &TenantCtx, arms: &Arc<Arms>) -> Result<(), KnowledgeError> {
    let index = TenantIndex::of(ctx)?;
    let mut opened = index.arms.write();
    if opened.as_ref().is_some_and(|opened| Arc::ptr_eq(opened, arms)) {
        index.distrusted.store(true, Ordering::Release);
        *opened = None;
    }
    Ok(())
}

/// Memory of the codes, in bytes; 0 while the index is not open.
pub(crate) fn codes_bytes(ctx: &TenantCtx) -> Result<u64, KnowledgeError> {
    let opened = TenantIndex::of(ctx)?.arms.read().clone();
    let bytes = opened.map_or(0, |arms| {
        let by_model = arms.by_model.read().as_ref().map_or(0, |own| own.vectors.memory_bytes());
        arms.vectors.memory_bytes() + by_model
    });
    Ok(u64::try_from(bytes).unwrap_or(u64::MAX))
}

impl TenantIndex {
    fn of(ctx: &TenantCtx) -> Result<Arc<Self>, KnowledgeError> {
        ctx.attached(|| {
            Ok(Self {
                directory: ctx.index_directory(),
                table: RwLock::default(),
                arms: RwLock::default(),
                writing: Arc::default(),
                distrusted: AtomicBool::new(false),
            })
        })
    }

    /// The table at the database's present generation.
    async fn table(&self, ctx: &TenantCtx) -> Result<Arc<RevisionTable>, KnowledgeError> {
        let known = self.table.read().clone();
        let fresh = ctx
            .read(move |tx| {
                let generation = rows::generation(tx)?;
                match known {
                    Some(known) if known.generation == generation => Ok(known),
                    _ => Ok::<_, KnowledgeError>(Arc::new(RevisionTable::load(tx)?)),
                }
            })
            .await?;
        self.keep(&fresh);
        Ok(fresh)
    }

    /// Keeps `fresh` unless a newer one is there.
    fn keep(&self, fresh: &Arc<RevisionTable>) {
        let mut table = self.table.write();
        if table.as_ref().is_none_or(|known| known.generation < fresh.generation) {
            *table = Some(Arc::clone(fresh));
        }
    }

    /// Makes the arms hold exactly the published chunks of the database. Once it has begun it goes
    /// on to its end on a blocking thread, even when the caller is dropped: the lock goes with it.
    async fn bring_up(
        self: &Arc<Self>,
        ctx: &TenantCtx,
        writing: OwnedMutexGuard<Written>,
    ) -> Result<(), KnowledgeError> {
        let this = Arc::clone(self);
        // Reading and indexing go hand in hand, in one view of the database.
        ctx.read(move |tx| this.bring_up_blocking(tx, writing)).await
    }

    fn bring_up_blocking(
        &self,
        tx: &ReadTx<'_>,
        mut writing: OwnedMutexGuard<Written>,
    ) -> Result<(), KnowledgeError> {
        let opened = self.arms.read().clone();
        let seen = self.table.read().clone();
        let table = match seen {
            Some(seen) if seen.generation == rows::generation(tx)? => seen,
            _ => Arc::new(RevisionTable::load(tx)?),
        };
        match opened {
            Some(arms) => {
                let mut unfinished = Unfinished { index: self, arms_usable: false };
                let followed = arms.follow(tx, &table, &writing);
                // What the database failed to tell is asked again by the next query. The text of
                // this try was not committed, and codes may be added and removed twice.
                unfinished.arms_usable = !matches!(followed, Err(KnowledgeError::Index(_)));
                *writing = followed?;
            }
            None => {
                let (arms, written) = self.open(tx, &table)?;
                *self.arms.write() = Some(arms);
                *writing = written;
            }
        }
        self.keep(&table);
        Ok(())
    }

    /// Opens what is on disk, or makes it anew.
    fn open(
        &self,
        tx: &ReadTx<'_>,
        table: &RevisionTable,
    ) -> Result<(Arc<Arms>, Written), KnowledgeError> {
        let vectors = load_vectors(tx, table)?;
        let trusted = if self.distrusted.swap(false, Ordering::AcqRel) {
            Err(KnowledgeError::Index(IndexError::Outdated))
        } else {
            self.open_text()
        };
        match trusted {
            Ok(text) if text.generation().ok().flatten() == Some(table.generation) => {
                let written = Written::of(table);
                return Ok((Arc::new(Arms::new(text, vectors)), written));
            }
            Ok(_) => tracing::info!("the index on disk is not in step with the database"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the index on disk can't be used"
            ),
        }
        self.directory()?.remove_all().map_err(IndexError::from)?;
        let text = self.open_text()?;
        let mut writer = text.writer()?;
        rows::indexed_chunks(tx, None, |chunk| add(&writer, table, &chunk))?;
        writer.commit(table.generation)?;
        writer.finish()?;
        Ok((Arc::new(Arms::new(text, vectors)), Written::of(table)))
    }

    fn open_text(&self) -> Result<TextIndex, KnowledgeError> {
        Ok(TextIndex::open(self.directory()?)?)
    }

    fn directory(&self) -> Result<EncryptedDirectory, KnowledgeError> {
        EncryptedDirectory::open(EncryptedDirectoryOptions {
            path: self.directory.path.clone(),
            key: Arc::clone(&self.directory.key),
            entropy: Arc::new(OsEntropy),
        })
        .map_err(|error| IndexError::from(error).into())
    }
}

/// Arms whose files failed, or whose change panicked, are not used again: the next query opens
/// them anew.
struct Unfinished<'i> {
    index: &'i TenantIndex,
    arms_usable: bool,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        if !self.arms_usable {
            *self.index.arms.write() = None;
        }
    }
}

impl Arms {
    /// Removes and adds what differs from `known`, revision by revision.
    fn follow(
        &self,
        tx: &ReadTx<'_>,
        table: &RevisionTable,
        known: &Written,
    ) -> Result<Written, KnowledgeError> {
        let wanted = held_of(table);
        let is_known = |id: &RevisionId, held: &Held| known.revisions.get(id) == Some(held);
        let gone = known.revisions.iter().filter(|(id, held)| wanted.get(id) != Some(held));
        let mut writer = self.text.writer()?;
        let by_model = self.by_model.read().clone();
        for (revision, held) in gone {
            writer.delete_revision(*revision);
            let mut chunks = ChunkSet::new();
            for (first, last) in &held.chunks {
                chunks.insert_range(ChunkId(*first), ChunkId(*last));
            }
            self.vectors.remove(&chunks);
            if let Some(by_model) = &by_model {
                by_model.vectors.remove(&chunks);
            }
        }
        for (revision, held) in wanted.iter().filter(|(id, held)| !is_known(id, held)) {
            rows::indexed_chunks(tx, Some(*revision), |chunk| add(&writer, table, &chunk))?;
            read_codes(tx, By::BuiltIn, &self.vectors, &held.chunks)?;
            if let Some(by_model) = &by_model
                && rows::embedder(tx)? == Some(by_model.model)
            {
                read_codes(tx, By::Model, &by_model.vectors, &held.chunks)?;
            }
        }
        writer.commit(table.generation)?;
        writer.finish()?;
        Ok(Written { generation: Some(table.generation), revisions: wanted })
    }
}

impl Written {
    fn of(table: &RevisionTable) -> Self {
        Self { generation: Some(table.generation), revisions: held_of(table) }
    }
}

fn held_of(table: &RevisionTable) -> HashMap<RevisionId, Held> {
    let held = |row: &RetrievalRow| Held {
        chunks: row.chunks.clone(),
        title: row.document_title.clone(),
        tags: row.tags.clone(),
    };
    table.indexed().map(|row| (row.revision_id, held(row))).collect()
}

fn add(
    writer: &TextWriter,
    table: &RevisionTable,
    chunk: &ChunkText,
) -> Result<(), KnowledgeError> {
    let tags = table.row(chunk.revision_id).map(|row| row.tags.as_slice()).unwrap_or_default();
    let indexed = IndexedChunk {
        id: chunk.id,
        document_id: chunk.document_id,
        revision_id: chunk.revision_id,
        document_key: &chunk.document_key,
        title: &chunk.document_title,
        heading_path: &chunk.heading_path,
        text: &chunk.text,
        language: chunk.language.as_deref().and_then(Language::from_tag),
        tags,
        page_first: chunk.page_first,
        page_last: chunk.page_last,
    };
    Ok(writer.add(&indexed)?)
}

/// Codes of all published chunks.
fn load_vectors(tx: &ReadTx<'_>, table: &RevisionTable) -> Result<VectorIndex, KnowledgeError> {
    let mut ranges: Ranges = table.indexed().flat_map(|row| row.chunks.iter().copied()).collect();
    ranges.sort_unstable();
    let vectors = VectorIndex::new();
    read_codes(tx, By::BuiltIn, &vectors, &ranges)?;
    Ok(vectors)
}

/// Adds the stored codes of chunks to `vectors`.
fn read_codes(
    tx: &ReadTx<'_>,
    by: By,
    vectors: &VectorIndex,
    ranges: &[(i64, i64)],
) -> Result<(), KnowledgeError> {
    let mut codes = Vec::with_capacity(CODES_AT_ONCE);
    for (first, last) in ranges {
        rows::codes_each(tx, by, (ChunkId(*first), ChunkId(*last)), |id, code| {
            codes.push((id, code));
            if codes.len() == CODES_AT_ONCE {
                vectors.insert(codes.drain(..));
            }
            Ok::<_, KnowledgeError>(())
        })?;
    }
    vectors.insert(codes);
    Ok(())
}
