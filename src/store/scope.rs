//! The mints of [`TenantScope`]. Whoever reviews isolation reads this file first.
//!
//! A scope says: this principal, in this tenant. It comes into being in exactly five ways:
//! 1. [`Store::scope_from_session`]: a live browser session was found;
//! 2. [`Store::scope_from_token`]: a recorded, live API token was found;
//! 3. [`Store::scope_from_job`]: a durable job was claimed and acts for the person who queued it;
//! 4. [`Store::scope_from_operator`]: the caller holds the operator key;
//! 5. [`Store::scope_from_federation`]: the caller holds the key of an issuer that is configured for
//!    one tenant, and has checked a token of it.
//!
//! All but the fourth read the person's row anew, so a changed role or a disabled account counts at
//! the next request, whatever a cookie or token says.

use base::{
    Actor, Classification, IssuerName, Principal, Rights, Role, SessionId, TenantId, Timestamp,
    TokenFamilyId, TokenId, UserId,
};

use crate::jobs::ClaimedJob;
use crate::scope_rows::{find_federated, find_rights, find_session, find_token};
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
        let now = self.now();
        let (session, rights) =
            open.read(move |tx| find_session(tx, &token_hash, now, limits)).await?;
        Ok((person(tenant_id, session.user_id, rights), session))
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
        let now = self.now();
        let (user_id, rights, token) =
            open.read(move |tx| find_token(tx, token_id, &token_hash, now)).await?;
        Ok((person(tenant_id, user_id, rights), token))
    }

    /// Mint 3: for a claimed job, with the present rights of the person who queued it.
    ///
    /// # Errors
    /// [`StoreError::Unauthenticated`] when that person is no longer active.
    pub async fn scope_from_job(&self, job: &ClaimedJob) -> Result<TenantScope, StoreError> {
        let actor = Actor::Job(job.id());
        let Some(user_id) = job.queued_by() else {
            let principal = Principal { actor, user_id: None, rights: OPERATOR_RIGHTS };
            return Ok(TenantScope { tenant_id: job.tenant_id(), principal, issuer: None });
        };
        // It was claimed while the tenant was active, and ends what it began.
        let open = self.open_tenant(job.tenant_id(), Suspended::Allow).await?;
        let rights = open.read(move |tx| find_rights(tx, user_id)).await?;
        let principal = Principal { actor, user_id: Some(user_id), rights };
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
        let rights = match acting_as {
            Some(user_id) => open.read(move |tx| find_rights(tx, user_id)).await?,
            None => OPERATOR_RIGHTS,
        };
        let principal = Principal { actor: Actor::Console, user_id: acting_as, rights };
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
        let (rights, token) = open.read(move |tx| find_federated(tx, &claim)).await?;
        let scope = person(claim.tenant_id, claim.user_id, rights);
        Ok((TenantScope { issuer: Some(key.issuer), ..scope }, token))
    }
}

/// Whether a suspended tenant may be opened.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspended {
    Refuse,
    Allow,
}

/// The operator holds the master key, so a filter here would only pretend.
const OPERATOR_RIGHTS: Rights =
    Rights { role: Role::Admin, clearance: Classification::Restricted, export_eligible: true };

const fn person(tenant_id: TenantId, user_id: UserId, rights: Rights) -> TenantScope {
    let principal = Principal { actor: Actor::User(user_id), user_id: Some(user_id), rights };
    TenantScope { tenant_id, principal, issuer: None }
}
