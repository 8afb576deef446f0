//! The narrow context of refreshing: it finds one refresh token, exchanges it, or ends its family, and
//! can't reach anything else of the tenant.

use audit::{Action, Event, Outcome};
use base::{Actor, Role, Timestamp, TokenFamilyId, TokenId, UserId};
use rusqlite::params;
use serde_json::json;

use crate::sql::id_bytes;
use crate::{CredentialDb, ReadTx, StoreError, WriteTx};

const TOKEN_REFRESHED: Action = Action::new("token.refreshed");
const REFRESH_REUSED: Action = Action::new("token.refresh_reused");

/// Tokens, sessions and families that ended so long ago are forgotten; the audit log remembers them.
const ENDED_KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A family ends after so many exchanges: every spent token is kept as long as it lives.
const EXCHANGES_MAX: u32 = 10_000;

/// A refresh token of a live family of an active person.
#[derive(Clone, Copy, Debug)]
pub struct RefreshFound {
    /// Its family.
    pub family_id: TokenFamilyId,
    /// Whose it is.
    pub user_id: UserId,
    /// The role of the next access token: the weaker of the family's and the person's present one.
    pub role: Role,
    /// How long the next access token lives, in seconds.
    pub access_lifetime_s: i64,
    /// When the family ends in any case.
    pub expires_at: Timestamp,
    /// It was exchanged before: whoever shows it again, or whoever did so first, has stolen it.
    pub spent: bool,
}

/// An access token to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct AccessTokenRow {
    /// Its id.
    pub id: TokenId,
    /// SHA-256 of the whole token.
    pub token_hash: [u8; 32],
    /// The role that it carries.
    pub role: Role,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a refresh token is exchanged for.
#[derive(Clone, Copy, Debug)]
pub struct Exchange {
    /// The next access token.
    pub access: AccessTokenRow,
    /// SHA-256 of the next refresh token's secret.
    pub refresh_hash: [u8; 32],
}

/// Why an exchange was not carried out.
enum Halt {
    Store(StoreError),
    /// The family or its person is live no more.
    Ended,
    /// Somebody else was first.
    Spent,
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl CredentialDb {
    /// The refresh token whose secret has this SHA-256, when its family and its person are live. A
    /// family that was not used for `idle_ms` is not.
    ///
    /// # Errors
    /// The store's own.
    pub async fn refresh_find(
        &self,
        token_hash: [u8; 32],
        idle_ms: i64,
    ) -> Result<Option<RefreshFound>, StoreError> {
        let moment = self.moment(idle_ms);
        self.tenant.read(move |tx| find(tx, &token_hash, moment)).await
    }

    /// Exchanges the refresh token that was `found`: it is spent, the access token that went with it
    /// ends, and the next ones are recorded. Returns whether that was done; otherwise the family has
    /// ended meanwhile, or ends now because somebody else was first.
    ///
    /// # Errors
    /// The store's own; nothing has changed then.
    pub async fn refresh_exchange(
        &self,
        token_hash: [u8; 32],
        found: RefreshFound,
        idle_ms: i64,
        next: Exchange,
    ) -> Result<bool, StoreError> {
        let moment = self.moment(idle_ms);
        let exchanged = self
            .tenant
            .write(self.stamp(Actor::User(found.user_id)), move |tx| {
                match find(&tx, &token_hash, moment)? {
                    Some(still) if !still.spent => {}
                    Some(_) => return Err(Halt::Spent),
                    None => return Err(Halt::Ended),
                }
                exchange(&tx, &token_hash, found.family_id, found.user_id, &next)?;
                let event =
                    Event::new(TOKEN_REFRESHED).object("token", next.access.id).after(json!({
                        "user": found.user_id,
                        "role": next.access.role.as_str(),
                        "expires_at": next.access.expires_at,
                        "family": found.family_id,
                    }));
                Ok(tx.commit(event, ())?)
            })
            .await;
        match exchanged {
            Ok(()) => Ok(true),
            Err(Halt::Store(error)) => Err(error),
            Err(Halt::Ended) => Ok(false),
            Err(Halt::Spent) => {
                self.refresh_reused(found).await?;
                Ok(false)
            }
        }
    }

    /// Ends the family of a refresh token that was shown a second time, and records it. Who showed it
    /// is not known: the person, or whoever stole it.
    ///
    /// # Errors
    /// The store's own; the exchange must fail all the same.
    pub async fn refresh_reused(&self, found: RefreshFound) -> Result<(), StoreError> {
        self.tenant
            .write(self.stamp(Actor::Anonymous), move |tx| {
                let (families_ended, tokens_ended) = family_end(&tx, found.family_id)?;
                let event = Event::new(REFRESH_REUSED)
                    .object("token_family", found.family_id)
                    .outcome(Outcome::Denied)
                    .detail(json!({
                        "user": found.user_id,
                        "families_ended": families_ended,
                        "tokens_ended": tokens_ended,
                    }));
                tx.commit(event, ())
            })
            .await
    }

    /// The present moment, and since when a family must have been used.
    fn moment(&self, idle_ms: i64) -> (i64, i64) {
        let now = self.now().unix_ms();
        (now, now.saturating_sub(idle_ms))
    }
}

fn find(
    tx: &ReadTx<'_>,
    token_hash: &[u8; 32],
    (now, used_since): (i64, i64),
) -> Result<Option<RefreshFound>, StoreError> {
    let raw = tx.query_optional(
        "SELECT f.id, f.user_id, f.role, u.role, f.access_lifetime_s, f.expires_at,
                r.spent_at IS NOT NULL
         FROM refresh_tokens r JOIN token_families f ON f.id = r.family_id
              JOIN users u ON u.id = f.user_id
         WHERE r.token_hash = ?1 AND f.revoked_at IS NULL AND f.expires_at > ?2
           AND f.last_used_at > ?3 AND f.exchanges < ?4
           AND u.status = 'active' AND u.must_change_password = 0",
        params![token_hash, now, used_since, EXCHANGES_MAX],
        |row| {
            let ids = (row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?);
            let roles = (row.get::<_, String>(2)?, row.get::<_, String>(3)?);
            Ok((ids, roles, (row.get(4)?, row.get::<_, i64>(5)?, row.get(6)?)))
        },
    )?;
    let Some((ids, roles, (access_lifetime_s, expires_at, spent))) = raw else { return Ok(None) };
    let role = |text: String| text.parse::<Role>();
    let own = role(roles.0).map_err(|_| StoreError::Corrupt("token_families.role"))?;
    let persons = role(roles.1).map_err(|_| StoreError::Corrupt("users.role"))?;
    Ok(Some(RefreshFound {
        family_id: TokenFamilyId::from_bytes(id_bytes(&ids.0, "token_families.id")?),
        user_id: UserId::from_bytes(id_bytes(&ids.1, "token_families.user_id")?),
        role: own.min(persons),
        access_lifetime_s,
        expires_at: Timestamp::from_unix_ms(expires_at),
        spent,
    }))
}

fn exchange(
    tx: &WriteTx<'_>,
    token_hash: &[u8; 32],
    family: TokenFamilyId,
    user: UserId,
    next: &Exchange,
) -> Result<(), StoreError> {
    let now = tx.now().unix_ms();
    credentials_forget_ended(tx)?;
    tx.execute(
        "UPDATE refresh_tokens SET spent_at = ?2 WHERE token_hash = ?1",
        params![token_hash, now],
    )?;
    tx.execute(
        "UPDATE tokens SET revoked_at = ?2 WHERE revoked_at IS NULL AND id =
             (SELECT access_token_id FROM token_families WHERE id = ?1)",
        params![family.as_bytes(), now],
    )?;
    tx.execute(
        "UPDATE token_families
         SET last_used_at = ?2, access_token_id = ?3, exchanges = exchanges + 1 WHERE id = ?1",
        params![family.as_bytes(), now, next.access.id.as_bytes()],
    )?;
    tx.execute(
        "INSERT INTO refresh_tokens (token_hash, family_id, issued_at) VALUES (?1, ?2, ?3)",
        params![next.refresh_hash, family.as_bytes(), now],
    )?;
    // The factor that was shown at sign-in stays with its time: what matters most asks anew.
    tx.execute(
        "INSERT INTO tokens (id, token_hash, user_id, role, issued_at, expires_at, family_id,
                             second_factor_at)
         SELECT ?2, ?3, ?4, ?5, ?6, ?7, id, second_factor_at FROM token_families WHERE id = ?1",
        params![
            family.as_bytes(),
            next.access.id.as_bytes(),
            next.access.token_hash,
            user.as_bytes(),
            next.access.role.as_str(),
            next.access.issued_at.unix_ms(),
            next.access.expires_at.unix_ms(),
        ],
    )?;
    Ok(())
}

/// Ends a family with all its tokens; returns how many families and tokens were live.
fn family_end(tx: &WriteTx<'_>, family: TokenFamilyId) -> Result<(usize, usize), StoreError> {
    let now = tx.now().unix_ms();
    let families = tx.execute(
        "UPDATE token_families SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL",
        params![family.as_bytes(), now],
    )?;
    let tokens = tx.execute(
        "UPDATE tokens SET revoked_at = ?2
         WHERE family_id = ?1 AND revoked_at IS NULL AND expires_at > ?2",
        params![family.as_bytes(), now],
    )?;
    Ok((families, tokens))
}

/// Forgets tokens and families that ended long ago.
///
/// # Errors
/// The store's own.
pub fn credentials_forget_ended(tx: &WriteTx<'_>) -> Result<(), StoreError> {
    let before = [tx.now().plus_ms(-ENDED_KEPT_MS).unix_ms()];
    tx.execute("DELETE FROM tokens WHERE expires_at < ?1 OR revoked_at < ?1", before)?;
    tx.execute(
        "DELETE FROM token_families WHERE (expires_at < ?1 OR revoked_at < ?1)
         AND NOT EXISTS (SELECT 1 FROM tokens t WHERE t.family_id = token_families.id)",
        before,
    )?;
    Ok(())
}
