//! What `/metrics` tells of language models. Labels are bounded: tiers, outcomes, and the first
//! digits of the hashes of models that were brought in.

use std::time::Duration;

use base::{Coded as _, TenantId};

use crate::budget::{BudgetPeriod, BudgetScope, TokenBudgets, Used};
use crate::error::ModelError;
use crate::language::ModelDescription;
use crate::protocol::{Generation, ModelHash};
use crate::tiers::Tier;

const REQUESTS: &str = "llm_requests_total";
const DURATION: &str = "llm_request_duration_seconds";
const TOKENS: &str = "llm_tokens_total";
const BUDGET_USED: &str = "token_budget_used_total";
const BUDGET_REMAINING: &str = "token_budget_remaining";

/// Digits of a model's hash that its label has.
const LABEL_DIGITS: usize = 12;

/// Says what the figures mean; once per process, after the recorder is there.
pub fn describe_figures() {
    metrics::describe_counter!(
        REQUESTS,
        "Texts asked of language models, by tier, model, outcome."
    );
    metrics::describe_histogram!(
        DURATION,
        metrics::Unit::Seconds,
        "From asking a language model to its last token."
    );
    metrics::describe_counter!(TOKENS, "Tokens read (prompt), reused (cached) and written.");
    metrics::describe_counter!(BUDGET_USED, "Tokens that were charged to a tenant's budget.");
    metrics::describe_gauge!(
        BUDGET_REMAINING,
        "Tokens left of a tenant's budget of the day or month; absent without one."
    );
}

/// A text was asked for.
pub(crate) fn request(
    tier: Tier,
    model: &ModelDescription,
    elapsed: Duration,
    outcome: &Result<Generation, ModelError>,
) {
    let word = outcome.as_ref().map_or_else(|error| error.code(), |_| "success");
    let hash = label(model.hash);
    metrics::counter!(
        REQUESTS, "tier" => tier.as_str(), "model" => hash.clone(), "outcome" => word
    )
    .increment(1);
    metrics::histogram!(DURATION, "tier" => tier.as_str()).record(elapsed.as_secs_f64());
    let Ok(generation) = outcome else { return };
    let usage = generation.usage;
    let kinds = [
        ("prompt", usage.prompt_tokens),
        ("cached", usage.cached_tokens),
        ("completion", usage.completion_tokens),
    ];
    for (kind, tokens) in kinds {
        metrics::counter!(
            TOKENS, "tier" => tier.as_str(), "model" => hash.clone(), "kind" => kind
        )
        .increment(u64::from(tokens));
    }
}

fn label(hash: ModelHash) -> String {
    let mut digits = hash.to_string();
    digits.truncate(LABEL_DIGITS);
    digits
}

/// Tokens were charged to a tenant, which has used `used` by now.
pub(crate) fn budget(tenant: TenantId, tokens: u64, budgets: &TokenBudgets, used: Used) {
    let tenant = tenant.short();
    metrics::counter!(BUDGET_USED, "tenant" => tenant.clone()).increment(tokens);
    let periods = [(BudgetPeriod::Day, used.day), (BudgetPeriod::Month, used.month)];
    for (period, charged) in periods {
        if let Some(limit) = budgets.limit(BudgetScope::Tenant, period) {
            let left = limit.saturating_sub(charged).saturating_sub(used.reserved);
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            let left = left as f64;
            let labels = [("tenant", tenant.clone()), ("period", period.as_str().to_owned())];
            metrics::gauge!(BUDGET_REMAINING, &labels).set(left);
        }
    }
}
