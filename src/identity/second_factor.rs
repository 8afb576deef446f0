//! The second factor: enrolled by its person, shown after the password, and shown again before
//! what matters most.
//!
//! A code counts once, at most three are tried within a step of 30 seconds, and wrong ones slow
//! down the next as wrong passwords do. Ten recovery codes stand in for a lost authenticator.

use audit::{Event, Outcome};
use base::{SessionId, Timestamp, UserId};
use policy::{Permit, profile, users};
use serde_json::json;
use store::{CredentialKey, GuessRow, TenantCtx, WriteTx, grants_of, guesses_get, guesses_put};

use crate::factor_codes::{Enrolment, FactorCode, RecoveryCodes, recovery_hash};
use crate::guesses::GuessTurn;
use crate::sessions::Secret;
use crate::store_credentials::session_show_factor;
use crate::store_families::end_all;
use crate::store_keys::keys_revoke_all_of;
use crate::totp::{STEP_S, TotpSecret, digits_of, step_of};
use crate::user_rules::is_within_reach;
use crate::{
    CookieValue, IdentityError, Password, Passwords, events, store_factors as rows, store_users,
};

/// Codes that may be tried within one step of 30 seconds.
const TRIES_PER_STEP: u32 = 3;

/// An enrolment that was not confirmed is to be begun anew after a quarter of an hour.
const ENROLMENT_KEPT_MS: i64 = 15 * 60 * 1000;

/// A reset that nobody confirmed is forgotten after a day.
const RESET_KEPT_MS: i64 = 24 * 60 * 60 * 1000;

/// What one may know about one's own second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FactorState {
    /// Whether it is enrolled.
    pub enrolled: bool,
    /// Recovery codes that still count.
    pub recovery_codes_left: u32,
}

/// One's own second factor.
///
/// # Errors
/// [`IdentityError::PersonRequired`] without a person behind the context, or the store's own.
pub async fn factor_get(permit: Permit<'_, profile::Read>) -> Result<FactorState, IdentityError> {
    let ctx = permit.ctx();
    let user = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    ctx.read(move |tx| {
        Ok(FactorState {
            enrolled: rows::factor_get(tx, user)?.is_some_and(|factor| factor.confirmed),
            recovery_codes_left: rows::recovery_codes_left(tx, user)?,
        })
    })
    .await
}

/// Begins to enrol a second factor. The password is asked for, so that nobody who finds an open
/// session binds the account to a device of theirs.
///
/// # Errors
/// [`IdentityError::FactorEnrolled`] when there is one already; [`IdentityError::Invalid`] for a
/// wrong `current_password`, [`IdentityError::GuessDelayed`] after too many of them;
/// [`IdentityError::PersonRequired`], [`IdentityError::Busy`], or the store's own.
pub async fn factor_begin(
    permit: Permit<'_, profile::Change>,
    passwords: &Passwords,
    current: Password,
) -> Result<Enrolment, IdentityError> {
    let ctx = permit.ctx();
    let user = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    crate::profile::check_own_password(ctx, passwords, user, current).await?;
    let secret = TotpSecret::generate(ctx.entropy())?;
    ctx.write(move |tx| {
        let person = store_users::user_get(&tx, user)?.ok_or(IdentityError::UserNotFound)?;
        if rows::factor_get(&tx, user)?.is_some_and(|factor| factor.confirmed) {
            return Err(IdentityError::FactorEnrolled);
        }
        rows::factor_begin(&tx, user, &secret)?;
        let enrolment = Enrolment::new(&secret, person.email.as_str());
        Ok(tx.commit(events::about(events::FACTOR_BEGUN, user), enrolment)?)
    })
    .await
}

/// Ends an enrolment with a first code of the authenticator. Other sessions and all tokens end:
/// from now on they would need the factor.
///
/// # Errors
/// [`IdentityError::FactorNotBegun`]; [`IdentityError::FactorEnrolled`];
/// [`IdentityError::FactorRefused`] for a wrong code and [`IdentityError::FactorDelayed`] after too
/// many; [`IdentityError::PersonRequired`], or the store's own.
pub async fn factor_confirm(
    permit: Permit<'_, profile::Change>,
    passwords: &Passwords,
    session: Option<SessionId>,
    code: FactorCode,
) -> Result<RecoveryCodes, IdentityError> {
    let ctx = permit.ctx();
    let user = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    let codes = RecoveryCodes::generate(ctx.entropy())?;
    let hashes = codes.hashes();
    show(ctx, passwords, user, code, Wanted::Enrolment, move |tx| {
        rows::recovery_codes_set(tx, user, &hashes)?;
        if let Some(session) = session {
            session_show_factor(tx, session, user, None)?;
        }
        let mut ended = end_all(tx, user, session)?;
        ended.keys = keys_revoke_all_of(tx, user)?;
        Ok(events::about(events::FACTOR_ENROLLED, user).detail(ended.facts()))
    })
    .await?;
    Ok(codes)
}

/// Shows the factor in a session: after the password, or again before what matters. The session gets
/// another secret, so that a cookie from before is worth nothing (OWASP ASVS 5.0, 7.2.4).
///
/// # Errors
/// [`IdentityError::FactorNotEnrolled`]; [`IdentityError::FactorRefused`] for a wrong code and
/// [`IdentityError::FactorDelayed`] after too many; [`IdentityError::PersonRequired`], or the
/// store's own.
pub async fn factor_show(
    ctx: &TenantCtx,
    passwords: &Passwords,
    session: SessionId,
    code: FactorCode,
) -> Result<CookieValue, IdentityError> {
    let user = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    let secret = Secret::generate(ctx.entropy())?;
    let hash = secret.hash();
    show(ctx, passwords, user, code, Wanted::Proof, move |tx| {
        if !session_show_factor(tx, session, user, Some(hash))? {
            return Err(IdentityError::Unauthenticated);
        }
        Ok(events::about(events::FACTOR_SHOWN, user).detail(json!({ "session": session })))
    })
    .await?;
    Ok(secret.cookie(ctx.tenant_id()))
}

/// Makes new recovery codes in place of all earlier ones. The caller has seen to it that the factor
/// was shown lately.
///
/// # Errors
/// [`IdentityError::FactorNotEnrolled`], [`IdentityError::PersonRequired`], or the store's own.
pub async fn recovery_codes_renew(
    permit: Permit<'_, profile::ChangeFactor>,
) -> Result<RecoveryCodes, IdentityError> {
    let ctx = permit.ctx();
    let user = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    let codes = RecoveryCodes::generate(ctx.entropy())?;
    let hashes = codes.hashes();
    ctx.write(move |tx| {
        if !rows::factor_get(&tx, user)?.is_some_and(|factor| factor.confirmed) {
            return Err(IdentityError::FactorNotEnrolled);
        }
        rows::recovery_codes_set(&tx, user, &hashes)?;
        Ok(tx.commit(events::about(events::RECOVERY_CODES_RENEWED, user), ())?)
    })
    .await?;
    Ok(codes)
}

/// Gives up one's own factor, for another authenticator say. The caller has seen to it that it was
/// shown lately. Where the role needs one, another must be enrolled before anything else.
///
/// # Errors
/// [`IdentityError::FactorNotEnrolled`], [`IdentityError::PersonRequired`], or the store's own.
pub async fn factor_remove(permit: Permit<'_, profile::ChangeFactor>) -> Result<(), IdentityError> {
    let ctx = permit.ctx();
    let user = ctx.user_id().ok_or(IdentityError::PersonRequired)?;
    ctx.write(move |tx| {
        if !rows::factor_delete(&tx, user)? {
            return Err(IdentityError::FactorNotEnrolled);
        }
        Ok(tx.commit(events::about(events::FACTOR_REMOVED, user), ())?)
    })
    .await
}

/// What became of a request to reset somebody's factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FactorReset {
    /// It is gone; the person's sessions and tokens with it.
    Done,
    /// Another administrator must ask for the same within a day.
    SecondAdministratorNeeded,
}

/// Takes somebody's factor away who has lost it. Where the tenant has two administrators besides the
/// person, two of them must ask for it; a third party with one stolen account can't.
///
/// # Errors
/// [`IdentityError::UserNotFound`]; [`IdentityError::FactorNotEnrolled`];
/// [`IdentityError::OwnAccount`], because one's own is removed by showing it;
/// [`IdentityError::OutOfReach`] for a person who may see more than the caller;
/// [`IdentityError::PersonRequired`] where two are needed and the caller is nobody in particular; or
/// the store's own.
pub async fn user_reset_factor(
    permit: Permit<'_, users::Change>,
    id: UserId,
) -> Result<FactorReset, IdentityError> {
    let ctx = permit.ctx();
    let (principal, own) = (ctx.principal().clone(), ctx.user_id());
    let ceiling = ctx.withheld_permissions();
    ctx.write(move |tx| {
        let user = store_users::user_get(&tx, id)?.ok_or(IdentityError::UserNotFound)?;
        if own == Some(id) {
            return Err(IdentityError::OwnAccount { field: "second_factor" });
        }
        let grants = grants_of(&tx, id, user.role, &ceiling)?;
        if !is_within_reach(&principal, &user.rights(), &grants) {
            return Err(IdentityError::OutOfReach);
        }
        if !rows::factor_get(&tx, id)?.is_some_and(|factor| factor.confirmed) {
            return Err(IdentityError::FactorNotEnrolled);
        }
        if rows::other_admins(&tx, id)? >= 2 {
            let own = own.ok_or(IdentityError::PersonRequired)?;
            let asked = rows::reset_get(&tx, id)?
                .filter(|(_, at)| tx.now().since_ms(*at).abs() <= RESET_KEPT_MS);
            if asked.is_none_or(|(by, _)| by == own) {
                rows::reset_request(&tx, id, own)?;
                let event = events::about(events::FACTOR_RESET_REQUESTED, id);
                return Ok(tx.commit(event, FactorReset::SecondAdministratorNeeded)?);
            }
        }
        rows::factor_delete(&tx, id)?;
        let mut ended = end_all(&tx, id, None)?;
        ended.keys = keys_revoke_all_of(&tx, id)?;
        let event = events::about(events::FACTOR_RESET, id).detail(ended.facts());
        Ok(tx.commit(event, FactorReset::Done)?)
    })
    .await
}

/// What a code is shown for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// To confirm that the authenticator has the secret; recovery codes do not count yet.
    Enrolment,
    /// To prove who it is.
    Proof,
}

/// Checks a code and, when it is right, carries out `then` in the same commit. A wrong one is
/// counted and recorded before anybody hears of it.
async fn show(
    ctx: &TenantCtx,
    passwords: &Passwords,
    user: UserId,
    code: FactorCode,
    wanted: Wanted,
    then: impl FnOnce(&WriteTx<'_>) -> Result<Event, IdentityError> + Send + 'static,
) -> Result<(), IdentityError> {
    let realm = ctx.tenant_id();
    let mut turn = passwords.guard().turn(realm.as_bytes(), &format!("factor:{user}")).await;
    let key = *turn.key();
    let guesses = ctx.read(move |tx| Ok::<_, IdentityError>(guesses_get(tx, &key)?)).await?;
    turn.admit(guesses.as_ref(), ctx.now())?;
    let judged = ctx
        .write(move |tx| {
            let factor = rows::factor_get(&tx, user)?;
            let factor = match (factor, wanted) {
                (None, Wanted::Enrolment) => return Err(IdentityError::FactorNotBegun),
                (Some(f), Wanted::Enrolment) if f.confirmed => {
                    return Err(IdentityError::FactorEnrolled);
                }
                (Some(f), Wanted::Enrolment)
                    if tx.now().since_ms(f.begun_at).abs() > ENROLMENT_KEPT_MS =>
                {
                    return Err(IdentityError::FactorNotBegun);
                }
                (Some(f), Wanted::Proof) if !f.confirmed => {
                    return Err(IdentityError::FactorNotEnrolled);
                }
                (None, Wanted::Proof) => return Err(IdentityError::FactorNotEnrolled),
                (Some(factor), _) => factor,
            };
            judge(&tx, user, &factor, &code, wanted)?;
            let event = then(&tx)?;
            if let Some(known) = guesses {
                guesses_put(&tx, &key, &crate::GuessSettings::after_success(known))?;
            }
            Ok(tx.commit(event, ())?)
        })
        .await;
    match judged {
        Ok(()) => {
            turn.succeeded(guesses);
            Ok(())
        }
        Err(IdentityError::FactorRefused) => {
            note_refusal(ctx, turn, user, (key, guesses)).await?;
            Err(IdentityError::FactorRefused)
        }
        Err(error) => Err(error),
    }
}

fn judge(
    tx: &WriteTx<'_>,
    user: UserId,
    factor: &rows::FactorRow,
    code: &FactorCode,
    wanted: Wanted,
) -> Result<(), IdentityError> {
    let step = step_of(tx.now());
    if factor.tried_step == step && factor.tries >= TRIES_PER_STEP {
        let next_s = (step + 1).saturating_mul(STEP_S);
        let wait_ms = Timestamp::from_unix_ms(next_s.saturating_mul(1000)).since_ms(tx.now());
        return Err(IdentityError::FactorDelayed { wait_ms: u64::try_from(wait_ms).unwrap_or(0) });
    }
    if let Some(digits) = digits_of(code.as_str()) {
        // A clock that ran ahead took codes of steps to come: they are no bar for those of now.
        let after = if factor.last_step > step + 1 { step - 2 } else { factor.last_step };
        let taken = factor.secret.matching_step(&digits, tx.now(), after);
        rows::factor_taken(tx, user, taken.ok_or(IdentityError::FactorRefused)?)?;
        return Ok(());
    }
    let hash = recovery_hash(code.as_str());
    if wanted == Wanted::Proof && rows::recovery_code_use(tx, user, &hash)? {
        return Ok(());
    }
    Err(IdentityError::FactorRefused)
}

async fn note_refusal(
    ctx: &TenantCtx,
    mut turn: GuessTurn,
    user: UserId,
    (key, guesses): (CredentialKey, Option<GuessRow>),
) -> Result<(), IdentityError> {
    let guesses = turn.failed(guesses, ctx.now());
    ctx.write(move |tx| {
        if let Some(factor) = rows::factor_get(&tx, user)? {
            let step = step_of(tx.now());
            let before = if factor.tried_step == step { factor.tries } else { 0 };
            rows::factor_refused(&tx, user, step, before.saturating_add(1))?;
        }
        guesses_put(&tx, &key, &guesses)?;
        let event = events::about(events::FACTOR_REFUSED, user)
            .outcome(Outcome::Denied)
            .detail(json!({ "in_a_row": guesses.failures, "delay_ms": guesses.delay_ms }));
        Ok(tx.commit(event, ())?)
    })
    .await
}
