//! People of a tenant, as administrators keep them.

use base::limits::PAGE_MAX_ITEMS;
use base::{Classification, Role, UserId};
use policy::{Permit, effective_of, users};
use store::{TenantCtx, grants_of, guesses_get, guesses_put};

use crate::guesses::credential_key;
use crate::password::OneTimePassword;
use crate::signed_in::Ended;
use crate::store_families::end_all;
use crate::store_keys::{keys_revoke_all_of, keys_revoke_exceeding};
use crate::store_users::{self, PasswordKind};
use crate::user_rules::{check_grant, check_own, check_role, is_within_reach};
use crate::{
    DisplayName, Email, GuessSettings, IdentityError, Language, Passwords, User, UserStatus, events,
};

/// Most people that a tenant may have, disabled ones included.
pub const USERS_PER_TENANT_MAX: u32 = 10_000;

/// A person to be added.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// What they will sign in with; unique in the tenant.
    pub email: Email,
    /// What they are called.
    pub display_name: DisplayName,
    /// What they may do.
    pub role: Role,
    /// The most secret classification that they may see.
    pub clearance: Classification,
    /// Whether they may see export-controlled text.
    pub export_eligible: bool,
    /// The language they are addressed in.
    pub language: Language,
}

/// A person who was added, with the password that is shown this once.
#[derive(Debug)]
pub struct CreatedUser {
    /// The person.
    pub user: User,
    /// What they sign in with the first time.
    pub one_time_password: OneTimePassword,
}

/// What is to change about a person; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// What they are called.
    pub display_name: Option<DisplayName>,
    /// What they may do.
    pub role: Option<Role>,
    /// The most secret classification that they may see.
    pub clearance: Option<Classification>,
    /// Whether they may see export-controlled text.
    pub export_eligible: Option<bool>,
    /// The language they are addressed in.
    pub language: Option<Language>,
    /// Whether the account is in use.
    pub status: Option<UserStatus>,
}

/// Which people are wanted. Everything given must hold.
#[derive(Clone, Debug, Default)]
pub struct UserQuery {
    /// People with this role.
    pub role: Option<Role>,
    /// People with this status.
    pub status: Option<UserStatus>,
    /// People who come after this one: for the next page.
    pub after: Option<UserId>,
}

/// People, in the order in which they were added.
#[derive(Clone, Debug)]
pub struct UserPage {
    /// The people.
    pub users: Vec<User>,
    /// Pass it as `after` to get the next page.
    pub next: Option<UserId>,
}

/// Adds a person with a one-time password.
///
/// # Errors
/// [`IdentityError::EmailTaken`], [`IdentityError::AboveOwn`] for more role, clearance or
/// eligibility than the caller has, [`IdentityError::TooManyUsers`], [`IdentityError::Busy`], or the
/// store's.
pub async fn user_create(
    permit: Permit<'_, users::Create>,
    passwords: &Passwords,
    new: NewUser,
) -> Result<CreatedUser, IdentityError> {
    let ctx = permit.ctx();
    let now = ctx.now();
    let user = User {
        id: UserId::new(now, ctx.entropy())?,
        email: new.email,
        display_name: new.display_name,
        role: new.role,
        clearance: new.clearance,
        export_eligible: new.export_eligible,
        language: new.language,
        status: UserStatus::Active,
        must_change_password: true,
        created_at: now,
        updated_at: now,
    };
    let (own, ceiling) = (ctx.principal(), ctx.withheld_permissions());
    let (id, role) = (user.id, user.role);
    let grants = ctx.read(move |tx| grants_of(tx, id, role, &ceiling)).await?;
    let granted =
        check_grant(&own.rights, None, &user).and_then(|()| check_role(own, None, &user, &grants));
    if let Err(error) = granted {
        return Err(record_refusal(ctx, user.id, error).await);
    }
    let one_time_password = OneTimePassword::generate(ctx.entropy())?;
    let hash = passwords.hash(one_time_password.to_password(), ctx.entropy()).await?;
    let user = ctx
        .write(move |tx| {
            if store_users::user_exists_with_email(&tx, &user.email)? {
                return Err(IdentityError::EmailTaken);
            }
            if store_users::user_count(&tx)? >= USERS_PER_TENANT_MAX {
                return Err(IdentityError::TooManyUsers { limit: USERS_PER_TENANT_MAX });
            }
            store_users::user_insert(&tx, &user, &hash)?;
            let event = events::about(events::USER_CREATED, user.id).after(events::facts(&user));
            Ok(tx.commit(event, user)?)
        })
        .await?;
    Ok(CreatedUser { user, one_time_password })
}

/// People of the tenant, at most `limit` and never more than [`PAGE_MAX_ITEMS`].
///
/// # Errors
/// The store's own.
pub async fn user_list(
    permit: Permit<'_, users::Read>,
    query: UserQuery,
    limit: u32,
) -> Result<UserPage, IdentityError> {
    let limit = limit.clamp(1, PAGE_MAX_ITEMS);
    let ctx = permit.ctx();
    let mut users = ctx
        .read(move |tx| Ok::<_, IdentityError>(store_users::user_list(tx, &query, limit)?))
        .await?;
    let more = users.len() > limit as usize;
    users.truncate(limit as usize);
    let next = users.last().filter(|_| more).map(|user| user.id);
    Ok(UserPage { users, next })
}

/// One person of the tenant.
///
/// # Errors
/// [`IdentityError::UserNotFound`], or the store's own.
pub async fn user_get(permit: Permit<'_, users::Read>, id: UserId) -> Result<User, IdentityError> {
    let found = permit.ctx().read(move |tx| Ok::<_, IdentityError>(store_users::user_get(tx, id)?));
    found.await?.ok_or(IdentityError::UserNotFound)
}

/// Changes a person. Sessions, tokens and families of tokens end when role, clearance, eligibility or
/// status change, so that nobody works on under rights of yesterday, and enabling an account again
/// revives nothing. A disabled person's API keys end too; of a changed role's keys those end that
/// have a scope which the person no longer has.
///
/// # Errors
/// [`IdentityError::UserNotFound`], [`IdentityError::OwnAccount`], [`IdentityError::AboveOwn`],
/// [`IdentityError::LastAdmin`], or the store's own. What a rule refused is recorded.
pub async fn user_change(
    permit: Permit<'_, users::Change>,
    id: UserId,
    change: UserChange,
) -> Result<User, IdentityError> {
    let ctx = permit.ctx();
    let (own, ceiling) = (ctx.principal().clone(), ctx.withheld_permissions());
    let changed = ctx
        .write(move |tx| {
            let before = store_users::user_get(&tx, id)?.ok_or(IdentityError::UserNotFound)?;
            let after = User { updated_at: tx.now(), ..change.applied_to(before.clone()) };
            let grants = grants_of(&tx, id, after.role, &ceiling)?;
            check_own(own.user_id, &before, &after)?;
            check_grant(&own.rights, Some(&before), &after)?;
            check_role(&own, Some(&before), &after, &grants)?;
            if before.is_active_admin()
                && !after.is_active_admin()
                && store_users::user_count_other_admins(&tx, id)? == 0
            {
                return Err(IdentityError::LastAdmin);
            }
            store_users::user_update(&tx, &after)?;
            let same = before.rights() == after.rights() && before.status == after.status;
            let mut ended = if same { Ended::default() } else { end_all(&tx, id, None)? };
            if after.status == UserStatus::Disabled {
                ended.keys = keys_revoke_all_of(&tx, id)?;
            } else if before.role != after.role {
                let left = effective_of(after.role, &grants);
                ended.keys = keys_revoke_exceeding(&tx, id, left)?;
            }
            let (old, new, personal) = events::difference(&before, &after);
            let event = events::about(events::USER_CHANGED, id)
                .before(old)
                .after(new)
                .detail(ended.facts())
                .detail_also("personal_fields", personal);
            Ok(tx.commit(event, after)?)
        })
        .await;
    match changed {
        Err(error) => Err(record_refusal(ctx, id, error).await),
        done => done,
    }
}

/// Gives a person a one-time password and ends their sessions, tokens, families of tokens, API keys
/// and delays.
///
/// # Errors
/// [`IdentityError::UserNotFound`]; [`IdentityError::OwnAccount`], because one's own password is
/// changed with the present one; [`IdentityError::OutOfReach`] for a person who may see more than
/// the caller; [`IdentityError::Busy`], or the store's own. What a rule refused is recorded.
pub async fn user_reset_password(
    permit: Permit<'_, users::Change>,
    passwords: &Passwords,
    id: UserId,
) -> Result<OneTimePassword, IdentityError> {
    let ctx = permit.ctx();
    let (own, tenant) = (ctx.principal().clone(), ctx.tenant_id());
    let ceiling = ctx.withheld_permissions();
    let one_time_password = OneTimePassword::generate(ctx.entropy())?;
    let hash = passwords.hash(one_time_password.to_password(), ctx.entropy()).await?;
    let done = ctx
        .write(move |tx| {
            let user = store_users::user_get(&tx, id)?.ok_or(IdentityError::UserNotFound)?;
            if own.user_id == Some(id) {
                return Err(IdentityError::OwnAccount { field: "password" });
            }
            let grants = grants_of(&tx, id, user.role, &ceiling)?;
            if !is_within_reach(&own, &user.rights(), &grants) {
                return Err(IdentityError::OutOfReach);
            }
            store_users::password_set(&tx, id, &hash, PasswordKind::OneTime)?;
            // Whoever guessed the old password does not keep the person from the new one.
            let key = credential_key(tenant.as_bytes(), user.email.as_str());
            if let Some(known) = guesses_get(&tx, &key)? {
                guesses_put(&tx, &key, &GuessSettings::after_success(known))?;
            }
            let mut ended = end_all(&tx, id, None)?;
            ended.keys = keys_revoke_all_of(&tx, id)?;
            let event = events::about(events::USER_PASSWORD_RESET, id).detail(ended.facts());
            Ok(tx.commit(event, user.email)?)
        })
        .await;
    match done {
        Err(error) => Err(record_refusal(ctx, id, error).await),
        Ok(email) => {
            passwords.guard().turn(tenant.as_bytes(), email.as_str()).await.succeeded(None);
            Ok(one_time_password)
        }
    }
}

/// Records that a rule refused something; the refusal is returned, or the failure to record it.
async fn record_refusal(ctx: &TenantCtx, id: UserId, error: IdentityError) -> IdentityError {
    if !error.is_refusal() {
        return error;
    }
    match ctx.record(events::refused(id, &error)).await {
        Ok(()) => error,
        Err(unrecorded) => unrecorded.into(),
    }
}

impl UserChange {
    fn applied_to(self, user: User) -> User {
        User {
            display_name: self.display_name.unwrap_or(user.display_name),
            role: self.role.unwrap_or(user.role),
            clearance: self.clearance.unwrap_or(user.clearance),
            export_eligible: self.export_eligible.unwrap_or(user.export_eligible),
            language: self.language.unwrap_or(user.language),
            status: self.status.unwrap_or(user.status),
            ..user
        }
    }
}
