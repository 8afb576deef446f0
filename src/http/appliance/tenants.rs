//! Routes below /api/v1/appliance/tenants

use base::TenantId;
use policy::tenants;
use serde::{Deserialize, Serialize};
use store::{NewTenant, Tenant, TenantStatus};
use utoipa::ToSchema;

use crate::call::Appliance;
use crate::cursor::Page;
use crate::input::{Id, Json};
use crate::output::{Created, NoContent, Ok200};
use crate::problem::Problem;

/// A tenant, as the appliance's administrators see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Tenant)]
pub(super) struct TenantView {
    #[schema(format = "uuid")]
    id: String,
    /// Short name for logins and the command line.
    slug: String,
    name: String,
    /// `creating`, `active`, `suspended` or `removed`.
    status: &'static str,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(format = "date-time")]
    updated_at: String,
}

impl From<Tenant> for TenantView {
    fn from(tenant: Tenant) -> Self {
        Self {
            id: tenant.id.to_string(),
            slug: tenant.slug,
            name: tenant.name,
            status: tenant.status.as_str(),
            created_at: tenant.created_at.to_string(),
            updated_at: tenant.updated_at.to_string(),
        }
    }
}

pub(super) async fn tenant_list(
    call: Appliance<tenants::Read>,
    (): (),
) -> Result<Ok200<Page<TenantView>>, Problem> {
    let permit = call.permit()?;
    let list = call.state.store.tenant_list(permit.scope());
    Ok(Ok200(Page::whole(list.into_iter().map(TenantView::from).collect())))
}

pub(super) async fn tenant_get(
    call: Appliance<tenants::Read>,
    Id(id): Id<TenantId>,
) -> Result<Ok200<TenantView>, Problem> {
    let permit = call.permit()?;
    Ok(Ok200(call.state.store.tenant_get(permit.scope(), id)?.into()))
}

/// A tenant to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantCreateRequest {
    /// 2 to 40 of a-z, 0-9 and '-'.
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,38}[a-z0-9]$")]
    slug: String,
    /// 1 to 120 characters.
    #[schema(min_length = 1, max_length = 120)]
    name: String,
}

pub(super) async fn tenant_create(
    call: Appliance<tenants::Create>,
    Json(request): Json<TenantCreateRequest>,
) -> Result<Created<TenantView>, Problem> {
    let permit = call.permit()?;
    let new = NewTenant { slug: request.slug, name: request.name };
    let made = call.state.store.tenant_create(permit.scope(), call.request_id, new).await?;
    let location = format!("/api/v1/appliance/tenants/{}", made.id);
    Ok(Created { location, body: made.into() })
}

pub(super) async fn tenant_suspend(
    call: Appliance<tenants::Change>,
    Id(id): Id<TenantId>,
) -> Result<Ok200<TenantView>, Problem> {
    set_status(&call, id, TenantStatus::Suspended).await
}

pub(super) async fn tenant_resume(
    call: Appliance<tenants::Change>,
    Id(id): Id<TenantId>,
) -> Result<Ok200<TenantView>, Problem> {
    set_status(&call, id, TenantStatus::Active).await
}

async fn set_status(
    call: &Appliance<tenants::Change>,
    id: TenantId,
    status: TenantStatus,
) -> Result<Ok200<TenantView>, Problem> {
    let permit = call.permit()?;
    let store = &call.state.store;
    let changed = store.tenant_set_suspended(permit.scope(), call.request_id, id, status).await?;
    Ok(Ok200(changed.into()))
}

pub(super) async fn tenant_remove(
    call: Appliance<tenants::Remove>,
    Id(id): Id<TenantId>,
) -> Result<NoContent, Problem> {
    let permit = call.permit()?;
    call.state.store.tenant_remove(permit.scope(), call.request_id, id).await?;
    Ok(NoContent)
}
