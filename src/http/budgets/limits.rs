//! GET and PUT /api/v1/admin/budgets, GET /api/v1/auth/budget

use ::models::{
    BUDGET_MOST_TOKENS, BudgetPeriod, BudgetScope, BudgetStanding, OverflowPolicy, TokenBudgets,
    Used, token_budgets, token_budgets_set,
};
use ::store::{StoreError, WriteTx};
use audit::{Action, Event};
use policy::{profile, settings};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::input::Json;
use crate::output::Ok200;
use crate::problem::Problem;

const BUDGETS_CHANGED: Action = Action::new("token_budgets.changed");

/// Limits in tokens, prompts and answers together; 0 is none. Days and months are UTC's.
#[derive(Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BudgetLimits {
    #[schema(maximum = 1_000_000_000_000_u64)]
    tenant_day: u64,
    #[schema(maximum = 1_000_000_000_000_u64)]
    tenant_month: u64,
    /// Of each person.
    #[schema(maximum = 1_000_000_000_000_u64)]
    person_day: u64,
    #[schema(maximum = 1_000_000_000_000_u64)]
    person_month: u64,
    /// `refuse`, `downgrade` (goes on in the light tier, counted apart) or `queue` (waits a while for
    /// others to give back what they did not need).
    overflow: String,
}

/// What is used of a budget.
#[derive(Serialize, ToSchema)]
struct BudgetUsed {
    day: u64,
    month: u64,
    /// Set aside for what is being written.
    reserved: u64,
}

impl From<Used> for BudgetUsed {
    fn from(used: Used) -> Self {
        Self { day: used.day, month: used.month, reserved: used.reserved }
    }
}

/// The tenant's budgets.
#[derive(Serialize, ToSchema)]
pub(super) struct BudgetsView {
    limits: BudgetLimits,
    tenant: BudgetUsed,
}

impl From<BudgetStanding> for BudgetsView {
    fn from(standing: BudgetStanding) -> Self {
        let TokenBudgets { tenant_day, tenant_month, person_day, person_month, overflow } =
            standing.budgets;
        let overflow = word(overflow).to_owned();
        let limits = BudgetLimits { tenant_day, tenant_month, person_day, person_month, overflow };
        Self { limits, tenant: standing.tenant.into() }
    }
}

const fn word(policy: OverflowPolicy) -> &'static str {
    match policy {
        OverflowPolicy::Refuse => "refuse",
        OverflowPolicy::Downgrade => "downgrade",
        OverflowPolicy::Queue => "queue",
    }
}

pub(super) async fn budgets_get(
    call: Authorized<settings::Read>,
    (): (),
) -> Result<Ok200<BudgetsView>, Problem> {
    let standing = call.state.budget().standing(call.permit()?.ctx()).await?;
    Ok(Ok200(standing.into()))
}

pub(super) async fn budgets_set(
    call: Authorized<settings::Change>,
    Json(limits): Json<BudgetLimits>,
) -> Result<Ok200<BudgetsView>, Problem> {
    let ctx = call.permit()?.ctx();
    let budgets = checked(&limits)?;
    let change = move |tx: WriteTx<'_>| -> Result<_, StoreError> {
        let before = token_budgets(&tx)?;
        token_budgets_set(&tx, &budgets)?;
        let event = Event::new(BUDGETS_CHANGED).before(json!(before)).after(json!(budgets));
        tx.commit(event, ())
    };
    ctx.write(change).await?;
    Ok(Ok200(call.state.budget().standing(ctx).await?.into()))
}

fn checked(limits: &BudgetLimits) -> Result<TokenBudgets, Problem> {
    let overflow = [OverflowPolicy::Refuse, OverflowPolicy::Downgrade, OverflowPolicy::Queue]
        .into_iter()
        .find(|policy| word(*policy) == limits.overflow);
    let overflow = overflow
        .ok_or_else(|| Problem::invalid("overflow", "must be refuse, downgrade or queue"))?;
    let fields = [
        ("tenant_day", limits.tenant_day),
        ("tenant_month", limits.tenant_month),
        ("person_day", limits.person_day),
        ("person_month", limits.person_month),
    ];
    for (field, tokens) in fields {
        if tokens > BUDGET_MOST_TOKENS {
            return Err(Problem::invalid(field, format!("must be at most {BUDGET_MOST_TOKENS}")));
        }
    }
    let BudgetLimits { tenant_day, tenant_month, person_day, person_month, .. } = *limits;
    Ok(TokenBudgets { tenant_day, tenant_month, person_day, person_month, overflow })
}

/// What is used of one's own budgets.
#[derive(Serialize, ToSchema)]
pub(super) struct OwnBudget {
    /// Tokens a day; absent without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    day_limit: Option<u64>,
    /// Tokens a month; absent without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    month_limit: Option<u64>,
    used: BudgetUsed,
}

pub(super) async fn own_budget(
    call: Authorized<profile::Read>,
    (): (),
) -> Result<Ok200<OwnBudget>, Problem> {
    let standing = call.state.budget().standing(call.permit()?.ctx()).await?;
    let limit = |period| standing.budgets.limit(BudgetScope::Person, period);
    Ok(Ok200(OwnBudget {
        day_limit: limit(BudgetPeriod::Day),
        month_limit: limit(BudgetPeriod::Month),
        used: standing.person.unwrap_or_default().into(),
    }))
}
