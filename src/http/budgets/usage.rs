//! GET /api/v1/admin/usage/tokens

use ::models::{UsageFilter, UsageGroup, UsageRow, usage_rows};
use base::Timestamp;
use policy::usage;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::call::Authorized;
use crate::input::Query;
use crate::output::Ok200;
use crate::problem::Problem;

const DAY_MS: i64 = 86_400_000;

const DAYS_DEFAULT: u32 = 30;
const DAYS_MAX: u32 = 366;

/// Most rows of an answer.
const ROWS_MAX: u32 = 1000;

/// By what, and how far back.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenUsageQuery {
    /// `day`, `person` or `model`; `day` when absent.
    #[serde(default)]
    group: Option<String>,
    /// Days, today included, 1 to 366; 30 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 366)]
    days: Option<u32>,
}

/// Tokens that were used.
#[derive(Serialize, ToSchema)]
pub(super) struct TokenUsageView {
    /// The first day, UTC.
    #[schema(format = "date")]
    since: String,
    rows: Vec<TokenUsageRow>,
}

/// A sum. What it is not grouped by is absent.
#[derive(Serialize, ToSchema)]
struct TokenUsageRow {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date")]
    day: Option<String>,
    /// Absent for work of the appliance itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "uuid")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tier: Option<String>,
    /// The model's hash; absent where one piece of work used several.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    /// Pieces of work: answers, completions, runs.
    requests: u64,
    prompt_tokens: u64,
    /// Of these, computed before.
    cached_tokens: u64,
    completion_tokens: u64,
    /// Read and written in the light tier after a budget was used up.
    beyond_budget_tokens: u64,
}

impl From<UsageRow> for TokenUsageRow {
    fn from(row: UsageRow) -> Self {
        Self {
            day: row.day.map(date),
            user_id: row.user_id.map(|id| id.to_string()),
            tier: row.tier,
            model: row.model.map(|hash| hash.to_string()),
            requests: row.requests,
            prompt_tokens: row.prompt_tokens,
            cached_tokens: row.cached_tokens,
            completion_tokens: row.completion_tokens,
            beyond_budget_tokens: row.beyond_budget_tokens,
        }
    }
}

fn date(day: i64) -> String {
    let mut text = Timestamp::from_unix_ms(day.saturating_mul(DAY_MS)).to_string();
    text.truncate("2026-01-31".len());
    text
}

pub(super) async fn token_usage(
    call: Authorized<usage::Read>,
    Query(query): Query<TokenUsageQuery>,
) -> Result<Ok200<TokenUsageView>, Problem> {
    let group = match query.group.as_deref() {
        None | Some("day") => UsageGroup::Day,
        Some("person") => UsageGroup::Person,
        Some("model") => UsageGroup::Model,
        Some(_) => return Err(Problem::invalid("group", "must be day, person or model")),
    };
    let days = query.days.unwrap_or(DAYS_DEFAULT);
    if !(1..=DAYS_MAX).contains(&days) {
        return Err(Problem::invalid("days", format!("must be 1 to {DAYS_MAX}")));
    }
    let ctx = call.permit()?.ctx();
    let last_day = ctx.now().unix_ms().div_euclid(DAY_MS);
    let first_day = last_day - i64::from(days) + 1;
    let filter = UsageFilter { first_day, last_day, user_id: None, group, limit: ROWS_MAX };
    let rows = ctx.read(move |tx| usage_rows(tx, &filter)).await?;
    Ok(Ok200(TokenUsageView {
        since: date(first_day),
        rows: rows.into_iter().map(TokenUsageRow::from).collect(),
    }))
}
