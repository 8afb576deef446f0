//! Documents: listing, looking at one, deleting, making its index anew.

use audit::{Action, Event};
use base::{
    ChunkId, Classification, DocumentId, JobId, PageNumber, Rights, Timestamp, fill_page, limits,
};
use parse::Format;
use policy::{ClearanceFilter, Permit, documents, may_see};
use serde_json::json;
use store::{NewJob, ReadTx, job_enqueue};

use crate::KnowledgeError;
use crate::ingest::{self, INGEST_JOB};
use crate::model::{Document, PageTextState, Revision, RevisionState, Standing};
use crate::store::{self as rows, DocumentRow, Listing};
use crate::tenant_index;

/// Chunks shown with a document's details.
pub const CHUNK_PREVIEW_MAX: u32 = 10;

const DOCUMENT_READ: Action = Action::new("document.read");
const DOCUMENT_DELETED: Action = Action::new("document.deleted");
const DOCUMENT_REINDEX: Action = Action::new("document.reindex_queued");

/// Which documents are wanted. Everything given must hold of one and the same revision; `standing` of the
/// one that is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DocumentFilter {
    /// Part of the key or title, in any case.
    pub text: Option<String>,
    /// Has this tag.
    pub tag: Option<String>,
    /// Is in this language (`de` also finds `de-AT`).
    pub language: Option<String>,
    /// Has this classification.
    pub classification: Option<Classification>,
    /// Is so far ingested.
    pub state: Option<RevisionState>,
    /// Is in this format.
    pub format: Option<Format>,
    /// Counts so at this moment.
    pub standing: Option<Standing>,
}

/// A stretch of the document list, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentPage {
    /// The documents.
    pub documents: Vec<Document>,
    /// Pass it as `after` to get the next stretch.
    pub next: Option<DocumentId>,
}

/// The beginning of what was made of a document.
#[derive(Clone, Debug, PartialEq)]
pub struct ChunkPreview {
    /// The chunk.
    pub id: ChunkId,
    /// 0, 1, 2 … in reading order.
    pub ordinal: u32,
    /// Page on which it begins.
    pub page_first: PageNumber,
    /// Page on which it ends.
    pub page_last: PageNumber,
    /// From the outermost heading to the nearest.
    pub heading_path: Vec<String>,
    /// `prose` or `table`.
    pub kind: String,
    /// The text.
    pub text: String,
    /// Its length in tokens of the embedder.
    pub token_count: u32,
}

/// A page that has no text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageProblem {
    /// The page.
    pub page: PageNumber,
    /// What became of it.
    pub state: PageTextState,
    /// Why; never content.
    pub reason: Option<String>,
}

/// A document with its revisions and the beginning of its text.
#[derive(Clone, Debug, PartialEq)]
pub struct DocumentDetails {
    /// The document.
    pub document: Document,
    /// Those that the asking person may see, newest first.
    pub revisions: Vec<Revision>,
    /// The first chunks of the current revision.
    pub chunks: Vec<ChunkPreview>,
    /// All chunks of the current revision.
    pub chunk_count: u32,
    /// Pages of the current revision without text.
    pub page_problems: Vec<PageProblem>,
}

/// Documents of which the asking person may see at least one revision, newest first. `limit` is
/// brought into 1..=[`limits::PAGE_MAX_ITEMS`].
///
/// # Errors
/// [`KnowledgeError::Store`].
pub async fn document_list(
    permit: Permit<'_, documents::Read>,
    filter: DocumentFilter,
    after: Option<DocumentId>,
    limit: u32,
) -> Result<DocumentPage, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    ctx.read(move |tx| {
        let clearance = ClearanceFilter::of(&rights);
        let fetch = |after, limit| {
            let listing = Listing { clearance: &clearance, filter: &filter, after, limit };
            Ok::<_, KnowledgeError>(rows::document_list(tx, &listing)?)
        };
        // How a revision stands is no column: it follows from the others and the time.
        let keep = |row: DocumentRow| {
            let revisions = visible_revisions(tx, row.id, &rights, now)?;
            let stands = |document: &Document| {
                filter.standing.is_none_or(|wanted| document.current.standing == wanted)
            };
            Ok::<_, KnowledgeError>(as_document(row, &revisions).filter(stands))
        };
        let (documents, next) = fill_page(limit, after, fetch, |row| row.id, keep)?;
        Ok(DocumentPage { documents, next })
    })
    .await
}

/// One document with the beginning of its text, which is recorded as read.
///
/// # Errors
/// [`KnowledgeError::DocumentNotFound`], or the store's own.
pub async fn document_get(
    permit: Permit<'_, documents::Read>,
    id: DocumentId,
) -> Result<DocumentDetails, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    let details = ctx
        .read(move |tx| {
            let (row, mut revisions) = find_visible(tx, id, &rights, now)?;
            let document = as_document(row, &revisions).ok_or(KnowledgeError::DocumentNotFound)?;
            let current = document.current.id;
            revisions.reverse();
            Ok::<_, KnowledgeError>(DocumentDetails {
                chunks: rows::chunk_previews(tx, current, CHUNK_PREVIEW_MAX)?,
                chunk_count: rows::chunk_count(tx, current)?,
                page_problems: rows::page_problems(tx, current)?,
                document,
                revisions,
            })
        })
        .await?;
    let shown: Vec<i64> = details.chunks.iter().map(|chunk| chunk.id.0).collect();
    let event = Event::new(DOCUMENT_READ)
        .object("document", id)
        .detail(json!({ "revision": details.document.current.id, "chunks": shown }))
        .label(details.document.current.label);
    ctx.record(event).await?;
    Ok(details)
}

/// The document that the plant calls `key`.
///
/// # Errors
/// [`KnowledgeError::DocumentNotFound`], or the store's own.
pub async fn document_by_key(
    permit: Permit<'_, documents::Read>,
    key: String,
) -> Result<DocumentId, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    ctx.read(move |tx| {
        let row = rows::document_by_key(tx, &key)?.ok_or(KnowledgeError::DocumentNotFound)?;
        let (row, _) = find_visible(tx, row.id, &rights, now)?;
        Ok(row.id)
    })
    .await
}

/// Deletes a document: its text and index entries now, its files with them. Its revisions stay in
/// the log and in the answers that quoted them.
///
/// # Errors
/// [`KnowledgeError::DocumentNotFound`]; [`KnowledgeError::WrongState`] when some of its revisions
/// are above the asking person's clearance; or the store's own.
pub async fn document_delete(
    permit: Permit<'_, documents::Delete>,
    id: DocumentId,
) -> Result<(), KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    let removed = ctx
        .write(move |mut tx| {
            let (row, visible) = find_visible(&tx, id, &rights, now)?;
            let revisions = rows::revisions_of(&tx, id, now)?;
            if revisions.len() != visible.len() {
                return Err(KnowledgeError::WrongState("not all within your clearance"));
            }
            for revision in &revisions {
                ingest::cancel_open_jobs(&mut tx, revision.id)?;
            }
            rows::document_delete(&tx, id)?;
            rows::generation_bump(&tx)?;
            let before = json!({ "key": row.key, "revisions": revisions.len() });
            let event = Event::new(DOCUMENT_DELETED)
                .object("document", id)
                .before(before)
                .after(json!({ "deleted": true }));
            let ids: Vec<_> = revisions.iter().map(|revision| revision.id).collect();
            Ok(tx.commit(event, ids)?)
        })
        .await?;
    for revision in removed {
        // What can't be removed now is swept later: no row names it any more.
        if let Err(error) = ctx.blobs().remove(revision) {
            tracing::warn!(
                revision.id = %revision,
                error = &error as &dyn std::error::Error,
                "an original file of a deleted document is left for the sweep"
            );
        }
    }
    tenant_index::follow(ctx).await;
    Ok(())
}

/// Queues a job that reads the current revision's original file anew. Until it is through, the
/// revision answers from what it has.
///
/// # Errors
/// [`KnowledgeError::DocumentNotFound`]; [`KnowledgeError::IngestInProgress`] when a job works on
/// it already; or the store's own.
pub async fn document_reindex(
    permit: Permit<'_, documents::Reindex>,
    id: DocumentId,
) -> Result<JobId, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    let current = ctx
        .read(move |tx| {
            let (row, revisions) = find_visible(tx, id, &rights, now)?;
            as_document(row, &revisions).ok_or(KnowledgeError::DocumentNotFound)
        })
        .await?
        .current;
    let revision = current.id;
    let job = NewJob::new(
        ctx,
        INGEST_JOB,
        ingest::subject_of(revision),
        ingest::Payload { revision, title: None }.to_json(),
    )?;
    ctx.write(move |mut tx| {
        if ingest::has_open_job(&tx, revision)? {
            return Err(KnowledgeError::IngestInProgress);
        }
        if current.state != RevisionState::Ready {
            // The file is read anew: by a newer parser, say. A usable one keeps its pages till then.
            rows::pages_delete(&tx, revision)?;
            rows::revision_set_state(&tx, revision, RevisionState::Queued)?;
        }
        let job_id = job_enqueue(&mut tx, &job)?;
        let event = Event::new(DOCUMENT_REINDEX)
            .object("document", id)
            .detail(json!({ "revision": revision, "job": job_id }));
        Ok(tx.commit(event, job_id)?)
    })
    .await
}

/// The revisions of a document that somebody with `rights` may see, oldest first.
pub(crate) fn visible_revisions(
    tx: &ReadTx<'_>,
    id: DocumentId,
    rights: &Rights,
    now: Timestamp,
) -> Result<Vec<Revision>, KnowledgeError> {
    let mut revisions = rows::revisions_of(tx, id, now)?;
    revisions.retain(|revision| may_see(rights, &revision.label).is_visible());
    Ok(revisions)
}

/// A document of which somebody with `rights` may see something, and what they may see of it.
pub(crate) fn find_visible(
    tx: &ReadTx<'_>,
    id: DocumentId,
    rights: &Rights,
    now: Timestamp,
) -> Result<(DocumentRow, Vec<Revision>), KnowledgeError> {
    let row = rows::document_find(tx, id)?.ok_or(KnowledgeError::DocumentNotFound)?;
    let revisions = visible_revisions(tx, id, rights, now)?;
    if revisions.is_empty() {
        return Err(KnowledgeError::DocumentNotFound);
    }
    Ok((row, revisions))
}

/// The document as people see it; `None` when there is nothing of it to see.
pub(crate) fn as_document(row: DocumentRow, revisions: &[Revision]) -> Option<Document> {
    let newest = |wanted: &dyn Fn(&Revision) -> bool| revisions.iter().rev().find(|r| wanted(r));
    let current = newest(&|r| r.standing == Standing::Valid)
        .or_else(|| newest(&|r| r.state == RevisionState::Ready))
        .or_else(|| revisions.last())?;
    Some(Document {
        id: row.id,
        key: row.key,
        title: row.title,
        created_at: row.created_at,
        created_by: row.created_by,
        updated_at: row.updated_at,
        current: current.clone(),
        revision_count: u32::try_from(revisions.len()).unwrap_or(u32::MAX),
    })
}
