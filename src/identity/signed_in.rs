//! Where people are signed in: their live sessions and tokens, and ending them.

use base::{SessionId, Timestamp, TokenId, UserId};
use policy::{Permit, profile, sessions};
use serde_json::json;

use crate::store_credentials as rows;
use crate::{ApiToken, IdentityError, SessionSettings, events, logout, store_users};

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
}

/// What of somebody's is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// All sessions and tokens.
    All,
    /// One session.
    Session(SessionId),
    /// One token.
    Token(TokenId),
}

/// How many ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Sessions.
    pub sessions: usize,
    /// Tokens.
    pub tokens: usize,
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
) -> Result<SignedInPlaces, IdentityError> {
    let ctx = permit.ctx();
    let (now, idle_ms) = (ctx.now(), settings.idle_ms);
    ctx.read(move |tx| {
        store_users::user_get(tx, user)?.ok_or(IdentityError::UserNotFound)?;
        Ok(SignedInPlaces {
            sessions: rows::session_list(tx, user, now, idle_ms)?,
            tokens: rows::token_list(tx, user, now)?,
        })
    })
    .await
}

/// Signs a person of the tenant out: of one place, or of all. Whoever may see less than they do may
/// do it too, for nothing is gained by it but safety.
///
/// # Errors
/// [`IdentityError::UserNotFound`]; [`IdentityError::SessionNotFound`] or
/// [`IdentityError::TokenNotFound`] when the person has no such live one; or the store's own.
pub async fn user_sign_out(
    permit: Permit<'_, sessions::Revoke>,
    user: UserId,
    ending: Ending,
) -> Result<Ended, IdentityError> {
    permit
        .ctx()
        .write(move |tx| {
            store_users::user_get(&tx, user)?.ok_or(IdentityError::UserNotFound)?;
            let ended = match ending {
                Ending::All => Ended {
                    sessions: rows::sessions_revoke_all_of(&tx, user, None)?,
                    tokens: rows::tokens_revoke_all_of(&tx, user)?,
                },
                Ending::Session(id) if rows::session_revoke(&tx, id, user)? => {
                    Ended { sessions: 1, tokens: 0 }
                }
                Ending::Session(_) => return Err(IdentityError::SessionNotFound),
                Ending::Token(id) if rows::token_revoke(&tx, id, user)? => {
                    Ended { sessions: 0, tokens: 1 }
                }
                Ending::Token(_) => return Err(IdentityError::TokenNotFound),
            };
            let which = match ending {
                Ending::All => json!("all"),
                Ending::Session(id) => json!({ "session": id }),
                Ending::Token(id) => json!({ "token": id }),
            };
            let event = events::about(events::USER_SIGNED_OUT, user).detail(json!({
                "which": which,
                "sessions_ended": ended.sessions,
                "tokens_ended": ended.tokens,
            }));
            Ok(tx.commit(event, ended)?)
        })
        .await
}
