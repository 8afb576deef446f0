//! GET /api/v1/appliance/audit and /api/v1/appliance/audit/verify

use policy::tenants;
use serde::Deserialize;
use store::StoreError;
use utoipa::IntoParams;

use crate::admin::{AuditQuery, EntryView, LogView, VerifyView, page_view};
use crate::call::Appliance;
use crate::cursor::Page;
use crate::input::Query;
use crate::output::Ok200;
use crate::problem::Problem;

pub(super) async fn appliance_audit_query(
    call: Appliance<tenants::Audit>,
    Query(query): Query<AuditQuery>,
) -> Result<Ok200<Page<EntryView>>, Problem> {
    let (filter, limit) = query.checked()?;
    let permit = call.permit()?;
    let page = call.state.store.appliance_audit(permit.scope(), filter, limit).await?;
    Ok(Ok200(page_view(page)))
}

/// Whose log is verified.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyQuery {
    /// Short name of a tenant; all logs when absent.
    #[serde(default)]
    tenant: Option<String>,
}

pub(super) async fn appliance_audit_verify(
    call: Appliance<tenants::Audit>,
    Query(query): Query<VerifyQuery>,
) -> Result<Ok200<VerifyView>, Problem> {
    call.permit()?;
    let store = call.state.store.clone();
    let only = match query.tenant {
        None => None,
        Some(slug) => Some(store.tenant_id_by_slug(&slug).ok_or(StoreError::TenantNotFound)?),
    };
    let verified = tokio::task::spawn_blocking(move || store::verify_data_dir(&store, only)).await;
    let outcomes = verified.map_err(|_| StoreError::Panicked)??;
    Ok(Ok200(VerifyView { logs: outcomes.into_iter().map(LogView::from).collect() }))
}
