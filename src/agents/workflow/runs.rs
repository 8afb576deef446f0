//! Runs as people see them: starting, looking, deciding, cancelling.

use audit::{Action, Event};
use base::{Label, PlanId, Rights, Role, Timestamp, UserId, Violation, WorkflowRunId, limits};
use policy::{Permission, Permit, effective, may_see, workflows};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use store::{JobState, NewJob, ReadTx, StoreError, TenantCtx, WriteTx, job_enqueue};

use super::definition::Definition;
use super::job::WORKFLOW_JOB;
use super::model::{
    GateDecision, RunCursor, RunPage, RunState, StartRun, WorkflowRun, WorkflowRunDetails, is_over,
};
use super::store::{self as rows, RunInsert, RunRow};
use super::store_steps::{self as steps, Decided};
use super::{DefinitionError, events};
use crate::AgentError;
use crate::brain::RunSeed;
use crate::planner;
use crate::schema::Schema;
use crate::workbench::Workbench;

/// Largest input of a run, in bytes of JSON.
const INPUT_MAX_BYTES: usize = 256 * 1024;
/// Longest reason for a decision, in characters.
const REASON_MAX_CHARS: usize = 500;

const RUN_STARTED: Action = Action::new("workflow.started");
const RUN_READ: Action = Action::new("workflow.read");
const RUN_CANCELLED: Action = Action::new("workflow.cancel_requested");
const GATE_DECIDED: Action = Action::new("workflow.decided");

/// Who looks.
#[derive(Clone)]
pub(super) struct Viewer {
    user: Option<UserId>,
    rights: Rights,
    decides: bool,
}

impl Viewer {
    pub(super) fn of(ctx: &TenantCtx) -> Self {
        Self {
            user: ctx.user_id(),
            rights: *ctx.rights(),
            decides: effective(ctx.principal()).contains(Permission::WorkflowsDecide),
        }
    }

    /// One's own; administrators and the console see all; who decides at gates sees what waits there.
    fn sees(&self, run: &WorkflowRun) -> bool {
        let own = run.owner == self.user || self.rights.role == Role::Admin;
        let asked = self.decides && run.state == RunState::Waiting;
        (own || asked) && may_see(&self.rights, &run.label).is_visible()
    }
}

/// A run that the person may see.
pub(super) fn find_visible(
    tx: &ReadTx<'_>,
    id: WorkflowRunId,
    viewer: &Viewer,
) -> Result<RunRow, AgentError> {
    let row = rows::run_find(tx, id)?.filter(|row| viewer.sees(&row.run));
    row.ok_or(AgentError::RunNotFound)
}

/// Starts a run; a durable job carries it out.
///
/// # Errors
/// [`AgentError::WorkflowNotFound`]; [`AgentError::Invalid`] when the input does not fit, or the
/// definition names tools or agents that there are not; `job_queue_full`; or the store's own.
pub async fn workflow_start(
    permit: Permit<'_, workflows::Run>,
    bench: &Workbench,
    start: StartRun,
) -> Result<WorkflowRun, AgentError> {
    let ctx = permit.ctx();
    let definition = match (start.workflow, start.definition) {
        (Some(name), None) => {
            let known = bench.definitions().iter().find(|known| known.name == name);
            known.cloned().ok_or(AgentError::WorkflowNotFound)?
        }
        (None, Some(definition)) => definition,
        _ => {
            let reason = "names either a workflow of the house or brings a definition";
            return Err(AgentError::invalid("workflow", reason));
        }
    };
    let new = NewRun::of(ctx, bench, definition, start.input, start.seed)?;
    let id = new.id;
    ctx.write(move |mut tx| {
        let detail = new.insert(&mut tx)?;
        let event = Event::new(RUN_STARTED).object("workflow_run", id).detail(detail);
        Ok::<_, AgentError>(tx.commit(event, ())?)
    })
    .await?;
    events::wake(ctx);
    let row = ctx.read(move |tx| Ok::<_, AgentError>(rows::run_find(tx, id)?)).await?;
    row.map(|row| row.run).ok_or(AgentError::RunNotFound)
}

/// A run that is ready to be stored.
pub(crate) struct NewRun {
    pub(crate) id: WorkflowRunId,
    job: NewJob,
    owner: Option<UserId>,
    definition: Definition,
    input: Value,
    seed: RunSeed,
    deadline_at: Timestamp,
    /// The plan that it carries out.
    pub(crate) plan: Option<PlanId>,
    /// What its input is labelled with.
    pub(crate) label: Label,
}

impl NewRun {
    /// Checks that it can be carried out at all.
    pub(crate) fn of(
        ctx: &TenantCtx,
        bench: &Workbench,
        definition: Definition,
        input: Value,
        seed: Option<RunSeed>,
    ) -> Result<Self, AgentError> {
        if input.to_string().len() > INPUT_MAX_BYTES {
            let reason = format!("must have at most {INPUT_MAX_BYTES} bytes");
            return Err(AgentError::invalid("input", reason));
        }
        let schema = Schema::of(&definition.input)
            .map_err(|error| AgentError::invalid("definition.input", error.to_string()))?;
        schema.check("input", &input).map_err(|mut found| {
            AgentError::Invalid(
                found.drain(..).next().unwrap_or(Violation::new("input", "is wrong")),
            )
        })?;
        names_known(&definition, bench)?;
        let id = WorkflowRunId::new(ctx.now(), ctx.entropy())?;
        let payload = json!({ "run": id });
        Ok(Self {
            id,
            job: NewJob::new(ctx, WORKFLOW_JOB, subject_of(id), payload)?,
            owner: ctx.user_id(),
            seed: match seed {
                Some(seed) => seed,
                None => RunSeed::new(ctx.entropy())?,
            },
            deadline_at: ctx.now().plus_ms(i64::from(definition.limits.deadline_s) * 1000),
            definition,
            input,
            plan: None,
            label: Label::TYPED,
        })
    }

    /// Stores run and job; returns what the audit log says about it.
    pub(crate) fn insert(&self, tx: &mut WriteTx<'_>) -> Result<Value, AgentError> {
        let job = job_enqueue(tx, &self.job)?;
        let definition = serde_json::to_string(&self.definition)
            .map_err(|_| StoreError::Corrupt("workflow_runs.definition"))?;
        let digest = hex_of(&Sha256::digest(definition.as_bytes()));
        rows::run_insert(
            tx,
            &RunInsert {
                id: self.id,
                owner: self.owner,
                workflow: &self.definition.name,
                title: &self.definition.title,
                definition,
                input: self.input.to_string(),
                job,
                plan: self.plan,
                seed: self.seed.0,
                deadline_at: self.deadline_at,
                label: self.label,
            },
        )?;
        Ok(json!({
            "workflow": self.definition.name,
            "definition_sha256": digest,
            "job": job,
            "plan": self.plan,
        }))
    }
}

/// Stores a run in a change that belongs to something else.
pub(crate) fn run_insert(tx: &mut WriteTx<'_>, new: &NewRun) -> Result<Value, AgentError> {
    new.insert(tx)
}

pub(super) fn subject_of(id: WorkflowRunId) -> String {
    format!("workflow_run:{id}")
}

pub(super) fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Tools and agents that a definition names must be there before it begins.
fn names_known(definition: &Definition, bench: &Workbench) -> Result<(), AgentError> {
    use super::Node;
    for node in definition.nodes() {
        let unknown = match node {
            Node::Tool(step) if !bench.toolbox().has(&step.tool) => Some(("tool", &step.tool)),
            Node::Agent(step) => step
                .agent
                .as_ref()
                .filter(|name| bench.agent(name).is_none())
                .map(|name| ("agent", name)),
            _ => None,
        };
        if let Some((what, name)) = unknown {
            return Err(AgentError::Definition(DefinitionError {
                line: None,
                field: format!("step {:?}", node.id()),
                reason: format!("there is no {what} {name:?}"),
            }));
        }
    }
    Ok(())
}

/// Runs that the person may see: their own, all for administrators.
///
/// # Errors
/// The store's own.
pub async fn workflow_list(
    permit: Permit<'_, workflows::Read>,
    after: Option<RunCursor>,
    limit: u32,
) -> Result<RunPage, AgentError> {
    let ctx = permit.ctx();
    let limit = limit.clamp(1, limits::PAGE_MAX_ITEMS);
    let viewer = Viewer::of(ctx);
    ctx.read(move |tx| {
        let owner = (viewer.rights.role != Role::Admin).then_some(viewer.user);
        let before = after.map(|cursor| cursor.0);
        let mut runs = rows::run_list(tx, owner, before, limit + 1)?;
        let more = runs.len() > limit as usize;
        runs.truncate(limit as usize);
        let next = if more { runs.last().map(|run| RunCursor(run.id)) } else { None };
        // Of runs above the person's rights not even the title is told.
        runs.retain(|run| viewer.sees(run));
        Ok(RunPage { runs, next })
    })
    .await
}

/// One run with its steps; recorded as read.
///
/// # Errors
/// [`AgentError::RunNotFound`], or the store's own.
pub async fn workflow_get(
    permit: Permit<'_, workflows::Read>,
    id: WorkflowRunId,
) -> Result<WorkflowRunDetails, AgentError> {
    let ctx = permit.ctx();
    let viewer = Viewer::of(ctx);
    let details = ctx
        .read(move |tx| {
            let row = find_visible(tx, id, &viewer)?;
            let waiting = match row.run.state {
                RunState::Waiting => steps::gates_waiting(tx, id)?,
                _ => Vec::new(),
            };
            Ok::<_, AgentError>(WorkflowRunDetails {
                steps: steps::steps_view(tx, id)?,
                waiting,
                run: row.run,
                input: row.input,
                definition: row.definition,
            })
        })
        .await?;
    let event = Event::new(RUN_READ)
        .object("workflow_run", id)
        .detail(json!({ "steps": details.steps.len() }))
        .label(details.run.label);
    ctx.record(event).await?;
    Ok(details)
}

/// Asks a run to end; returns it as it is then. One that waits ends at once, one that is being carried
/// out at its next step.
///
/// # Errors
/// [`AgentError::RunNotFound`]; [`AgentError::RunWrongState`] when it is over; or the store's own.
pub async fn workflow_cancel(
    permit: Permit<'_, workflows::Run>,
    id: WorkflowRunId,
) -> Result<WorkflowRun, AgentError> {
    let ctx = permit.ctx();
    let viewer = Viewer { decides: false, ..Viewer::of(ctx) };
    let run = ctx
        .write(move |mut tx| {
            let before = find_visible(&tx, id, &viewer)?.run;
            if is_over(before.state) {
                return Err(AgentError::RunWrongState("over already"));
            }
            let ends_now = match before.state {
                RunState::Waiting => true,
                _ => store::job_cancel(&mut tx, before.job_id)? == JobState::Cancelled,
            };
            if ends_now {
                end_cancelled(&tx, id)?;
                planner::run_ended(&tx, &before, RunState::Cancelled)?;
            }
            let after = rows::run_find(&tx, id)?.ok_or(AgentError::RunNotFound)?.run;
            let event = Event::new(RUN_CANCELLED)
                .object("workflow_run", id)
                .before(json!({ "state": before.state.as_str() }))
                .after(json!({ "state": after.state.as_str() }));
            Ok(tx.commit(event, after)?)
        })
        .await?;
    events::wake(ctx);
    Ok(run)
}

/// Writes that a run was cancelled.
pub(super) fn end_cancelled(tx: &WriteTx<'_>, id: WorkflowRunId) -> Result<(), StoreError> {
    rows::run_set_state(tx, id, RunState::Cancelled)?;
    let data = json!({ "state": RunState::Cancelled.as_str() });
    steps::event_insert(tx, id, "run.ended", &data)
}

/// Writes a person's decision at a gate, and has the run go on.
///
/// # Errors
/// [`AgentError::RunNotFound`]; [`AgentError::GateNotWaiting`] when nothing waits there, or not what was
/// shown; [`AgentError::Invalid`]; or the store's own.
pub async fn workflow_decide(
    permit: Permit<'_, workflows::Decide>,
    id: WorkflowRunId,
    decision: GateDecision,
) -> Result<WorkflowRun, AgentError> {
    let ctx = permit.ctx();
    if decision.reason.as_ref().is_some_and(|text| text.chars().count() > REASON_MAX_CHARS) {
        let reason = format!("must have at most {REASON_MAX_CHARS} characters");
        return Err(AgentError::invalid("reason", reason));
    }
    let viewer = Viewer::of(ctx);
    let by = ctx.actor().to_string();
    let now = ctx.now();
    let found = ctx.read(move |tx| find_visible(tx, id, &viewer)).await?;
    // In the name of whoever started the run: their rights count for every step, not the decider's.
    let payload = json!({ "run": id });
    let job = NewJob::new(ctx, WORKFLOW_JOB, subject_of(id), payload)?.continuing(found.run.job_id);
    let viewer = Viewer::of(ctx);
    let run = ctx
        .write(move |mut tx| {
            let before = find_visible(&tx, id, &viewer)?.run;
            if before.state != RunState::Waiting {
                return Err(AgentError::GateNotWaiting);
            }
            let decided = Decided { approved: decision.approved, reason: decision.reason };
            let (key, digest) = (&decision.key, &decision.digest);
            if !steps::gate_decide(&tx, id, key, digest, (&decided, &by))? {
                return Err(AgentError::GateNotWaiting);
            }
            let job = job_enqueue(&mut tx, &job)?;
            rows::run_set_job(&tx, id, job)?;
            rows::run_set_state(&tx, id, RunState::Queued)?;
            let word = if decided.approved { "approved" } else { "rejected" };
            steps::event_insert(
                &tx,
                id,
                "gate.decided",
                &json!({ "step": key, "decision": word }),
            )?;
            let after = rows::run_find(&tx, id)?.ok_or(AgentError::RunNotFound)?.run;
            let event = Event::new(GATE_DECIDED)
                .object("workflow_run", id)
                .detail(json!({
                    "step": key,
                    "decision": word,
                    "shown_sha256": hex_of(digest),
                    "waited_ms": now.since_ms(before.updated_at),
                }))
                .label(before.label);
            Ok(tx.commit(event, after)?)
        })
        .await?;
    events::wake(ctx);
    Ok(run)
}
