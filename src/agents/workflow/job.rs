//! The durable job that carries a run out.

use std::sync::Arc;
use std::time::Duration;

use audit::{Action, Event, Outcome};
use base::{Coded as _, WorkflowRunId};
use serde_json::{Value, json};
use store::{Job, JobContext, JobFailure, JobHandler, Retry, StoreError, TenantCtx};

use super::definition::Definition;
use super::engine::{Engine, EngineParts, Halt, Progress, Scope, StepFailure};
use super::events;
use super::model::{RunState, is_over};
use super::runs::end_cancelled;
use super::store::{self as rows, RunRow};
use super::store_steps as steps;
use crate::AgentError;
use crate::brain::RunSeed;
use crate::planner;
use crate::schema::Schema;
use crate::workbench::Workbench;

/// The kind of these jobs.
pub const WORKFLOW_JOB: &str = "workflow";

const RUN_RUNNING: Action = Action::new("workflow.running");
const RUN_ENDED: Action = Action::new("workflow.ended");
const RUN_WAITS: Action = Action::new("workflow.waiting");

/// Pause before a run goes on that found a part of the appliance away.
const LATER: Duration = Duration::from_secs(10);

/// What works on runs of workflows.
#[must_use]
pub fn workflow_handler(bench: Workbench) -> JobHandler {
    Arc::new(move |job| {
        let bench = bench.clone();
        Box::pin(async move { carry_out(&bench, job).await })
    })
}

async fn carry_out(bench: &Workbench, job: JobContext) -> Result<Value, JobFailure> {
    let id = job.job.payload().get("run").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let id: WorkflowRunId =
        id.ok_or_else(|| failure(&StoreError::Corrupt("jobs.payload").into()))?;
    let ctx = &job.ctx;
    let (row, progress) = load(ctx, id).await.map_err(|error| failure(&error))?;
    if is_over(row.run.state) {
        return Ok(json!({ "run": id, "state": row.run.state.as_str() }));
    }
    let definition = match Definition::from_json(row.definition.clone()) {
        Ok(definition) => definition,
        // It was checked when it was stored: another version of the program wrote it.
        Err(error) => {
            let failed = StepFailure::new("workflow_invalid", error.to_string());
            return end(ctx, &job, id, Err(failed)).await.map_err(|error| failure(&error));
        }
    };
    begin(ctx, id).await.map_err(|error| failure(&error))?;
    let engine = Engine::new(
        &EngineParts {
            bench,
            ctx,
            cancel: &job.cancel,
            run: id,
            job: job.job.id(),
            definition: &definition,
            input: &row.input,
            seed: RunSeed(row.seed),
            deadline: row.run.deadline_at,
        },
        progress,
    );
    let outcome = engine.node(&definition.step, Scope::default()).await;
    let ended = match outcome {
        Ok(value) => end(ctx, &job, id, fitting(&definition, value)).await,
        Err(Halt::Failed(failed)) => {
            // A plan may be made anew instead of failing.
            match planner::replan(bench, ctx, &row.run, &failed.code, &failed.detail).await {
                Ok(_) => end(ctx, &job, id, Err(failed)).await,
                Err(error) => Err(error),
            }
        }
        Err(Halt::Waiting) => wait(ctx, &job, id).await,
        Err(Halt::Cancelled) => return Err(stopped(ctx, &job, id).await),
        Err(Halt::Later(error)) => Err(error),
    };
    match ended {
        Ok(value) => Ok(value),
        Err(error) => {
            give_up_if_last(ctx, &job, id, &error).await;
            Err(failure(&error))
        }
    }
}

async fn load(ctx: &TenantCtx, id: WorkflowRunId) -> Result<(RunRow, Progress), AgentError> {
    ctx.read(move |tx| {
        let row = rows::run_find(tx, id)?.ok_or(AgentError::RunNotFound)?;
        let progress = Progress {
            steps: steps::steps_load(tx, id)?,
            decided: steps::gates_decided(tx, id)?,
            label: row.run.label,
        };
        Ok((row, progress))
    })
    .await
}

async fn begin(ctx: &TenantCtx, id: WorkflowRunId) -> Result<(), AgentError> {
    ctx.write(move |tx| {
        rows::run_set_state(&tx, id, RunState::Running)?;
        steps::event_insert(&tx, id, "run.started", &json!({ "state": "running" }))?;
        Ok::<_, AgentError>(tx.commit(Event::new(RUN_RUNNING).object("workflow_run", id), ())?)
    })
    .await?;
    events::wake(ctx);
    Ok(())
}

/// The value of a run must fit what its definition says.
fn fitting(definition: &Definition, value: Value) -> Result<Value, StepFailure> {
    let checked =
        Schema::of(&definition.output).map_err(|error| error.to_string()).and_then(|schema| {
            schema.check("output", &value).map_err(|found| {
                let told: Vec<String> =
                    found.iter().map(|v| format!("{} {}", v.field, v.reason)).collect();
                told.join("; ")
            })
        });
    match checked {
        Ok(()) => Ok(value),
        Err(reason) => Err(StepFailure::new("workflow_output_wrong", reason)),
    }
}

/// Writes the end of a run, with the result of its job, in one commit.
async fn end(
    ctx: &TenantCtx,
    job: &JobContext,
    id: WorkflowRunId,
    outcome: Result<Value, StepFailure>,
) -> Result<Value, AgentError> {
    let job_id = job.job.id();
    let result = ctx
        .write(move |tx| {
            let run = rows::run_find(&tx, id)?.ok_or(AgentError::RunNotFound)?.run;
            let state = if outcome.is_ok() { RunState::Done } else { RunState::Failed };
            let code = outcome.as_ref().err().map(|failed| failed.code.clone());
            rows::run_set_end(&tx, id, &outcome)?;
            rows::run_set_state(&tx, id, state)?;
            let data = json!({ "state": state.as_str(), "error": code });
            steps::event_insert(&tx, id, "run.ended", &data)?;
            planner::run_ended(&tx, &run, state)?;
            let result = json!({ "run": id, "state": state.as_str() });
            store::job_result(&tx, job_id, &result)?;
            let outcome = if code.is_none() { Outcome::Success } else { Outcome::Failed };
            let event = Event::new(RUN_ENDED)
                .object("workflow_run", id)
                .detail(json!({ "workflow": run.workflow, "error": code, "tokens": run.tokens }))
                .outcome(outcome)
                .label(run.label);
            Ok::<_, AgentError>(tx.commit(event, result)?)
        })
        .await?;
    events::wake(ctx);
    Ok(result)
}

/// A person is asked: the job is done, the decision queues the next one.
async fn wait(ctx: &TenantCtx, job: &JobContext, id: WorkflowRunId) -> Result<Value, AgentError> {
    let job_id = job.job.id();
    let result = ctx
        .write(move |tx| {
            rows::run_set_state(&tx, id, RunState::Waiting)?;
            steps::event_insert(&tx, id, "run.waiting", &json!({ "state": "waiting" }))?;
            let result = json!({ "run": id, "state": RunState::Waiting.as_str() });
            store::job_result(&tx, job_id, &result)?;
            let event = Event::new(RUN_WAITS).object("workflow_run", id);
            Ok::<_, AgentError>(tx.commit(event, result)?)
        })
        .await?;
    events::wake(ctx);
    Ok(result)
}

/// Asked for by a person it is the end; when the appliance stops the run goes on at its next start.
async fn stopped(ctx: &TenantCtx, job: &JobContext, id: WorkflowRunId) -> JobFailure {
    let job_id = job.job.id();
    let found: Result<Job, StoreError> = ctx.read(move |tx| store::job_get(tx, job_id)).await;
    if found.is_ok_and(|job| job.cancel_requested) {
        let written = ctx.write(move |tx| {
            end_cancelled(&tx, id)?;
            let run = rows::run_find(&tx, id)?.ok_or(AgentError::RunNotFound)?.run;
            planner::run_ended(&tx, &run, RunState::Cancelled)?;
            let event = Event::new(RUN_ENDED)
                .object("workflow_run", id)
                .detail(json!({ "error": "cancelled" }))
                .outcome(Outcome::Failed);
            Ok::<_, AgentError>(tx.commit(event, ())?)
        });
        if let Err(error) = written.await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the end of a run can't be written"
            );
        }
        events::wake(ctx);
    }
    let detail = "the run was stopped".to_owned();
    JobFailure { code: "cancelled", detail, retry: Retry::Counted }
}

/// After the last try a run must not look as if somebody worked on it.
async fn give_up_if_last(ctx: &TenantCtx, job: &JobContext, id: WorkflowRunId, error: &AgentError) {
    let last = match retry(error) {
        Retry::Never => true,
        Retry::Counted => job.job.attempt() >= job.attempts_max,
        Retry::Uncounted { .. } => false,
    };
    if last {
        let failed = StepFailure::new(error.code(), error.to_string());
        if let Err(error) = end(ctx, job, id, Err(failed)).await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the end of a run can't be written"
            );
        }
    }
}

fn retry(error: &AgentError) -> Retry {
    match error {
        AgentError::Store(StoreError::Busy | StoreError::DiskFull(_)) | AgentError::Model(_) => {
            Retry::Uncounted { after: LATER }
        }
        AgentError::RunNotFound => Retry::Never,
        _ => Retry::Counted,
    }
}

fn failure(error: &AgentError) -> JobFailure {
    JobFailure { code: error.code(), detail: error.to_string(), retry: retry(error) }
}
