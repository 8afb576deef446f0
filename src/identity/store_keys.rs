//! Rows of `api_keys` and `api_key_secrets`.

use base::{ApiKeyId, Timestamp, UserId};
use policy::PermissionSet;
use store::sql::{Row, id_bytes, params};
use store::{KEY_PREFIX_BYTES, ReadTx, StoreError, WriteTx};

use crate::api_keys::{ApiKey, KeySecret};
use crate::key_text::prefix_text;

/// Keys that ended so long ago are forgotten; the audit log remembers them.
const ENDED_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A secret to be kept: its prefix and the SHA-256 of the rest.
#[derive(Clone, Copy)]
pub(crate) struct SecretRow {
    pub(crate) prefix: [u8; KEY_PREFIX_BYTES],
    pub(crate) secret_hash: [u8; 32],
}

/// A key to be kept.
pub(crate) struct KeyRow {
    pub(crate) key: ApiKey,
    pub(crate) lifetime_ms: i64,
    pub(crate) factor_shown_at: Option<Timestamp>,
}

pub(crate) fn key_insert(tx: &WriteTx<'_>, row: &KeyRow) -> Result<(), StoreError> {
    let scopes = serde_json::to_string(&row.key.scopes).unwrap_or_default();
    tx.execute(
        "INSERT INTO api_keys (id, user_id, name, scopes, requests_per_minute, created_at,
                               expires_at, lifetime_ms, second_factor_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            row.key.id.as_bytes(),
            row.key.user_id.as_bytes(),
            row.key.name.as_str(),
            scopes,
            row.key.requests_per_minute,
            row.key.created_at.unix_ms(),
            row.key.expires_at.unix_ms(),
            row.lifetime_ms,
            row.factor_shown_at.map(Timestamp::unix_ms),
        ],
    )?;
    Ok(())
}

pub(crate) fn secret_insert(
    tx: &WriteTx<'_>,
    key: ApiKeyId,
    row: SecretRow,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO api_key_secrets (prefix, key_id, secret_hash, created_at)
         VALUES (?1, ?2, ?3, ?4)",
        params![row.prefix, key.as_bytes(), row.secret_hash, tx.now().unix_ms()],
    )?;
    Ok(())
}

/// Ends the secrets of a key: the newest at `newest_ends_at`, earlier ones at once.
pub(crate) fn secrets_end(
    tx: &WriteTx<'_>,
    key: ApiKeyId,
    newest_ends_at: Timestamp,
) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM api_key_secrets WHERE key_id = ?1 AND ends_at IS NOT NULL",
        [key.as_bytes()],
    )?;
    tx.execute(
        "UPDATE api_key_secrets SET ends_at = ?2 WHERE key_id = ?1",
        params![key.as_bytes(), newest_ends_at.unix_ms()],
    )?;
    Ok(())
}

/// Gives a rotated key its new time, and notes when the second factor was shown for it.
pub(crate) fn key_renew(
    tx: &WriteTx<'_>,
    id: ApiKeyId,
    expires_at: Timestamp,
    factor_shown_at: Option<Timestamp>,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE api_keys SET expires_at = ?2, second_factor_at = coalesce(?3, second_factor_at)
         WHERE id = ?1",
        params![id.as_bytes(), expires_at.unix_ms(), factor_shown_at.map(Timestamp::unix_ms)],
    )?;
    Ok(())
}

/// Notes that a secret is in use.
pub(crate) fn secret_touch(
    tx: &WriteTx<'_>,
    prefix: [u8; KEY_PREFIX_BYTES],
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE api_key_secrets SET last_used_at = ?2 WHERE prefix = ?1",
        params![prefix, tx.now().unix_ms()],
    )?;
    Ok(())
}

const COLUMNS: &str =
    "id, user_id, name, scopes, requests_per_minute, created_at, expires_at, lifetime_ms";

/// Live keys of `user`, newest first. Their number is limited when they are made.
pub(crate) fn key_list(
    tx: &ReadTx<'_>,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<ApiKey>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM api_keys
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2 ORDER BY id DESC"
    );
    let raw = tx.query_all(&sql, params![user.as_bytes(), now.unix_ms()], raw_key)?;
    raw.into_iter().map(|raw| Ok(raw.checked(tx, now)?.0)).collect()
}

/// Live keys of everybody, those that end first first.
pub(crate) fn key_list_all(
    tx: &ReadTx<'_>,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<ApiKey>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM api_keys
         WHERE revoked_at IS NULL AND expires_at > ?1 ORDER BY expires_at, id LIMIT ?2"
    );
    let raw = tx.query_all(&sql, params![now.unix_ms(), limit], raw_key)?;
    raw.into_iter().map(|raw| Ok(raw.checked(tx, now)?.0)).collect()
}

/// A live key of `user`, and how long it lives from a rotation.
pub(crate) fn key_get(
    tx: &ReadTx<'_>,
    id: ApiKeyId,
    user: UserId,
    now: Timestamp,
) -> Result<Option<(ApiKey, i64)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM api_keys
         WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL AND expires_at > ?3"
    );
    let raw =
        tx.query_optional(&sql, params![id.as_bytes(), user.as_bytes(), now.unix_ms()], raw_key)?;
    raw.map(|raw| raw.checked(tx, now)).transpose()
}

/// Returns whether `user` had this live key.
pub(crate) fn key_revoke(tx: &WriteTx<'_>, id: ApiKeyId, user: UserId) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE api_keys SET revoked_at = ?3
         WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL AND expires_at > ?3",
        params![id.as_bytes(), user.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(changed == 1)
}

/// Ends all keys of `user`; returns how many were live.
pub(crate) fn keys_revoke_all_of(tx: &WriteTx<'_>, user: UserId) -> Result<usize, StoreError> {
    tx.execute(
        "UPDATE api_keys SET revoked_at = ?2
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2",
        params![user.as_bytes(), tx.now().unix_ms()],
    )
}

/// Ends the keys of `user` that have a scope which is none of `permissions`; returns how many were
/// live. Scopes of a newer version are not counted: they allow nothing here.
pub(crate) fn keys_revoke_exceeding(
    tx: &WriteTx<'_>,
    user: UserId,
    permissions: PermissionSet,
) -> Result<usize, StoreError> {
    let mut ended = 0;
    for key in key_list(tx, user, tx.now())? {
        if !permissions.contains_all(key.permissions()) {
            ended += usize::from(key_revoke(tx, key.id, user)?);
        }
    }
    Ok(ended)
}

pub(crate) fn keys_forget_ended(tx: &WriteTx<'_>) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM api_keys WHERE expires_at < ?1 OR revoked_at < ?1",
        [tx.now().plus_ms(-ENDED_KEPT_MS).unix_ms()],
    )
}

struct RawKey {
    id: Vec<u8>,
    user_id: Vec<u8>,
    name: String,
    scopes: String,
    requests_per_minute: Option<u32>,
    times: (i64, i64, i64),
}

fn raw_key(row: &Row<'_>) -> store::sql::Result<RawKey> {
    Ok(RawKey {
        id: row.get(0)?,
        user_id: row.get(1)?,
        name: row.get(2)?,
        scopes: row.get(3)?,
        requests_per_minute: row.get(4)?,
        times: (row.get(5)?, row.get(6)?, row.get(7)?),
    })
}

impl RawKey {
    fn checked(self, tx: &ReadTx<'_>, now: Timestamp) -> Result<(ApiKey, i64), StoreError> {
        let id = ApiKeyId::from_bytes(id_bytes(&self.id, "api_keys.id")?);
        let (created_at, expires_at, lifetime_ms) = self.times;
        let key = ApiKey {
            id,
            user_id: UserId::from_bytes(id_bytes(&self.user_id, "api_keys.user_id")?),
            name: self.name,
            scopes: serde_json::from_str(&self.scopes)
                .map_err(|_| StoreError::Corrupt("api_keys.scopes"))?,
            requests_per_minute: self.requests_per_minute,
            created_at: Timestamp::from_unix_ms(created_at),
            expires_at: Timestamp::from_unix_ms(expires_at),
            secrets: secrets_of(tx, id, now)?,
        };
        Ok((key, lifetime_ms))
    }
}

/// The live secrets of a key, newest first.
fn secrets_of(tx: &ReadTx<'_>, id: ApiKeyId, now: Timestamp) -> Result<Vec<KeySecret>, StoreError> {
    let raw = tx.query_all(
        "SELECT prefix, created_at, ends_at, last_used_at FROM api_key_secrets
         WHERE key_id = ?1 AND (ends_at IS NULL OR ends_at > ?2)
         ORDER BY ends_at IS NOT NULL, created_at DESC",
        params![id.as_bytes(), now.unix_ms()],
        |row| {
            let times = (row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?, row.get(3)?);
            Ok((row.get::<_, [u8; KEY_PREFIX_BYTES]>(0)?, times))
        },
    )?;
    let time = Timestamp::from_unix_ms;
    let secret =
        |(prefix, (created_at, ends_at, used_at)): (_, (i64, Option<i64>, Option<i64>))| {
            KeySecret {
                prefix: prefix_text(&prefix),
                created_at: time(created_at),
                ends_at: ends_at.map(time),
                last_used_at: used_at.map(time),
            }
        };
    Ok(raw.into_iter().map(secret).collect())
}
