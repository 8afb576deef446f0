//! GET /api/v1/documents/{document_id}

use base::DocumentId;
use knowledge::{ChunkPreview, DocumentDetails, PageProblem};
use policy::documents;
use serde::Serialize;
use utoipa::ToSchema;

use super::view::{DocumentView, RevisionView};
use crate::call::Authorized;
use crate::input::Id;
use crate::output::Tagged;
use crate::problem::Problem;

/// A chunk of the current revision.
#[derive(Serialize, ToSchema)]
#[schema(as = ChunkPreview)]
struct ChunkView {
    id: i64,
    /// 0, 1, 2 … in reading order.
    ordinal: u32,
    page_first: u32,
    page_last: u32,
    /// From the outermost heading to the nearest.
    heading_path: Vec<String>,
    kind: String,
    text: String,
    token_count: u32,
}

impl From<&ChunkPreview> for ChunkView {
    fn from(chunk: &ChunkPreview) -> Self {
        Self {
            id: chunk.id.0,
            ordinal: chunk.ordinal,
            page_first: chunk.page_first.0,
            page_last: chunk.page_last.0,
            heading_path: chunk.heading_path.clone(),
            kind: chunk.kind.clone(),
            text: chunk.text.clone(),
            token_count: chunk.token_count,
        }
    }
}

/// A page of the current revision that could not be read.
#[derive(Serialize, ToSchema)]
struct PageProblemView {
    page: u32,
    /// `needs_ocr` or `failed`.
    state: &'static str,
    reason: Option<String>,
}

impl From<&PageProblem> for PageProblemView {
    fn from(problem: &PageProblem) -> Self {
        Self { page: problem.page.0, state: problem.state.as_str(), reason: problem.reason.clone() }
    }
}

/// A document with everything about it.
#[derive(Serialize, ToSchema)]
#[schema(as = DocumentDetails)]
pub(super) struct DetailsView {
    #[serde(flatten)]
    document: DocumentView,
    /// Newest first.
    revisions: Vec<RevisionView>,
    /// The first chunks of the current revision.
    chunks: Vec<ChunkView>,
    chunk_count: u32,
    /// Pages of the current revision without text, and why.
    page_problems: Vec<PageProblemView>,
}

impl From<&DocumentDetails> for DetailsView {
    fn from(details: &DocumentDetails) -> Self {
        Self {
            document: DocumentView::from(&details.document),
            revisions: details.revisions.iter().map(RevisionView::from).collect(),
            chunks: details.chunks.iter().map(ChunkView::from).collect(),
            chunk_count: details.chunk_count,
            page_problems: details.page_problems.iter().map(PageProblemView::from).collect(),
        }
    }
}

pub(super) async fn document_get(
    call: Authorized<documents::Read>,
    Id(id): Id<DocumentId>,
) -> Result<Tagged<DetailsView>, Problem> {
    let details = knowledge::document_get(call.permit()?, id).await?;
    Ok(Tagged(DetailsView::from(&details)))
}
