//! POST /api/v1/appliance/administrators

use base::{TenantId, UserId};
use policy::tenants;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::call::Appliance;
use crate::input::Json;
use crate::output::NoContent;
use crate::problem::Problem;

/// Who is to administer the appliance.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AdministratorRequest {
    /// The tenant that the person signs in to.
    #[schema(format = "uuid")]
    tenant_id: String,
    /// The person, who is not looked for: databases of tenants stay closed here.
    #[schema(format = "uuid")]
    user_id: String,
}

pub(super) async fn administrator_grant(
    call: Appliance<tenants::Change>,
    Json(request): Json<AdministratorRequest>,
) -> Result<NoContent, Problem> {
    let permit = call.permit()?;
    let tenant: TenantId =
        request.tenant_id.parse().map_err(|_| Problem::invalid("tenant_id", "is no UUID"))?;
    let user: UserId =
        request.user_id.parse().map_err(|_| Problem::invalid("user_id", "is no UUID"))?;
    let store = &call.state.store;
    store.appliance_admin_grant(permit.scope(), call.request_id, tenant, user).await?;
    Ok(NoContent)
}
