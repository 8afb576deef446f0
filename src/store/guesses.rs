//! Rows of `guesses`: what is known of wrong passwords for one credential. The rules are those of
//! the `identity` room; here they are only kept.

use base::Timestamp;
use rusqlite::params;

use crate::{ReadTx, StoreError, WriteTx};

/// Credentials that are remembered; beyond, the one whose last guess is longest ago is forgotten.
/// They cost about 100 bytes each.
const CREDENTIALS_MAX: i64 = 50_000;

/// A row without a guess for so long says nothing any more.
const KEPT_MS: i64 = 2 * 24 * 60 * 60 * 1000;

/// Names a credential without telling whose it is.
pub type CredentialKey = [u8; 32];

/// Wrong guesses at one credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessRow {
    /// Wrong ones since the last right one.
    pub failures: u32,
    /// Wrong ones of the counted day.
    pub day_count: u32,
    /// When that day began.
    pub day_began: Timestamp,
    /// The last wrong one.
    pub last_at: Timestamp,
    /// How long after it the next guess may come.
    pub delay_ms: i64,
}

/// What is known of a credential.
///
/// # Errors
/// The store's own.
pub fn guesses_get(tx: &ReadTx<'_>, key: &CredentialKey) -> Result<Option<GuessRow>, StoreError> {
    tx.query_optional(
        "SELECT failures, day_count, day_began, last_at, delay_ms FROM guesses
         WHERE credential = ?1",
        [key],
        |row| {
            Ok(GuessRow {
                failures: row.get(0)?,
                day_count: row.get(1)?,
                day_began: Timestamp::from_unix_ms(row.get(2)?),
                last_at: Timestamp::from_unix_ms(row.get(3)?),
                delay_ms: row.get(4)?,
            })
        },
    )
}

/// Keeps what is known of a credential, and forgets what says nothing any more.
///
/// # Errors
/// The store's own.
pub fn guesses_put(
    tx: &WriteTx<'_>,
    key: &CredentialKey,
    row: &GuessRow,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO guesses (credential, failures, day_count, day_began, last_at, delay_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (credential) DO UPDATE SET failures = excluded.failures,
             day_count = excluded.day_count, day_began = excluded.day_began,
             last_at = excluded.last_at, delay_ms = excluded.delay_ms",
        params![
            key,
            row.failures,
            row.day_count,
            row.day_began.unix_ms(),
            row.last_at.unix_ms(),
            row.delay_ms
        ],
    )?;
    tx.execute(
        "DELETE FROM guesses WHERE last_at < ?1",
        [row.last_at.plus_ms(-KEPT_MS).unix_ms()],
    )?;
    tx.execute(
        "DELETE FROM guesses WHERE (SELECT count(*) FROM guesses) > ?1 AND credential =
             (SELECT credential FROM guesses WHERE credential <> ?2 ORDER BY last_at LIMIT 1)",
        params![CREDENTIALS_MAX, key],
    )?;
    Ok(())
}
