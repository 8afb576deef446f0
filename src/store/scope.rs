//! The mints of [`TenantScope`]. Whoever reviews isolation reads this file first.
//!
//! A scope says: this principal, in this tenant. It comes into being in exactly six ways:
//! 1. [`Store::scope_from_session`]: a live browser session was found;
//! 2. [`Store::scope_from_token`]: a recorded, live API token was found;
//! 3. [`Store::scope_from_job`]: a durable job was claimed and acts for the person who queued it;
//! 4. [`Store::scope_from_operator`]: the caller holds the operator key;
//! 5. [`Store::scope_from_federation`]: the caller holds the key of an issuer that is configured for
//!    one tenant, and has checked a token of it;
//! 6. [`Store::scope_from_key`]: a live API key was found by its prefix and secret.
//!
//! All but the operator's own read the person's row anew, and what their groups add and the tenant
//! withholds, so a changed role or a disabled account counts at the next request, whatever a cookie,
//! token or key says.

use base::{
    Actor, IssuerName, Principal, Role, SessionId, TenantId, Timestamp, TokenFamilyId, TokenId,
    UserId,
};

use crate::jobs::ClaimedJob;
use crate::live_keys::{KEY_PREFIX_BYTES, LiveKey, find_key};
use crate::scope_rows::{Standing, find_federated, find_session, find_standing, find_token};
use crate::{Store, StoreError};

/// The right to act in one tenant as one principal. Can't be made, copied or kept by hand.
pub struct TenantScope {
    tenant_id: TenantId,
    principal: Principal,
    issuer: Option<IssuerName>,
}

impl TenantScope {
    /// The tenant that this scope opens.
    #[must_use]
    pub const fn tenant_id(&self) -> TenantId {
        self.tenant_id
    }

    /// Who acts, and with which rights.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Whose token was shown, when it was not one of the appliance's own. Stands in every entry of
    /// the log that is written under this scope.
    #[must_use]
    pub const fn issuer(&self) -> Option<IssuerName> {
        self.issuer
    }
}

/// Proof that its holder opened the data directory with the master key. Not copyable: the
/// composition hands it to the console and to nothing else.
pub struct OperatorKey {
    _private: (),
}

impl OperatorKey {
    pub(crate) const fn mint() -> Self {
        Self { _private: () }
    }
}

/// The right of one configured issuer to speak for people of one tenant. Not copyable: the
/// composition makes it with the operator key and hands it to who checks that issuer's tokens.
pub struct FederationKey {
    issuer: IssuerName,
    tenant_slug: String,
}

impl FederationKey {
    /// The issuer's name.
    #[must_use]
    pub const fn issuer(&self) -> IssuerName {
        self.issuer
    }

    /// The only tenant that it can open, if there is one of that name.
    #[must_use]
    pub fn tenant_id(&self, store: &Store) -> Option<TenantId> {
        store.tenant_id_by_slug(&self.tenant_slug)
    }
}

/// What a token of another issuer says, once its signature and its times have been checked.
#[derive(Clone, Copy, Debug)]
pub struct FederatedClaim {
    /// Where it wants to act.
    pub tenant_id: TenantId,
    /// As whom.
    pub user_id: UserId,
    /// With which role at most.
    pub role: Role,
    /// When it was issued, at the earliest.
    pub issued_at: Timestamp,
}

/// How long a browser session lives.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Without a request for so long, it ends.
    pub idle_ms: i64,
}

/// Name of the tenant's setting with the roles that need a second factor, as a JSON array.
pub const SECOND_FACTOR_ROLES: &str = "second_factor_roles";

/// How it stands with the second factor of whoever shows a session or token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondFactor {
    /// None is enrolled, and the person's role needs none.
    None,
    /// None is enrolled, and the tenant's settings say that the person's role needs one.
    Missing,
    /// One is enrolled, and was not shown in this session or before this token was issued.
    Pending,
    /// It was shown then.
    Shown(Timestamp),
    /// One is enrolled, and was shown before this API key was made. A key can't show it again, so it
    /// is never good for what needs it shown lately.
    ShownForKey,
}

impl SecondFactor {
    pub(crate) fn of(enrolled: bool, needed: bool, shown_at: Option<i64>) -> Self {
        match (enrolled, shown_at) {
            (true, Some(at)) => Self::Shown(Timestamp::from_unix_ms(at)),
            (true, None) => Self::Pending,
            (false, _) if needed => Self::Missing,
            (false, _) => Self::None,
        }
    }
}

/// A token that was found alive.
#[derive(Clone, Copy, Debug)]
pub struct LiveToken {
    /// How it stands with the second factor. A token of another issuer never shows one.
    pub second_factor: SecondFactor,
    /// The family that it came of, if it came of one.
    pub family: Option<TokenFamilyId>,
}

/// A session that was found alive.
#[derive(Clone, Debug)]
pub struct LiveSession {
    /// The session's row.
    pub id: SessionId,
    /// Whose it is.
    pub user_id: UserId,
    /// When it was last seen, as recorded (coarse).
    pub last_seen_at: Timestamp,
    /// When it ends in any case.
    pub expires_at: Timestamp,
    /// The person still has a one-time password.
    pub must_change_password: bool,
    /// How it stands with the second factor.
    pub second_factor: SecondFactor,
}

impl Store {
    /// Mint 1: from the SHA-256 of a session cookie's secret.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] when there is no such live session of an active person.
    pub async fn scope_from_session(
        &self,
        tenant_id: TenantId,
        token_hash: [u8; 32],
        limits: SessionLimits,
    ) -> Result<(TenantScope, LiveSession), StoreError> {
        let open = self.open_tenant(tenant_id, Suspended::Refuse).await?;
        let (now, ceiling) = (self.now(), self.ceiling());
        let (session, standing) = open
            .read(move |tx| {
                let (session, rights) = find_session(tx, &token_hash, now, limits)?;
                let standing = Standing::of(tx, session.user_id, rights, rights.role, &ceiling)?;
                Ok::<_, StoreError>((session, standing))
            })
            .await?;
        Ok((person(tenant_id, session.user_id, standing), session))
    }

    /// Mint 2: from the id of an API token whose signature has been verified, and the SHA-256 of
    /// the whole token, which must be the one that was recorded when it was issued.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] when there is no such live token of an active person.
    pub async fn scope_from_token(
        &self,
        tenant_id: TenantId,
        token_id: TokenId,
        token_hash: [u8; 32],
    ) -> Result<(TenantScope, LiveToken), StoreError> {
        let open = self.open_tenant(tenant_id, Suspended::Refuse).await?;
        let (now, ceiling) = (self.now(), self.ceiling());
        let (user_id, standing, token) = open
            .read(move |tx| {
                let (user_id, rights, role, token) = find_token(tx, token_id, &token_hash, now)?;
                let standing = Standing::of(tx, user_id, rights, role, &ceiling)?;
                Ok::<_, StoreError>((user_id, standing, token))
            })
            .await?;
        Ok((person(tenant_id, user_id, standing), token))
    }

    /// Mint 3: for a claimed job, with the present rights of the person who queued it.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] when that person is no longer active.
    pub async fn scope_from_job(&self, job: &ClaimedJob) -> Result<TenantScope, StoreError> {
        let actor = Actor::Job(job.id());
        let Some(user_id) = job.queued_by() else {
            let principal = Standing::operator().principal(actor, None);
            return Ok(TenantScope { tenant_id: job.tenant_id(), principal, issuer: None });
        };
        // It was claimed while the tenant was active, and ends what it began.
        let open = self.open_tenant(job.tenant_id(), Suspended::Allow).await?;
        let ceiling = self.ceiling();
        let standing = open.read(move |tx| find_standing(tx, user_id, &ceiling)).await?;
        let principal = standing.principal(actor, Some(user_id));
        Ok(TenantScope { tenant_id: job.tenant_id(), principal, issuer: None })
    }

    /// Mint 4: for the holder of the operator key; with a person's rights when `acting_as` names
    /// one, with all rights otherwise. Works in suspended tenants too.
    ///
    /// # Errors
    /// [`StoreError::TenantNotFound`], or [`StoreError::Unauthenticated`] for an unknown person.
    pub async fn scope_from_operator(
        &self,
        _key: &OperatorKey,
        tenant_id: TenantId,
        acting_as: Option<UserId>,
    ) -> Result<TenantScope, StoreError> {
        let open = self.open_tenant(tenant_id, Suspended::Allow).await?;
        let ceiling = self.ceiling();
        let standing = match acting_as {
            Some(user_id) => open.read(move |tx| find_standing(tx, user_id, &ceiling)).await?,
            None => Standing::operator(),
        };
        let principal = standing.principal(Actor::Console, acting_as);
        Ok(TenantScope { tenant_id, principal, issuer: None })
    }

    /// The right of the configured issuer `issuer` to speak for people of the tenant with this slug.
    #[must_use]
    pub fn federation_key(
        &self,
        _key: &OperatorKey,
        issuer: IssuerName,
        tenant_slug: &str,
    ) -> FederationKey {
        FederationKey { issuer, tenant_slug: tenant_slug.to_owned() }
    }

    /// Mint 5: from what a checked token of the issuer behind `key` says. It opens the tenant of the
    /// key alone, for people who are there, with their own role or less.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] for another tenant, for nobody active in it, and for a token
    /// from before the person was signed out everywhere.
    pub async fn scope_from_federation(
        &self,
        key: &FederationKey,
        claim: FederatedClaim,
    ) -> Result<(TenantScope, LiveToken), StoreError> {
        if key.tenant_id(self) != Some(claim.tenant_id) {
            return Err(StoreError::Unauthenticated);
        }
        let open = self.open_tenant(claim.tenant_id, Suspended::Refuse).await?;
        let ceiling = self.ceiling();
        let (standing, token) = open
            .read(move |tx| {
                let (rights, token) = find_federated(tx, &claim)?;
                let standing = Standing::of(tx, claim.user_id, rights, claim.role, &ceiling)?;
                Ok::<_, StoreError>((standing, token))
            })
            .await?;
        let scope = person(claim.tenant_id, claim.user_id, standing);
        Ok((TenantScope { issuer: Some(key.issuer), ..scope }, token))
    }

    /// Mint 6: from the prefix of an API key and the SHA-256 of its secret, with those of its
    /// person's permissions that the key names.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] when there is no such live key of an active person.
    pub async fn scope_from_key(
        &self,
        tenant_id: TenantId,
        prefix: [u8; KEY_PREFIX_BYTES],
        secret_hash: [u8; 32],
    ) -> Result<(TenantScope, LiveKey), StoreError> {
        let open = self.open_tenant(tenant_id, Suspended::Refuse).await?;
        let (now, ceiling) = (self.now(), self.ceiling());
        let (user_id, standing, key) = open
            .read(move |tx| {
                let (user_id, rights, scopes, key) = find_key(tx, prefix, &secret_hash, now)?;
                let standing = Standing::of(tx, user_id, rights, rights.role, &ceiling)?;
                Ok::<_, StoreError>((user_id, standing.limited_to(scopes), key))
            })
            .await?;
        Ok((person(tenant_id, user_id, standing), key))
    }

    fn ceiling(&self) -> Vec<String> {
        self.inner.settings.withheld_permissions.clone()
    }
}

/// Whether a suspended tenant may be opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspended {
    Refuse,
    Allow,
}

fn person(tenant_id: TenantId, user_id: UserId, standing: Standing) -> TenantScope {
    let principal = standing.principal(Actor::User(user_id), Some(user_id));
    TenantScope { tenant_id, principal, issuer: None }
}
