//! What one answer or run costs: reserved before, settled after, also when the work is dropped in
//! between.

use models::{BudgetLedger, ModelHash, Reservation, SettledUsage, Tier, Tiers, TokenUsage};
use parking_lot::Mutex;
use std::sync::Arc;
use store::TenantCtx;

use crate::AgentError;

/// The language models, and the budgets that asking them is charged to. Cheap to clone.
#[derive(Clone)]
pub struct Minds {
    tiers: Tiers,
    ledger: Arc<BudgetLedger>,
}

impl Minds {
    /// The models of `tiers`; the same budgets whoever asks them.
    #[must_use]
    pub fn new(tiers: Tiers) -> Self {
        let ledger = Arc::new(BudgetLedger::new(tiers.clone()));
        Self { tiers, ledger }
    }

    /// No model at all: answers are quotes.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Tiers::new())
    }

    /// The models.
    #[must_use]
    pub const fn tiers(&self) -> &Tiers {
        &self.tiers
    }

    /// The budgets.
    #[must_use]
    pub fn ledger(&self) -> &BudgetLedger {
        &self.ledger
    }
}

/// What one piece of work spends. It outlives the work, so that what was generated for somebody who
/// went away is charged too.
#[derive(Default)]
pub(crate) struct Spending(Mutex<State>);

#[derive(Default)]
struct State {
    reservation: Option<Reservation>,
    spent: TokenUsage,
    /// Of the text that is being generated, as far as it is known.
    running: TokenUsage,
    by: Option<(Tier, ModelHash)>,
    settled: Vec<SettledUsage>,
    total: TokenUsage,
}

impl Spending {
    /// Reserves tokens for what comes next, and settles what came before. Returns the tier that may
    /// be used.
    pub(crate) async fn open(
        &self,
        ctx: &TenantCtx,
        ledger: &BudgetLedger,
        tokens: u32,
        wanted: Tier,
    ) -> Result<Tier, AgentError> {
        self.close();
        let reservation = ledger.reserve(ctx, tokens).await?;
        let tier = reservation.tier(wanted);
        self.0.lock().reservation = Some(reservation);
        Ok(tier)
    }

    /// A prompt of so many tokens goes to a model.
    pub(crate) fn begins(&self, prompt_tokens: u32) {
        self.0.lock().running = TokenUsage { prompt_tokens, ..TokenUsage::default() };
    }

    /// A piece of text came back; about a token.
    pub(crate) fn piece(&self) {
        let mut state = self.0.lock();
        state.running.completion_tokens = state.running.completion_tokens.saturating_add(1);
    }

    /// Nothing came of it. What was written until then has cost something; a prompt that nobody took
    /// has not.
    pub(crate) fn failed(&self) {
        let mut state = self.0.lock();
        if state.running.completion_tokens == 0 {
            state.running = TokenUsage::default();
        }
        state.spent = sum(state.spent, std::mem::take(&mut state.running));
    }

    /// The text is complete and cost this.
    pub(crate) fn ended(&self, usage: TokenUsage, tier: Tier, model: ModelHash) {
        let mut state = self.0.lock();
        state.running = TokenUsage::default();
        state.spent = sum(state.spent, usage);
        state.by = Some((tier, model));
    }

    /// Several texts have cost this together; by whom, where it was one model.
    pub(crate) fn spent(&self, usage: TokenUsage, by: Option<(Tier, ModelHash)>) {
        let mut state = self.0.lock();
        state.spent = sum(state.spent, usage);
        state.by = by;
    }

    /// Settles the reservation: with what was counted, and for a text that was broken off with what
    /// is known of it.
    pub(crate) fn close(&self) {
        let mut state = self.0.lock();
        let spent = sum(state.spent, state.running);
        (state.spent, state.running) = Default::default();
        let Some(reservation) = state.reservation.take() else { return };
        if spent == TokenUsage::default() {
            // Dropping it gives everything back.
            return;
        }
        state.total = sum(state.total, spent);
        let settled = reservation.settle(spent);
        let by = state.by.take();
        state.settled.push(match by {
            Some((tier, model)) => settled.by(tier, model),
            None => settled,
        });
    }

    /// What is to be written with the next commit.
    pub(crate) fn take(&self) -> Vec<SettledUsage> {
        self.close();
        std::mem::take(&mut self.0.lock().settled)
    }

    /// What was settled so far, over all reservations.
    pub(crate) fn total(&self) -> TokenUsage {
        self.0.lock().total
    }
}

pub(crate) const fn sum(a: TokenUsage, b: TokenUsage) -> TokenUsage {
    TokenUsage {
        prompt_tokens: a.prompt_tokens.saturating_add(b.prompt_tokens),
        cached_tokens: a.cached_tokens.saturating_add(b.cached_tokens),
        completion_tokens: a.completion_tokens.saturating_add(b.completion_tokens),
    }
}
