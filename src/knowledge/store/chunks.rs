//! Rows of `chunks`. Chunks that are being made carry negative ordinals (−1, −2, −3 … for 0, 1,
//! 2 …) and are not retrieved; publishing replaces what was there before in one statement pair, so
//! a reindexed revision answers from its old chunks until the new ones are complete.

use base::{ChunkId, DocumentId, PageNumber, RevisionId};
use store::sql::{Row, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::documents::ChunkPreview;
use crate::passages::ChunkLine;

use super::{document_id, revision_id};

/// First byte of stored boxes: the version of what follows (postcard of `Vec<ChunkLine>`).
const BOXES_FORMAT: u8 = 1;

/// A chunk to be stored.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NewChunk {
    pub(crate) ordinal: u32,
    pub(crate) page_first: PageNumber,
    pub(crate) page_last: PageNumber,
    pub(crate) heading_path: Vec<String>,
    pub(crate) kind: &'static str,
    pub(crate) text: String,
    pub(crate) token_count: u32,
    pub(crate) language: Option<String>,
    pub(crate) lines: Vec<ChunkLine>,
}

/// What the embedder and the index need of a chunk.
pub(crate) struct ChunkText {
    pub(crate) id: ChunkId,
    pub(crate) revision_id: RevisionId,
    pub(crate) document_id: DocumentId,
    pub(crate) document_key: String,
    pub(crate) document_title: String,
    pub(crate) heading_path: Vec<String>,
    pub(crate) text: String,
    pub(crate) language: Option<String>,
    pub(crate) page_first: PageNumber,
    pub(crate) page_last: PageNumber,
}

/// A chunk with everything that is shown of it.
pub(crate) struct PassageRow {
    pub(crate) id: ChunkId,
    pub(crate) revision_id: RevisionId,
    pub(crate) page_first: PageNumber,
    pub(crate) page_last: PageNumber,
    pub(crate) heading_path: Vec<String>,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) language: Option<String>,
    pub(crate) lines: Vec<ChunkLine>,
}

/// Stores a chunk among those being made; one that is there already stays.
pub(crate) fn chunk_insert(
    tx: &WriteTx<'_>,
    revision: RevisionId,
    chunk: &NewChunk,
) -> Result<(), StoreError> {
    let mut boxes = vec![BOXES_FORMAT];
    let body =
        postcard::to_stdvec(&chunk.lines).map_err(|_| StoreError::Corrupt("chunks.boxes"))?;
    boxes.extend_from_slice(&body);
    tx.execute(
        "INSERT INTO chunks (revision_id, ordinal, page_first, page_last, heading_path, kind, text,
             token_count, language, boxes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (revision_id, ordinal) DO NOTHING",
        params![
            revision.as_bytes(),
            staged(chunk.ordinal),
            chunk.page_first.0,
            chunk.page_last.0,
            serde_json::json!(chunk.heading_path).to_string(),
            chunk.kind,
            chunk.text,
            chunk.token_count,
            chunk.language,
            boxes,
        ],
    )?;
    Ok(())
}

/// Texts of the chunks being made, in order: to tell whether an earlier run made the same ones.
pub(crate) fn chunks_staged_count(
    tx: &ReadTx<'_>,
    revision: RevisionId,
    expected: &[NewChunk],
) -> Result<Option<usize>, StoreError> {
    let mut same = true;
    let mut count = 0;
    tx.query_each(
        "SELECT text, heading_path FROM chunks WHERE revision_id = ?1 AND ordinal < 0
         ORDER BY ordinal DESC",
        [revision.as_bytes()],
        |row| {
            let text: String = row.get(0).map_err(StoreError::from)?;
            let path: String = row.get(1).map_err(StoreError::from)?;
            let path = heading_path(&path)?;
            same &= expected
                .get(count)
                .is_some_and(|chunk| chunk.text == text && chunk.heading_path == path);
            count += 1;
            Ok::<(), StoreError>(())
        },
    )?;
    Ok(same.then_some(count))
}

/// The first chunks being made that have no embedding yet.
pub(crate) fn chunks_without_embedding(
    tx: &ReadTx<'_>,
    revision: RevisionId,
    limit: usize,
) -> Result<Vec<ChunkText>, StoreError> {
    let sql = format!(
        "{TEXT_COLUMNS} WHERE c.revision_id = ?1 AND c.ordinal < 0
           AND NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.chunk_id = c.id)
         ORDER BY c.ordinal DESC LIMIT ?2"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = tx.query_all(&sql, params![revision.as_bytes(), limit], raw_text)?;
    rows.into_iter().map(RawText::checked).collect()
}

pub(crate) fn chunks_unembedded_count(
    tx: &ReadTx<'_>,
    revision: RevisionId,
) -> Result<u32, StoreError> {
    tx.query_row(
        "SELECT count(*) FROM chunks c WHERE c.revision_id = ?1 AND c.ordinal < 0
           AND NOT EXISTS (SELECT 1 FROM embeddings e WHERE e.chunk_id = c.id)",
        [revision.as_bytes()],
        |row| row.get(0),
    )
}

/// The first published chunks behind `after` that the assigned model has not embedded yet.
pub(crate) fn chunks_without_model_embedding(
    tx: &ReadTx<'_>,
    after: ChunkId,
    limit: usize,
) -> Result<Vec<ChunkText>, StoreError> {
    let sql = format!(
        "{TEXT_COLUMNS} WHERE c.id > ?1 AND c.ordinal >= 0 AND d.deleted_at IS NULL
           AND NOT EXISTS (SELECT 1 FROM model_embeddings e WHERE e.chunk_id = c.id)
         ORDER BY c.id LIMIT ?2"
    );
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = tx.query_all(&sql, params![after.0, limit], raw_text)?;
    rows.into_iter().map(RawText::checked).collect()
}

/// Whether a chunk is there still.
pub(crate) fn chunk_exists(tx: &ReadTx<'_>, id: ChunkId) -> Result<bool, StoreError> {
    tx.query_row("SELECT count(*) > 0 FROM chunks WHERE id = ?1", [id.0], |row| row.get(0))
}

/// Published chunks, and those of them that the assigned model has embedded.
pub(crate) fn model_embedded_counts(tx: &ReadTx<'_>) -> Result<(u64, u64), StoreError> {
    let counts: (i64, i64) = tx.query_row(
        "SELECT count(*), count(e.chunk_id)
         FROM chunks c JOIN revisions r ON r.id = c.revision_id
              JOIN documents d ON d.id = r.document_id
              LEFT JOIN model_embeddings e ON e.chunk_id = c.id
         WHERE c.ordinal >= 0 AND d.deleted_at IS NULL",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok((counts.0.unsigned_abs(), counts.1.unsigned_abs()))
}

/// Replaces the revision's chunks by those being made; returns how many there are.
pub(crate) fn chunks_publish(tx: &WriteTx<'_>, revision: RevisionId) -> Result<u32, StoreError> {
    tx.execute(
        "DELETE FROM chunks WHERE revision_id = ?1 AND ordinal >= 0",
        [revision.as_bytes()],
    )?;
    let count = tx.execute(
        "UPDATE chunks SET ordinal = -ordinal - 1 WHERE revision_id = ?1 AND ordinal < 0",
        [revision.as_bytes()],
    )?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

pub(crate) fn chunks_staged_delete(
    tx: &WriteTx<'_>,
    revision: RevisionId,
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM chunks WHERE revision_id = ?1 AND ordinal < 0", [revision.as_bytes()])?;
    Ok(())
}

pub(crate) fn chunk_count(tx: &ReadTx<'_>, revision: RevisionId) -> Result<u32, StoreError> {
    tx.query_row(
        "SELECT count(*) FROM chunks WHERE revision_id = ?1 AND ordinal >= 0",
        [revision.as_bytes()],
        |row| row.get(0),
    )
}

/// The first chunks of a revision.
pub(crate) fn chunk_previews(
    tx: &ReadTx<'_>,
    revision: RevisionId,
    limit: u32,
) -> Result<Vec<ChunkPreview>, StoreError> {
    let rows = tx.query_all(
        "SELECT id, ordinal, page_first, page_last, heading_path, kind, text, token_count
         FROM chunks WHERE revision_id = ?1 AND ordinal >= 0 ORDER BY ordinal LIMIT ?2",
        params![revision.as_bytes(), limit],
        |row| {
            let preview = ChunkPreview {
                id: ChunkId(row.get(0)?),
                ordinal: row.get(1)?,
                page_first: PageNumber(row.get(2)?),
                page_last: PageNumber(row.get(3)?),
                heading_path: Vec::new(),
                kind: row.get(5)?,
                text: row.get(6)?,
                token_count: row.get(7)?,
            };
            Ok((preview, row.get::<_, String>(4)?))
        },
    )?;
    let preview = |(preview, path): (ChunkPreview, String)| {
        Ok(ChunkPreview { heading_path: heading_path(&path)?, ..preview })
    };
    rows.into_iter().map(preview).collect()
}

/// Calls `each` with every published chunk of the given revision, or of all documents
/// that exist when `None`.
pub(crate) fn indexed_chunks<E: From<StoreError>>(
    tx: &ReadTx<'_>,
    revision: Option<RevisionId>,
    mut each: impl FnMut(ChunkText) -> Result<(), E>,
) -> Result<(), E> {
    let published = "c.ordinal >= 0 AND d.deleted_at IS NULL ORDER BY c.id";
    let each = |row: &Row<'_>| {
        let raw = raw_text(row).map_err(StoreError::from)?;
        each(raw.checked()?)
    };
    match revision {
        // On its own, so that the index of chunks by revision serves it.
        Some(id) => {
            let sql = format!("{TEXT_COLUMNS} WHERE c.revision_id = ?1 AND {published}");
            tx.query_each(&sql, [id.as_bytes()], each)
        }
        None => tx.query_each(&format!("{TEXT_COLUMNS} WHERE {published}"), [], each),
    }
}

/// The chunks with these ids that are published, in any order.
pub(crate) fn passages_load(
    tx: &ReadTx<'_>,
    ids: &[ChunkId],
) -> Result<Vec<PassageRow>, StoreError> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = tx.query_all(
        "SELECT id, revision_id, page_first, page_last, heading_path, kind, text, language, boxes
         FROM chunks WHERE ordinal >= 0 AND id IN (SELECT value FROM json_each(?1))",
        [serde_json::json!(ids).to_string()],
        |row| {
            let passage = PassageRow {
                id: ChunkId(row.get(0)?),
                revision_id: RevisionId::from_bytes([0; 16]),
                page_first: PageNumber(row.get(2)?),
                page_last: PageNumber(row.get(3)?),
                heading_path: Vec::new(),
                kind: row.get(5)?,
                text: row.get(6)?,
                language: row.get(7)?,
                lines: Vec::new(),
            };
            let blobs = (row.get::<_, Vec<u8>>(1)?, row.get::<_, Vec<u8>>(8)?);
            Ok((passage, blobs, row.get::<_, String>(4)?))
        },
    )?;
    let passage = |(passage, (revision, boxes), path): (PassageRow, (Vec<u8>, Vec<u8>), String)| {
        Ok(PassageRow {
            revision_id: revision_id(&revision, "chunks.revision_id")?,
            heading_path: heading_path(&path)?,
            lines: lines(&boxes)?,
            ..passage
        })
    };
    rows.into_iter().map(passage).collect()
}

const TEXT_COLUMNS: &str = "SELECT c.id, c.revision_id, d.id, d.key, d.title, c.heading_path, \
     c.text, coalesce(c.language, r.language), c.page_first, c.page_last \
     FROM chunks c JOIN revisions r ON r.id = c.revision_id \
          JOIN documents d ON d.id = r.document_id";

struct RawText {
    ids: (i64, Vec<u8>, Vec<u8>),
    words: [String; 4],
    language: Option<String>,
    pages: (u32, u32),
}

fn raw_text(row: &Row<'_>) -> store::sql::Result<RawText> {
    Ok(RawText {
        ids: (row.get(0)?, row.get(1)?, row.get(2)?),
        words: [row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?],
        language: row.get(7)?,
        pages: (row.get(8)?, row.get(9)?),
    })
}

impl RawText {
    fn checked(self) -> Result<ChunkText, StoreError> {
        let [document_key, document_title, path, text] = self.words;
        Ok(ChunkText {
            id: ChunkId(self.ids.0),
            revision_id: revision_id(&self.ids.1, "chunks.revision_id")?,
            document_id: document_id(&self.ids.2, "documents.id")?,
            document_key,
            document_title,
            heading_path: heading_path(&path)?,
            text,
            language: self.language,
            page_first: PageNumber(self.pages.0),
            page_last: PageNumber(self.pages.1),
        })
    }
}

fn staged(ordinal: u32) -> i64 {
    -i64::from(ordinal) - 1
}

fn heading_path(json: &str) -> Result<Vec<String>, StoreError> {
    serde_json::from_str(json).map_err(|_| StoreError::Corrupt("chunks.heading_path"))
}

fn lines(bytes: &[u8]) -> Result<Vec<ChunkLine>, StoreError> {
    let corrupt = StoreError::Corrupt("chunks.boxes");
    match bytes.split_first() {
        Some((&BOXES_FORMAT, body)) => postcard::from_bytes(body).map_err(|_| corrupt),
        _ => Err(corrupt),
    }
}
