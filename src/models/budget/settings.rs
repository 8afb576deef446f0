//! What a tenant sets about its budgets.

use serde::{Deserialize, Serialize};
use store::{ReadTx, StoreError, WriteTx};

use super::{BudgetPeriod, BudgetScope};

/// Name of the tenant's setting with its [`TokenBudgets`], as a JSON object.
pub const TOKEN_BUDGETS: &str = "token_budgets";

/// Most tokens that a budget may have.
pub const BUDGET_MOST_TOKENS: u64 = 1_000_000_000_000;

/// What happens when a budget has no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverflowPolicy {
    /// The call is refused, and says when to come back.
    #[default]
    Refuse,
    /// It goes on in the light tier, whose tokens beyond the budget are counted apart. Refuses where
    /// that tier has no member.
    Downgrade,
    /// It waits a while for others to give back what they did not need, and is refused then.
    Queue,
}

/// Tokens that may be used; 0 is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenBudgets {
    /// By all of the tenant, a day (UTC).
    pub tenant_day: u64,
    /// By all of the tenant, a month of the calendar (UTC).
    pub tenant_month: u64,
    /// By each person, a day.
    pub person_day: u64,
    /// By each person, a month.
    pub person_month: u64,
    /// What happens when there is no room.
    pub overflow: OverflowPolicy,
}

impl TokenBudgets {
    /// The limit of one budget; `None` without.
    #[must_use]
    pub const fn limit(&self, scope: BudgetScope, period: BudgetPeriod) -> Option<u64> {
        let tokens = match (scope, period) {
            (BudgetScope::Tenant, BudgetPeriod::Day) => self.tenant_day,
            (BudgetScope::Tenant, BudgetPeriod::Month) => self.tenant_month,
            (BudgetScope::Person, BudgetPeriod::Day) => self.person_day,
            (BudgetScope::Person, BudgetPeriod::Month) => self.person_month,
        };
        if tokens == 0 { None } else { Some(tokens) }
    }
}

/// The tenant's budgets.
///
/// # Errors
/// [`StoreError::Corrupt`] for a setting that can't be read; or the store's own.
pub fn token_budgets(tx: &ReadTx<'_>) -> Result<TokenBudgets, StoreError> {
    match super::store::setting(tx, TOKEN_BUDGETS)? {
        None => Ok(TokenBudgets::default()),
        Some(text) => {
            serde_json::from_str(&text).map_err(|_| StoreError::Corrupt("settings.value"))
        }
    }
}

/// Sets the tenant's budgets; the event of the change is the caller's.
///
/// # Errors
/// The store's own.
pub fn token_budgets_set(tx: &WriteTx<'_>, budgets: &TokenBudgets) -> Result<(), StoreError> {
    let value = serde_json::json!(budgets).to_string();
    super::store::setting_set(tx, TOKEN_BUDGETS, &value)
}
