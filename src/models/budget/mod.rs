//! Token budgets: what a tenant and each of its people may have generated in a day and in a month.
//!
//! Tokens are reserved before anything is generated and settled after; the sums live in memory as
//! long as the tenant is open, beside the rows (`token_usage`) that they are loaded from. All that is
//! asked for at the same time is therefore counted against one number under one lock.
//!
//! Never:
//! - a reservation beyond a limit, whatever is asked for at the same time;
//! - a reservation that stays after its work was dropped;
//! - a lock across an await.

mod book;
mod calendar;
mod error;
mod settings;
mod store;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use ::store::{StoreError, TenantCtx};
use base::{TenantId, UserId};
use serde::Serialize;
use tokio::time::Instant;

use crate::figures;
use crate::protocol::{ModelHash, TokenUsage};
use crate::tiers::{Tier, Tiers};
use book::{Book, Hold, Shortage};
use calendar::Moment;

pub use book::Used;
pub use error::BudgetError;
pub use settings::{
    BUDGET_MOST_TOKENS, OverflowPolicy, TOKEN_BUDGETS, TokenBudgets, token_budgets,
    token_budgets_set,
};
pub use store::{UsageFilter, UsageGroup, UsageRow, usage_insert, usage_rows};

/// How long a caller waits under [`OverflowPolicy::Queue`].
const QUEUE_WAIT: Duration = Duration::from_secs(30);

/// Whose budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetScope {
    /// That of the whole tenant.
    Tenant,
    /// That of one person.
    Person,
}

impl BudgetScope {
    /// The word used in API and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Person => "person",
        }
    }
}

/// For how long a budget is; both begin at midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BudgetPeriod {
    /// A day.
    Day,
    /// A month of the calendar.
    Month,
}

impl BudgetPeriod {
    /// The word used in API and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
        }
    }
}

/// What of a budget is used, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetStanding {
    /// The limits.
    pub budgets: TokenBudgets,
    /// Of the tenant.
    pub tenant: Used,
    /// Of the person who asks, if there is one.
    pub person: Option<Used>,
}

/// Where tokens are reserved. One per process; what it counts belongs to each open tenant.
pub struct BudgetLedger {
    tiers: Tiers,
}

impl BudgetLedger {
    /// A ledger over the tiers that are in use: it downgrades only to a tier that has a member.
    #[must_use]
    pub const fn new(tiers: Tiers) -> Self {
        Self { tiers }
    }

    /// Reserves `tokens`, which must be at least what will be used: the prompt and the most that may
    /// be generated. Under [`OverflowPolicy::Queue`] it waits up to half a minute for others to give
    /// back what they did not need.
    ///
    /// # Errors
    /// [`BudgetError::Exhausted`] when a budget has no room; or the store's own.
    pub async fn reserve(&self, ctx: &TenantCtx, tokens: u32) -> Result<Reservation, BudgetError> {
        let budgets = ctx.read(token_budgets).await?;
        let book = book_of(ctx).await?;
        let give_up = Instant::now() + QUEUE_WAIT;
        loop {
            // Registered before the look, so that what is given back in between is not missed.
            let mut given_back = std::pin::pin!(book.given_back());
            given_back.as_mut().enable();
            let now = Moment::of(ctx.now());
            let user = ctx.user_id();
            let shortage = match book.hold(now, user, u64::from(tokens), &budgets) {
                Ok(hold) => return Ok(Reservation::new(ctx, hold, budgets, false)),
                Err(shortage) => shortage,
            };
            let wait = give_up.saturating_duration_since(Instant::now());
            match budgets.overflow {
                OverflowPolicy::Downgrade if self.has_light() => {
                    let hold = book.hold_beyond(now, user);
                    return Ok(Reservation::new(ctx, hold, budgets, true));
                }
                OverflowPolicy::Queue if shortage.may_end_within(now, wait) => {
                    let until = shortage.wake_after(now, wait);
                    tokio::select! {
                        () = given_back => {}
                        () = tokio::time::sleep(until) => {}
                    }
                }
                OverflowPolicy::Refuse | OverflowPolicy::Downgrade | OverflowPolicy::Queue => {
                    return Err(exhausted(&shortage, now, budgets.overflow));
                }
            }
        }
    }

    /// What is used of the budgets that the context's principal falls under.
    ///
    /// # Errors
    /// The store's own.
    pub async fn standing(&self, ctx: &TenantCtx) -> Result<BudgetStanding, StoreError> {
        let budgets = ctx.read(token_budgets).await?;
        let book = book_of(ctx).await?;
        let now = Moment::of(ctx.now());
        let (tenant, person) = book.used(now, ctx.user_id());
        Ok(BudgetStanding { budgets, tenant, person })
    }

    fn has_light(&self) -> bool {
        self.tiers.best_available(Tier::Light) == Some(Tier::Light)
    }
}

/// The tenant's sums, read from its rows at first use.
async fn book_of(ctx: &TenantCtx) -> Result<Arc<Book>, StoreError> {
    let book = ctx.attached(|| Ok::<_, StoreError>(Book::default()))?;
    if !book.is_loaded() {
        // Two that come first at the same time read both; the book takes one of the readings.
        let now = Moment::of(ctx.now());
        let sums = ctx.read(move |tx| store::sums(tx, now)).await?;
        book.load(now, sums);
    }
    Ok(book)
}

fn exhausted(shortage: &Shortage, now: Moment, policy: OverflowPolicy) -> BudgetError {
    BudgetError::Exhausted {
        scope: shortage.scope,
        period: shortage.period,
        used: shortage.used,
        limit: shortage.limit,
        resets_at: now.end_of(shortage.period),
        policy,
        retry_after_s: shortage.retry_after_s(now),
    }
}

/// Tokens that are set aside for one piece of work. Given back when dropped.
pub struct Reservation {
    hold: Hold,
    tenant: TenantId,
    budgets: TokenBudgets,
    downgraded: bool,
}

impl Reservation {
    fn new(ctx: &TenantCtx, hold: Hold, budgets: TokenBudgets, downgraded: bool) -> Self {
        Self { hold, tenant: ctx.tenant_id(), budgets, downgraded }
    }

    /// The largest tier that may be used, when the budget was used up and goes on in a small one.
    #[must_use]
    pub const fn ceiling(&self) -> Option<Tier> {
        if self.downgraded { Some(Tier::Light) } else { None }
    }

    /// `wanted`, or the [ceiling](Self::ceiling) where that is lower.
    #[must_use]
    pub fn tier(&self, wanted: Tier) -> Tier {
        self.ceiling().map_or(wanted, |ceiling| ceiling.min(wanted))
    }

    /// Ends the reservation with what was really used. The result is to be written
    /// ([`usage_insert`]) in the commit of what was generated.
    pub fn settle(self, usage: TokenUsage) -> SettledUsage {
        let Self { hold, tenant, budgets, downgraded } = self;
        let (day, user_id) = (hold.day(), hold.user());
        let tokens = u64::from(usage.prompt_tokens) + u64::from(usage.completion_tokens);
        let left = hold.settle(tokens, downgraded);
        figures::budget(tenant, tokens, &budgets, left);
        SettledUsage { day, user_id, usage, beyond_budget: downgraded, tier: None, model: None }
    }
}

/// What a piece of work has used; a row of `token_usage` that waits to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "usage that is not written is forgotten when the tenant closes"]
pub struct SettledUsage {
    day: i64,
    user_id: Option<UserId>,
    usage: TokenUsage,
    beyond_budget: bool,
    tier: Option<Tier>,
    model: Option<ModelHash>,
}

impl SettledUsage {
    /// Says who wrote it, where it was one model.
    pub const fn by(mut self, tier: Tier, model: ModelHash) -> Self {
        self.tier = Some(tier);
        self.model = Some(model);
        self
    }

    /// What was used.
    #[must_use]
    pub const fn usage(&self) -> TokenUsage {
        self.usage
    }
}
