//! API keys: long-lived credentials for machines that act for a person, with a part of that person's
//! permissions. Unlike tokens they need no signature, are found by their prefix, and are rotated.
//!
//! A key goes on when its person changes their own password: what runs at night should not stop for
//! it. It ends with the account, with a reset of the password or the second factor by an
//! administrator, with the enrolment of a second factor, and with a change of the role that leaves
//! it a scope which the person no longer has.

use base::{ApiKeyId, Timestamp, UserId};
use policy::{Permission, PermissionSet, Permit, keys, sessions};
use serde_json::json;
use store::{LiveKey, Store, StoreError, TenantCtx, TenantScope};

use crate::key_text::{KeyText, prefix_text};
use crate::sessions::Touched;
use crate::store_keys as rows;
use crate::{IdentityError, events, store_users};

const HOUR_MS: i64 = 60 * 60 * 1000;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// Most live keys of one person.
pub const KEYS_PER_PERSON_MAX: u32 = 50;

/// Most keys of a tenant that are listed together.
pub const TENANT_KEYS_LISTED_MAX: u32 = 2000;

/// How long API keys live, and how often they may be used.
#[derive(Clone, Copy, Debug)]
pub struct KeySettings {
    /// Life of a key that names none.
    pub lifetime_ms: i64,
    /// Longest life of a key.
    pub lifetime_max_ms: i64,
    /// How long the former secret goes on after a rotation that says nothing of it.
    pub overlap_ms: i64,
    /// The last use of a key is recorded at most this often.
    pub touch_every_ms: i64,
    /// Requests a minute of a key that names none.
    pub requests_per_minute: u32,
    /// Most requests a minute that a key may name.
    pub requests_per_minute_max: u32,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            lifetime_ms: 90 * DAY_MS,
            lifetime_max_ms: 365 * DAY_MS,
            overlap_ms: DAY_MS,
            touch_every_ms: HOUR_MS,
            requests_per_minute: 60,
            requests_per_minute_max: 6000,
        }
    }
}

/// A secret of a key, as it is listed. Only its hash is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySecret {
    /// Stands readable in the key, before the second `_`.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, after a rotation; with the key otherwise.
    pub ends_at: Option<Timestamp>,
    /// When it was last used, as recorded: every hour at most.
    pub last_used_at: Option<Timestamp>,
}

/// A live key, as its person and administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id; stays when it is rotated.
    pub id: ApiKeyId,
    /// Whom it acts for.
    pub user_id: UserId,
    /// What its person calls it.
    pub name: String,
    /// The permissions that it may use, by name; its person must have them as well.
    pub scopes: Vec<String>,
    /// Requests a minute, when it has a limit of its own.
    pub requests_per_minute: Option<u32>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Its live secrets, newest first: two while a rotation overlaps.
    pub secrets: Vec<KeySecret>,
}

impl ApiKey {
    /// Its scopes, as far as this version knows them.
    pub(crate) fn permissions(&self) -> PermissionSet {
        let known: Vec<Permission> =
            self.scopes.iter().filter_map(|name| name.parse().ok()).collect();
        PermissionSet::of(&known)
    }
}

/// One's own live keys, newest first.
///
/// # Errors
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn key_list(permit: Permit<'_, keys::Read>) -> Result<Vec<ApiKey>, IdentityError> {
    let ctx = permit.ctx();
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    let now = ctx.now();
    ctx.read(move |tx| Ok(rows::key_list(tx, user_id, now)?)).await
}

/// Revokes one of one's own keys: it counts no more from the next request on.
///
/// # Errors
/// [`IdentityError::KeyNotFound`] when the person has no such live key,
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn key_revoke(
    permit: Permit<'_, keys::Revoke>,
    id: ApiKeyId,
) -> Result<(), IdentityError> {
    let ctx = permit.ctx();
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    revoke(ctx, user_id, id).await
}

/// The live keys of a person of the tenant, newest first.
///
/// # Errors
/// [`IdentityError::UserNotFound`], or the store's own.
pub async fn user_keys(
    permit: Permit<'_, sessions::Read>,
    user: UserId,
) -> Result<Vec<ApiKey>, IdentityError> {
    let ctx = permit.ctx();
    let now = ctx.now();
    ctx.read(move |tx| {
        store_users::user_get(tx, user)?.ok_or(IdentityError::UserNotFound)?;
        Ok(rows::key_list(tx, user, now)?)
    })
    .await
}

/// The live keys of everybody in the tenant, those that end first first.
///
/// # Errors
/// The store's own.
pub async fn tenant_keys(permit: Permit<'_, sessions::Read>) -> Result<Vec<ApiKey>, IdentityError> {
    let ctx = permit.ctx();
    let now = ctx.now();
    ctx.read(move |tx| Ok(rows::key_list_all(tx, now, TENANT_KEYS_LISTED_MAX)?)).await
}

/// Revokes a key of a person of the tenant.
///
/// # Errors
/// [`IdentityError::UserNotFound`]; [`IdentityError::KeyNotFound`] when the person has no such live
/// key; or the store's own.
pub async fn user_key_revoke(
    permit: Permit<'_, sessions::Revoke>,
    user: UserId,
    id: ApiKeyId,
) -> Result<(), IdentityError> {
    revoke(permit.ctx(), user, id).await
}

async fn revoke(ctx: &TenantCtx, user: UserId, id: ApiKeyId) -> Result<(), IdentityError> {
    ctx.write(move |tx| {
        store_users::user_get(&tx, user)?.ok_or(IdentityError::UserNotFound)?;
        let (key, _) = rows::key_get(&tx, id, user, tx.now())?.ok_or(IdentityError::KeyNotFound)?;
        rows::key_revoke(&tx, id, user)?;
        let event = about(events::KEY_REVOKED, &key).detail(json!({ "user": user }));
        Ok(tx.commit(event, ())?)
    })
    .await
}

/// The scope behind an API key. Call [`key_touch`] once the tenant is entered.
///
/// # Errors
/// [`IdentityError::KeyMistyped`] for what is no whole key, without a look at any tenant;
/// [`IdentityError::KeyRefused`] for every key that does not count; or the store's own.
pub async fn authenticate_key(
    store: &Store,
    shown: &str,
) -> Result<(TenantScope, LiveKey), IdentityError> {
    let key = KeyText::parse(shown).ok_or(IdentityError::KeyMistyped)?;
    store.scope_from_key(key.tenant, key.prefix, key.hash()).await.map_err(|error| match error {
        StoreError::Unauthenticated | StoreError::TenantNotFound | StoreError::TenantSuspended => {
            IdentityError::KeyRefused
        }
        other => other.into(),
    })
}

/// Notes that a key is in use, at most every [`KeySettings::touch_every_ms`].
///
/// # Errors
/// The store's own. A tenant that is read-only or whose writer is busy is no error.
pub async fn key_touch(
    ctx: &TenantCtx,
    key: &LiveKey,
    settings: &KeySettings,
) -> Result<Touched, IdentityError> {
    // A clock that was set back must not write with every request.
    let lately = |at: Timestamp| ctx.now().since_ms(at) < settings.touch_every_ms;
    if key.last_used_at.is_some_and(lately) {
        return Ok(Touched::NotNow);
    }
    let (id, prefix) = (key.id, key.prefix);
    let touched = ctx
        .write(move |tx| {
            rows::secret_touch(&tx, prefix)?;
            let event = audit::Event::new(events::KEY_USED)
                .object("api_key", id)
                .detail(json!({ "prefix": prefix_text(&prefix) }));
            tx.commit(event, ())
        })
        .await;
    match touched {
        Ok(()) => Ok(Touched::Recorded),
        Err(StoreError::ReadOnly(_) | StoreError::Busy) => Ok(Touched::NotNow),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn about(action: audit::Action, key: &ApiKey) -> audit::Event {
    audit::Event::new(action).object("api_key", key.id)
}
