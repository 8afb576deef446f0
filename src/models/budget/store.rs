//! Rows of `token_usage`: tokens by day, person, tier and model.

use base::UserId;
use store::sql::{id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use super::SettledUsage;
use super::book::{Spent, Sums};
use super::calendar::Moment;
use crate::protocol::ModelHash;

pub(super) fn setting(tx: &ReadTx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.query_optional("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0))
}

pub(super) fn setting_set(tx: &WriteTx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO settings (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [name, value],
    )
    .map(|_| ())
}

/// Writes what a piece of work has used; in the commit of what was generated.
///
/// # Errors
/// The store's own.
pub fn usage_insert(tx: &WriteTx<'_>, usage: &SettledUsage) -> Result<(), StoreError> {
    // Nobody and no single model are empty: what stands in a primary key is not NULL.
    let nobody: &[u8] = &[];
    tx.execute(
        "INSERT INTO token_usage (day, user_id, tier, model, beyond_budget, requests,
                                  prompt_tokens, cached_tokens, completion_tokens)
         VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET requests = requests + 1,
             prompt_tokens = prompt_tokens + excluded.prompt_tokens,
             cached_tokens = cached_tokens + excluded.cached_tokens,
             completion_tokens = completion_tokens + excluded.completion_tokens",
        params![
            usage.day,
            usage.user_id.as_ref().map_or(nobody, |id| &id.as_bytes()[..]),
            usage.tier.map_or("", |tier| tier.as_str()),
            usage.model.as_ref().map_or(nobody, |hash| &hash.as_bytes()[..]),
            usage.beyond_budget,
            usage.usage.prompt_tokens,
            usage.usage.cached_tokens,
            usage.usage.completion_tokens,
        ],
    )
    .map(|_| ())
}

/// What was charged to the budgets of the day and the month that `now` lies in.
pub(super) fn sums(tx: &ReadTx<'_>, now: Moment) -> Result<Sums, StoreError> {
    let rows = tx.query_all(
        "SELECT user_id,
                coalesce(sum(prompt_tokens + completion_tokens) FILTER (WHERE day = ?1), 0),
                coalesce(sum(prompt_tokens + completion_tokens), 0)
         FROM token_usage WHERE day BETWEEN ?2 AND ?1 AND beyond_budget = 0 GROUP BY user_id",
        params![now.day, now.month_first_day],
        |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)),
    )?;
    let mut sums = Sums::at(now);
    for (user, day, month) in rows {
        let spent = Spent { day: day.unsigned_abs(), month: month.unsigned_abs() };
        sums.add(person(&user)?, spent);
    }
    Ok(sums)
}

/// By what usage is summed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageGroup {
    /// By day.
    Day,
    /// By person.
    Person,
    /// By tier and model.
    Model,
}

/// Which usage is summed up.
#[derive(Clone, Copy, Debug)]
pub struct UsageFilter {
    /// From this day on, in days since 1970-01-01.
    pub first_day: i64,
    /// Up to and with this day.
    pub last_day: i64,
    /// Of this person only.
    pub user_id: Option<UserId>,
    /// By what.
    pub group: UsageGroup,
    /// Most rows.
    pub limit: u32,
}

/// A sum of usage. What it is not grouped by is absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageRow {
    /// Days since 1970-01-01.
    pub day: Option<i64>,
    /// The person; absent for what the appliance did by itself.
    pub user_id: Option<UserId>,
    /// The tier's word.
    pub tier: Option<String>,
    /// The model.
    pub model: Option<ModelHash>,
    /// Pieces of work.
    pub requests: u64,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Those of them that were computed before.
    pub cached_tokens: u64,
    /// Tokens written.
    pub completion_tokens: u64,
    /// Tokens read and written beyond a budget, in the light tier.
    pub beyond_budget_tokens: u64,
}

/// Sums of usage: the newest day, or who or what used most, first.
///
/// # Errors
/// [`StoreError::Corrupt`] for rows that can't be read; or the store's own.
pub fn usage_rows(tx: &ReadTx<'_>, filter: &UsageFilter) -> Result<Vec<UsageRow>, StoreError> {
    let (columns, order) = match filter.group {
        UsageGroup::Day => ("day, x'', '', x''", "1 DESC"),
        UsageGroup::Person => ("NULL, user_id, '', x''", "9 DESC, 2"),
        UsageGroup::Model => ("NULL, x'', tier, model", "9 DESC, 3, 4"),
    };
    let sql = format!(
        "SELECT {columns}, sum(requests), sum(prompt_tokens), sum(cached_tokens),
                sum(completion_tokens), sum(prompt_tokens + completion_tokens),
                sum((prompt_tokens + completion_tokens) * beyond_budget)
         FROM token_usage
         WHERE day BETWEEN ?1 AND ?2 AND (?3 IS NULL OR user_id = ?3)
         GROUP BY 1, 2, 3, 4 ORDER BY {order} LIMIT ?4"
    );
    let user = filter.user_id.map(|id| *id.as_bytes());
    let rows = tx.query_all(
        &sql,
        params![filter.first_day, filter.last_day, user, filter.limit],
        |row| {
            let tokens = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            let ids: (Vec<u8>, Vec<u8>) = (row.get(1)?, row.get(3)?);
            let tier: String = row.get(2)?;
            let sums = UsageRow {
                day: row.get(0)?,
                user_id: None,
                tier: (!tier.is_empty()).then_some(tier),
                model: None,
                requests: tokens(4)?,
                prompt_tokens: tokens(5)?,
                cached_tokens: tokens(6)?,
                completion_tokens: tokens(7)?,
                beyond_budget_tokens: tokens(9)?,
            };
            Ok((ids, sums))
        },
    )?;
    rows.into_iter()
        .map(|((user, model), row)| {
            let model = match model.as_slice() {
                [] => None,
                bytes => Some(ModelHash::from_bytes(
                    bytes.try_into().map_err(|_| StoreError::Corrupt("token_usage.model"))?,
                )),
            };
            Ok(UsageRow { user_id: person(&user)?, model, ..row })
        })
        .collect()
}

fn person(bytes: &[u8]) -> Result<Option<UserId>, StoreError> {
    if bytes.is_empty() {
        return Ok(None);
    }
    id_bytes(bytes, "token_usage.user_id").map(|id| Some(UserId::from_bytes(id)))
}
