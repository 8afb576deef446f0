//! API keys that are alive, as the mint of [`crate::TenantScope`] finds them.

use base::{ApiKeyId, Rights, Timestamp, UserId};
use rusqlite::params;

use crate::scope_rows::{FACTOR_COLUMNS, raw_factor, raw_rights};
use crate::sql::id_bytes;
use crate::{ReadTx, SecondFactor, StoreError};

/// Length of the readable part of an API key by which it is found.
pub const KEY_PREFIX_BYTES: usize = 10;

/// An API key that was found alive.
#[derive(Clone, Copy, Debug)]
pub struct LiveKey {
    /// The key.
    pub id: ApiKeyId,
    /// How it stands with the second factor.
    pub second_factor: SecondFactor,
    /// Which of its secrets was shown.
    pub prefix: [u8; KEY_PREFIX_BYTES],
    /// When that was last used, as recorded (coarse).
    pub last_used_at: Option<Timestamp>,
    /// Requests a minute, when it has a limit of its own.
    pub requests_per_minute: Option<u32>,
}

/// The live key of an active person: whose it is, what they may see, its scopes.
pub(crate) fn find_key(
    tx: &ReadTx<'_>,
    prefix: [u8; KEY_PREFIX_BYTES],
    secret_hash: &[u8; 32],
    now: Timestamp,
) -> Result<(UserId, Rights, Vec<String>, LiveKey), StoreError> {
    let sql = format!(
        "SELECT u.role, u.clearance, u.export_eligible, {FACTOR_COLUMNS}, k.second_factor_at,
                k.id, k.user_id, k.scopes, k.requests_per_minute, s.last_used_at
         FROM api_key_secrets s JOIN api_keys k ON k.id = s.key_id JOIN users u ON u.id = k.user_id
         WHERE s.prefix = ?1 AND s.secret_hash = ?2 AND (s.ends_at IS NULL OR s.ends_at > ?3)
           AND k.revoked_at IS NULL AND k.expires_at > ?3 AND u.status = 'active'"
    );
    let found = tx.query_optional(&sql, params![prefix, secret_hash, now.unix_ms()], |row| {
        let ids = (row.get::<_, Vec<u8>>(6)?, row.get::<_, Vec<u8>>(7)?);
        let limits = (row.get::<_, String>(8)?, row.get::<_, Option<u32>>(9)?);
        Ok((raw_rights(row)?, raw_factor(row)?, ids, limits, row.get::<_, Option<i64>>(10)?))
    })?;
    let (rights, factor, ids, (scopes, requests_per_minute), used) =
        found.ok_or(StoreError::Unauthenticated)?;
    let key = LiveKey {
        id: ApiKeyId::from_bytes(id_bytes(&ids.0, "api_keys.id")?),
        second_factor: match factor {
            SecondFactor::Shown(_) => SecondFactor::ShownForKey,
            other => other,
        },
        prefix,
        last_used_at: used.map(Timestamp::from_unix_ms),
        requests_per_minute,
    };
    let scopes =
        serde_json::from_str(&scopes).map_err(|_| StoreError::Corrupt("api_keys.scopes"))?;
    let user_id = UserId::from_bytes(id_bytes(&ids.1, "api_keys.user_id")?);
    Ok((user_id, rights.checked()?, scopes, key))
}
