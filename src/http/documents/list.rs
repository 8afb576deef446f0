//! GET /api/v1/documents

use base::{Classification, DocumentId};
use knowledge::{DocumentFilter, RevisionState, Standing};
use parse::Format;
use policy::documents;
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::DocumentView;
use crate::call::Authorized;
use crate::cursor::{Page, page_limit, page_start};
use crate::input::Query;
use crate::output::Ok200;
use crate::problem::Problem;

/// Which documents are wanted. Everything given must hold.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct DocumentQuery {
    /// A part of key or title.
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    tag: Option<String>,
    /// Language tag (BCP 47).
    #[serde(default)]
    language: Option<String>,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED.
    #[serde(default)]
    classification: Option<String>,
    /// `queued`, `processing`, `ready`, `failed` or `cancelled`.
    #[serde(default)]
    state: Option<String>,
    /// `pdf`, `docx`, `markdown` or `text`.
    #[serde(default)]
    format: Option<String>,
    /// How the revision that is shown counts now: `valid`, `upcoming`, `expired`, `superseded`,
    /// `withdrawn` or `not_ready`.
    #[serde(default)]
    standing: Option<String>,
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// Items on a page, 1 to 200; 50 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
}

pub(super) async fn document_list(
    call: Authorized<documents::Read>,
    Query(query): Query<DocumentQuery>,
) -> Result<Ok200<Page<DocumentView>>, Problem> {
    let classification = query.classification.as_deref().map(str::parse::<Classification>);
    let classification = classification
        .transpose()
        .map_err(|error| Problem::invalid("classification", error.to_string()))?;
    let wrong_state =
        || Problem::invalid("state", "is none of queued, processing, ready, failed, cancelled");
    let state =
        query.state.as_deref().map(|text| RevisionState::parse(text).ok_or_else(wrong_state));
    let wrong_format = || Problem::invalid("format", "is none of pdf, docx, markdown, text");
    let format =
        query.format.as_deref().map(|text| Format::from_name(text).ok_or_else(wrong_format));
    let wrong_standing = || {
        let reason = "is none of valid, upcoming, expired, superseded, withdrawn, not_ready";
        Problem::invalid("standing", reason)
    };
    let standing =
        query.standing.as_deref().map(|text| Standing::parse(text).ok_or_else(wrong_standing));
    let filter = DocumentFilter {
        text: query.text,
        tag: query.tag,
        language: query.language,
        classification,
        state: state.transpose()?,
        format: format.transpose()?,
        standing: standing.transpose()?,
    };
    let after = page_start::<DocumentId>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let page = knowledge::document_list(call.permit()?, filter, after, limit).await?;
    let items = page.documents.iter().map(DocumentView::from).collect();
    Ok(Ok200(Page::new(items, page.next)))
}
