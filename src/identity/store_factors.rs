//! Rows of `second_factors`, `recovery_codes` and `factor_resets`.

use base::{Timestamp, UserId};
use store::sql::{id_bytes, params};
use store::{ReadTx, StoreError, WriteTx};

use crate::totp::TotpSecret;

/// Somebody's second factor.
pub(crate) struct FactorRow {
    pub(crate) secret: TotpSecret,
    pub(crate) begun_at: Timestamp,
    pub(crate) confirmed: bool,
    pub(crate) last_step: i64,
    pub(crate) tried_step: i64,
    pub(crate) tries: u32,
}

pub(crate) fn factor_get(tx: &ReadTx<'_>, user: UserId) -> Result<Option<FactorRow>, StoreError> {
    let raw = tx.query_optional(
        "SELECT secret, begun_at, confirmed_at IS NOT NULL, last_step, tried_step, tries
         FROM second_factors WHERE user_id = ?1",
        [user.as_bytes()],
        |row| {
            let steps = (row.get::<_, i64>(3)?, row.get::<_, i64>(4)?, row.get::<_, u32>(5)?);
            let state = (row.get::<_, i64>(1)?, row.get::<_, bool>(2)?);
            Ok((row.get::<_, Vec<u8>>(0)?, state, steps))
        },
    )?;
    raw.map(|(secret, (begun_at, confirmed), (last_step, tried_step, tries))| {
        let secret = zeroize::Zeroizing::new(secret);
        Ok(FactorRow {
            secret: TotpSecret::from_row(&secret)
                .ok_or(StoreError::Corrupt("second_factors.secret"))?,
            begun_at: Timestamp::from_unix_ms(begun_at),
            confirmed,
            last_step,
            tried_step,
            tries,
        })
    })
    .transpose()
}

/// Keeps a secret whose enrolment begins; takes the place of one that was never confirmed.
pub(crate) fn factor_begin(
    tx: &WriteTx<'_>,
    user: UserId,
    secret: &TotpSecret,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO second_factors (user_id, secret, begun_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret,
             begun_at = excluded.begun_at, tried_step = 0, tries = 0
         WHERE confirmed_at IS NULL",
        params![user.as_bytes(), secret.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(())
}

/// A code of `step` was taken; the first one confirms the factor.
pub(crate) fn factor_taken(tx: &WriteTx<'_>, user: UserId, step: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE second_factors SET last_step = ?2, tries = 0,
                confirmed_at = coalesce(confirmed_at, ?3) WHERE user_id = ?1",
        params![user.as_bytes(), step, tx.now().unix_ms()],
    )?;
    Ok(())
}

/// A code was wrong, the how many-th in `step`.
pub(crate) fn factor_refused(
    tx: &WriteTx<'_>,
    user: UserId,
    step: i64,
    tries: u32,
) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE second_factors SET tried_step = ?2, tries = ?3 WHERE user_id = ?1",
        params![user.as_bytes(), step, tries],
    )?;
    Ok(())
}

/// Removes somebody's factor with its recovery codes; returns whether there was one.
pub(crate) fn factor_delete(tx: &WriteTx<'_>, user: UserId) -> Result<bool, StoreError> {
    tx.execute("DELETE FROM recovery_codes WHERE user_id = ?1", [user.as_bytes()])?;
    tx.execute("DELETE FROM factor_resets WHERE user_id = ?1", [user.as_bytes()])?;
    let gone = tx.execute("DELETE FROM second_factors WHERE user_id = ?1", [user.as_bytes()])?;
    Ok(gone == 1)
}

/// Takes the place of all earlier recovery codes.
pub(crate) fn recovery_codes_set(
    tx: &WriteTx<'_>,
    user: UserId,
    hashes: &[[u8; 32]],
) -> Result<(), StoreError> {
    tx.execute("DELETE FROM recovery_codes WHERE user_id = ?1", [user.as_bytes()])?;
    for hash in hashes {
        tx.execute(
            "INSERT INTO recovery_codes (code_hash, user_id) VALUES (?1, ?2)",
            params![hash, user.as_bytes()],
        )?;
    }
    Ok(())
}

/// Uses a recovery code up; returns whether it was one that counts.
pub(crate) fn recovery_code_use(
    tx: &WriteTx<'_>,
    user: UserId,
    hash: &[u8; 32],
) -> Result<bool, StoreError> {
    let used = tx.execute(
        "UPDATE recovery_codes SET used_at = ?3
         WHERE code_hash = ?1 AND user_id = ?2 AND used_at IS NULL",
        params![hash, user.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(used == 1)
}

/// Recovery codes that still count.
pub(crate) fn recovery_codes_left(tx: &ReadTx<'_>, user: UserId) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM recovery_codes WHERE user_id = ?1 AND used_at IS NULL";
    tx.query_row(sql, [user.as_bytes()], |row| row.get(0))
}

/// Who asked for a reset of somebody's factor, and when.
pub(crate) fn reset_get(
    tx: &ReadTx<'_>,
    user: UserId,
) -> Result<Option<(UserId, Timestamp)>, StoreError> {
    let raw = tx.query_optional(
        "SELECT requested_by, requested_at FROM factor_resets WHERE user_id = ?1",
        [user.as_bytes()],
        |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, i64>(1)?)),
    )?;
    raw.map(|(by, at)| {
        let by = UserId::from_bytes(id_bytes(&by, "factor_resets.requested_by")?);
        Ok((by, Timestamp::from_unix_ms(at)))
    })
    .transpose()
}

pub(crate) fn reset_request(tx: &WriteTx<'_>, user: UserId, by: UserId) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO factor_resets (user_id, requested_by, requested_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (user_id) DO UPDATE SET requested_by = excluded.requested_by,
             requested_at = excluded.requested_at",
        params![user.as_bytes(), by.as_bytes(), tx.now().unix_ms()],
    )?;
    Ok(())
}

/// Active administrators besides `user`.
pub(crate) fn other_admins(tx: &ReadTx<'_>, user: UserId) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM users
               WHERE role = 'admin' AND status = 'active' AND id <> ?1";
    tx.query_row(sql, [user.as_bytes()], |row| row.get(0))
}
