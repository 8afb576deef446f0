//! API tokens: signed by the appliance, recorded when issued, so that each can be revoked.

use std::fmt;

use base::{Role, Timestamp, TokenFamilyId, TokenId, UserId};
use policy::{Permit, tokens};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{
    LiveToken, Store, StoreError, TenantCtx, TenantScope, WriteTx, credentials_forget_ended,
};
use zeroize::Zeroizing;

use crate::issuer::{Claims, Verified};
use crate::jwt::TokenFault;
use crate::refresh::{FAMILIES_PER_PERSON_MAX, IssuedRefresh, RefreshToken, TokenFamily};
use crate::sessions::Secret;
use crate::signed_in::end_token;
use crate::store_credentials::{self as rows, NewTokenRow};
use crate::store_families::{self as families, NewFamilyRow};
use crate::{IdentityError, RefreshSettings, TokenSigner, TokenVerifier, events, store_users};

/// Longest life of a token, in seconds (90 days).
pub const TOKEN_LIFETIME_MAX_S: i64 = 90 * 24 * 60 * 60;

/// Shortest life of a token, in seconds.
pub const TOKEN_LIFETIME_MIN_S: i64 = 60;

/// Most live tokens of one person.
pub const TOKENS_PER_PERSON_MAX: u32 = 50;

/// A token to be issued.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokenInput {
    /// The role that it carries, at most one's own; one's own when `None`.
    pub role: Option<Role>,
    /// How long it lives, in seconds.
    pub lifetime_s: i64,
    /// When the person last showed their second factor, if they have one: the token counts as if it
    /// had been shown with it.
    pub factor_shown_at: Option<Timestamp>,
    /// Begins a family with a refresh token, which may live so long.
    pub refresh: Option<RefreshSettings>,
    /// The family of the token that asks for this one: the new one belongs to it and ends with it.
    pub family: Option<TokenFamilyId>,
}

/// A recorded token, as its person sees it. The token itself is nowhere kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiToken {
    /// `jti` of the token.
    pub id: TokenId,
    /// The role that it carries; the weaker of it and the person's own counts.
    pub role: Role,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The family that it came of, if it came of one.
    pub family_id: Option<TokenFamilyId>,
}

/// A token that was issued, to be shown this once.
pub struct IssuedToken {
    /// What was recorded about it.
    pub recorded: ApiToken,
    /// The refresh token that goes with it, if one was asked for.
    pub refresh: Option<IssuedRefresh>,
    token: Zeroizing<String>,
}

impl IssuedToken {
    pub(crate) const fn new(
        recorded: ApiToken,
        token: Zeroizing<String>,
        refresh: Option<IssuedRefresh>,
    ) -> Self {
        Self { recorded, refresh, token }
    }

    /// The token, for the `Authorization: Bearer` header.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.token
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuedToken({:?})", self.recorded)
    }
}

/// Issues a token that acts for the person behind the permit.
///
/// # Errors
/// [`IdentityError::Invalid`] for `lifetime_s`, [`IdentityError::AboveOwn`] for a role above one's
/// own, [`IdentityError::PasswordChangeRequired`], [`IdentityError::TooManyTokens`],
/// [`IdentityError::ForeignToken`] under a token of another issuer,
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn token_issue(
    permit: Permit<'_, tokens::Issue>,
    signer: &TokenSigner,
    input: TokenInput,
) -> Result<IssuedToken, IdentityError> {
    let ctx = permit.ctx();
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    if !(TOKEN_LIFETIME_MIN_S..=TOKEN_LIFETIME_MAX_S).contains(&input.lifetime_s) {
        return Err(IdentityError::invalid(
            "lifetime_s",
            "must be 60 (one minute) to 7776000 (90 days)",
        ));
    }
    if ctx.issuer().is_some() {
        return Err(IdentityError::ForeignToken);
    }
    let role = input.role.unwrap_or(ctx.rights().role);
    if role > ctx.rights().role {
        return Err(IdentityError::AboveOwn { field: "role" });
    }
    let ends_at = family_end(ctx, &input).await?;
    let now = ctx.now();
    let issued_at_s = now.unix_s();
    let latest_s = ends_at.map_or(i64::MAX, Timestamp::unix_s).max(issued_at_s + 1);
    let expires_at_s = (issued_at_s + input.lifetime_s).min(latest_s);
    let id = TokenId::new(now, ctx.entropy())?;
    let begun = match input.refresh {
        Some(settings) => Some(begin_family(ctx, &input, settings, (user_id, role, id))?),
        None => None,
    };
    let (family_row, refresh) = begun.unzip();
    let recorded = ApiToken {
        id,
        role,
        issued_at: Timestamp::from_unix_ms(issued_at_s * 1000),
        expires_at: Timestamp::from_unix_ms(expires_at_s * 1000),
        family_id: family_row.as_ref().map(|row| row.family.id).or(input.family),
    };
    let token = signer.sign(&Claims {
        user_id,
        tenant_id: ctx.tenant_id(),
        role,
        token_id: recorded.id,
        issued_at_s,
        expires_at_s,
    })?;
    let row = NewTokenRow {
        token: recorded,
        user_id,
        token_hash: token_hash(&token),
        factor_shown_at: input.factor_shown_at,
    };
    ctx.write(move |tx| {
        record(&tx, &row, family_row.as_ref())?;
        let event =
            audit::Event::new(events::TOKEN_ISSUED).object("token", recorded.id).after(json!({
                "user": user_id,
                "role": role.as_str(),
                "expires_at": recorded.expires_at,
                "family": recorded.family_id,
            }));
        Ok::<_, IdentityError>(tx.commit(event, ())?)
    })
    .await?;
    Ok(IssuedToken::new(recorded, token, refresh))
}

/// A family that begins with the access token `id`: what is to be kept of it, and its refresh token.
fn begin_family(
    ctx: &TenantCtx,
    input: &TokenInput,
    settings: RefreshSettings,
    (user_id, role, id): (UserId, Role, TokenId),
) -> Result<(NewFamilyRow, IssuedRefresh), IdentityError> {
    let (now, secret) = (ctx.now(), Secret::generate(ctx.entropy())?);
    let family = TokenFamily {
        id: TokenFamilyId::new(now, ctx.entropy())?,
        role,
        created_at: now,
        last_used_at: now,
        expires_at: now.plus_ms(settings.absolute_ms),
    };
    let row = NewFamilyRow {
        family,
        user_id,
        access_token_id: id,
        access_lifetime_s: input.lifetime_s,
        refresh_hash: secret.hash(),
        factor_shown_at: input.factor_shown_at,
        idle_ms: settings.idle_ms,
    };
    let refresh = IssuedRefresh {
        token: RefreshToken::new(&secret, ctx.tenant_id()),
        family_id: family.id,
        expires_at: family.expires_at,
    };
    Ok((row, refresh))
}

/// When the family ends that the new token belongs to, if it belongs to one.
async fn family_end(
    ctx: &TenantCtx,
    input: &TokenInput,
) -> Result<Option<Timestamp>, IdentityError> {
    let now = ctx.now();
    match (input.family, input.refresh) {
        (Some(_), Some(_)) => {
            Err(IdentityError::invalid("refresh", "takes a sign-in, not a token of another one"))
        }
        (Some(family), None) => {
            let found = ctx
                .read(move |tx| Ok::<_, IdentityError>(families::family_end_of(tx, family, now)?));
            Ok(Some(found.await?.ok_or(IdentityError::FamilyNotFound)?))
        }
        (None, Some(settings)) => Ok(Some(now.plus_ms(settings.absolute_ms))),
        (None, None) => Ok(None),
    }
}

/// Writes a token, and the family that it begins, within the limits of one person.
fn record(
    tx: &WriteTx<'_>,
    row: &NewTokenRow,
    family: Option<&NewFamilyRow>,
) -> Result<(), IdentityError> {
    let user = store_users::user_get(tx, row.user_id)?.ok_or(IdentityError::UserNotFound)?;
    if user.must_change_password {
        return Err(IdentityError::PasswordChangeRequired);
    }
    credentials_forget_ended(tx)?;
    let live = rows::token_list(tx, row.user_id, tx.now())?.len();
    if live >= TOKENS_PER_PERSON_MAX as usize {
        return Err(IdentityError::TooManyTokens { limit: TOKENS_PER_PERSON_MAX });
    }
    if let Some(family) = family {
        let live = families::family_list(tx, row.user_id, tx.now(), family.idle_ms)?.len();
        if live >= FAMILIES_PER_PERSON_MAX as usize {
            return Err(IdentityError::TooManyTokens { limit: FAMILIES_PER_PERSON_MAX });
        }
        families::family_insert(tx, family)?;
    }
    Ok(rows::token_insert(tx, row)?)
}

/// One's own live tokens, newest first.
///
/// # Errors
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn token_list(permit: Permit<'_, tokens::Read>) -> Result<Vec<ApiToken>, IdentityError> {
    let ctx = permit.ctx();
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    let now = ctx.now();
    ctx.read(move |tx| Ok(rows::token_list(tx, user_id, now)?)).await
}

/// Revokes one of one's own tokens: it counts no more from the next request on. With the token that a
/// family goes on with, the family ends.
///
/// # Errors
/// [`IdentityError::TokenNotFound`] when the person has no such live token,
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn token_revoke(
    permit: Permit<'_, tokens::Revoke>,
    id: TokenId,
) -> Result<(), IdentityError> {
    let ctx = permit.ctx();
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    ctx.write(move |tx| {
        let ended = end_token(&tx, user_id, id)?;
        let event =
            audit::Event::new(events::TOKEN_REVOKED).object("token", id).detail(ended.facts());
        Ok(tx.commit(event, ())?)
    })
    .await
}

/// The scope behind a bearer token: signature, claims and times by [`TokenVerifier`], then the person's
/// present rights by the tenant's database; for the appliance's own tokens also the record of its
/// issue, for those of another issuer also whether the tenant is the issuer's.
///
/// # Errors
/// [`IdentityError::TokenRefused`] for every token that does not count, with the fault as source;
/// or the store's own.
pub async fn authenticate_bearer(
    store: &Store,
    verifier: &TokenVerifier,
    bearer: &str,
) -> Result<(TenantScope, LiveToken), IdentityError> {
    let verified = verifier.verify(bearer, store.now()).map_err(IdentityError::TokenRefused)?;
    let refused = |fault| Err(IdentityError::TokenRefused(fault));
    let (user_id, found) = match verified {
        Verified::Own(claims) => {
            let Claims { tenant_id, token_id, user_id, .. } = claims;
            (user_id, store.scope_from_token(tenant_id, token_id, token_hash(bearer)).await)
        }
        Verified::Federated(key, claim) => {
            if key.tenant_id(store) != Some(claim.tenant_id) {
                return refused(TokenFault::Tenant);
            }
            (claim.user_id, store.scope_from_federation(key, claim).await)
        }
    };
    match found {
        // What was recorded is the whole token, so this can't differ; if it ever does, nobody gets in.
        Ok((scope, _)) if scope.principal().user_id != Some(user_id) => {
            refused(TokenFault::NotRecorded)
        }
        Ok(found) => Ok(found),
        Err(
            StoreError::Unauthenticated | StoreError::TenantNotFound | StoreError::TenantSuspended,
        ) => refused(TokenFault::NotRecorded),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
