//! Where people are signed in: their live sessions and tokens, and ending them.

use base::{SessionId, Timestamp, TokenFamilyId, TokenId, UserId};
use policy::{Permit, profile, sessions};
use serde_json::{Value, json};
use store::WriteTx;

use crate::store_credentials as rows;
use crate::store_families::{end_all, family_list, family_of_token, family_revoke};
use crate::{
    ApiToken, IdentityError, RefreshSettings, SessionSettings, TokenFamily, events, logout,
    store_users,
};

/// A live browser session, as it is listed. Its secret is nowhere kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last seen, as recorded: every few minutes at most.
    pub last_seen_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
}

/// Where somebody is signed in.
#[derive(Clone, Debug)]
pub struct SignedInPlaces {
    /// Live browser sessions, newest first.
    pub sessions: Vec<Session>,
    /// Live tokens, newest first.
    pub tokens: Vec<ApiToken>,
    /// Live families of tokens, newest first.
    pub families: Vec<TokenFamily>,
}

/// What of somebody's is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All sessions, tokens and families of tokens.
    All,
    /// One session.
    Session(SessionId),
    /// One token; with the token that a family goes on with, the family.
    Token(TokenId),
    /// One family with its tokens.
    Family(TokenFamilyId),
}

/// How many ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Sessions.
    pub sessions: usize,
    /// Tokens.
    pub tokens: usize,
    /// Families of tokens.
    pub families: usize,
    /// API keys.
    pub keys: usize,
}

impl Ended {
    /// For the audit log.
    pub(crate) fn facts(self) -> Value {
        json!({
            "sessions_ended": self.sessions,
            "tokens_ended": self.tokens,
            "families_ended": self.families,
            "keys_ended": self.keys,
        })
    }
}

/// One's own live sessions, newest first.
///
/// # Errors
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn session_list(
    permit: Permit<'_, profile::Read>,
    settings: &SessionSettings,
) -> Result<Vec<Session>, IdentityError> {
    let ctx = permit.ctx();
    let user_id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    let (now, idle_ms) = (ctx.now(), settings.idle_ms);
    ctx.read(move |tx| Ok(rows::session_list(tx, user_id, now, idle_ms)?)).await
}

/// Ends one of one's own sessions.
///
/// # Errors
/// [`IdentityError::SessionNotFound`] when the person has no such live session,
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn session_end(
    permit: Permit<'_, profile::Change>,
    id: SessionId,
) -> Result<(), IdentityError> {
    match logout(permit.ctx(), id).await {
        Err(IdentityError::Unauthenticated) => Err(IdentityError::SessionNotFound),
        other => other,
    }
}

/// Where a person of the tenant is signed in.
///
/// # Errors
/// [`IdentityError::UserNotFound`], or the store's own.
pub async fn user_signed_in(
    permit: Permit<'_, sessions::Read>,
    user: UserId,
    settings: &SessionSettings,
    refresh: &RefreshSettings,
) -> Result<SignedInPlaces, IdentityError> {
    let ctx = permit.ctx();
    let (now, idle_ms, family_idle_ms) = (ctx.now(), settings.idle_ms, refresh.idle_ms);
    ctx.read(move |tx| {
        store_users::user_get(tx, user)?.ok_or(IdentityError::UserNotFound)?;
        Ok(SignedInPlaces {
            sessions: rows::session_list(tx, user, now, idle_ms)?,
            tokens: rows::token_list(tx, user, now)?,
            families: family_list(tx, user, now, family_idle_ms)?,
        })
    })
    .await
}

/// Signs a person of the tenant out: of one place, or of all. Whoever may see less than they do may
/// do it too, for nothing is gained by it but safety.
///
/// # Errors
/// [`IdentityError::UserNotFound`]; [`IdentityError::SessionNotFound`],
/// [`IdentityError::TokenNotFound`] or [`IdentityError::FamilyNotFound`] when the person has no such live one; or the store's own.
pub async fn user_sign_out(
    permit: Permit<'_, sessions::Revoke>,
    user: UserId,
    ending: Ending,
) -> Result<Ended, IdentityError> {
    permit
        .ctx()
        .write(move |tx| {
            store_users::user_get(&tx, user)?.ok_or(IdentityError::UserNotFound)?;
            let ended = end(&tx, user, ending)?;
            let which = match ending {
                Ending::All => json!("all"),
                Ending::Session(id) => json!({ "session": id }),
                Ending::Token(id) => json!({ "token": id }),
                Ending::Family(id) => json!({ "token_family": id }),
            };
            let event = events::about(events::USER_SIGNED_OUT, user)
                .detail(ended.facts())
                .detail_also("which", which);
            Ok(tx.commit(event, ended)?)
        })
        .await
}

fn end(tx: &WriteTx<'_>, user: UserId, ending: Ending) -> Result<Ended, IdentityError> {
    match ending {
        Ending::All => Ok(end_all(tx, user, None)?),
        Ending::Session(id) if rows::session_revoke(tx, id, user)? => {
            Ok(Ended { sessions: 1, ..Ended::default() })
        }
        Ending::Session(_) => Err(IdentityError::SessionNotFound),
        Ending::Token(id) => end_token(tx, user, id),
        Ending::Family(id) => family_revoke(tx, id, user)?.ok_or(IdentityError::FamilyNotFound),
    }
}

/// Ends a token. Where a family goes on with it, the family ends too: who takes a token away does not
/// mean until its next exchange.
pub(crate) fn end_token(
    tx: &WriteTx<'_>,
    user: UserId,
    id: TokenId,
) -> Result<Ended, IdentityError> {
    let family = family_of_token(tx, id, user)?;
    if !rows::token_revoke(tx, id, user)? {
        return Err(IdentityError::TokenNotFound);
    }
    let with_it = match family {
        Some(family) => family_revoke(tx, family, user)?.unwrap_or_default(),
        None => Ended::default(),
    };
    Ok(Ended { tokens: with_it.tokens + 1, ..with_it })
}
