//! The hard limit on the tokens of one run.

use models::TokenUsage;
use parking_lot::Mutex;

use crate::AgentError;
use crate::spending::sum;

/// Hard limit on the tokens of one run: prompts and outputs together, over all its steps, also
/// those that run side by side. Stands above the ledger's reservation for the whole run.
#[derive(Debug)]
pub struct RunBudget {
    limit_tokens: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Set aside for what is being generated.
    reserved_tokens: u32,
    spent: TokenUsage,
}

impl State {
    const fn taken_tokens(&self) -> u32 {
        self.spent
            .prompt_tokens
            .saturating_add(self.spent.completion_tokens)
            .saturating_add(self.reserved_tokens)
    }
}

impl RunBudget {
    /// A budget of so many tokens.
    #[must_use]
    pub fn new(limit_tokens: u32) -> Self {
        Self { limit_tokens, state: Mutex::default() }
    }

    /// What the whole run may spend.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit_tokens
    }

    /// Tokens that are neither spent nor set aside.
    #[must_use]
    pub fn left(&self) -> u32 {
        self.limit_tokens.saturating_sub(self.state.lock().taken_tokens())
    }

    /// What was spent.
    #[must_use]
    pub fn spent(&self) -> TokenUsage {
        self.state.lock().spent
    }

    /// Sets tokens aside until they are settled or the reservation is dropped.
    ///
    /// # Errors
    /// [`AgentError::RunBudgetExhausted`] when there are not that many.
    pub fn reserve(&self, tokens: u32) -> Result<RunReservation<'_>, AgentError> {
        let mut state = self.state.lock();
        let left_tokens = self.limit_tokens.saturating_sub(state.taken_tokens());
        if tokens > left_tokens {
            return Err(self.exhausted(tokens, left_tokens));
        }
        state.reserved_tokens = state.reserved_tokens.saturating_add(tokens);
        Ok(RunReservation { budget: self, tokens })
    }

    /// Charges what something has cost that was not set aside before. It counts in any case.
    ///
    /// # Errors
    /// [`AgentError::RunBudgetExhausted`] when it was more than was left.
    pub fn charge(&self, usage: TokenUsage) -> Result<(), AgentError> {
        let mut state = self.state.lock();
        let left_tokens = self.limit_tokens.saturating_sub(state.taken_tokens());
        state.spent = sum(state.spent, usage);
        let tokens = usage.prompt_tokens.saturating_add(usage.completion_tokens);
        if tokens > left_tokens {
            return Err(self.exhausted(tokens, left_tokens));
        }
        Ok(())
    }

    const fn exhausted(&self, needed_tokens: u32, left_tokens: u32) -> AgentError {
        AgentError::RunBudgetExhausted {
            needed_tokens,
            left_tokens,
            limit_tokens: self.limit_tokens,
        }
    }
}

/// Tokens that are set aside; dropping it gives them back.
#[derive(Debug)]
pub struct RunReservation<'b> {
    budget: &'b RunBudget,
    tokens: u32,
}

impl RunReservation<'_> {
    /// Charges what it came to instead.
    pub fn settle(self, usage: TokenUsage) {
        let mut state = self.budget.state.lock();
        state.spent = sum(state.spent, usage);
        // The reservation itself goes when `self` is dropped, after the lock.
    }
}

impl Drop for RunReservation<'_> {
    fn drop(&mut self) {
        let mut state = self.budget.state.lock();
        state.reserved_tokens = state.reserved_tokens.saturating_sub(self.tokens);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    const fn cost(prompt_tokens: u32, completion_tokens: u32) -> TokenUsage {
        TokenUsage { prompt_tokens, cached_tokens: 0, completion_tokens }
    }

    #[test]
    fn what_is_set_aside_can_not_be_taken_twice() {
        let budget = RunBudget::new(100);
        let first = budget.reserve(60).unwrap();
        assert_eq!(budget.left(), 40);
        assert!(matches!(
            budget.reserve(41),
            Err(AgentError::RunBudgetExhausted { needed_tokens: 41, left_tokens: 40, .. })
        ));
        let second = budget.reserve(40).unwrap();
        drop(second);
        assert_eq!(budget.left(), 40);
        first.settle(cost(20, 5));
        assert_eq!((budget.left(), budget.spent()), (75, cost(20, 5)));
    }

    #[test]
    fn a_charge_counts_even_when_it_is_too_much() {
        let budget = RunBudget::new(10);
        budget.charge(cost(4, 4)).unwrap();
        assert!(budget.charge(cost(3, 0)).is_err());
        assert_eq!((budget.left(), budget.spent()), (0, cost(7, 4)));
    }

    #[test]
    fn many_at_once_never_get_more_than_there_is() {
        let budget = RunBudget::new(1000);
        let granted: usize = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..16)
                .map(|_| {
                    scope.spawn(|| {
                        let got = (0..100).filter(|_| match budget.reserve(7) {
                            Ok(reservation) => {
                                reservation.settle(cost(5, 2));
                                true
                            }
                            Err(_) => false,
                        });
                        got.count()
                    })
                })
                .collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        let spent = budget.spent();
        assert_eq!(granted, 142);
        assert_eq!(spent.prompt_tokens + spent.completion_tokens, 142 * 7);
    }
}
