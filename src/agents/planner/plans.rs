//! Plans as people see them: making one, looking, deciding; and what becomes of it afterwards.

use audit::{Action, Event};
use base::{Label, Origin, PlanId, Role, UserId, limits};
use knowledge::{Work, made_from, revisions_behind};
use models::usage_insert;
use policy::{Permit, may_see, plans};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use store::{ReadTx, StoreError, TenantCtx, WriteTx};

use super::compile::Plan;
use super::make::{Wish, brought, make};
use super::model::{PlanCursor, PlanInput, PlanPage, PlanState, PlanView};
use super::store::{self as rows, PlanInsert};
use crate::AgentError;
use crate::brain::RunSeed;
use crate::workbench::Workbench;
use crate::workflow::{NewRun, RunState, WorkflowRun, run_insert};

/// How often a plan may be made anew.
pub const PLAN_REPLANS_MAX: u32 = 5;

const GOAL_MAX_CHARS: usize = 4_000;
const REASON_MAX_CHARS: usize = 500;
/// Tokens that a plan may be given.
const BUDGET_MAX_TOKENS: u32 = 5_000_000;
const DEADLINE_MAX_S: u32 = 7 * 24 * 3600;

const PLAN_MADE: Action = Action::new("plan.made");
const PLAN_READ: Action = Action::new("plan.read");
const PLAN_APPROVED: Action = Action::new("plan.approved");
const PLAN_REJECTED: Action = Action::new("plan.rejected");
const PLAN_MADE_ANEW: Action = Action::new("plan.made_anew");

/// Has a plan made for a goal. Nothing of it is done before it is approved.
///
/// # Errors
/// [`AgentError::Invalid`]; [`AgentError::NoModel`]; [`AgentError::ModelOutput`] when no valid plan came
/// out; those of budgets, models and the store.
pub async fn plan_create(
    permit: Permit<'_, plans::Create>,
    bench: &Workbench,
    input: PlanInput,
) -> Result<PlanView, AgentError> {
    check(&input)?;
    let ctx = permit.ctx();
    let goal = input.goal.trim().to_owned();
    let seed = match input.seed {
        Some(seed) => seed,
        None => RunSeed::new(ctx.entropy())?,
    };
    let wish = Wish { goal: &goal, deadline_s: input.deadline_s, failed: None, seed };
    let made = match input.tasks {
        Some(tasks) => brought(bench, ctx, &wish, tasks).await?,
        None => make(bench, ctx, &wish).await?,
    };
    if let Some(budget) = input.budget_tokens.filter(|b| *b < made.plan.estimate.tokens) {
        let reason = format!(
            "the plan may need up to {} tokens, and {budget} are allowed",
            made.plan.estimate.tokens
        );
        return Err(AgentError::invalid("budget_tokens", reason));
    }
    let id = PlanId::new(ctx.now(), ctx.entropy())?;
    let (text, digest) = sealed(&made.plan)?;
    let (owner, label, replans_max) = (ctx.user_id(), of_goal(), input.replans_max);
    let settled = made.settled;
    ctx.write(move |tx| {
        let insert =
            PlanInsert { id, owner, goal: &goal, plan: &text, digest: &digest, replans_max, label };
        rows::plan_insert(&tx, &insert)?;
        for usage in &settled {
            usage_insert(&tx, usage)?;
        }
        let event = Event::new(PLAN_MADE)
            .object("plan", id)
            .detail(json!({ "plan_sha256": hex_of(&digest), "version": 1 }))
            .label(label);
        let view = rows::plan_find(&tx, id)?.ok_or(AgentError::PlanNotFound)?;
        Ok::<_, AgentError>(tx.commit(event, view)?)
    })
    .await
}

fn check(input: &PlanInput) -> Result<(), AgentError> {
    let is_empty = input.goal.trim().is_empty();
    if is_empty || input.goal.chars().count() > GOAL_MAX_CHARS {
        let reason = format!("must have 1 to {GOAL_MAX_CHARS} characters");
        return Err(AgentError::invalid("goal", reason));
    }
    if input.budget_tokens.is_some_and(|tokens| !(1..=BUDGET_MAX_TOKENS).contains(&tokens)) {
        let reason = format!("must be 1 to {BUDGET_MAX_TOKENS}");
        return Err(AgentError::invalid("budget_tokens", reason));
    }
    if !(60..=DEADLINE_MAX_S).contains(&input.deadline_s) {
        return Err(AgentError::invalid("deadline_s", format!("must be 60 to {DEADLINE_MAX_S}")));
    }
    if input.replans_max > PLAN_REPLANS_MAX {
        let reason = format!("must be at most {PLAN_REPLANS_MAX}");
        return Err(AgentError::invalid("replans_max", reason));
    }
    Ok(())
}

/// A model wrote it, from what a person typed.
const fn of_goal() -> Label {
    Label { origin: Origin::Model, ..Label::TYPED }
}

/// The bytes that are shown, kept and approved, and their digest.
fn sealed(plan: &Plan) -> Result<(String, [u8; 32]), AgentError> {
    let text = serde_json::to_string(plan).map_err(|_| StoreError::Corrupt("plans.plan"))?;
    let digest = Sha256::digest(text.as_bytes()).into();
    Ok((text, digest))
}

fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One plan; recorded as read.
///
/// # Errors
/// [`AgentError::PlanNotFound`], or the store's own.
pub async fn plan_get(permit: Permit<'_, plans::Read>, id: PlanId) -> Result<PlanView, AgentError> {
    let ctx = permit.ctx();
    let seer = Seer::of(ctx);
    let view = ctx.read(move |tx| seer.find(tx, id)).await?;
    ctx.record(Event::new(PLAN_READ).object("plan", id).label(view.label)).await?;
    Ok(view)
}

/// Plans that the person may see: their own, all for administrators.
///
/// # Errors
/// The store's own.
pub async fn plan_list(
    permit: Permit<'_, plans::Read>,
    after: Option<PlanCursor>,
    limit: u32,
) -> Result<PlanPage, AgentError> {
    let ctx = permit.ctx();
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    let seer = Seer::of(ctx);
    ctx.read(move |tx| {
        let owner = (!seer.all).then_some(seer.user);
        let mut plans = rows::plan_list(tx, owner, after.map(|cursor| cursor.0), limit + 1)?;
        let more = plans.len() > limit as usize;
        plans.truncate(limit as usize);
        let next = if more { plans.last().map(|plan| PlanCursor(plan.id)) } else { None };
        plans.retain(|plan| seer.sees(plan));
        Ok(PlanPage { plans, next })
    })
    .await
}

/// Approves exactly the plan whose digest is named, and begins to carry it out, with the rights of
/// whoever approves.
///
/// # Errors
/// [`AgentError::PlanNotFound`]; [`AgentError::PlanWrongState`] when it waits for no decision;
/// [`AgentError::PlanChanged`] when it is not the one that was shown; or the store's own.
pub async fn plan_approve(
    permit: Permit<'_, plans::Decide>,
    bench: &Workbench,
    id: PlanId,
    digest: [u8; 32],
) -> Result<PlanView, AgentError> {
    let ctx = permit.ctx();
    let seer = Seer::of(ctx);
    let view = ctx.read(move |tx| seer.find(tx, id)).await?;
    decidable(&view, &digest)?;
    let definition = view.plan.compile(view.plan.estimate.tokens);
    let input = json!({ "goal": view.goal });
    let mut run = NewRun::of(ctx, bench, definition, input, None)?;
    run.plan = Some(id);
    run.label = view.label;
    let by = ctx.actor().to_string();
    ctx.write(move |mut tx| {
        // It may have been decided on meanwhile.
        let now = seer.find(&tx, id)?;
        decidable(&now, &digest)?;
        let detail = run_insert(&mut tx, &run)?;
        rows::plan_set_state(&tx, id, PlanState::Running)?;
        rows::plan_set_decision(&tx, id, (&by, None), Some(run.id))?;
        let event = Event::new(PLAN_APPROVED)
            .object("plan", id)
            .detail(json!({
                "plan_sha256": hex_of(&digest), "version": now.version, "run": run.id,
                "workflow": detail,
            }))
            .label(now.label);
        let view = rows::plan_find(&tx, id)?.ok_or(AgentError::PlanNotFound)?;
        Ok::<_, AgentError>(tx.commit(event, view)?)
    })
    .await
}

fn decidable(view: &PlanView, digest: &[u8; 32]) -> Result<(), AgentError> {
    if view.state != PlanState::Proposed {
        return Err(AgentError::PlanWrongState(view.state.as_str()));
    }
    if view.digest != *digest {
        return Err(AgentError::PlanChanged);
    }
    Ok(())
}

/// Rejects a plan: nothing of it is done.
///
/// # Errors
/// As [`plan_approve`], without the digest.
pub async fn plan_reject(
    permit: Permit<'_, plans::Decide>,
    id: PlanId,
    reason: Option<String>,
) -> Result<PlanView, AgentError> {
    if reason.as_ref().is_some_and(|text| text.chars().count() > REASON_MAX_CHARS) {
        let limit = format!("must have at most {REASON_MAX_CHARS} characters");
        return Err(AgentError::invalid("reason", limit));
    }
    let ctx = permit.ctx();
    let seer = Seer::of(ctx);
    let by = ctx.actor().to_string();
    ctx.write(move |tx| {
        let now = seer.find(&tx, id)?;
        if now.state != PlanState::Proposed {
            return Err(AgentError::PlanWrongState(now.state.as_str()));
        }
        rows::plan_set_state(&tx, id, PlanState::Rejected)?;
        rows::plan_set_decision(&tx, id, (&by, reason.as_deref()), None)?;
        let event = Event::new(PLAN_REJECTED)
            .object("plan", id)
            .detail(json!({ "plan_sha256": hex_of(&now.digest), "version": now.version }))
            .label(now.label);
        let view = rows::plan_find(&tx, id)?.ok_or(AgentError::PlanNotFound)?;
        Ok(tx.commit(event, view)?)
    })
    .await
}

/// Makes a plan anew whose run has failed, when it may be; `true` when there is a further version, which
/// waits for approval. That no other plan can be made is no error: the run's own failure is told then.
pub(crate) async fn replan(
    bench: &Workbench,
    ctx: &TenantCtx,
    run: &WorkflowRun,
    code: &str,
    detail: &str,
) -> Result<bool, AgentError> {
    let Some(id) = run.plan_id else { return Ok(false) };
    let found = ctx.read(move |tx| Ok::<_, AgentError>(rows::plan_find(tx, id)?)).await?;
    let Some(view) = found.filter(|view| view.state == PlanState::Running) else {
        return Ok(false);
    };
    // A person who said no at a gate does not want another try.
    if view.version > view.replans_max || code == "workflow_gate_rejected" {
        return Ok(false);
    }
    let because = format!("{code}: {detail}");
    let wish = Wish {
        goal: &view.goal,
        deadline_s: view.plan.deadline_s,
        failed: Some((&view.plan, because.clone())),
        seed: RunSeed::new(ctx.entropy())?,
    };
    let made = match make(bench, ctx, &wish).await {
        Ok(made) => made,
        Err(AgentError::Store(error)) => return Err(error.into()),
        Err(error) => {
            tracing::warn!(
                plan.id = %id, error = &error as &dyn std::error::Error,
                "a plan that failed could not be made anew"
            );
            return Ok(false);
        }
    };
    let (text, digest) = sealed(&made.plan)?;
    let version = view.version + 1;
    // The failure's words may tell of what the run has seen.
    let label = view.label.join(run.label);
    let settled = made.settled;
    let run = run.id;
    ctx.write(move |tx| {
        let behind = revisions_behind(&tx, Work::Run(run))?;
        let label = label.join(made_from(&tx, Work::Plan(id), &behind, tx.now())?);
        rows::plan_set_version(&tx, id, version, (&text, &digest), label)?;
        rows::version_insert(&tx, id, version, (&text, &digest), Some(&because))?;
        for usage in &settled {
            usage_insert(&tx, usage)?;
        }
        let event = Event::new(PLAN_MADE_ANEW)
            .object("plan", id)
            .detail(json!({ "plan_sha256": hex_of(&digest), "version": version }))
            .label(label);
        Ok::<_, AgentError>(tx.commit(event, ())?)
    })
    .await?;
    Ok(true)
}

/// The plan follows its run, in the commit that ends it.
pub(crate) fn run_ended(
    tx: &WriteTx<'_>,
    run: &WorkflowRun,
    state: RunState,
) -> Result<(), StoreError> {
    let Some(id) = run.plan_id else { return Ok(()) };
    let Some(view) = rows::plan_find(tx, id)? else { return Ok(()) };
    // One that was made anew waits for its next approval.
    if view.state != PlanState::Running || view.run_id != Some(run.id) {
        return Ok(());
    }
    let state = match state {
        RunState::Done => PlanState::Done,
        RunState::Cancelled => PlanState::Cancelled,
        _ => PlanState::Failed,
    };
    rows::plan_set_state(tx, id, state)
}

/// Who looks.
#[derive(Clone, Copy)]
struct Seer {
    user: Option<UserId>,
    all: bool,
    rights: base::Rights,
}

impl Seer {
    fn of(ctx: &TenantCtx) -> Self {
        let rights = *ctx.rights();
        Self { user: ctx.user_id(), all: rights.role == Role::Admin, rights }
    }

    fn sees(&self, plan: &PlanView) -> bool {
        (self.all || plan.owner == self.user) && may_see(&self.rights, &plan.label).is_visible()
    }

    fn find(&self, tx: &ReadTx<'_>, id: PlanId) -> Result<PlanView, AgentError> {
        rows::plan_find(tx, id)?.filter(|plan| self.sees(plan)).ok_or(AgentError::PlanNotFound)
    }
}
