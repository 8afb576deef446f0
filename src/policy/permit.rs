//! Permits: proof that the rules were asked, bound to the context they were asked for.

use std::fmt;
use std::marker::PhantomData;

use store::{ApplianceScope, TenantCtx};

use crate::{Action, ApplianceAction, Denied, Permission, effective};

/// Proof that the principal of the context inside may do `A`. It carries its context, so that a
/// permit asked for in one tenant can't meet the database of another; a domain function takes it
/// in place of the context.
pub struct Permit<'c, A> {
    ctx: &'c TenantCtx,
    action: PhantomData<fn() -> A>,
}

impl<'c, A: Action> Permit<'c, A> {
    /// The context that the permit was asked for.
    #[must_use]
    pub const fn ctx(&self) -> &'c TenantCtx {
        self.ctx
    }

    /// The permission that was found.
    #[must_use]
    pub const fn permission(&self) -> Permission {
        A::PERMISSION
    }
}

impl<A: Action> fmt::Debug for Permit<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Permit({})", A::PERMISSION)
    }
}

/// Asks whether the principal of `ctx` may do `A`.
///
/// # Errors
/// [`Denied`] when the permission is not among those that are [`effective()`].
pub fn authorize<A: Action>(ctx: &TenantCtx) -> Result<Permit<'_, A>, Denied> {
    if effective(ctx.principal()).contains(A::PERMISSION) {
        Ok(Permit { ctx, action: PhantomData })
    } else {
        Err(Denied { permission: A::PERMISSION })
    }
}

/// Proof that the holder of the appliance scope inside may do `A`.
pub struct AppliancePermit<'s, A> {
    scope: &'s ApplianceScope,
    action: PhantomData<fn() -> A>,
}

impl<'s, A: ApplianceAction> AppliancePermit<'s, A> {
    /// The scope that the permit was asked for.
    #[must_use]
    pub const fn scope(&self) -> &'s ApplianceScope {
        self.scope
    }
}

impl<A: ApplianceAction> fmt::Debug for AppliancePermit<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AppliancePermit({})", A::PERMISSION)
    }
}

/// Asks whether the holder of `scope` may do `A`. An appliance scope has all permissions of the
/// appliance today; callers are written as if it had not.
///
/// # Errors
/// [`Denied`] when the permission is none of the appliance's.
pub fn authorize_appliance<A: ApplianceAction>(
    scope: &ApplianceScope,
) -> Result<AppliancePermit<'_, A>, Denied> {
    if A::PERMISSION.is_of_appliance() {
        Ok(AppliancePermit { scope, action: PhantomData })
    } else {
        Err(Denied { permission: A::PERMISSION })
    }
}
