//! Routes below /api/v1/appliance/tenants/{tenant_id}/key

use base::TenantId;
use policy::master_keys;
use serde::Serialize;
use store::{RotationPhase, RotationState, RotationView, StoreError};
use utoipa::ToSchema;

use crate::call::Appliance;
use crate::input::Id;
use crate::output::{Accepted, Ok200};
use crate::problem::Problem;

/// A change of a tenant's key.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyRotation)]
pub(super) struct KeyRotationView {
    /// `copying`, `switching` (writing waits), `sweeping`, `done`, `cancelled` or `failed`.
    state: &'static str,
    /// Why it failed; nothing has changed then.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// Bytes encrypted anew so far.
    done_bytes: u64,
    /// Bytes to be encrypted anew, as counted at the beginning.
    total_bytes: u64,
    /// How long writing waited, in milliseconds.
    paused_ms: u64,
    #[schema(format = "date-time")]
    started_at: String,
}

impl From<RotationView> for KeyRotationView {
    fn from(view: RotationView) -> Self {
        let (state, detail) = match view.state {
            RotationState::Running(RotationPhase::Copying) => ("copying", None),
            RotationState::Running(RotationPhase::Switching) => ("switching", None),
            RotationState::Running(RotationPhase::Sweeping) => ("sweeping", None),
            RotationState::Done => ("done", None),
            RotationState::Cancelled => ("cancelled", None),
            RotationState::Failed(why) => ("failed", Some(why)),
        };
        Self {
            state,
            detail,
            done_bytes: view.done_bytes,
            total_bytes: view.total_bytes,
            paused_ms: view.paused_ms,
            started_at: view.started_at.to_string(),
        }
    }
}

pub(super) async fn tenant_key_rotate(
    call: Appliance<master_keys::Manage>,
    Id(id): Id<TenantId>,
) -> Result<Accepted<KeyRotationView>, Problem> {
    let permit = call.permit_at_console()?;
    let store = &call.state.store;
    let view = store.tenant_key_rotate(permit.scope(), call.request_id, id).await?;
    let location = format!("/api/v1/appliance/tenants/{id}/key/rotation");
    Ok(Accepted { location, body: view.into() })
}

pub(super) async fn tenant_key_rotation_get(
    call: Appliance<master_keys::Manage>,
    Id(id): Id<TenantId>,
) -> Result<Ok200<KeyRotationView>, Problem> {
    let permit = call.permit_at_console()?;
    let store = &call.state.store;
    store.tenant_get(permit.scope(), id)?;
    let view = store.tenant_key_rotation(permit.scope(), id).ok_or_else(|| {
        StoreError::KeyChangeRefused("This tenant's key was not changed since the start.".into())
    })?;
    Ok(Ok200(view.into()))
}

pub(super) async fn tenant_key_rotation_cancel(
    call: Appliance<master_keys::Manage>,
    Id(id): Id<TenantId>,
) -> Result<Ok200<KeyRotationView>, Problem> {
    let permit = call.permit_at_console()?;
    let store = &call.state.store;
    store.tenant_get(permit.scope(), id)?;
    let view = store.tenant_key_rotation_cancel(permit.scope(), call.request_id, id).await?;
    Ok(Ok200(view.into()))
}
