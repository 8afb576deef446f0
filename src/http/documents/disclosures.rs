//! GET /api/v1/documents/{document_id}/disclosures

use base::DocumentId;
use knowledge::Disclosure;
use policy::audit;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::cursor::{LogPage, PageQuery, page_limit, page_start};
use crate::input::{Id, Query};
use crate::output::Ok200;
use crate::problem::Problem;

/// One showing of something of a document.
#[derive(Serialize, ToSchema)]
#[schema(as = Disclosure)]
pub(super) struct DisclosureView {
    /// Index of the entry in the audit log.
    index: u64,
    #[schema(format = "date-time")]
    time: String,
    /// `user:<uuid>` or `console`.
    actor: String,
    /// `answer.given`, `passages.shown`, `page.read` …
    action: String,
    /// Revisions that were shown; empty when a message that quoted one was shown again.
    revision_ids: Vec<String>,
    /// Chunks that were shown, as far as they still exist.
    chunk_ids: Vec<i64>,
    /// The page, where one was read.
    page: Option<u32>,
}

impl From<&Disclosure> for DisclosureView {
    fn from(disclosure: &Disclosure) -> Self {
        Self {
            index: disclosure.index,
            time: disclosure.time.to_string(),
            actor: disclosure.actor.clone(),
            action: disclosure.action.clone(),
            revision_ids: disclosure.revisions.iter().map(ToString::to_string).collect(),
            chunk_ids: disclosure.chunks.iter().map(|chunk| chunk.0).collect(),
            page: disclosure.page,
        }
    }
}

pub(super) async fn document_disclosures(
    call: Authorized<audit::Read>,
    (Id(document), Query(query)): (Id<DocumentId>, Query<PageQuery>),
) -> Result<Ok200<LogPage<DisclosureView>>, Problem> {
    let before = page_start::<u64>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let page = knowledge::document_disclosures(call.permit()?, document, before, limit).await?;
    let views = page.disclosures.iter().map(DisclosureView::from).collect();
    Ok(Ok200(LogPage::new(views, page.next, page.pruned_end)))
}
