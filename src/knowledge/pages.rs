//! A page as the parser read it, and the original file.

use audit::{Action, Event};
use base::{DocumentId, PageNumber, RevisionId};
use parse::{Block, PageState};
use policy::{Permit, documents};
use seal::EncryptedReader;
use serde_json::json;

use crate::KnowledgeError;
use crate::documents::find_visible;
use crate::model::{PageTextState, Revision};
use crate::revisions::pick;
use crate::store as rows;

const PAGE_READ: Action = Action::new("page.read");
const ORIGINAL_READ: Action = Action::new("original.read");

/// One page with its blocks, lines and boxes.
#[derive(Clone, Debug, PartialEq)]
pub struct PageText {
    /// Its revision.
    pub revision_id: RevisionId,
    /// Its number.
    pub page: PageNumber,
    /// Pages of the revision, once known.
    pub page_count: Option<u32>,
    /// Width as displayed, in points of 1/72 inch; 0 for formats without fixed pages.
    pub width_pt: f32,
    /// Height as displayed, in points; 0 for formats without fixed pages.
    pub height_pt: f32,
    /// Whether it has text.
    pub state: PageTextState,
    /// Why not, when it has none; never content.
    pub reason: Option<String>,
    /// In reading order; boxes with the origin at the top left, y down, in points.
    pub blocks: Vec<Block>,
}

/// The original file of a revision.
pub struct Original {
    /// The revision.
    pub revision: Revision,
    /// Decrypts on the way; reads block.
    pub reader: EncryptedReader,
    /// IANA media type by content; `application/octet-stream` until it was read.
    pub media_type: &'static str,
}

/// One page; recorded as read.
///
/// # Errors
/// [`KnowledgeError::DocumentNotFound`], [`KnowledgeError::RevisionNotFound`],
/// [`KnowledgeError::PageNotFound`], or the store's own.
pub async fn page_text(
    permit: Permit<'_, documents::Read>,
    document: DocumentId,
    revision: RevisionId,
    page: PageNumber,
) -> Result<PageText, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    let (revision, content) = ctx
        .read(move |tx| {
            let (_, revisions) = find_visible(tx, document, &rights, now)?;
            let revision = pick(revisions, revision)?;
            let content = rows::page_load(tx, revision.id, page)?;
            Ok::<_, KnowledgeError>((revision, content.ok_or(KnowledgeError::PageNotFound)?))
        })
        .await?;
    let event = Event::new(PAGE_READ)
        .object("revision", revision.id)
        .detail(json!({ "page": page }))
        .label(revision.label);
    ctx.record(event).await?;
    let (state, reason) = match content.state {
        PageState::Text => (PageTextState::Text, None),
        PageState::NeedsOcr => (PageTextState::NeedsOcr, None),
        PageState::Failed { reason } => (PageTextState::Failed, Some(reason)),
    };
    Ok(PageText {
        revision_id: revision.id,
        page,
        page_count: revision.page_count,
        width_pt: content.width_pt,
        height_pt: content.height_pt,
        state,
        reason,
        blocks: content.blocks,
    })
}

/// Opens the original file of a revision; recorded as read.
///
/// # Errors
/// [`KnowledgeError::DocumentNotFound`], [`KnowledgeError::RevisionNotFound`],
/// [`KnowledgeError::OriginalMissing`], or the store's own.
pub async fn original_open(
    permit: Permit<'_, documents::Read>,
    document: DocumentId,
    revision: RevisionId,
) -> Result<Original, KnowledgeError> {
    let ctx = permit.ctx();
    let (rights, now) = (*ctx.rights(), ctx.now());
    let revision = ctx
        .read(move |tx| {
            let (_, revisions) = find_visible(tx, document, &rights, now)?;
            pick(revisions, revision)
        })
        .await?;
    let reader = ctx.blobs().open(revision.id).map_err(|error| match error {
        store::StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            KnowledgeError::OriginalMissing
        }
        other => other.into(),
    })?;
    let event = Event::new(ORIGINAL_READ).object("revision", revision.id).label(revision.label);
    ctx.record(event).await?;
    let media_type = media_type(revision.format.as_deref());
    Ok(Original { revision, reader, media_type })
}

fn media_type(format: Option<&str>) -> &'static str {
    use parse::Format;
    [Format::Pdf, Format::Docx, Format::Markdown, Format::Text]
        .into_iter()
        .find(|known| format == Some(known.as_str()))
        .map_or("application/octet-stream", Format::media_type)
}
