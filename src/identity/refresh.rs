//! Refresh tokens: an opaque secret that is exchanged for an access token and the next secret.
//!
//! What came of one sign-in is a family. A secret counts once; one that is shown again ends the whole
//! family, for then two have it and one of them is a thief. An answer that was lost on its way
//! therefore costs a sign-in, and nothing else.

use std::fmt;

use base::{RequestId, Role, TenantId, Timestamp, TokenFamilyId, TokenId};
use policy::{Permit, tokens};
use store::{AccessTokenRow, Exchange, Store, StoreError};
use zeroize::Zeroizing;

use crate::issuer::Claims;
use crate::sessions::Secret;
use crate::tokens::{ApiToken, IssuedToken, token_hash};
use crate::{IdentityError, TokenSigner, events, store_families as rows};

/// Most live families of one person.
pub const FAMILIES_PER_PERSON_MAX: u32 = 20;

/// How long families of tokens live.
#[derive(Clone, Copy, Debug)]
pub struct RefreshSettings {
    /// Without an exchange for so long, a family ends.
    pub idle_ms: i64,
    /// After so long a family ends in any case.
    pub absolute_ms: i64,
}

impl Default for RefreshSettings {
    fn default() -> Self {
        const DAY_MS: i64 = 24 * 60 * 60 * 1000;
        Self { idle_ms: 7 * DAY_MS, absolute_ms: 30 * DAY_MS }
    }
}

/// A live family of tokens, as it is listed. Its secrets are nowhere kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenFamily {
    /// Its id.
    pub id: TokenFamilyId,
    /// The role of its access tokens; the weaker of it and the person's own counts.
    pub role: Role,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When its refresh token was last exchanged.
    pub last_used_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

/// A refresh token: `<tenant uuid>.<32 random bytes in base64url>`. Overwritten when dropped; `Debug`
/// does not show it.
pub struct RefreshToken(Zeroizing<String>);

impl RefreshToken {
    pub(crate) fn new(secret: &Secret, tenant: TenantId) -> Self {
        Self(secret.text(tenant))
    }

    /// The token, for the answer that holds it this once.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken")
    }
}

/// The refresh token that goes with an access token.
#[derive(Debug)]
pub struct IssuedRefresh {
    /// The token, to be shown this once.
    pub token: RefreshToken,
    /// Its family.
    pub family_id: TokenFamilyId,
    /// When the family ends in any case.
    pub expires_at: Timestamp,
}

/// Exchanges a refresh token for an access token and the next refresh token; the earlier ones of the
/// family count no more. A second factor that was shown at sign-in stays with its time.
///
/// # Errors
/// [`IdentityError::RefreshRefused`] for everything that is not the unspent refresh token of a live
/// family of an active person in an active tenant; a spent one ends its family on the way and is
/// recorded. Or the store's own.
pub async fn token_refresh(
    store: &Store,
    signer: &TokenSigner,
    settings: &RefreshSettings,
    request_id: RequestId,
    presented: &str,
) -> Result<IssuedToken, IdentityError> {
    let (tenant_id, secret) = Secret::parse(presented).ok_or(IdentityError::RefreshRefused)?;
    let db = match store.credentials(tenant_id, request_id).await {
        Ok(db) => db,
        Err(StoreError::TenantNotFound | StoreError::TenantSuspended) => {
            return Err(IdentityError::RefreshRefused);
        }
        Err(error) => return Err(error.into()),
    };
    let hash = secret.hash();
    let found = db.refresh_find(hash, settings.idle_ms).await?;
    let found = found.ok_or(IdentityError::RefreshRefused)?;
    if found.spent {
        tracing::warn!(family.id = %found.family_id, "a spent refresh token was shown again");
        db.refresh_reused(found).await?;
        return Err(IdentityError::RefreshRefused);
    }
    let now = store.now();
    let issued_at_s = now.unix_s();
    let lasts_until_s = found.expires_at.unix_s().max(issued_at_s + 1);
    let expires_at_s = issued_at_s.saturating_add(found.access_lifetime_s).min(lasts_until_s);
    let recorded = ApiToken {
        id: TokenId::new(now, store.entropy())?,
        role: found.role,
        issued_at: Timestamp::from_unix_ms(issued_at_s * 1000),
        expires_at: Timestamp::from_unix_ms(expires_at_s * 1000),
        family_id: Some(found.family_id),
    };
    let claims = Claims {
        user_id: found.user_id,
        tenant_id,
        role: found.role,
        token_id: recorded.id,
        issued_at_s,
        expires_at_s,
    };
    let token = signer.sign(&claims)?;
    let next = Secret::generate(store.entropy())?;
    let access = AccessTokenRow {
        id: recorded.id,
        token_hash: token_hash(&token),
        role: recorded.role,
        issued_at: recorded.issued_at,
        expires_at: recorded.expires_at,
    };
    let exchange = Exchange { access, refresh_hash: next.hash() };
    if !db.refresh_exchange(hash, found, settings.idle_ms, exchange).await? {
        return Err(IdentityError::RefreshRefused);
    }
    let refresh = IssuedRefresh {
        token: RefreshToken::new(&next, tenant_id),
        family_id: found.family_id,
        expires_at: found.expires_at,
    };
    Ok(IssuedToken::new(recorded, token, Some(refresh)))
}

/// One's own live families, newest first.
///
/// # Errors
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn family_list(
    permit: Permit<'_, tokens::Read>,
    settings: &RefreshSettings,
) -> Result<Vec<TokenFamily>, IdentityError> {
    let ctx = permit.ctx();
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    let (now, idle_ms) = (ctx.now(), settings.idle_ms);
    ctx.read(move |tx| Ok(rows::family_list(tx, user_id, now, idle_ms)?)).await
}

/// Ends one of one's own families with all its tokens.
///
/// # Errors
/// [`IdentityError::FamilyNotFound`] when the person has no such live family,
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn family_revoke(
    permit: Permit<'_, tokens::Revoke>,
    id: TokenFamilyId,
) -> Result<(), IdentityError> {
    let ctx = permit.ctx();
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    ctx.write(move |tx| {
        let ended = rows::family_revoke(&tx, id, user_id)?.ok_or(IdentityError::FamilyNotFound)?;
        let event = audit::Event::new(events::FAMILY_REVOKED)
            .object("token_family", id)
            .detail(ended.facts());
        Ok(tx.commit(event, ())?)
    })
    .await
}
