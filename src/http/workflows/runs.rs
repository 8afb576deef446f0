//! Runs: starting, listing, looking, cancelling, deciding.

use agents::RunSeed;
use agents::workflow::{
    Definition, GateDecision, RunCursor, StartRun, StepView, WaitingGate, WorkflowRun,
    WorkflowRunDetails, workflow_cancel, workflow_decide, workflow_get, workflow_list,
    workflow_start,
};
use base::WorkflowRunId;
use policy::workflows;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::cursor::{Page, PageQuery, page_limit, page_start};
use crate::input::{Id, Json, Query};
use crate::output::{Accepted, Ok200};
use crate::problem::Problem;
use crate::views::label_words;

/// A run of a workflow.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkflowRun)]
pub(crate) struct RunView {
    #[schema(format = "uuid")]
    id: String,
    workflow: String,
    title: String,
    /// `queued`, `running`, `waiting`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// Who started it; absent for the console.
    #[schema(format = "uuid")]
    started_by: Option<String>,
    /// The job that carries it out now, or did last.
    #[schema(format = "uuid")]
    job_id: String,
    /// The plan that it carries out.
    #[schema(format = "uuid")]
    plan_id: Option<String>,
    /// Steps that have ended.
    steps_ended: u64,
    /// Tokens that it has used.
    tokens: u64,
    error: Option<RunFault>,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED: as secret as the most secret text it has seen.
    classification: &'static str,
    /// `none` or `controlled`.
    export_control: &'static str,
    #[schema(format = "date-time")]
    deadline_at: String,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(format = "date-time")]
    updated_at: String,
    #[schema(format = "date-time")]
    ended_at: Option<String>,
}

/// Why a run or a step has failed.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkflowFault)]
struct RunFault {
    code: String,
    detail: Option<String>,
}

impl From<&WorkflowRun> for RunView {
    fn from(run: &WorkflowRun) -> Self {
        let (classification, export_control) = label_words(&run.label);
        let detail = run.error_detail.clone();
        Self {
            id: run.id.to_string(),
            workflow: run.workflow.clone(),
            title: run.title.clone(),
            state: run.state.as_str(),
            started_by: run.owner.map(|user| user.to_string()),
            job_id: run.job_id.to_string(),
            plan_id: run.plan_id.map(|plan| plan.to_string()),
            steps_ended: run.steps,
            tokens: run.tokens,
            error: run.error_code.clone().map(|code| RunFault { code, detail }),
            classification,
            export_control,
            deadline_at: run.deadline_at.to_string(),
            created_at: run.created_at.to_string(),
            updated_at: run.updated_at.to_string(),
            ended_at: run.ended_at.map(|at| at.to_string()),
        }
    }
}

/// A step that has ended.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkflowStep)]
struct WorkflowStepView {
    /// From the outermost step to this one (`readings[2].reading`, `draft#1.attempt`).
    step: String,
    /// `pipeline`, `fan_out`, `graph`, `gate`, `tdd_loop`, `prompt`, `tool`, `thinking`, `agent` or
    /// `value`.
    kind: String,
    /// `done` or `failed`.
    state: &'static str,
    /// What it gave.
    output: Option<serde_json::Value>,
    error: Option<RunFault>,
    prompt_tokens: u32,
    completion_tokens: u32,
    #[schema(format = "date-time")]
    started_at: String,
    #[schema(format = "date-time")]
    ended_at: String,
}

impl From<StepView> for WorkflowStepView {
    fn from(step: StepView) -> Self {
        let detail = step.error_detail;
        Self {
            step: step.key,
            kind: step.kind,
            state: step.state.as_str(),
            output: step.output,
            error: step.error_code.map(|code| RunFault { code, detail }),
            prompt_tokens: step.prompt_tokens,
            completion_tokens: step.completion_tokens,
            started_at: step.started_at.to_string(),
            ended_at: step.ended_at.to_string(),
        }
    }
}

/// A gate at which a person is asked.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkflowGate)]
struct GateView {
    /// Which step.
    step: String,
    /// What is asked.
    question: String,
    /// What is shown.
    shown: serde_json::Value,
    /// SHA-256 of question and what is shown, hexadecimal; a decision names it.
    digest: String,
    #[schema(format = "date-time")]
    asked_at: String,
}

impl From<WaitingGate> for GateView {
    fn from(gate: WaitingGate) -> Self {
        Self {
            step: gate.key,
            question: gate.question,
            shown: gate.shown,
            digest: hex::encode(gate.digest),
            asked_at: gate.asked_at.to_string(),
        }
    }
}

/// A run with its steps, and what it waits for.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkflowRunDetails)]
pub(super) struct RunDetailsView {
    #[serde(flatten)]
    run: RunView,
    /// What it was given.
    input: serde_json::Value,
    /// What it gave.
    output: Option<serde_json::Value>,
    /// The definition as it was at the start.
    #[schema(value_type = Object)]
    definition: serde_json::Value,
    /// Steps that have ended, in that order.
    steps: Vec<WorkflowStepView>,
    /// Where a person is asked.
    waiting: Vec<GateView>,
}

impl From<WorkflowRunDetails> for RunDetailsView {
    fn from(details: WorkflowRunDetails) -> Self {
        Self {
            run: RunView::from(&details.run),
            input: details.input,
            output: details.run.output,
            definition: details.definition,
            steps: details.steps.into_iter().map(WorkflowStepView::from).collect(),
            waiting: details.waiting.into_iter().map(GateView::from).collect(),
        }
    }
}

/// What is to be run: `workflow`, or one of the definitions.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RunRequest {
    /// A workflow of GET /api/v1/workflows.
    #[serde(default)]
    workflow: Option<String>,
    /// A definition that is brought along.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    definition: Option<serde_json::Value>,
    /// The same in TOML.
    #[serde(default)]
    definition_toml: Option<String>,
    /// What it is given; must fit the workflow's `input`.
    #[serde(default)]
    input: serde_json::Value,
    /// What all draws of the run follow from.
    #[serde(default)]
    seed: Option<u32>,
}

pub(super) async fn start(
    call: Authorized<workflows::Run>,
    Json(request): Json<RunRequest>,
) -> Result<Accepted<RunView>, Problem> {
    let definition = match (request.definition, request.definition_toml) {
        (Some(_), Some(_)) => {
            let reason = "is there beside `definition`; one of them is enough";
            return Err(Problem::invalid("definition_toml", reason));
        }
        (Some(value), None) => {
            Some(Definition::from_json(value).map_err(agents::AgentError::from)?)
        }
        (None, Some(text)) => Some(Definition::from_toml(&text).map_err(agents::AgentError::from)?),
        (None, None) => None,
    };
    let start = StartRun {
        workflow: request.workflow,
        definition,
        input: request.input,
        seed: request.seed.map(RunSeed),
    };
    let run = workflow_start(call.permit()?, call.state.workbench()?, start).await?;
    Ok(Accepted {
        location: format!("/api/v1/workflows/runs/{}", run.id),
        body: RunView::from(&run),
    })
}

pub(super) async fn list(
    call: Authorized<workflows::Read>,
    Query(query): Query<PageQuery>,
) -> Result<Ok200<Page<RunView>>, Problem> {
    let after = page_start::<RunCursor>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let page = workflow_list(call.permit()?, after, limit).await?;
    Ok(Ok200(Page::new(page.runs.iter().map(RunView::from).collect(), page.next)))
}

pub(super) async fn get(
    call: Authorized<workflows::Read>,
    Id(id): Id<WorkflowRunId>,
) -> Result<Ok200<RunDetailsView>, Problem> {
    Ok(Ok200(workflow_get(call.permit()?, id).await?.into()))
}

pub(super) async fn cancel(
    call: Authorized<workflows::Run>,
    Id(id): Id<WorkflowRunId>,
) -> Result<Ok200<RunView>, Problem> {
    Ok(Ok200(RunView::from(&workflow_cancel(call.permit()?, id).await?)))
}

/// A decision at a gate.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DecideRequest {
    /// Which gate, as the run shows it.
    step: String,
    /// `digest` of the gate: what was shown is what is decided on.
    #[schema(min_length = 64, max_length = 64)]
    digest: String,
    /// `approved` or `rejected`.
    decision: String,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 500)]
    reason: Option<String>,
}

pub(super) async fn decide(
    call: Authorized<workflows::Decide>,
    (Id(id), Json(request)): (Id<WorkflowRunId>, Json<DecideRequest>),
) -> Result<Ok200<RunView>, Problem> {
    let approved = match request.decision.as_str() {
        "approved" => true,
        "rejected" => false,
        _ => return Err(Problem::invalid("decision", "must be approved or rejected")),
    };
    let decision = GateDecision {
        key: request.step,
        digest: digest_of("digest", &request.digest)?,
        approved,
        reason: request.reason,
    };
    Ok(Ok200(RunView::from(&workflow_decide(call.permit()?, id, decision).await?)))
}

/// 64 hexadecimal digits.
pub(crate) fn digest_of(field: &str, text: &str) -> Result<[u8; 32], Problem> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text, &mut digest)
        .map_err(|_| Problem::invalid(field, "must have 64 hexadecimal digits"))?;
    Ok(digest)
}
