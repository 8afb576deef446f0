//! Rows of `documents`, and what is counted over all of them.

use std::collections::HashSet;

use base::{
    Classification, ConversationId, DocumentId, MessageId, PageNumber, RevisionId, Timestamp,
    UserId,
};
use parse::Format;
use policy::ClearanceFilter;
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::documents::DocumentFilter;
use crate::model::RevisionState;
use crate::revisions::CitingAnswer;
use crate::usage::LibraryUsage;

use super::{Clearances, document_id};

/// A document without its revisions.
pub(crate) struct DocumentRow {
    pub(crate) id: DocumentId,
    pub(crate) key: String,
    pub(crate) title: String,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: String,
    pub(crate) updated_at: Timestamp,
}

const COLUMNS: &str = "d.id, d.key, d.title, d.created_at, d.created_by, d.updated_at";

pub(crate) fn document_insert(
    tx: &WriteTx<'_>,
    id: DocumentId,
    key: &str,
    title: &str,
    created_by: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO documents (id, key, title, created_at, created_by, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?4)",
        params![id.as_bytes(), key, title, tx.now().unix_ms(), created_by],
    )?;
    Ok(())
}

pub(crate) fn document_find(
    tx: &ReadTx<'_>,
    id: DocumentId,
) -> Result<Option<DocumentRow>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM documents d WHERE d.id = ?1 AND d.deleted_at IS NULL");
    tx.query_optional(&sql, [id.as_bytes()], raw)?.map(Raw::checked).transpose()
}

pub(crate) fn document_by_key(
    tx: &ReadTx<'_>,
    key: &str,
) -> Result<Option<DocumentRow>, StoreError> {
    let sql =
        format!("SELECT {COLUMNS} FROM documents d WHERE d.key = ?1 AND d.deleted_at IS NULL");
    tx.query_optional(&sql, [key], raw)?.map(Raw::checked).transpose()
}

pub(crate) fn document_touch(tx: &WriteTx<'_>, id: DocumentId) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE documents SET updated_at = ?2 WHERE id = ?1",
        params![id.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(())
}

pub(crate) fn document_title_set(
    tx: &WriteTx<'_>,
    id: DocumentId,
    title: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE documents SET title = ?2, updated_at = ?3 WHERE id = ?1",
        params![id.as_bytes(), title, tx.now().unix_ms()],
    )?;
    Ok(())
}

/// Marks a document as deleted and removes what was made from its files; rows of its revisions
/// stay, since the log and answers name them.
pub(crate) fn document_delete(tx: &WriteTx<'_>, id: DocumentId) -> Result<(), StoreError> {
    let now = tx.now().unix_ms();
    tx.execute(
        "UPDATE documents SET deleted_at = ?2, updated_at = ?2 WHERE id = ?1",
        params![id.as_bytes(), now],
    )?;
    for sql in [
        "DELETE FROM chunks WHERE revision_id IN (SELECT id FROM revisions WHERE document_id = ?1)",
        "DELETE FROM pages WHERE revision_id IN (SELECT id FROM revisions WHERE document_id = ?1)",
    ] {
        tx.execute(sql, [id.as_bytes()])?;
    }
    Ok(())
}

/// What [`document_list`] is asked for.
pub(crate) struct Listing<'a> {
    pub(crate) clearance: &'a ClearanceFilter,
    pub(crate) filter: &'a DocumentFilter,
    pub(crate) after: Option<DocumentId>,
    pub(crate) limit: u32,
}

/// Documents of which at least one revision may be seen and passes the filter, newest first.
pub(crate) fn document_list(
    tx: &ReadTx<'_>,
    listing: &Listing<'_>,
) -> Result<Vec<DocumentRow>, StoreError> {
    let clearances = Clearances::of(listing.clearance);
    let filter = listing.filter;
    let sql = format!(
        "SELECT {COLUMNS} FROM documents d
         WHERE d.deleted_at IS NULL AND (?1 IS NULL OR d.id < ?1)
           AND (?2 IS NULL OR instr(lower(d.key), ?2) > 0 OR instr(lower(d.title), ?2) > 0)
           AND EXISTS (
             SELECT 1 FROM revisions r WHERE r.document_id = d.id
               AND r.classification IN (SELECT value FROM json_each(?3))
               AND r.export_control IN (SELECT value FROM json_each(?4))
               AND (?5 IS NULL OR EXISTS (SELECT 1 FROM json_each(r.tags) WHERE value = ?5))
               AND (?6 IS NULL OR r.language = ?6 OR substr(r.language, 1, length(?6) + 1) = ?6 || '-')
               AND (?7 IS NULL OR r.classification = ?7)
               AND (?8 IS NULL OR r.state = ?8)
               AND (?9 IS NULL OR r.format = ?9))
         ORDER BY d.id DESC LIMIT ?10"
    );
    let rows = tx.query_all(
        &sql,
        params![
            listing.after.map(|id| *id.as_bytes()),
            filter.text.as_ref().map(|text| text.to_lowercase()),
            clearances.classifications,
            clearances.export_controls,
            filter.tag.as_deref().map(crate::input::tag),
            filter.language,
            filter.classification.map(Classification::as_str),
            filter.state.map(RevisionState::as_str),
            filter.format.map(Format::as_str),
            listing.limit,
        ],
        raw,
    )?;
    rows.into_iter().map(Raw::checked).collect()
}

/// Messages that cite any revision of a document.
pub(crate) fn citing_messages(
    tx: &ReadTx<'_>,
    id: DocumentId,
) -> Result<Vec<MessageId>, StoreError> {
    let ids = tx.query_all(
        "SELECT DISTINCT message_id FROM citations
         WHERE revision_id IN (SELECT id FROM revisions WHERE document_id = ?1)",
        [id.as_bytes()],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    let checked = |id: Vec<u8>| Ok(MessageId::from_bytes(id_bytes(&id, "citations.message_id")?));
    ids.into_iter().map(checked).collect()
}

/// The chunks of all revisions of a document.
pub(crate) fn chunk_ids(tx: &ReadTx<'_>, id: DocumentId) -> Result<HashSet<i64>, StoreError> {
    let ids = tx.query_all(
        "SELECT id FROM chunks
         WHERE revision_id IN (SELECT id FROM revisions WHERE document_id = ?1)",
        [id.as_bytes()],
        |row| row.get(0),
    )?;
    Ok(ids.into_iter().collect())
}

/// A chunk, and where it is from.
pub(crate) struct ChunkOrigin {
    pub(crate) id: i64,
    pub(crate) revision: RevisionId,
    pub(crate) pages: std::ops::RangeInclusive<u32>,
}

/// Where chunks are from, as far as they still exist. `chunks` is a JSON array of ids.
pub(crate) fn chunk_origins(tx: &ReadTx<'_>, chunks: &str) -> Result<Vec<ChunkOrigin>, StoreError> {
    origins(
        tx,
        "SELECT id, revision_id, page_first, page_last FROM chunks
         WHERE id IN (SELECT value FROM json_each(?1)) ORDER BY id",
        chunks,
    )
}

/// What messages quote. `messages` is a JSON array of ids.
pub(crate) fn quoted_origins(
    tx: &ReadTx<'_>,
    messages: &str,
) -> Result<Vec<ChunkOrigin>, StoreError> {
    origins(
        tx,
        "SELECT chunk_id, revision_id, page, page FROM citations
         WHERE message_id IN (SELECT unhex(replace(value, '-', '')) FROM json_each(?1))
         ORDER BY message_id, number",
        messages,
    )
}

fn origins(tx: &ReadTx<'_>, sql: &str, list: &str) -> Result<Vec<ChunkOrigin>, StoreError> {
    let rows = tx.query_all(sql, [list], |row| {
        let pages = row.get::<_, u32>(2)?..=row.get::<_, u32>(3)?;
        Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?, pages))
    })?;
    let checked = |(id, revision, pages): (i64, Vec<u8>, _)| {
        Ok(ChunkOrigin {
            id,
            revision: super::revision_id(&revision, "chunks.revision_id")?,
            pages,
        })
    };
    rows.into_iter().map(checked).collect()
}

/// Whether there is such a person.
pub(crate) fn user_exists(tx: &ReadTx<'_>, id: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM users WHERE id = ?1";
    Ok(tx.query_optional(sql, [id.as_bytes()], |_| Ok(()))?.is_some())
}

/// Answers that cited a revision, newest first.
pub(crate) fn citing_answers(
    tx: &ReadTx<'_>,
    revision: RevisionId,
    asked_by: Option<UserId>,
    limit: u32,
) -> Result<Vec<CitingAnswer>, StoreError> {
    let rows = tx.query_all(
        "SELECT m.id, m.conversation_id, c.user_id, m.created_at, json_group_array(DISTINCT x.page)
         FROM citations x JOIN messages m ON m.id = x.message_id
              JOIN conversations c ON c.id = m.conversation_id
         WHERE x.revision_id = ?1 AND c.deleted_at IS NULL AND (?2 IS NULL OR c.user_id = ?2)
         GROUP BY m.id ORDER BY m.created_at DESC, m.id DESC LIMIT ?3",
        params![revision.as_bytes(), asked_by.map(|user| *user.as_bytes()), limit],
        |row| {
            let ids = (row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?);
            let user = row.get::<_, Option<Vec<u8>>>(2)?;
            Ok((ids, user, row.get::<_, i64>(3)?, row.get::<_, String>(4)?))
        },
    )?;
    let answer =
        |((message, conversation), user, time, pages): (_, Option<Vec<u8>>, i64, String)| {
            let message: Vec<u8> = message;
            let conversation: Vec<u8> = conversation;
            let mut pages: Vec<u32> =
                serde_json::from_str(&pages).map_err(|_| StoreError::Corrupt("citations.page"))?;
            pages.sort_unstable();
            Ok(CitingAnswer {
                message_id: MessageId::from_bytes(id_bytes(&message, "messages.id")?),
                conversation_id: ConversationId::from_bytes(id_bytes(
                    &conversation,
                    "messages.conversation_id",
                )?),
                asked_by: user
                    .map(|bytes| id_bytes(&bytes, "conversations.user_id").map(UserId::from_bytes))
                    .transpose()?,
                answered_at: Timestamp::from_unix_ms(time),
                pages: pages.into_iter().map(PageNumber).collect(),
            })
        };
    rows.into_iter().map(answer).collect()
}

pub(crate) fn usage(tx: &ReadTx<'_>) -> Result<LibraryUsage, StoreError> {
    let count = |sql: &str| -> Result<u64, StoreError> {
        let value: i64 = tx.query_row(sql, [], |row| row.get(0))?;
        Ok(u64::try_from(value).unwrap_or(0))
    };
    const LIVE: &str = "FROM revisions r JOIN documents d ON d.id = r.document_id
                        WHERE d.deleted_at IS NULL";
    Ok(LibraryUsage {
        documents: count("SELECT count(*) FROM documents WHERE deleted_at IS NULL")?,
        revisions: count(&format!("SELECT count(*) {LIVE}"))?,
        pages: count("SELECT count(*) FROM pages")?,
        chunks: count("SELECT count(*) FROM chunks WHERE ordinal >= 0")?,
        original_bytes: count(&format!("SELECT coalesce(sum(r.size_bytes), 0) {LIVE}"))?,
        codes_bytes: 0,
    })
}

struct Raw {
    id: Vec<u8>,
    key: String,
    title: String,
    created_at: i64,
    created_by: String,
    updated_at: i64,
}

fn raw(row: &Row<'_>) -> store::sql::Result<Raw> {
    Ok(Raw {
        id: row.get(0)?,
        key: row.get(1)?,
        title: row.get(2)?,
        created_at: row.get(3)?,
        created_by: row.get(4)?,
        updated_at: row.get(5)?,
    })
}

impl Raw {
    fn checked(self) -> Result<DocumentRow, StoreError> {
        Ok(DocumentRow {
            id: document_id(&self.id, "documents.id")?,
            key: self.key,
            title: self.title,
            created_at: Timestamp::from_unix_ms(self.created_at),
            created_by: self.created_by,
            updated_at: Timestamp::from_unix_ms(self.updated_at),
        })
    }
}
