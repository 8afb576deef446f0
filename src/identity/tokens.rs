//! API tokens: signed by the appliance, recorded when issued, so that each can be revoked.

use std::fmt;

use base::{Role, TenantId, Timestamp, TokenId};
use policy::{Permit, tokens};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{LiveToken, Store, StoreError, TenantScope};
use zeroize::Zeroizing;

use crate::issuer::Claims;
use crate::jwt::TokenFault;
use crate::store_credentials::{self as rows, NewTokenRow};
use crate::{IdentityError, TokenSigner, TokenVerifier, events, store_users};

/// Longest life of a token, in seconds (90 days).
pub const TOKEN_LIFETIME_MAX_S: i64 = 90 * 24 * 60 * 60;

/// Shortest life of a token, in seconds.
pub const TOKEN_LIFETIME_MIN_S: i64 = 60;

/// Most live tokens of one person.
pub const TOKENS_PER_PERSON_MAX: u32 = 50;

/// A token to be issued.
#[derive(Clone, Copy, Debug)]
pub struct TokenInput {
    /// The role that it carries, at most one's own; one's own when `None`.
    pub role: Option<Role>,
    /// How long it lives, in seconds.
    pub lifetime_s: i64,
    /// When the person last showed their second factor, if they have one: the token counts as if it
    /// had been shown with it.
    pub factor_shown_at: Option<Timestamp>,
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
}

/// A token that was issued, to be shown this once.
pub struct IssuedToken {
    /// What was recorded about it.
    pub recorded: ApiToken,
    token: Zeroizing<String>,
}

impl IssuedToken {
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
    let role = input.role.unwrap_or(ctx.rights().role);
    if role > ctx.rights().role {
        return Err(IdentityError::AboveOwn { field: "role" });
    }
    let now = ctx.now();
    let issued_at_s = now.unix_s();
    let expires_at_s = issued_at_s + input.lifetime_s;
    let recorded = ApiToken {
        id: TokenId::new(now, ctx.entropy())?,
        role,
        issued_at: Timestamp::from_unix_ms(issued_at_s * 1000),
        expires_at: Timestamp::from_unix_ms(expires_at_s * 1000),
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
        token_hash: hash(&token),
        factor_shown_at: input.factor_shown_at,
    };
    ctx.write(move |tx| {
        let user = store_users::user_get(&tx, user_id)?.ok_or(IdentityError::UserNotFound)?;
        if user.must_change_password {
            return Err(IdentityError::PasswordChangeRequired);
        }
        rows::tokens_forget_ended(&tx)?;
        let live = rows::token_list(&tx, user_id, tx.now())?.len();
        if live >= TOKENS_PER_PERSON_MAX as usize {
            return Err(IdentityError::TooManyTokens { limit: TOKENS_PER_PERSON_MAX });
        }
        rows::token_insert(&tx, &row)?;
        let event =
            audit::Event::new(events::TOKEN_ISSUED).object("token", recorded.id).after(json!({
                "user": user_id,
                "role": role.as_str(),
                "expires_at": recorded.expires_at,
            }));
        Ok::<_, IdentityError>(tx.commit(event, ())?)
    })
    .await?;
    Ok(IssuedToken { recorded, token })
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

/// Revokes one of one's own tokens: it counts no more from the next request on.
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
        if !rows::token_revoke(&tx, id, user_id)? {
            return Err(IdentityError::TokenNotFound);
        }
        let event = audit::Event::new(events::TOKEN_REVOKED).object("token", id);
        Ok(tx.commit(event, ())?)
    })
    .await
}

/// The scope behind a bearer token: signature, claims and times by [`TokenVerifier`], then the
/// record of its issue and the person's present rights by the tenant's database.
///
/// # Errors
/// [`IdentityError::TokenRefused`] for every token that does not count, with the fault as source;
/// or the store's own.
pub async fn authenticate_bearer(
    store: &Store,
    verifier: &TokenVerifier,
    bearer: &str,
) -> Result<(TenantScope, LiveToken), IdentityError> {
    let claims = verifier.verify(bearer, store.now()).map_err(IdentityError::TokenRefused)?;
    let (scope, token) = find(store, claims.tenant_id, claims.token_id, hash(bearer)).await?;
    // The record is of the whole token, so this can't differ; if it ever does, nobody gets in.
    if scope.principal().user_id != Some(claims.user_id) {
        return Err(IdentityError::TokenRefused(TokenFault::NotRecorded));
    }
    Ok((scope, token))
}

async fn find(
    store: &Store,
    tenant_id: TenantId,
    id: TokenId,
    token_hash: [u8; 32],
) -> Result<(TenantScope, LiveToken), IdentityError> {
    store.scope_from_token(tenant_id, id, token_hash).await.map_err(|error| match error {
        StoreError::Unauthenticated | StoreError::TenantNotFound | StoreError::TenantSuspended => {
            IdentityError::TokenRefused(TokenFault::NotRecorded)
        }
        other => other.into(),
    })
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
