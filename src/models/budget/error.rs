//! Why nothing was reserved.

use base::{Code, Coded, Timestamp};
use store::StoreError;

use super::{BudgetPeriod, BudgetScope, OverflowPolicy};

/// Why nothing was reserved.
#[derive(Debug, thiserror::Error)]
pub enum BudgetError {
    /// A budget has no room for it.
    #[error(
        "the {} budget of the {} has no room: {used} of {limit} tokens are used or reserved; it \
         begins anew at {resets_at}",
        .scope.as_str(), .period.as_str()
    )]
    Exhausted {
        /// Whose.
        scope: BudgetScope,
        /// Which.
        period: BudgetPeriod,
        /// Tokens that are used or reserved.
        used: u64,
        /// Tokens that may be used.
        limit: u64,
        /// When it begins anew.
        resets_at: Timestamp,
        /// What the tenant has set for this case.
        policy: OverflowPolicy,
        /// When it is worth trying again, in seconds.
        retry_after_s: u32,
    },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Coded for BudgetError {
    fn code(&self) -> Code {
        match self {
            Self::Exhausted { .. } => "token_budget_exhausted",
            Self::Store(error) => error.code(),
        }
    }

    fn violation(&self) -> Option<base::Violation> {
        match self {
            Self::Exhausted { .. } => None,
            Self::Store(error) => error.violation(),
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Exhausted { retry_after_s, .. } => Some(*retry_after_s),
            Self::Store(error) => error.retry_after_s(),
        }
    }
}
