//! Signing in with a password.

use std::fmt;

use base::{RequestId, SessionId, TenantId, Timestamp, UserId};
use store::{NewSessionRow, SecondFactor, Store, StoreError, TenantCtx};

use crate::hashing::{PasswordHash, Verdict};
use crate::sessions::{Secret, session_find};
use crate::{
    CookieValue, Email, IdentityError, Password, Passwords, SessionSettings, User, events, logout,
    store_users,
};

/// What somebody types to sign in.
pub struct LoginInput {
    /// The tenant's slug; without one the appliance's only tenant is meant.
    pub tenant_slug: Option<String>,
    /// The e-mail address.
    pub email: String,
    /// The password.
    pub password: Password,
}

impl fmt::Debug for LoginInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An address that is typed here need not be an account's: it may be a misplaced password.
        f.write_str("LoginInput")
    }
}

/// A sign-in that succeeded.
#[derive(Debug)]
pub struct Login {
    /// For the cookie.
    pub cookie: CookieValue,
    /// The tenant.
    pub tenant_id: TenantId,
    /// The new session.
    pub session_id: SessionId,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// Who signed in.
    pub user: User,
    /// They still have a one-time password and must choose their own first.
    pub must_change_password: bool,
    /// How it stands with their second factor.
    pub second_factor: SecondFactor,
}

/// Signs somebody in. An unknown tenant, an unknown person, a wrong password and a disabled account
/// cost one check of a password and one commit each and get the same answer. Failures are recorded in
/// the tenant's audit log, or the appliance's where there is no such tenant, and make further guesses
/// wait as [`crate::GuessSettings`] says.
///
/// # Errors
/// [`IdentityError::InvalidCredentials`] for all of those; [`IdentityError::GuessDelayed`] before
/// anything is checked; [`IdentityError::Busy`], or the store's.
pub async fn login(
    store: &Store,
    passwords: &Passwords,
    request_id: RequestId,
    input: LoginInput,
    settings: &SessionSettings,
) -> Result<Login, IdentityError> {
    let tenant_id = match &input.tenant_slug {
        Some(slug) => store.tenant_id_by_slug(slug.trim()),
        None => store.only_tenant(),
    };
    let credentials = match tenant_id {
        Some(id) => match store.credentials(id, request_id).await {
            Ok(credentials) => Some((id, credentials)),
            Err(StoreError::TenantNotFound | StoreError::TenantSuspended) => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let email = Email::normalise(&input.email);
    let mut turn = match &credentials {
        Some((id, _)) => passwords.guard().turn(id.as_bytes(), &email).await,
        None => {
            let realm = input.tenant_slug.as_deref().unwrap_or_default();
            passwords.guard().turn(realm.trim().as_bytes(), &email).await
        }
    };
    let key = *turn.key();
    let (credential, guesses) = match &credentials {
        Some((_, db)) => (db.find_by_email(&email).await?, db.guesses(key).await?),
        None => (None, turn.remembered()),
    };
    turn.admit(guesses.as_ref(), store.now())?;
    let hash = credential.as_ref().map(|c| PasswordHash::from_row(c.password_hash.clone()));
    let typed = input.password.clone();
    let verdict = passwords.verify(input.password, hash.clone()).await?;
    let Some((tenant_id, db)) = credentials else {
        turn.failed(guesses, store.now());
        store.note_login_without_tenant(request_id).await?;
        return Err(IdentityError::InvalidCredentials);
    };
    let user_id = match credential {
        Some(known) if known.active && verdict == Verdict::Right => known.user_id,
        other => {
            let guesses = turn.failed(guesses, store.now());
            db.note_failure(other.map(|known| known.user_id), key, guesses).await?;
            return Err(IdentityError::InvalidCredentials);
        }
    };
    let secret = Secret::generate(store.entropy())?;
    let expires_at = store.now().plus_ms(settings.absolute_ms);
    let row = NewSessionRow { token_hash: secret.hash(), expires_at };
    let guesses = turn.succeeded(guesses).map(|guesses| (key, guesses));
    let session_id = db.open_session(user_id, row, guesses).await?;
    drop(turn);
    let (scope, session) = session_find(store, tenant_id, &secret, settings).await?;
    let ctx = store.enter(scope, request_id).await?;
    let now_has = move |tx: &store::ReadTx<'_>| -> Result<_, IdentityError> {
        let user = store_users::user_get(tx, user_id)?.ok_or(IdentityError::InvalidCredentials)?;
        Ok((user, store_users::password_get(tx, user_id)?))
    };
    let (user, present) = ctx.read(now_has).await?;
    if present != hash {
        // The password was changed while this one was checked, before the session was opened: the
        // sessions that were ended then did not include this one.
        logout(&ctx, session_id).await?;
        return Err(IdentityError::InvalidCredentials);
    }
    if let Some(old) = hash.filter(PasswordHash::is_outdated)
        && let Err(error) = hash_anew(&ctx, passwords, user_id, typed, old).await
    {
        // The old one goes on counting; the next sign-in tries again.
        let error: &dyn std::error::Error = &error;
        tracing::warn!(user.id = %user_id, error, "a password could not be hashed anew");
    }
    let must_change_password = user.must_change_password;
    let cookie = secret.cookie(tenant_id);
    let second_factor = session.second_factor;
    Ok(Login {
        cookie,
        tenant_id,
        session_id,
        expires_at,
        user,
        must_change_password,
        second_factor,
    })
}

/// Gives a password that was right a hash of today's parameters, unless it was changed meanwhile.
async fn hash_anew(
    ctx: &TenantCtx,
    passwords: &Passwords,
    user: UserId,
    typed: Password,
    old: PasswordHash,
) -> Result<(), IdentityError> {
    let hash = passwords.hash(typed, ctx.entropy()).await?;
    ctx.write(move |tx| {
        if !store_users::password_rehash(&tx, user, &old, &hash)? {
            return Err(IdentityError::UserNotFound);
        }
        Ok(tx.commit(events::about(events::PASSWORD_REHASHED, user), ())?)
    })
    .await
}
