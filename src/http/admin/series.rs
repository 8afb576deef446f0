//! GET /api/v1/admin/metrics/daily

use base::Timestamp;
use policy::metrics;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::store as rows;
use crate::call::Authorized;
use crate::input::Query;
use crate::output::Ok200;
use crate::problem::Problem;

const DAYS_DEFAULT: u32 = 30;
const DAYS_MAX: u32 = 366;
pub(super) const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What is counted, and by which action of the log.
const COUNTED: [(&str, &str); 7] = [
    ("answers", "answer.given"),
    ("refusals", "answer.refused"),
    ("searches", "passages.shown"),
    ("uploads", "revision.uploaded"),
    ("sign_ins", "session.opened"),
    ("failed_sign_ins", "login.failed"),
    ("denied", "access.denied"),
];

/// How far to look back.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct DailyQuery {
    /// Days, 1 to 366, today included; 30 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 366)]
    days: Option<u32>,
}

/// One thing that is counted.
#[derive(Serialize, ToSchema)]
struct DailySeries {
    /// `answers`, `refusals`, `searches`, `uploads`, `sign_ins`, `failed_sign_ins` or `denied`.
    name: &'static str,
    /// One number for each of the days.
    counts: Vec<u64>,
}

/// How often things were done, day by day.
#[derive(Serialize, ToSchema)]
pub(super) struct DailyMetrics {
    /// The days in UTC, oldest first, the present one last.
    #[schema(value_type = Vec<String>)]
    days: Vec<String>,
    series: Vec<DailySeries>,
}

pub(super) async fn tenant_metrics_daily(
    call: Authorized<metrics::Read>,
    Query(query): Query<DailyQuery>,
) -> Result<Ok200<DailyMetrics>, Problem> {
    let days = query.days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Problem::invalid("days", format!("must be 1 to {DAYS_MAX}")));
    }
    let ctx = call.permit()?.ctx();
    let today = ctx.now().unix_ms().div_euclid(DAY_MS);
    let first = today - i64::from(days) + 1;
    let actions = COUNTED.map(|(_, action)| action);
    let counted =
        ctx.read(move |tx| rows::activity_daily(tx, &actions, first * DAY_MS, DAY_MS)).await?;
    let counts_of = |action: &str| {
        let mut counts = vec![0; usize::try_from(days).unwrap_or(0)];
        for row in counted.iter().filter(|row| row.action == action) {
            let at = usize::try_from(row.day - first).ok();
            if let Some(count) = at.and_then(|at| counts.get_mut(at)) {
                *count = row.count;
            }
        }
        counts
    };
    Ok(Ok200(DailyMetrics {
        days: (first..=today).map(day_text).collect(),
        series: COUNTED
            .iter()
            .map(|(name, action)| DailySeries { name, counts: counts_of(action) })
            .collect(),
    }))
}

/// A day since the epoch as `2026-11-28`.
fn day_text(day: i64) -> String {
    let text = Timestamp::from_unix_ms(day * DAY_MS).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}
