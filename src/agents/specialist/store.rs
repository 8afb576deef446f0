//! Rows of `agent_overrides`.

use base::Timestamp;
use store::sql::params;
use store::{ReadTx, StoreError, WriteTx};

/// A row.
pub(super) struct OverrideRow {
    pub(super) name: String,
    pub(super) change: String,
    pub(super) updated_at: Timestamp,
    pub(super) updated_by: String,
}

pub(super) fn overrides(tx: &ReadTx<'_>) -> Result<Vec<OverrideRow>, StoreError> {
    tx.query_all(
        "SELECT name, change, updated_at, updated_by FROM agent_overrides ORDER BY name LIMIT 1000",
        [],
        |row| {
            Ok(OverrideRow {
                name: row.get(0)?,
                change: row.get(1)?,
                updated_at: Timestamp::from_unix_ms(row.get(2)?),
                updated_by: row.get(3)?,
            })
        },
    )
}

pub(super) fn override_put(
    tx: &WriteTx<'_>,
    name: &str,
    change: &str,
    by: &str,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO agent_overrides (name, change, updated_at, updated_by)
         VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE SET change = ?2, updated_at = ?3, updated_by = ?4",
        params![name, change, tx.now().unix_ms(), by],
    )?;
    Ok(())
}

pub(super) fn override_delete(tx: &WriteTx<'_>, name: &str) -> Result<bool, StoreError> {
    Ok(tx.execute("DELETE FROM agent_overrides WHERE name = ?1", [name])? > 0)
}
