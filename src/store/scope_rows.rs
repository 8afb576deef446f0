//! What the mints of [`crate::TenantScope`] read: a credential's row with its person's, and what that
//! person may see and do.

use base::{
    Actor, Classification, Grants, Principal, Rights, Role, SessionId, Timestamp, TokenFamilyId,
    TokenId, UserId,
};
use rusqlite::{Row, params};

use crate::scope::{FederatedClaim, LiveSession, LiveToken, SecondFactor, SessionLimits};
use crate::sql::id_bytes;
use crate::{ReadTx, StoreError, grants};

/// What somebody may see and do.
pub(crate) struct Standing {
    rights: Rights,
    grants: Grants,
}

impl Standing {
    /// The operator holds the master key, so a filter here would only pretend.
    pub(crate) fn operator() -> Self {
        let rights = Rights {
            role: Role::Admin,
            clearance: Classification::Restricted,
            export_eligible: true,
        };
        Self { rights, grants: Grants::default() }
    }

    /// Of a person with `rights` of their own who acts as `acts_as`, at most.
    pub(crate) fn of(
        tx: &ReadTx<'_>,
        user: UserId,
        rights: Rights,
        acts_as: Role,
        ceiling: &[String],
    ) -> Result<Self, StoreError> {
        let role = rights.role.min(acts_as);
        let grants = grants::read(tx, user, (rights.role, role), ceiling)?;
        Ok(Self { rights: Rights { role, ..rights }, grants })
    }

    /// The same behind an API key with these scopes.
    pub(crate) fn limited_to(mut self, scopes: Vec<String>) -> Self {
        self.grants.limited_to = Some(scopes);
        self
    }

    pub(crate) fn principal(self, actor: Actor, user_id: Option<UserId>) -> Principal {
        Principal { actor, user_id, rights: self.rights, grants: self.grants }
    }
}

pub(crate) fn find_session(
    tx: &ReadTx<'_>,
    token_hash: &[u8; 32],
    now: Timestamp,
    limits: SessionLimits,
) -> Result<(LiveSession, Rights), StoreError> {
    let sql = format!(
        "SELECT u.role, u.clearance, u.export_eligible, {FACTOR_COLUMNS}, s.second_factor_at,
                s.id, s.user_id, s.last_seen_at, s.expires_at, u.must_change_password
         FROM sessions s JOIN users u ON u.id = s.user_id
         WHERE s.token_hash = ?1 AND s.revoked_at IS NULL AND s.expires_at > ?2
           AND s.last_seen_at > ?3 AND u.status = 'active'"
    );
    let found = tx.query_optional(
        &sql,
        params![token_hash, now.unix_ms(), now.unix_ms() - limits.idle_ms],
        |row| {
            let ids = (row.get::<_, Vec<u8>>(6)?, row.get::<_, Vec<u8>>(7)?);
            let times = (row.get::<_, i64>(8)?, row.get::<_, i64>(9)?);
            let standing = (row.get::<_, bool>(10)?, raw_factor(row)?);
            Ok((raw_rights(row)?, ids, times, standing))
        },
    )?;
    let (rights, ids, times, (must_change_password, second_factor)) =
        found.ok_or(StoreError::Unauthenticated)?;
    let session = LiveSession {
        id: SessionId::from_bytes(id_bytes(&ids.0, "sessions.id")?),
        user_id: UserId::from_bytes(id_bytes(&ids.1, "sessions.user_id")?),
        last_seen_at: Timestamp::from_unix_ms(times.0),
        expires_at: Timestamp::from_unix_ms(times.1),
        must_change_password,
        second_factor,
    };
    Ok((session, rights.checked()?))
}

pub(crate) fn find_token(
    tx: &ReadTx<'_>,
    id: TokenId,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<(UserId, Rights, Role, LiveToken), StoreError> {
    let sql = format!(
        "SELECT u.role, u.clearance, u.export_eligible, {FACTOR_COLUMNS}, t.second_factor_at,
                t.user_id, t.role, t.family_id
         FROM tokens t JOIN users u ON u.id = t.user_id
         WHERE t.id = ?1 AND t.token_hash = ?2 AND t.revoked_at IS NULL AND t.expires_at > ?3
           AND u.status = 'active'"
    );
    let found =
        tx.query_optional(&sql, params![id.as_bytes(), token_hash, now.unix_ms()], |row| {
            let whose = (row.get::<_, Vec<u8>>(6)?, row.get::<_, String>(7)?);
            Ok((raw_rights(row)?, whose, raw_factor(row)?, row.get::<_, Option<Vec<u8>>>(8)?))
        })?;
    let (rights, (user_id, token_role), second_factor, family) =
        found.ok_or(StoreError::Unauthenticated)?;
    let family = family.map(|id| id_bytes(&id, "tokens.family_id")).transpose()?;
    let token = LiveToken { second_factor, family: family.map(TokenFamilyId::from_bytes) };
    let role: Role = token_role.parse().map_err(|_| StoreError::Corrupt("tokens.role"))?;
    let user_id = UserId::from_bytes(id_bytes(&user_id, "tokens.user_id")?);
    Ok((user_id, rights.checked()?, role, token))
}

pub(crate) fn find_federated(
    tx: &ReadTx<'_>,
    claim: &FederatedClaim,
) -> Result<(Rights, LiveToken), StoreError> {
    let sql = format!(
        "SELECT u.role, u.clearance, u.export_eligible, {FACTOR_COLUMNS}, NULL FROM users u
         WHERE u.id = ?1 AND u.status = 'active' AND NOT EXISTS (SELECT 1 FROM federated_cutoffs c
             WHERE c.user_id = u.id AND c.not_before > ?2)"
    );
    let found = tx.query_optional(
        &sql,
        params![claim.user_id.as_bytes(), claim.issued_at.unix_ms()],
        |row| Ok((raw_rights(row)?, raw_factor(row)?)),
    )?;
    let (rights, second_factor) = found.ok_or(StoreError::Unauthenticated)?;
    Ok((rights.checked()?, LiveToken { second_factor, family: None }))
}

pub(crate) fn find_standing(
    tx: &ReadTx<'_>,
    user_id: UserId,
    ceiling: &[String],
) -> Result<Standing, StoreError> {
    let sql =
        "SELECT role, clearance, export_eligible FROM users WHERE id = ?1 AND status = 'active'";
    let rights = tx
        .query_optional(sql, params![user_id.as_bytes()], raw_rights)?
        .ok_or(StoreError::Unauthenticated)?
        .checked()?;
    Standing::of(tx, user_id, rights, rights.role, ceiling)
}

/// Whether the person `u` has a second factor, and whether their role needs one.
pub(crate) const FACTOR_COLUMNS: &str = "EXISTS (SELECT 1 FROM second_factors f
        WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL),
    EXISTS (SELECT 1 FROM json_each((SELECT value FROM settings
        WHERE name = 'second_factor_roles')) WHERE value = u.role)";

/// From [`FACTOR_COLUMNS`] behind the rights, and the time of showing behind those.
pub(crate) fn raw_factor(row: &Row<'_>) -> rusqlite::Result<SecondFactor> {
    Ok(SecondFactor::of(row.get(3)?, row.get(4)?, row.get(5)?))
}

pub(crate) struct RawRights(String, String, bool);

pub(crate) fn raw_rights(row: &Row<'_>) -> rusqlite::Result<RawRights> {
    Ok(RawRights(row.get(0)?, row.get(1)?, row.get(2)?))
}

impl RawRights {
    pub(crate) fn checked(self) -> Result<Rights, StoreError> {
        Ok(Rights {
            role: self.0.parse().map_err(|_| StoreError::Corrupt("users.role"))?,
            clearance: self.1.parse().map_err(|_| StoreError::Corrupt("users.clearance"))?,
            export_eligible: self.2,
        })
    }
}
