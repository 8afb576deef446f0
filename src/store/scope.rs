//! The mints of [`TenantScope`]. Whoever reviews isolation reads this file first.
//!
//! A scope says: this principal, in this tenant. It comes into being in exactly four ways:
//! 1. [`Store::scope_from_session`]: a live browser session was found;
//! 2. [`Store::scope_from_token`]: a recorded, live API token was found;
//! 3. [`Store::scope_from_job`]: a durable job was claimed and acts for the person who queued it;
//! 4. [`Store::scope_from_operator`]: the caller holds the operator key.
//!
//! The first three read the person's row anew, so a changed role or a disabled account counts at
//! the next request, whatever a cookie or token says.

use base::{
    Actor, Classification, Principal, Rights, Role, SessionId, TenantId, Timestamp, TokenId, UserId,
};
use rusqlite::{Row, params};

use crate::jobs::ClaimedJob;
use crate::sql::id_bytes;
use crate::{ReadTx, Store, StoreError};

/// The right to act in one tenant as one principal. Can't be made, copied or kept by hand.
pub struct TenantScope {
    tenant_id: TenantId,
    principal: Principal,
}

impl TenantScope {
    /// The tenant that this scope opens.
    #[must_use]
    pub const fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// Who acts, and with which rights.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }
}

/// Proof that its holder opened the data directory with the master key. Not copyable: the
/// composition hands it to the console and to nothing else.
pub struct OperatorKey {
    _private: (),
}

impl OperatorKey {
    pub(crate) const fn mint() -> Self {
        Self { _private: () }
    }
}

/// How long a browser session lives.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Without a request for so long, it ends.
    pub idle_ms: i64,
}

/// Name of the tenant's setting with the roles that need a second factor, as a JSON array.
pub const SECOND_FACTOR_ROLES: &str = "second_factor_roles";

/// How it stands with the second factor of whoever shows a session or token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    /// None is enrolled, and the person's role needs none.
    None,
    /// None is enrolled, and the tenant's settings say that the person's role needs one.
    Missing,
    /// One is enrolled, and was not shown in this session or before this token was issued.
    Pending,
    /// It was shown then.
    Shown(Timestamp),
}

impl SecondFactor {
    fn of(enrolled: bool, needed: bool, shown_at: Option<i64>) -> Self {
        match (enrolled, shown_at) {
            (true, Some(at)) => Self::Shown(Timestamp::from_unix_ms(at)),
            (true, None) => Self::Pending,
            (false, _) if needed => Self::Missing,
            (false, _) => Self::None,
        }
    }
}

/// A token that was found alive.
#[derive(Clone, Copy, Debug)]
pub struct LiveToken {
    /// How it stands with the second factor.
    pub second_factor: SecondFactor,
}

/// A session that was found alive.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// The session's row.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// When it was last seen, as recorded (coarse).
    pub last_seen_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// The person still has a one-time password.
    pub must_change_password: bool,
    /// How it stands with the second factor.
    pub second_factor: SecondFactor,
}

impl Store {
    /// Mint 1: from the SHA-256 of a session cookie's secret.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] when there is no such live session of an active person.
    pub async fn scope_from_session(
        &self,
        tenant_id: TenantId,
        token_hash: [u8; 32],
        limits: SessionLimits,
    ) -> Result<(TenantScope, LiveSession), StoreError> {
        let open = self.open_tenant(tenant_id, Suspended::Refuse).await?;
        let now = self.now();
        let (session, rights) =
            open.read(move |tx| find_session(tx, &token_hash, now, limits)).await?;
        Ok((person(tenant_id, session.user_id, rights), session))
    }

    /// Mint 2: from the id of an API token whose signature has been verified, and the SHA-256 of
    /// the whole token, which must be the one that was recorded when it was issued.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] when there is no such live token of an active person.
    pub async fn scope_from_token(
        &self,
        tenant_id: TenantId,
        token_id: TokenId,
        token_hash: [u8; 32],
    ) -> Result<(TenantScope, LiveToken), StoreError> {
        let open = self.open_tenant(tenant_id, Suspended::Refuse).await?;
        let now = self.now();
        let (user_id, rights, token) =
            open.read(move |tx| find_token(tx, token_id, &token_hash, now)).await?;
        Ok((person(tenant_id, user_id, rights), token))
    }

    /// Mint 3: for a claimed job, with the present rights of the person who queued it.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] when that person is no longer active.
    pub async fn scope_from_job(&self, job: &ClaimedJob) -> Result<TenantScope, StoreError> {
        let actor = Actor::Job(job.id());
        let Some(user_id) = job.queued_by() else {
            let principal = Principal { actor, user_id: None, rights: OPERATOR_RIGHTS };
            return Ok(TenantScope { tenant_id: job.tenant_id(), principal });
        };
        // It was claimed while the tenant was active, and ends what it began.
        let open = self.open_tenant(job.tenant_id(), Suspended::Allow).await?;
        let rights = open.read(move |tx| find_rights(tx, user_id)).await?;
        let principal = Principal { actor, user_id: Some(user_id), rights };
        Ok(TenantScope { tenant_id: job.tenant_id(), principal })
    }

    /// Mint 4: for the holder of the operator key; with a person's rights when `acting_as` names
    /// one, with all rights otherwise. Works in suspended tenants too.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`], or [`StoreError::Unauthenticated`] for an unknown person.
    pub async fn scope_from_operator(
        &self,
        _key: &OperatorKey,
        tenant_id: TenantId,
        acting_as: Option<UserId>,
    ) -> Result<TenantScope, StoreError> {
        let open = self.open_tenant(tenant_id, Suspended::Allow).await?;
        let rights = match acting_as {
            Some(user_id) => open.read(move |tx| find_rights(tx, user_id)).await?,
            None => OPERATOR_RIGHTS,
        };
        let principal = Principal { actor: Actor::Console, user_id: acting_as, rights };
        Ok(TenantScope { tenant_id, principal })
    }
}

/// Whether a suspended tenant may be opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspended {
    Refuse,
    Allow,
}

/// The operator holds the master key, so a filter here would only pretend.
const OPERATOR_RIGHTS: Rights =
    Rights { role: Role::Admin, clearance: Classification::Restricted, export_eligible: true };

const fn person(tenant_id: TenantId, user_id: UserId, rights: Rights) -> TenantScope {
    let principal = Principal { actor: Actor::User(user_id), user_id: Some(user_id), rights };
    TenantScope { tenant_id, principal }
}

fn find_session(
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

fn find_token(
    tx: &ReadTx<'_>,
    id: TokenId,
    token_hash: &[u8; 32],
    now: Timestamp,
) -> Result<(UserId, Rights, LiveToken), StoreError> {
    let sql = format!(
        "SELECT u.role, u.clearance, u.export_eligible, {FACTOR_COLUMNS}, t.second_factor_at,
                t.user_id, t.role
         FROM tokens t JOIN users u ON u.id = t.user_id
         WHERE t.id = ?1 AND t.token_hash = ?2 AND t.revoked_at IS NULL AND t.expires_at > ?3
           AND u.status = 'active'"
    );
    let found =
        tx.query_optional(&sql, params![id.as_bytes(), token_hash, now.unix_ms()], |row| {
            let token = LiveToken { second_factor: raw_factor(row)? };
            let whose = (row.get::<_, Vec<u8>>(6)?, row.get::<_, String>(7)?);
            Ok((raw_rights(row)?, whose, token))
        })?;
    let (rights, (user_id, token_role), token) = found.ok_or(StoreError::Unauthenticated)?;
    let mut rights = rights.checked()?;
    let token_role: Role = token_role.parse().map_err(|_| StoreError::Corrupt("tokens.role"))?;
    rights.role = rights.role.min(token_role);
    Ok((UserId::from_bytes(id_bytes(&user_id, "tokens.user_id")?), rights, token))
}

fn find_rights(tx: &ReadTx<'_>, user_id: UserId) -> Result<Rights, StoreError> {
    tx.query_optional(
        "SELECT role, clearance, export_eligible FROM users WHERE id = ?1 AND status = 'active'",
        params![user_id.as_bytes()],
        raw_rights,
    )?
    .ok_or(StoreError::Unauthenticated)?
    .checked()
}

/// Whether the person `u` has a second factor, and whether their role needs one.
const FACTOR_COLUMNS: &str = "EXISTS (SELECT 1 FROM second_factors f
        WHERE f.user_id = u.id AND f.confirmed_at IS NOT NULL),
    EXISTS (SELECT 1 FROM json_each((SELECT value FROM settings
        WHERE name = 'second_factor_roles')) WHERE value = u.role)";

/// From [`FACTOR_COLUMNS`] behind the rights, and the time of showing behind those.
fn raw_factor(row: &Row<'_>) -> rusqlite::Result<SecondFactor> {
    Ok(SecondFactor::of(row.get(3)?, row.get(4)?, row.get(5)?))
}

struct RawRights(String, String, bool);

fn raw_rights(row: &Row<'_>) -> rusqlite::Result<RawRights> {
    Ok(RawRights(row.get(0)?, row.get(1)?, row.get(2)?))
}

impl RawRights {
    fn checked(self) -> Result<Rights, StoreError> {
        Ok(Rights {
            role: self.0.parse().map_err(|_| StoreError::Corrupt("users.role"))?,
            clearance: self.1.parse().map_err(|_| StoreError::Corrupt("users.clearance"))?,
            export_eligible: self.2,
        })
    }
}
