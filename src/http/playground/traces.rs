//! GET and DELETE /api/v1/playground/traces…, GET /api/v1/playground/compare, GET
//! /api/v1/admin/traces

use agents::TraceCursor;
use base::TraceId;
use policy::{conversations, usage};
use serde::Deserialize;
use utoipa::IntoParams;

use super::view::{CompareView, TraceEntryView, TraceView};
use crate::call::Authorized;
use crate::cursor::{Page, PageQuery, page_limit, page_start};
use crate::input::{Id, Query};
use crate::output::{NoContent, Ok200};
use crate::problem::Problem;

pub(super) async fn trace_list(
    call: Authorized<conversations::Read>,
    Query(query): Query<PageQuery>,
) -> Result<Ok200<Page<TraceEntryView>>, Problem> {
    let after = page_start::<TraceCursor>(query.cursor.as_deref())?;
    let page = agents::trace_list(call.permit()?, after, page_limit(query.limit)?).await?;
    let items = page.traces.iter().map(TraceEntryView::from).collect();
    Ok(Ok200(Page::new(items, page.next)))
}

pub(super) async fn admin_trace_list(
    call: Authorized<usage::Read>,
    Query(query): Query<PageQuery>,
) -> Result<Ok200<Page<TraceEntryView>>, Problem> {
    let after = page_start::<TraceCursor>(query.cursor.as_deref())?;
    let page = agents::traces_of_tenant(call.permit()?, after, page_limit(query.limit)?).await?;
    let items = page.traces.iter().map(TraceEntryView::from).collect();
    Ok(Ok200(Page::new(items, page.next)))
}

pub(super) async fn trace_get(
    call: Authorized<conversations::Read>,
    Id(id): Id<TraceId>,
) -> Result<Ok200<TraceView>, Problem> {
    let trace = agents::trace_get(call.permit()?, id).await?;
    let view =
        TraceView::try_from(&trace).map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(Ok200(view))
}

pub(super) async fn trace_delete(
    call: Authorized<conversations::Change>,
    Id(id): Id<TraceId>,
) -> Result<NoContent, Problem> {
    agents::trace_delete(call.permit()?, id).await?;
    Ok(NoContent)
}

/// Which runs are compared.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct CompareQuery {
    /// Id of the first run.
    #[param(value_type = String, format = "uuid")]
    left: TraceId,
    /// Id of the second run.
    #[param(value_type = String, format = "uuid")]
    right: TraceId,
}

pub(super) async fn trace_compare(
    call: Authorized<conversations::Read>,
    Query(query): Query<CompareQuery>,
) -> Result<Ok200<CompareView>, Problem> {
    let (left, right, comparison) =
        agents::traces_compare(call.permit()?, query.left, query.right).await?;
    let view = CompareView::new(&left, &right, &comparison)
        .map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(Ok200(view))
}
