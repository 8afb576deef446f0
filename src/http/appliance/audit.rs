//! Routes below /api/v1/appliance/audit

use policy::tenants;
use serde::Deserialize;
use store::{Store, StoreError};
use utoipa::{IntoParams, ToSchema};

use crate::admin::{AuditQuery, EntryView, LogView, VerifyView, WitnessedView, page_view};
use crate::call::Appliance;
use crate::cursor::LogPage;
use crate::input::{Json, Query};
use crate::output::Ok200;
use crate::problem::Problem;

pub(super) async fn appliance_audit_query(
    call: Appliance<tenants::Audit>,
    Query(query): Query<AuditQuery>,
) -> Result<Ok200<LogPage<EntryView>>, Problem> {
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
    let only = named(&store, query.tenant.as_deref())?;
    let verified = tokio::task::spawn_blocking(move || store::verify_data_dir(&store, only)).await;
    let outcomes = verified.map_err(|_| StoreError::Panicked)??;
    Ok(Ok200(VerifyView { logs: outcomes.into_iter().map(LogView::from).collect() }))
}

fn named(store: &Store, tenant: Option<&str>) -> Result<Option<base::TenantId>, StoreError> {
    let found = tenant.map(|slug| store.tenant_id_by_slug(slug).ok_or(StoreError::TenantNotFound));
    found.transpose()
}

/// Notes that are compared at once: eight years of one log, or some months of many.
const NOTES_MAX: usize = 50_000;

/// What a witness keeps.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CompareRequest {
    /// Short name of a tenant; all logs when absent.
    #[serde(default)]
    tenant: Option<String>,
    /// Signed checkpoints (C2SP tlog-checkpoint) as the witness got them, of any logs and in any
    /// order; at most 50,000.
    #[schema(max_items = 50_000)]
    notes: Vec<String>,
}

pub(super) async fn appliance_audit_compare(
    call: Appliance<tenants::Audit>,
    Json(request): Json<CompareRequest>,
) -> Result<Ok200<WitnessedView>, Problem> {
    call.permit()?;
    if request.notes.len() > NOTES_MAX {
        return Err(Problem::invalid("notes", format!("must be at most {NOTES_MAX}")));
    }
    let store = call.state.store.clone();
    let only = named(&store, request.tenant.as_deref())?;
    let compare = move || store::verify_with_witness(&store, only, &request.notes);
    let compared = tokio::task::spawn_blocking(compare).await;
    Ok(Ok200(compared.map_err(|_| StoreError::Panicked)??.into()))
}
