//! GET /api/v1/admin/metrics and /api/v1/admin/usage

use base::Timestamp;
use policy::{metrics, usage};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::store::{self as rows, ActivityRow};
use crate::call::Authorized;
use crate::input::Query;
use crate::output::Ok200;
use crate::problem::Problem;

const HOURS_DEFAULT: u32 = 24;
const HOURS_MAX: u32 = 31 * 24;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// How far to look back.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsQuery {
    /// Hours, 1 to 744; 24 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 744)]
    hours: Option<u32>,
}

/// How often something was done.
#[derive(Serialize, ToSchema)]
struct Activity {
    /// As in the audit log (`answer.given`).
    action: String,
    /// `success`, `denied` or `failed`.
    outcome: String,
    count: u64,
}

impl From<ActivityRow> for Activity {
    fn from(row: ActivityRow) -> Self {
        Self { action: row.action, outcome: row.outcome, count: row.count }
    }
}

/// How many jobs are in a state.
#[derive(Serialize, ToSchema)]
struct JobCount {
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    state: String,
    count: u64,
}

/// What was done lately.
#[derive(Serialize, ToSchema)]
pub(super) struct TenantMetrics {
    #[schema(format = "date-time")]
    since: String,
    activity: Vec<Activity>,
    jobs: Vec<JobCount>,
}

pub(super) async fn tenant_metrics(
    call: Authorized<metrics::Read>,
    Query(query): Query<MetricsQuery>,
) -> Result<Ok200<TenantMetrics>, Problem> {
    let hours = query.hours.unwrap_or(HOURS_DEFAULT);
    if !(1..=HOURS_MAX).contains(&hours) {
        return Err(Problem::invalid("hours", format!("must be 1 to {HOURS_MAX}")));
    }
    let ctx = call.permit()?.ctx();
    let since: Timestamp = ctx.now().plus_ms(-i64::from(hours) * HOUR_MS);
    let (activity, jobs) = ctx
        .read(move |tx| {
            Ok::<_, ::store::StoreError>((rows::activity_since(tx, since)?, rows::job_counts(tx)?))
        })
        .await?;
    Ok(Ok200(TenantMetrics {
        since: since.to_string(),
        activity: activity.into_iter().map(Activity::from).collect(),
        jobs: jobs.into_iter().map(|(state, count)| JobCount { state, count }).collect(),
    }))
}

/// How much the tenant keeps.
#[derive(Serialize, ToSchema)]
pub(super) struct TenantUsage {
    documents: u64,
    revisions: u64,
    pages: u64,
    /// Chunks that can be retrieved.
    chunks: u64,
    /// Size of the original files.
    original_bytes: u64,
    users: u64,
    conversations: u64,
    audit_entries: u64,
}

pub(super) async fn tenant_usage(
    call: Authorized<usage::Read>,
    (): (),
) -> Result<Ok200<TenantUsage>, Problem> {
    let counts = call.permit()?.ctx().read(rows::usage_counts).await?;
    let library = knowledge::library_usage(call.permit()?).await?;
    Ok(Ok200(TenantUsage {
        documents: library.documents,
        revisions: library.revisions,
        pages: library.pages,
        chunks: library.chunks,
        original_bytes: library.original_bytes,
        users: counts.users,
        conversations: counts.conversations,
        audit_entries: counts.audit_entries,
    }))
}
