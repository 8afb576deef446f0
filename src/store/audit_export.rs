//! What exports and proofs need of a log: its signed head, stretches of its entries, and the leaf
//! hashes around them. All of it is append-only, so each piece is read in a short transaction of its
//! own: a slow reader of an export holds no connection.

use std::ops::Range;

use audit::{Checkpoint, Hash};
use base::{TenantId, Timestamp};
use rusqlite::params;

use crate::audit_log::hash_of;
use crate::{ReadTx, Store, StoreError, TenantCtx};

/// The newest signed head of a log.
#[derive(Clone, Debug)]
pub struct SignedHead {
    /// The note as it was signed.
    pub note: String,
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The log's Ed25519 key.
    pub public_key: [u8; 32],
}

impl TenantCtx {
    /// The newest signed head of the tenant's log: everything that was acknowledged is below it.
    /// Blocks on the disk.
    ///
    /// # Errors
    /// [`StoreError::AuditDamaged`] when there is none.
    pub fn signed_head(&self) -> Result<SignedHead, StoreError> {
        self.store().signed_head(self.tenant_id())
    }
}

impl Store {
    fn signed_head(&self, id: TenantId) -> Result<SignedHead, StoreError> {
        let row = self.inner.tenants.read().get(&id).cloned().ok_or(StoreError::TenantNotFound)?;
        let (note, checkpoint) = self.tenant_log(&row)?.head()?;
        Ok(SignedHead { note, checkpoint, public_key: row.audit_public_key })
    }
}

/// The entries of a stretch of time among the first `size`: all from the first to the last one whose
/// time is in it, those between them included whatever their clock said.
///
/// # Errors
/// The store's own.
pub fn audit_range(
    tx: &ReadTx<'_>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    size: u64,
) -> Result<Range<u64>, StoreError> {
    let found: (Option<i64>, Option<i64>) = tx.query_row(
        "SELECT min(idx), max(idx) FROM audit_entries
         WHERE (?1 IS NULL OR time >= ?1) AND (?2 IS NULL OR time < ?2) AND idx < ?3",
        params![
            from.map(Timestamp::unix_ms),
            until.map(Timestamp::unix_ms),
            i64::try_from(size).unwrap_or(i64::MAX)
        ],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    match found {
        (Some(first), Some(last)) => Ok(first.unsigned_abs()..last.unsigned_abs() + 1),
        _ => Ok(size..size),
    }
}

/// The canonical bytes of the entries in `range`, in order.
///
/// # Errors
/// [`StoreError::AuditDamaged`] when one of them is missing, [`StoreError::EntryPruned`] when one
/// has no content any more; or the store's own.
pub fn audit_bytes(tx: &ReadTx<'_>, range: Range<u64>) -> Result<Vec<Vec<u8>>, StoreError> {
    let rows = tx.query_all(
        "SELECT bytes FROM audit_entries WHERE idx >= ?1 AND idx < ?2 ORDER BY idx",
        bounds(&range),
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    if rows.iter().any(Vec::is_empty) {
        return Err(StoreError::EntryPruned);
    }
    complete(rows, &range)
}

/// The leaf hashes of the entries in `range`, in order.
///
/// # Errors
/// As [`audit_bytes`].
pub fn audit_leaves(tx: &ReadTx<'_>, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
    let rows = tx.query_all(
        "SELECT leaf_hash FROM audit_entries WHERE idx >= ?1 AND idx < ?2 ORDER BY idx",
        bounds(&range),
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    complete(rows, &range)?.iter().map(|hash| hash_of(hash)).collect()
}

fn bounds(range: &Range<u64>) -> [i64; 2] {
    [range.start, range.end].map(|index| i64::try_from(index).unwrap_or(i64::MAX))
}

fn complete<T>(rows: Vec<T>, range: &Range<u64>) -> Result<Vec<T>, StoreError> {
    if rows.len() as u64 == range.end.saturating_sub(range.start) {
        Ok(rows)
    } else {
        Err(StoreError::AuditDamaged("an entry of the log is missing: verify the log".into()))
    }
}
