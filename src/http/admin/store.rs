//! SQL of the tenant's settings and figures.

use base::Timestamp;
use store::sql::params;
use store::{ReadTx, StoreError, WriteTx};

/// Kinds of activity that are told apart at most; there are fewer actions than this.
const ACTIVITY_MAX: u32 = 500;

pub(super) fn setting_get(tx: &ReadTx<'_>, name: &str) -> Result<Option<String>, StoreError> {
    tx.query_optional("SELECT value FROM settings WHERE name = ?1", [name], |row| row.get(0))
}

pub(super) fn setting_set(tx: &WriteTx<'_>, name: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO settings (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )?;
    Ok(())
}

/// How often an action ended in an outcome.
pub(super) struct ActivityRow {
    pub(super) action: String,
    pub(super) outcome: String,
    pub(super) count: u64,
}

pub(super) fn activity_since(
    tx: &ReadTx<'_>,
    since: Timestamp,
) -> Result<Vec<ActivityRow>, StoreError> {
    tx.query_all(
        "SELECT action, outcome, count(*) FROM audit_entries WHERE time >= ?1
         GROUP BY action, outcome ORDER BY action, outcome LIMIT ?2",
        params![since.unix_ms(), ACTIVITY_MAX],
        |row| {
            let count = row.get::<_, i64>(2)?.unsigned_abs();
            Ok(ActivityRow { action: row.get(0)?, outcome: row.get(1)?, count })
        },
    )
}

/// How often an action was done on a day, counted from the epoch.
pub(super) struct DailyRow {
    pub(super) action: String,
    pub(super) day: i64,
    pub(super) count: u64,
}

/// How often each of `actions` was done from `since_ms` on, by stretches of `day_ms`.
pub(super) fn activity_daily(
    tx: &ReadTx<'_>,
    actions: &[&str],
    since_ms: i64,
    day_ms: i64,
) -> Result<Vec<DailyRow>, StoreError> {
    tx.query_all(
        "SELECT action, time / ?3, count(*) FROM audit_entries
         WHERE time >= ?2 AND action IN (SELECT value FROM json_each(?1))
         GROUP BY action, time / ?3",
        params![serde_json::json!(actions).to_string(), since_ms, day_ms],
        |row| {
            let count = row.get::<_, i64>(2)?.unsigned_abs();
            Ok(DailyRow { action: row.get(0)?, day: row.get(1)?, count })
        },
    )
}

pub(super) fn job_counts(tx: &ReadTx<'_>) -> Result<Vec<(String, u64)>, StoreError> {
    tx.query_all("SELECT state, count(*) FROM jobs GROUP BY state ORDER BY state", [], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })
}

pub(super) struct UsageCounts {
    pub(super) users: u64,
    pub(super) conversations: u64,
    pub(super) audit_entries: u64,
}

pub(super) fn usage_counts(tx: &ReadTx<'_>) -> Result<UsageCounts, StoreError> {
    tx.query_row(
        "SELECT (SELECT count(*) FROM users),
                (SELECT count(*) FROM conversations WHERE deleted_at IS NULL),
                (SELECT count(*) FROM audit_entries)",
        [],
        |row| {
            Ok(UsageCounts {
                users: row.get::<_, i64>(0)?.unsigned_abs(),
                conversations: row.get::<_, i64>(1)?.unsigned_abs(),
                audit_entries: row.get::<_, i64>(2)?.unsigned_abs(),
            })
        },
    )
}
