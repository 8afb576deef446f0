//! Who may do what, who may see which text, and how often: the rules of the house as pure
//! functions, and the permit that proves they were asked.
//!
//! [`permissions_of`] says what a role may do, [`effective()`] what remains of it for whoever acts, with
//! their groups, the tenant's settings and the scopes of an API key. [`authorize`] turns a context into a [`Permit`] for
//! one action; a domain function takes the permit first and reaches its tenant through it, so the
//! right and the database can't come from different requests. [`may_see`] and [`ClearanceFilter`]
//! decide on texts by their label, [`may_assign`] on the labels that a person may give. A
//! [`RateLimiter`] counts requests.
//!
//! Never:
//! - a permit that [`authorize`] or [`authorize_appliance`] did not give;
//! - a permission of the appliance in a role of a tenant, or by a group;
//! - a setting of a tenant or a scope of a key that adds something;
//! - a rule that depends on the clock, the database or the request: the same rights and the same
//!   label always give the same answer;
//! - a text shown because its label is unknown: what has no label can't be asked about.
//!
//! ```compile_fail
//! // A permit can't be made by hand.
//! fn forge(ctx: &store::TenantCtx) -> policy::Permit<'_, policy::documents::Delete> {
//!     policy::Permit { ctx, action: std::marker::PhantomData }
//! }
//! ```
//! ```compile_fail
//! // A permit to read is none to delete.
//! fn delete(_: policy::Permit<'_, policy::documents::Delete>) {}
//! fn read(permit: policy::Permit<'_, policy::documents::Read>) { delete(permit) }
//! ```
//! ```compile_fail
//! // A permit is used once: it can't be copied.
//! fn twice(permit: &policy::Permit<'_, policy::documents::Read>) {
//!     let _: policy::Permit<'_, policy::documents::Read> = permit.clone();
//! }
//! ```
//! ```compile_fail
//! // Nobody else can invent an action.
//! struct Everything;
//! impl policy::Action for Everything {
//!     const PERMISSION: policy::Permission = policy::Permission::ChatSend;
//! }
//! ```
//! ```compile_fail
//! // An action of the appliance can't be permitted by a tenant's context.
//! fn widen(ctx: &store::TenantCtx) { let _ = policy::authorize::<policy::tenants::Create>(ctx); }
//! ```
//! What the rules allow, compiles:
//! ```
//! fn delete(_: policy::Permit<'_, policy::documents::Delete>) {}
//! fn ask(ctx: &store::TenantCtx) -> Result<(), policy::Denied> {
//!     delete(policy::authorize::<policy::documents::Delete>(ctx)?);
//!     Ok(())
//! }
//! ```

mod actions;
mod effective;
mod error;
mod permission;
mod permit;
mod rate_limit;
mod visibility;

pub use actions::{
    Action, ApplianceAction, agents, audit, chat, conversations, documents, feedback, groups, jobs,
    keys, master_keys, memories, metrics, models, plans, profile, search, sessions, settings,
    tenants, tokens, usage, users, workflows,
};
pub use effective::{
    PermissionUnknown, effective, effective_of, may_be_scope, may_be_withheld, may_stand_in,
};
pub use error::Denied;
pub use permission::{Permission, PermissionSet, permissions_of};
pub use permit::{AppliancePermit, Permit, authorize, authorize_appliance};
pub use rate_limit::{
    Allowance, OwnRateLimiter, RateLimitSettings, RateLimiter, RateRefused, SteadyClock,
};
pub use visibility::{ClearanceFilter, LabelRefused, Visibility, may_assign, may_see};
