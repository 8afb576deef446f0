//! How long the tenant's log keeps its content: GET /api/v1/admin/audit/retention, and the legal hold.

use ::store::{LEGAL_HOLD_REASON_MAX_CHARS, Retention, StoreError, WriteTx};
use policy::audit;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::input::Json;
use crate::output::Ok200;
use crate::problem::Problem;

/// A legal hold that is in force.
#[derive(Serialize, ToSchema)]
#[schema(as = LegalHold)]
struct HoldView {
    reason: String,
    #[schema(format = "date-time")]
    set_at: String,
    /// `user:<uuid>` or `console`.
    set_by: String,
}

/// What counts for the tenant's log.
#[derive(Serialize, ToSchema)]
#[schema(as = Retention)]
pub(super) struct RetentionView {
    /// Days that the content of entries is kept; set it with the tenant's settings.
    audit_retention_days: u32,
    /// Entries below this index have lost their content; their hashes stay, and the log is proved as
    /// before. Absent when all have theirs.
    pruned_below: Option<u64>,
    /// The entry that records it.
    pruned_by: Option<u64>,
    /// When that was.
    #[schema(format = "date-time")]
    pruned_at: Option<String>,
    /// While it is there nothing is pruned.
    legal_hold: Option<HoldView>,
}

impl From<Retention> for RetentionView {
    fn from(retention: Retention) -> Self {
        Self {
            audit_retention_days: retention.days,
            pruned_below: retention.pruned.map(|pruned| pruned.end),
            pruned_by: retention.pruned.map(|pruned| pruned.by),
            pruned_at: retention.pruned.map(|pruned| pruned.at.to_string()),
            legal_hold: retention.hold.map(|hold| HoldView {
                reason: hold.reason,
                set_at: hold.set_at.to_string(),
                set_by: hold.set_by,
            }),
        }
    }
}

pub(super) async fn audit_retention(
    call: Authorized<audit::Read>,
    (): (),
) -> Result<Ok200<RetentionView>, Problem> {
    let retention = call.permit()?.ctx().read(::store::retention).await?;
    Ok(Ok200(retention.into()))
}

/// Why a legal hold is set or lifted.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldRequest {
    /// For the audit log, which keeps it for years: a case number rather than a name; 1 to 500
    /// characters.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

impl HoldRequest {
    fn checked(self) -> Result<String, Problem> {
        let reason = self.reason.trim();
        let length = reason.chars().count();
        if !(1..=LEGAL_HOLD_REASON_MAX_CHARS).contains(&length)
            || reason.chars().any(char::is_control)
        {
            let wanted = format!(
                "must be 1 to {LEGAL_HOLD_REASON_MAX_CHARS} characters without control characters"
            );
            return Err(Problem::invalid("reason", wanted));
        }
        Ok(reason.to_owned())
    }
}

pub(super) async fn legal_hold_set(
    call: Authorized<audit::Hold>,
    Json(request): Json<HoldRequest>,
) -> Result<Ok200<RetentionView>, Problem> {
    let reason = request.checked()?;
    let set = move |tx: WriteTx<'_>| -> Result<_, StoreError> {
        let (_, event) = ::store::legal_hold_set(&tx, reason)?;
        let after = ::store::retention(&tx)?;
        tx.commit(event, after)
    };
    Ok(Ok200(call.permit()?.ctx().write(set).await?.into()))
}

pub(super) async fn legal_hold_lift(
    call: Authorized<audit::Hold>,
    Json(request): Json<HoldRequest>,
) -> Result<Ok200<RetentionView>, Problem> {
    let reason = request.checked()?;
    let lift = move |tx: WriteTx<'_>| -> Result<_, StoreError> {
        let event = ::store::legal_hold_lift(&tx, &reason)?;
        let after = ::store::retention(&tx)?;
        tx.commit(event, after)
    };
    Ok(Ok200(call.permit()?.ctx().write(lift).await?.into()))
}
