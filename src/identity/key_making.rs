//! Making API keys and giving them another secret.

use std::fmt;

use base::{Actor, ApiKeyId, Timestamp};
use policy::{Permission, PermissionSet, Permit, effective, keys, may_be_scope};
use serde_json::json;
use store::TenantCtx;
use zeroize::Zeroizing;

use crate::api_keys::{DAY_MS, KEYS_PER_PERSON_MAX, about};
use crate::key_text::{KeyText, prefix_text};
use crate::store_keys::{self as rows, KeyRow, SecretRow};
use crate::{ApiKey, IdentityError, KeySecret, KeySettings, events, store_users};

/// Longest name of a key, in characters.
const NAME_MAX_CHARS: usize = 80;

/// Shortest life of a key, in seconds.
pub const KEY_LIFETIME_MIN_S: i64 = 60;

/// Longest time for which the former secret goes on after a rotation, in seconds.
pub const KEY_OVERLAP_MAX_S: i64 = 30 * 24 * 60 * 60;

/// A key to be made.
#[derive(Clone, Debug)]
pub struct KeyInput {
    /// What its person calls it.
    pub name: String,
    /// The names of the permissions that it may use.
    pub scopes: Vec<String>,
    /// How long it lives, in seconds; the configured time when `None`.
    pub lifetime_s: Option<i64>,
    /// Requests a minute, when it is to have a limit of its own.
    pub requests_per_minute: Option<u32>,
    /// When the person last showed their second factor, if they have one.
    pub factor_shown_at: Option<Timestamp>,
}

/// A rotation.
#[derive(Clone, Copy, Debug, Default)]
pub struct KeyRotation {
    /// How long the former secret goes on, in seconds; the configured time when `None`.
    pub overlap_s: Option<i64>,
    /// When the person last showed their second factor, if they have one.
    pub factor_shown_at: Option<Timestamp>,
}

/// A key with a secret that is to be shown this once.
pub struct MadeKey {
    /// What is kept of it.
    pub key: ApiKey,
    text: Zeroizing<String>,
}

impl MadeKey {
    /// The whole key, for the `Authorization: Bearer` header.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for MadeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MadeKey({:?})", self.key)
    }
}

/// Makes a key that acts for the person behind the permit.
///
/// # Errors
/// [`IdentityError::Invalid`] for a field; [`IdentityError::AboveOwn`] for a scope that one does not
/// have oneself; [`IdentityError::PasswordChangeRequired`], [`IdentityError::TooManyKeys`],
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn key_create(
    permit: Permit<'_, keys::Create>,
    settings: &KeySettings,
    input: KeyInput,
) -> Result<MadeKey, IdentityError> {
    let ctx = permit.ctx();
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    let name = checked_name(&input.name)?;
    let scopes = checked_scopes(ctx, &input.scopes)?;
    let lifetime_ms = checked_lifetime(settings, input.lifetime_s)?;
    check_rate(settings, input.requests_per_minute)?;
    let now = ctx.now();
    let text = KeyText::generate(ctx.tenant_id(), ctx.entropy())?;
    let key = ApiKey {
        id: ApiKeyId::new(now, ctx.entropy())?,
        user_id,
        name,
        scopes: scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        requests_per_minute: input.requests_per_minute,
        created_at: now,
        expires_at: now.plus_ms(lifetime_ms),
        secrets: vec![listed(&text, now)],
    };
    let factor_shown_at = factor_for(ctx, input.factor_shown_at);
    let row = KeyRow { key: key.clone(), lifetime_ms, factor_shown_at };
    let secret = SecretRow { prefix: text.prefix, secret_hash: text.hash() };
    ctx.write(move |tx| {
        let user = store_users::user_get(&tx, user_id)?.ok_or(IdentityError::UserNotFound)?;
        if user.must_change_password {
            return Err(IdentityError::PasswordChangeRequired);
        }
        rows::keys_forget_ended(&tx)?;
        if rows::key_list(&tx, user_id, tx.now())?.len() >= KEYS_PER_PERSON_MAX as usize {
            return Err(IdentityError::TooManyKeys { limit: KEYS_PER_PERSON_MAX });
        }
        rows::key_insert(&tx, &row)?;
        rows::secret_insert(&tx, row.key.id, secret)?;
        let event = about(events::KEY_CREATED, &row.key).after(json!({
            "user": user_id,
            "scopes": row.key.scopes,
            "expires_at": row.key.expires_at,
            "requests_per_minute": row.key.requests_per_minute,
            "prefix": prefix_text(&secret.prefix),
        }));
        Ok::<_, IdentityError>(tx.commit(event, ())?)
    })
    .await?;
    Ok(MadeKey { key, text: text.text() })
}

/// Gives one of one's own keys another secret and its whole time anew. The former secret goes on for
/// the overlap, or until it would have ended anyway, so that what uses the key can be changed
/// meanwhile; one before that ends at once.
///
/// # Errors
/// [`IdentityError::KeyNotFound`] when the person has no such live key;
/// [`IdentityError::AboveOwn`] when it has a scope that the caller does not have: a key with less
/// can't get hold of one with more; [`IdentityError::Invalid`] for `overlap_s`;
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn key_rotate(
    permit: Permit<'_, keys::Rotate>,
    settings: &KeySettings,
    id: ApiKeyId,
    rotation: KeyRotation,
) -> Result<MadeKey, IdentityError> {
    let ctx = permit.ctx();
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    let overlap_s = rotation.overlap_s.unwrap_or(settings.overlap_ms / 1000);
    if !(0..=KEY_OVERLAP_MAX_S).contains(&overlap_s) {
        return Err(IdentityError::invalid("overlap_s", "must be 0 to 2592000 (30 days)"));
    }
    let own = effective(ctx.principal());
    let factor_shown_at = factor_for(ctx, rotation.factor_shown_at);
    let text = KeyText::generate(ctx.tenant_id(), ctx.entropy())?;
    let secret = SecretRow { prefix: text.prefix, secret_hash: text.hash() };
    let lifetime_max_ms = settings.lifetime_max_ms;
    let key = ctx
        .write(move |tx| {
            let now = tx.now();
            let (before, lifetime_ms) =
                rows::key_get(&tx, id, user_id, now)?.ok_or(IdentityError::KeyNotFound)?;
            if !own.contains_all(before.permissions()) {
                return Err(IdentityError::AboveOwn { field: "scopes" });
            }
            let former_ends_at = before.expires_at.min(now.plus_ms(overlap_s * 1000));
            rows::secrets_end(&tx, id, former_ends_at)?;
            rows::secret_insert(&tx, id, secret)?;
            let expires_at = now.plus_ms(lifetime_ms.min(lifetime_max_ms));
            rows::key_renew(&tx, id, expires_at, factor_shown_at)?;
            let (after, _) =
                rows::key_get(&tx, id, user_id, now)?.ok_or(IdentityError::KeyNotFound)?;
            let facts = |key: &ApiKey| {
                let newest = key.secrets.first().map(|secret| secret.prefix.clone());
                json!({ "prefix": newest, "expires_at": key.expires_at })
            };
            let event = about(events::KEY_ROTATED, &before)
                .before(facts(&before))
                .after(facts(&after))
                .detail(json!({ "user": user_id, "former_ends_at": former_ends_at }));
            Ok::<_, IdentityError>(tx.commit(event, after)?)
        })
        .await?;
    Ok(MadeKey { key, text: text.text() })
}

fn listed(text: &KeyText, now: Timestamp) -> KeySecret {
    let prefix = prefix_text(&text.prefix);
    KeySecret { prefix, created_at: now, ends_at: None, last_used_at: None }
}

/// Whoever makes a key for somebody at the console holds the master key, which is more than a code.
fn factor_for(ctx: &TenantCtx, shown_at: Option<Timestamp>) -> Option<Timestamp> {
    shown_at.or_else(|| (ctx.actor() == Actor::Console).then(|| ctx.now()))
}

fn checked_name(name: &str) -> Result<String, IdentityError> {
    let name = name.trim();
    let chars = name.chars().count();
    if chars == 0 || chars > NAME_MAX_CHARS || name.chars().any(char::is_control) {
        return Err(IdentityError::invalid(
            "name",
            "must have 1 to 80 characters, none of them a control character",
        ));
    }
    Ok(name.to_owned())
}

fn checked_scopes(ctx: &TenantCtx, names: &[String]) -> Result<PermissionSet, IdentityError> {
    let mut scopes = Vec::new();
    for name in names {
        let scope: Permission = name.parse().map_err(|e: policy::PermissionUnknown| {
            IdentityError::invalid("scopes", e.to_string())
        })?;
        if !may_be_scope(scope) {
            let reason = format!("{scope} can't be a scope: it would reach beyond the key");
            return Err(IdentityError::invalid("scopes", reason));
        }
        scopes.push(scope);
    }
    if scopes.is_empty() {
        return Err(IdentityError::invalid("scopes", "must name at least one permission"));
    }
    let scopes = PermissionSet::of(&scopes);
    if effective(ctx.principal()).contains_all(scopes) {
        Ok(scopes)
    } else {
        Err(IdentityError::AboveOwn { field: "scopes" })
    }
}

fn checked_lifetime(settings: &KeySettings, lifetime_s: Option<i64>) -> Result<i64, IdentityError> {
    let max_s = settings.lifetime_max_ms / 1000;
    let Some(lifetime_s) = lifetime_s else {
        return Ok(settings.lifetime_ms.min(settings.lifetime_max_ms));
    };
    if (KEY_LIFETIME_MIN_S..=max_s).contains(&lifetime_s) {
        Ok(lifetime_s * 1000)
    } else {
        let days = settings.lifetime_max_ms / DAY_MS;
        let reason = format!("must be {KEY_LIFETIME_MIN_S} to {max_s} ({days} days)");
        Err(IdentityError::invalid("lifetime_s", reason))
    }
}

fn check_rate(settings: &KeySettings, per_minute: Option<u32>) -> Result<(), IdentityError> {
    let max = settings.requests_per_minute_max;
    match per_minute {
        Some(limit) if !(1..=max).contains(&limit) => {
            Err(IdentityError::invalid("requests_per_minute", format!("must be 1 to {max}")))
        }
        _ => Ok(()),
    }
}
