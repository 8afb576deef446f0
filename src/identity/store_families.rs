//! Rows of `token_families`, and ending everything that somebody is signed in with.

use base::{SessionId, Timestamp, TokenFamilyId, TokenId, UserId};
use store::sql::{id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::refresh::TokenFamily;
use crate::signed_in::Ended;
use crate::store_credentials::{sessions_revoke_all_of, tokens_revoke_all_of};

/// A family to be kept, with its first refresh token.
pub(crate) struct NewFamilyRow {
    pub(crate) family: TokenFamily,
    pub(crate) user_id: UserId,
    pub(crate) access_token_id: TokenId,
    pub(crate) access_lifetime_s: i64,
    pub(crate) refresh_hash: [u8; 32],
    pub(crate) factor_shown_at: Option<Timestamp>,
    /// How long such a family may idle: idle ones are not counted as the person's.
    pub(crate) idle_ms: i64,
}

pub(crate) fn family_insert(tx: &WriteTx<'_>, row: &NewFamilyRow) -> Result<(), StoreError> {
    let family = &row.family;
    tx.execute(
        "INSERT INTO token_families (id, user_id, role, access_lifetime_s, access_token_id,
                                     created_at, last_used_at, expires_at, second_factor_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            family.id.as_bytes(),
            row.user_id.as_bytes(),
            family.role.as_str(),
            row.access_lifetime_s,
            row.access_token_id.as_bytes(),
            family.created_at.unix_ms(),
            family.last_used_at.unix_ms(),
            family.expires_at.unix_ms(),
            row.factor_shown_at.map(Timestamp::unix_ms),
        ],
    )?;
    tx.execute(
        "INSERT INTO refresh_tokens (token_hash, family_id, issued_at) VALUES (?1, ?2, ?3)",
        params![row.refresh_hash, family.id.as_bytes(), family.created_at.unix_ms()],
    )?;
    Ok(())
}

/// Live families of `user`, newest first; idle ones count no more after `idle_ms`. Their number is
/// limited when they are begun.
pub(crate) fn family_list(
    tx: &ReadTx<'_>,
    user: UserId,
    now: Timestamp,
    idle_ms: i64,
) -> Result<Vec<TokenFamily>, StoreError> {
    let raw = tx.query_all(
        "SELECT id, role, created_at, last_used_at, expires_at FROM token_families
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2 AND last_used_at > ?3
         ORDER BY id DESC",
        params![user.as_bytes(), now.unix_ms(), now.plus_ms(-idle_ms).unix_ms()],
        |row| {
            let times = (row.get::<_, i64>(2)?, row.get::<_, i64>(3)?, row.get::<_, i64>(4)?);
            Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, String>(1)?, times))
        },
    )?;
    let checked = |(id, role, times): (Vec<u8>, String, (i64, i64, i64))| {
        Ok(TokenFamily {
            id: TokenFamilyId::from_bytes(id_bytes(&id, "token_families.id")?),
            role: role.parse().map_err(|_| StoreError::Corrupt("token_families.role"))?,
            created_at: Timestamp::from_unix_ms(times.0),
            last_used_at: Timestamp::from_unix_ms(times.1),
            expires_at: Timestamp::from_unix_ms(times.2),
        })
    };
    raw.into_iter().map(checked).collect()
}

/// When a live family ends in any case; `None` for one that is not live.
pub(crate) fn family_end_of(
    tx: &ReadTx<'_>,
    id: TokenFamilyId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let found = tx.query_optional(
        "SELECT expires_at FROM token_families
         WHERE id = ?1 AND revoked_at IS NULL AND expires_at > ?2",
        params![id.as_bytes(), now.unix_ms()],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(found.map(Timestamp::from_unix_ms))
}

/// The family whose exchanges would go on after this token of `user` ended.
pub(crate) fn family_of_token(
    tx: &ReadTx<'_>,
    token: TokenId,
    user: UserId,
) -> Result<Option<TokenFamilyId>, StoreError> {
    let found = tx.query_optional(
        "SELECT id FROM token_families
         WHERE access_token_id = ?1 AND user_id = ?2 AND revoked_at IS NULL",
        params![token.as_bytes(), user.as_bytes()],
        |row| row.get::<_, Vec<u8>>(0),
    )?;
    let id = found.map(|id| id_bytes(&id, "token_families.id")).transpose()?;
    Ok(id.map(TokenFamilyId::from_bytes))
}

/// Ends a live family of `user` with all its tokens; `None` when there is no such family.
pub(crate) fn family_revoke(
    tx: &WriteTx<'_>,
    id: TokenFamilyId,
    user: UserId,
) -> Result<Option<Ended>, StoreError> {
    let now = tx.now().unix_ms();
    let families = tx.execute(
        "UPDATE token_families SET revoked_at = ?3
         WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL AND expires_at > ?3",
        params![id.as_bytes(), user.as_bytes(), now],
    )?;
    if families == 0 {
        return Ok(None);
    }
    let tokens = tx.execute(
        "UPDATE tokens SET revoked_at = ?2
         WHERE family_id = ?1 AND revoked_at IS NULL AND expires_at > ?2",
        params![id.as_bytes(), now],
    )?;
    Ok(Some(Ended { families, tokens, ..Ended::default() }))
}

/// Ends everything that `user` is signed in with, besides the session `keep`: sessions, tokens and
/// families, and whatever another issuer has signed for them until now.
pub(crate) fn end_all(
    tx: &WriteTx<'_>,
    user: UserId,
    keep: Option<SessionId>,
) -> Result<Ended, StoreError> {
    let now = tx.now().unix_ms();
    let families = tx.execute(
        "UPDATE token_families SET revoked_at = ?2
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2",
        params![user.as_bytes(), now],
    )?;
    tx.execute(
        "INSERT INTO federated_cutoffs (user_id, not_before) VALUES (?1, ?2)
         ON CONFLICT (user_id) DO UPDATE SET not_before = max(not_before, excluded.not_before)",
        params![user.as_bytes(), now],
    )?;
    Ok(Ended {
        sessions: sessions_revoke_all_of(tx, user, keep)?,
        tokens: tokens_revoke_all_of(tx, user)?,
        families,
        keys: 0,
    })
}
