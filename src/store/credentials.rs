//! The narrow context of signing in: it reads one credential and writes one session, and can't
//! reach anything else of the tenant.

use std::sync::Arc;

use audit::{Action, Event, Outcome};
use base::{Actor, RequestId, SessionId, TenantId, Timestamp, UserId};
use rusqlite::params;
use serde_json::json;

use crate::guesses::{CredentialKey, GuessRow, guesses_get, guesses_put};
use crate::ledger::Stamp;
use crate::open_tenant::OpenTenant;
use crate::scope::Suspended;
use crate::sql::id_bytes;
use crate::{Store, StoreError, WriteTx};

const SESSION_OPENED: Action = Action::new("session.opened");
const LOGIN_FAILED: Action = Action::new("login.failed");

/// What signing in needs to know about a person.
#[derive(Clone)]
pub struct Credential {
    /// The person.
    pub user_id: UserId,
    /// Password hash as a PHC string.
    pub password_hash: String,
    /// Whether the account is in use.
    pub active: bool,
    /// Whether the password is a one-time password.
    pub must_change_password: bool,
}

/// A session to be opened.
#[derive(Clone, Copy, Debug)]
pub struct NewSessionRow {
    /// SHA-256 of the cookie's secret.
    pub token_hash: [u8; 32],
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

/// The credentials of one tenant, for signing in.
pub struct CredentialDb {
    pub(crate) tenant: Arc<OpenTenant>,
    tenant_id: TenantId,
    store: Store,
    request: RequestId,
}

impl Store {
    /// Opens the credentials of a tenant for one attempt to sign in.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`], [`StoreError::TenantSuspended`], or the store's own.
    pub async fn credentials(
        &self,
        tenant_id: TenantId,
        request: RequestId,
    ) -> Result<CredentialDb, StoreError> {
        let tenant = self.open_tenant(tenant_id, Suspended::Refuse).await?;
        Ok(CredentialDb { tenant, tenant_id, store: self.clone(), request })
    }
}

impl Store {
    /// Records an attempt to sign in to a tenant that does not exist, in the appliance's log. It costs
    /// the same commit as one that fails in a tenant, so that the time does not tell them apart.
    ///
    /// # Errors
    /// The store's own; the attempt must fail all the same.
    pub async fn note_login_without_tenant(&self, request: RequestId) -> Result<(), StoreError> {
        let stamp = self.appliance_stamp(Actor::Anonymous, request);
        let event = Event::new(LOGIN_FAILED).outcome(Outcome::Denied);
        self.inner.control.write(stamp, move |tx| tx.commit(event, ())).await
    }
}

impl CredentialDb {
    /// The credential of the person with this e-mail address.
    ///
    /// # Errors
    /// The store's own; an unknown address is `None`.
    pub async fn find_by_email(&self, email: &str) -> Result<Option<Credential>, StoreError> {
        let email = email.to_owned();
        self.tenant
            .read(move |tx| {
                let found = tx.query_optional(
                    "SELECT id, password_hash, status = 'active', must_change_password
                     FROM users WHERE email = ?1",
                    [email],
                    |row| {
                        Ok((
                            row.get::<_, Vec<u8>>(0)?,
                            row.get::<_, String>(1)?,
                            row.get::<_, bool>(2)?,
                            row.get::<_, bool>(3)?,
                        ))
                    },
                )?;
                found
                    .map(|(id, password_hash, active, must_change_password)| {
                        let user_id = UserId::from_bytes(id_bytes(&id, "users.id")?);
                        Ok(Credential { user_id, password_hash, active, must_change_password })
                    })
                    .transpose()
            })
            .await
    }

    /// What is known of wrong guesses at a credential.
    ///
    /// # Errors
    /// The store's own.
    pub async fn guesses(&self, key: CredentialKey) -> Result<Option<GuessRow>, StoreError> {
        self.tenant.read(move |tx| guesses_get(tx, &key)).await
    }

    /// Opens a session for a person whose password was right; `guesses` is what is known of their
    /// credential afterwards, if anything is.
    ///
    /// # Errors
    /// The store's own; no session exists then.
    pub async fn open_session(
        &self,
        user_id: UserId,
        new: NewSessionRow,
        guesses: Option<(CredentialKey, GuessRow)>,
    ) -> Result<SessionId, StoreError> {
        let id = SessionId::new(self.store.now(), self.store.entropy())?;
        self.tenant
            .write(self.stamp(Actor::User(user_id)), move |tx| {
                let now = tx.now().unix_ms();
                tx.execute(
                    "INSERT INTO sessions (id, token_hash, user_id, created_at, last_seen_at,
                                           expires_at)
                     VALUES (?1, ?2, ?3, ?4, ?4, ?5)",
                    params![
                        id.as_bytes(),
                        new.token_hash,
                        user_id.as_bytes(),
                        now,
                        new.expires_at.unix_ms()
                    ],
                )?;
                if let Some((key, row)) = guesses {
                    guesses_put(&tx, &key, &row)?;
                }
                tx.commit(Event::new(SESSION_OPENED).object("session", id), id)
            })
            .await
    }

    /// Records an attempt that failed, and what is known of the credential now. The address is not
    /// recorded: it may be personal data of somebody who has no account here, or a password typed
    /// into the wrong field.
    ///
    /// # Errors
    /// The store's own; the attempt must fail all the same.
    pub async fn note_failure(
        &self,
        user_id: Option<UserId>,
        key: CredentialKey,
        guesses: GuessRow,
    ) -> Result<(), StoreError> {
        let mut event = Event::new(LOGIN_FAILED)
            .outcome(Outcome::Denied)
            .detail(json!({ "in_a_row": guesses.failures, "delay_ms": guesses.delay_ms }));
        if let Some(user_id) = user_id {
            event = event.object("user", user_id);
        }
        let write = move |tx: WriteTx<'_>| {
            guesses_put(&tx, &key, &guesses)?;
            tx.commit(event, ())
        };
        self.tenant.write(self.stamp(Actor::Anonymous), write).await
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.store.now()
    }

    pub(crate) fn stamp(&self, actor: Actor) -> Stamp {
        Stamp {
            time: self.store.now(),
            actor,
            tenant: Some(self.tenant_id),
            request: self.request,
            issuer: None,
        }
    }
}
