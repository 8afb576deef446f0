//! What retrieval must know of every revision before it scores anything.

use base::{DocumentId, Label, RevisionId, Timestamp};
use store::sql::Row;
use store::{ReadTx, StoreError, WriteTx};

use crate::model::{RevisionState, Validity};
use crate::standing::Span;

use super::revisions::label;
use super::{document_id, revision_id};

/// A revision of a document that exists.
pub(crate) struct RetrievalRow {
    pub(crate) revision_id: RevisionId,
    pub(crate) document_id: DocumentId,
    pub(crate) document_key: String,
    pub(crate) document_title: String,
    pub(crate) span: Span,
    pub(crate) label: Label,
    pub(crate) language: Option<String>,
    pub(crate) tags: Vec<String>,
    /// Published chunks, as ranges of ids, first and last.
    pub(crate) chunks: Vec<(i64, i64)>,
}

/// The number that grows with every change of what can be retrieved.
pub(crate) fn generation(tx: &ReadTx<'_>) -> Result<u64, StoreError> {
    let value: i64 =
        tx.query_row("SELECT generation FROM retrieval_generation", [], |row| row.get(0))?;
    u64::try_from(value).map_err(|_| StoreError::Corrupt("retrieval_generation.generation"))
}

pub(crate) fn generation_bump(tx: &WriteTx<'_>) -> Result<(), StoreError> {
    tx.execute("UPDATE retrieval_generation SET generation = generation + 1", [])?;
    Ok(())
}

/// All revisions of documents that exist, ordered by document and number.
pub(crate) fn retrieval_rows(tx: &ReadTx<'_>) -> Result<Vec<RetrievalRow>, StoreError> {
    let rows = tx.query_all(
        "SELECT r.id, d.id, d.key, d.title, r.number, r.state, r.validity, r.effective_from,
                r.effective_to, r.classification, r.export_control, r.language, r.tags
         FROM revisions r JOIN documents d ON d.id = r.document_id
         WHERE d.deleted_at IS NULL ORDER BY d.id, r.number",
        [],
        raw,
    )?;
    let mut rows = rows.into_iter().map(Raw::checked).collect::<Result<Vec<_>, _>>()?;
    for row in &mut rows {
        if row.span.state == RevisionState::Ready {
            row.chunks = chunk_ranges(tx, row.revision_id)?;
        }
    }
    Ok(rows)
}

/// Ids of a revision's published chunks. Reads the index of (revision, ordinal) alone.
fn chunk_ranges(tx: &ReadTx<'_>, revision: RevisionId) -> Result<Vec<(i64, i64)>, StoreError> {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    tx.query_each(
        "SELECT id FROM chunks WHERE revision_id = ?1 AND ordinal >= 0 ORDER BY ordinal",
        [revision.as_bytes()],
        |row| {
            let id: i64 = row.get(0).map_err(StoreError::from)?;
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == id => *last = id,
                _ => ranges.push((id, id)),
            }
            Ok::<(), StoreError>(())
        },
    )?;
    Ok(ranges)
}

struct Raw {
    ids: (Vec<u8>, Vec<u8>),
    key: String,
    title: String,
    number: u32,
    words: [String; 4],
    effective: (Option<i64>, Option<i64>),
    language: Option<String>,
    tags: String,
}

fn raw(row: &Row<'_>) -> store::sql::Result<Raw> {
    Ok(Raw {
        ids: (row.get(0)?, row.get(1)?),
        key: row.get(2)?,
        title: row.get(3)?,
        number: row.get(4)?,
        words: [row.get(5)?, row.get(6)?, row.get(9)?, row.get(10)?],
        effective: (row.get(7)?, row.get(8)?),
        language: row.get(11)?,
        tags: row.get(12)?,
    })
}

impl Raw {
    fn checked(self) -> Result<RetrievalRow, StoreError> {
        let corrupt = StoreError::Corrupt;
        let [state, validity, classification, export_control] = self.words;
        Ok(RetrievalRow {
            revision_id: revision_id(&self.ids.0, "revisions.id")?,
            document_id: document_id(&self.ids.1, "documents.id")?,
            document_key: self.key,
            document_title: self.title,
            span: Span {
                number: self.number,
                state: RevisionState::parse(&state).ok_or(corrupt("revisions.state"))?,
                validity: Validity::parse(&validity).ok_or(corrupt("revisions.validity"))?,
                effective_from: self.effective.0.map(Timestamp::from_unix_ms),
                effective_to: self.effective.1.map(Timestamp::from_unix_ms),
            },
            label: label(&classification, &export_control)?,
            language: self.language,
            tags: serde_json::from_str(&self.tags).map_err(|_| corrupt("revisions.tags"))?,
            chunks: Vec::new(),
        })
    }
}
