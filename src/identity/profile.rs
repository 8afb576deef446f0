//! One's own account.

use audit::Outcome;
use base::{SessionId, UserId};
use policy::{Permit, profile};
use serde_json::json;
use store::{TenantCtx, guesses_get, guesses_put};

use crate::hashing::{PasswordHash, Verdict};
use crate::store_families::end_all;
use crate::store_users::{self, PasswordKind};
use crate::{DisplayName, IdentityError, Language, Password, Passwords, User, events};

/// What is to change about oneself; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct ProfileChange {
    /// What one is called.
    pub display_name: Option<DisplayName>,
    /// The language one is addressed in.
    pub language: Option<Language>,
}

/// A new password for oneself.
#[derive(Debug)]
pub struct PasswordChange {
    /// The present password.
    pub current: Password,
    /// The one to have from now on.
    pub new: Password,
    /// The session that goes on; all others end.
    pub keep_session: Option<SessionId>,
}

/// Oneself.
///
/// # Errors
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn profile_get(permit: Permit<'_, profile::Read>) -> Result<User, IdentityError> {
    let id = permit.ctx().user_id().ok_or(IdentityError::PersonRequired)?;
    let found = permit.ctx().read(move |tx| Ok::<_, IdentityError>(store_users::user_get(tx, id)?));
    found.await?.ok_or(IdentityError::UserNotFound)
}

/// Changes one's own name and language.
///
/// # Errors
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn profile_change(
    permit: Permit<'_, profile::Change>,
    change: ProfileChange,
) -> Result<User, IdentityError> {
    let id = permit.ctx().user_id().ok_or(IdentityError::PersonRequired)?;
    permit
        .ctx()
        .write(move |tx| {
            let before = store_users::user_get(&tx, id)?.ok_or(IdentityError::UserNotFound)?;
            let after = User {
                display_name: change.display_name.unwrap_or_else(|| before.display_name.clone()),
                language: change.language.unwrap_or_else(|| before.language.clone()),
                updated_at: tx.now(),
                ..before.clone()
            };
            store_users::user_update(&tx, &after)?;
            let (old, new, personal) = events::difference(&before, &after);
            let event = events::about(events::PROFILE_CHANGED, id)
                .before(old)
                .after(new)
                .detail(json!({ "personal_fields": personal }));
            Ok(tx.commit(event, after)?)
        })
        .await
}

/// Changes one's own password and ends one's other sessions, all tokens and families of tokens.
///
/// # Errors
/// [`IdentityError::Invalid`] for `current_password` when it is wrong (recorded) and for
/// `new_password` when it breaks a rule; [`IdentityError::GuessDelayed`] after too many wrong ones;
/// [`IdentityError::PersonRequired`], [`IdentityError::Busy`], or the store's own.
pub async fn change_own_password(
    permit: Permit<'_, profile::Change>,
    passwords: &Passwords,
    change: PasswordChange,
) -> Result<(), IdentityError> {
    let ctx = permit.ctx();
    let id = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    let person = ctx.read(move |tx| Ok::<_, IdentityError>(store_users::user_get(tx, id)?));
    let person = person.await?.ok_or(IdentityError::UserNotFound)?;
    let known = [person.email.as_str(), person.display_name.as_str()];
    change.new.check_rules("new_password", known)?;
    if change.new == change.current {
        return Err(IdentityError::invalid("new_password", "must differ from the present one"));
    }
    let present = check_own_password(ctx, passwords, id, change.current).await?;
    let hash = passwords.hash(change.new, ctx.entropy()).await?;
    let keep = change.keep_session;
    ctx.write(move |tx| {
        // It may have been reset while this was hashed; then what was checked is no longer it.
        if store_users::password_get(&tx, id)?.as_ref() != Some(&present) {
            return Err(wrong_current());
        }
        store_users::password_set(&tx, id, &hash, PasswordKind::Chosen)?;
        let ended = end_all(&tx, id, keep)?;
        let event = events::about(events::PASSWORD_CHANGED, id).detail(ended.facts());
        Ok(tx.commit(event, ())?)
    })
    .await
}

/// Checks the password of whoever is signed in; returns the hash that it was checked against. A
/// wrong one is counted and recorded.
pub(crate) async fn check_own_password(
    ctx: &TenantCtx,
    passwords: &Passwords,
    id: UserId,
    current: Password,
) -> Result<PasswordHash, IdentityError> {
    let email = ctx.read(move |tx| Ok::<_, IdentityError>(store_users::user_get(tx, id)?));
    let email = email.await?.ok_or(IdentityError::UserNotFound)?.email;
    // The same credential as at sign-in: who found an open session does not guess beside it.
    let realm = ctx.tenant_id();
    let mut turn = passwords.guard().turn(realm.as_bytes(), email.as_str()).await;
    let key = *turn.key();
    let known = move |tx: &store::ReadTx<'_>| -> Result<_, IdentityError> {
        Ok((store_users::password_get(tx, id)?, guesses_get(tx, &key)?))
    };
    let (present, guesses) = ctx.read(known).await?;
    let present = present.ok_or(IdentityError::UserNotFound)?;
    turn.admit(guesses.as_ref(), ctx.now())?;
    let verdict = passwords.verify(current, Some(present.clone())).await?;
    if verdict == Verdict::Wrong {
        let guesses = turn.failed(guesses, ctx.now());
        let refused = move |tx: store::WriteTx<'_>| -> Result<_, IdentityError> {
            guesses_put(&tx, &key, &guesses)?;
            let event = events::about(events::PASSWORD_REFUSED, id).outcome(Outcome::Denied);
            Ok(tx.commit(event, ())?)
        };
        ctx.write(refused).await?;
        return Err(wrong_current());
    }
    Ok(present)
}

fn wrong_current() -> IdentityError {
    IdentityError::invalid("current_password", "is not the present password")
}
