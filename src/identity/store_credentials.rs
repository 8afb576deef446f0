//! Rows of `sessions` and `tokens`.

use base::{SessionId, Timestamp, TokenFamilyId, TokenId, UserId};
use store::sql::{Row, id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::signed_in::Session;
use crate::tokens::ApiToken;

/// Sessions that ended so long ago are forgotten; the audit log remembers them.
const ENDED_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// Most sessions of one person that are listed; "all" ends the others too.
const SESSIONS_LISTED_MAX: u32 = 200;

/// Returns whether the session was live.
pub(crate) fn session_touch(tx: &WriteTx<'_>, id: SessionId) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE sessions SET last_seen_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        params![id.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(changed == 1)
}

/// Notes that the second factor was shown in a live session of `user`, which gets another secret
/// when `token_hash` is given; returns whether there is such a session.
pub(crate) fn session_show_factor(
    tx: &WriteTx<'_>,
    id: SessionId,
    user: UserId,
    token_hash: Option<[u8; 32]>,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE sessions SET second_factor_at = ?3, token_hash = coalesce(?4, token_hash)
         WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL AND expires_at > ?3",
        params![id.as_bytes(), user.as_bytes(), tx.now().unix_ms(), token_hash],
    )?;
    Ok(changed == 1)
}

/// Returns whether `user` had this live session.
pub(crate) fn session_revoke(
    tx: &WriteTx<'_>,
    id: SessionId,
    user: UserId,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE sessions SET revoked_at = ?3
         WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL AND expires_at > ?3",
        params![id.as_bytes(), user.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(changed == 1)
}

/// Live sessions of `user`, newest first; idle ones count no more after `idle_ms`.
pub(crate) fn session_list(
    tx: &ReadTx<'_>,
    user: UserId,
    now: Timestamp,
    idle_ms: i64,
) -> Result<Vec<Session>, StoreError> {
    let raw = tx.query_all(
        "SELECT id, created_at, last_seen_at, expires_at FROM sessions
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2 AND last_seen_at > ?3
         ORDER BY id DESC LIMIT ?4",
        params![
            user.as_bytes(),
            now.unix_ms(),
            now.plus_ms(-idle_ms).unix_ms(),
            SESSIONS_LISTED_MAX
        ],
        |row| {
            let times = (row.get::<_, i64>(1)?, row.get::<_, i64>(2)?, row.get::<_, i64>(3)?);
            Ok((row.get::<_, Vec<u8>>(0)?, times))
        },
    )?;
    let checked = |(id, times): (Vec<u8>, (i64, i64, i64))| {
        Ok(Session {
            id: SessionId::from_bytes(id_bytes(&id, "sessions.id")?),
            created_at: Timestamp::from_unix_ms(times.0),
            last_seen_at: Timestamp::from_unix_ms(times.1),
            expires_at: Timestamp::from_unix_ms(times.2),
        })
    };
    raw.into_iter().map(checked).collect()
}

/// Ends the sessions of `user` besides `keep`; returns how many were live.
pub(crate) fn sessions_revoke_all_of(
    tx: &WriteTx<'_>,
    user: UserId,
    keep: Option<SessionId>,
) -> Result<usize, StoreError> {
    tx.execute(
        "UPDATE sessions SET revoked_at = ?2
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2
           AND (?3 IS NULL OR id <> ?3)",
        params![user.as_bytes(), tx.now().unix_ms(), keep.map(|id| *id.as_bytes())],
    )
}

pub(crate) fn sessions_forget_ended(tx: &WriteTx<'_>) -> Result<usize, StoreError> {
    tx.execute(
        "DELETE FROM sessions WHERE expires_at < ?1 OR revoked_at < ?1",
        [tx.now().plus_ms(-ENDED_KEPT_MS).unix_ms()],
    )
}

/// A token to be kept.
pub(crate) struct NewTokenRow {
    pub(crate) token: ApiToken,
    pub(crate) user_id: UserId,
    pub(crate) token_hash: [u8; 32],
    pub(crate) factor_shown_at: Option<Timestamp>,
}

pub(crate) fn token_insert(tx: &WriteTx<'_>, row: &NewTokenRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO tokens (id, token_hash, user_id, role, issued_at, expires_at,
                             second_factor_at, family_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            row.token.id.as_bytes(),
            row.token_hash,
            row.user_id.as_bytes(),
            row.token.role.as_str(),
            row.token.issued_at.unix_ms(),
            row.token.expires_at.unix_ms(),
            row.factor_shown_at.map(Timestamp::unix_ms),
            row.token.family_id.map(|id| *id.as_bytes()),
        ],
    )?;
    Ok(())
}

/// Live tokens of `user`, newest first. Their number is limited when they are issued.
pub(crate) fn token_list(
    tx: &ReadTx<'_>,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<ApiToken>, StoreError> {
    let raw = tx.query_all(
        "SELECT id, role, issued_at, expires_at, family_id FROM tokens
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2 ORDER BY id DESC",
        params![user.as_bytes(), now.unix_ms()],
        raw_token,
    )?;
    raw.into_iter().map(RawToken::checked).collect()
}

/// Returns whether `user` had this live token.
pub(crate) fn token_revoke(
    tx: &WriteTx<'_>,
    id: TokenId,
    user: UserId,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE tokens SET revoked_at = ?3
         WHERE id = ?1 AND user_id = ?2 AND revoked_at IS NULL AND expires_at > ?3",
        params![id.as_bytes(), user.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(changed == 1)
}

/// Ends all tokens of `user`; returns how many were live.
pub(crate) fn tokens_revoke_all_of(tx: &WriteTx<'_>, user: UserId) -> Result<usize, StoreError> {
    tx.execute(
        "UPDATE tokens SET revoked_at = ?2
         WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2",
        params![user.as_bytes(), tx.now().unix_ms()],
    )
}

struct RawToken(Vec<u8>, String, i64, i64, Option<Vec<u8>>);

fn raw_token(row: &Row<'_>) -> store::sql::Result<RawToken> {
    Ok(RawToken(row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
}

impl RawToken {
    fn checked(self) -> Result<ApiToken, StoreError> {
        Ok(ApiToken {
            id: TokenId::from_bytes(id_bytes(&self.0, "tokens.id")?),
            role: self.1.parse().map_err(|_| StoreError::Corrupt("tokens.role"))?,
            issued_at: Timestamp::from_unix_ms(self.2),
            expires_at: Timestamp::from_unix_ms(self.3),
            family_id: match self.4 {
                Some(id) => Some(TokenFamilyId::from_bytes(id_bytes(&id, "tokens.family_id")?)),
                None => None,
            },
        })
    }
}
