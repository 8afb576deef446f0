//! Plans for goals: made, shown, approved or rejected, and how far they are.

use agents::RunSeed;
use agents::planner::{
    Plan, PlanCursor, PlanInput, PlanTask, PlanView as DomainPlan, TaskKind, plan_approve,
    plan_create, plan_get, plan_list, plan_reject,
};
use base::PlanId;
use policy::plans;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::cursor::{Page, PageQuery, page_limit, page_start};
use crate::endpoint::endpoint;
use crate::input::{Id, Json, Query};
use crate::output::{Created, Ok200};
use crate::problem::Problem;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};
use crate::views::label_words;
use crate::workflows::digest_of;

pub(crate) fn routes() -> Vec<Route> {
    vec![
        Route {
            method: Method::Post,
            path: "/api/v1/plans",
            operation: "plan_create",
            summary: "Have a plan made for a goal; nothing of it is done before it is approved",
            audit: Audit::Entry("plan.made"),
            rate: RateClass::Ask,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(create),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/plans",
            operation: "plan_list",
            summary: "List plans, newest first",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(list),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/plans/{plan_id}",
            operation: "plan_get",
            summary: "A plan with its sub-tasks",
            audit: Audit::Entry("plan.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(get),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/plans/{plan_id}/status",
            operation: "plan_status",
            summary: "How far a plan is",
            audit: Audit::Entry("plan.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(status),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/plans/{plan_id}/approve",
            operation: "plan_approve",
            summary: "Approve exactly the plan that was shown, and begin to carry it out",
            audit: Audit::Entry("plan.approved"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(approve),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/plans/{plan_id}/reject",
            operation: "plan_reject",
            summary: "Reject a plan",
            audit: Audit::Entry("plan.rejected"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(reject),
        },
    ]
}

/// A sub-task.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = PlanTask)]
#[serde(deny_unknown_fields)]
struct TaskView {
    /// `a-z`, `0-9` and `_`.
    id: String,
    title: String,
    /// `agent`, `tool` or `ask`.
    kind: String,
    /// The agent or the tool; empty when a person is asked.
    #[serde(default)]
    with: String,
    /// What the agent is to do, or what the person is asked.
    #[serde(default)]
    task: String,
    /// The tool's arguments.
    #[serde(default)]
    #[schema(value_type = Object)]
    arguments: serde_json::Map<String, serde_json::Value>,
    /// Ids of the sub-tasks that it waits for and whose results it gets.
    #[serde(default)]
    after: Vec<String>,
}

impl From<&PlanTask> for TaskView {
    fn from(task: &PlanTask) -> Self {
        let kind = match task.kind {
            TaskKind::Agent => "agent",
            TaskKind::Tool => "tool",
            TaskKind::Ask => "ask",
        };
        Self {
            id: task.id.clone(),
            title: task.title.clone(),
            kind: kind.to_owned(),
            with: task.with.clone(),
            task: task.task.clone(),
            arguments: task.arguments.clone(),
            after: task.after.clone(),
        }
    }
}

impl TaskView {
    fn read(self, at: usize) -> Result<PlanTask, Problem> {
        let kind = match self.kind.as_str() {
            "agent" => TaskKind::Agent,
            "tool" => TaskKind::Tool,
            "ask" => TaskKind::Ask,
            _ => {
                let field = format!("tasks[{at}].kind");
                return Err(Problem::invalid(field, "must be agent, tool or ask"));
            }
        };
        Ok(PlanTask {
            id: self.id,
            title: self.title,
            kind,
            with: self.with,
            task: self.task,
            arguments: self.arguments,
            after: self.after,
        })
    }
}

/// How far a plan is.
#[derive(Serialize, ToSchema)]
#[schema(as = PlanStatus)]
struct StatusView {
    #[schema(format = "uuid")]
    id: String,
    /// `proposed`, `rejected`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// 1 for the first, one more with every time it was made anew after a failure.
    version: u32,
    /// How often it may be made anew.
    replans_max: u32,
    /// The run that carries it out, or did last.
    #[schema(format = "uuid")]
    run_id: Option<String>,
    /// Who decided (`user:<uuid>`).
    decided_by: Option<String>,
    #[schema(format = "date-time")]
    decided_at: Option<String>,
    reason: Option<String>,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(format = "date-time")]
    updated_at: String,
}

impl From<&DomainPlan> for StatusView {
    fn from(plan: &DomainPlan) -> Self {
        Self {
            id: plan.id.to_string(),
            state: plan.state.as_str(),
            version: plan.version,
            replans_max: plan.replans_max,
            run_id: plan.run_id.map(|run| run.to_string()),
            decided_by: plan.decided_by.clone(),
            decided_at: plan.decided_at.map(|at| at.to_string()),
            reason: plan.reason.clone(),
            created_at: plan.created_at.to_string(),
            updated_at: plan.updated_at.to_string(),
        }
    }
}

/// A plan.
#[derive(Serialize, ToSchema)]
#[schema(as = Plan)]
struct PlanView {
    #[serde(flatten)]
    status: StatusView,
    goal: String,
    /// What will be done, in a few sentences.
    summary: String,
    /// In an order in which each waits only for those before it.
    tasks: Vec<TaskView>,
    /// Tokens that it will take at most.
    tokens_max: u32,
    /// Times that a person is asked.
    questions: u32,
    /// From the approval to the end, in seconds.
    deadline_s: u32,
    /// SHA-256 of exactly this plan, hexadecimal; an approval names it.
    digest: String,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED.
    classification: &'static str,
    /// `none` or `controlled`.
    export_control: &'static str,
}

impl From<&DomainPlan> for PlanView {
    fn from(plan: &DomainPlan) -> Self {
        let Plan { summary, tasks, estimate, deadline_s, .. } = &plan.plan;
        let (classification, export_control) = label_words(&plan.label);
        Self {
            status: StatusView::from(plan),
            goal: plan.goal.clone(),
            summary: summary.clone(),
            tasks: tasks.iter().map(TaskView::from).collect(),
            tokens_max: estimate.tokens,
            questions: estimate.questions,
            deadline_s: *deadline_s,
            digest: hex::encode(plan.digest),
            classification,
            export_control,
        }
    }
}

/// A goal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PlanRequest {
    /// What is to be reached.
    #[schema(min_length = 1, max_length = 4000)]
    goal: String,
    /// Tokens that it may take; what is estimated when absent.
    #[serde(default)]
    budget_tokens: Option<u32>,
    /// From the approval to the end, in seconds; a day when absent.
    #[serde(default)]
    #[schema(minimum = 60, maximum = 604_800)]
    deadline_s: Option<u32>,
    /// How often it may be made anew when it fails, 0 to 5; 1 when absent. Each needs its own approval.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 5)]
    replans_max: Option<u32>,
    /// What all draws follow from.
    #[serde(default)]
    seed: Option<u32>,
    /// The sub-tasks, where they are brought along instead of being asked from a model.
    #[serde(default)]
    tasks: Option<Vec<TaskView>>,
}

const DEADLINE_DEFAULT_S: u32 = 24 * 3600;
const REPLANS_DEFAULT: u32 = 1;

async fn create(
    call: Authorized<plans::Create>,
    Json(request): Json<PlanRequest>,
) -> Result<Created<PlanView>, Problem> {
    let tasks = request.tasks.map(|tasks| {
        tasks.into_iter().enumerate().map(|(i, task)| task.read(i)).collect::<Result<Vec<_>, _>>()
    });
    let input = PlanInput {
        goal: request.goal,
        budget_tokens: request.budget_tokens,
        deadline_s: request.deadline_s.unwrap_or(DEADLINE_DEFAULT_S),
        replans_max: request.replans_max.unwrap_or(REPLANS_DEFAULT),
        seed: request.seed.map(RunSeed),
        tasks: tasks.transpose()?,
    };
    let plan = plan_create(call.permit()?, call.state.workbench()?, input).await?;
    Ok(Created { location: format!("/api/v1/plans/{}", plan.id), body: PlanView::from(&plan) })
}

async fn list(
    call: Authorized<plans::Read>,
    Query(query): Query<PageQuery>,
) -> Result<Ok200<Page<StatusView>>, Problem> {
    let after = page_start::<PlanCursor>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let page = plan_list(call.permit()?, after, limit).await?;
    Ok(Ok200(Page::new(page.plans.iter().map(StatusView::from).collect(), page.next)))
}

async fn get(
    call: Authorized<plans::Read>,
    Id(id): Id<PlanId>,
) -> Result<Ok200<PlanView>, Problem> {
    Ok(Ok200(PlanView::from(&plan_get(call.permit()?, id).await?)))
}

async fn status(
    call: Authorized<plans::Read>,
    Id(id): Id<PlanId>,
) -> Result<Ok200<StatusView>, Problem> {
    Ok(Ok200(StatusView::from(&plan_get(call.permit()?, id).await?)))
}

/// An approval.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ApproveRequest {
    /// `digest` of the plan that was shown.
    #[schema(min_length = 64, max_length = 64)]
    digest: String,
}

async fn approve(
    call: Authorized<plans::Decide>,
    (Id(id), Json(request)): (Id<PlanId>, Json<ApproveRequest>),
) -> Result<Ok200<PlanView>, Problem> {
    let digest = digest_of("digest", &request.digest)?;
    let plan = plan_approve(call.permit()?, call.state.workbench()?, id, digest).await?;
    Ok(Ok200(PlanView::from(&plan)))
}

/// A rejection.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct RejectRequest {
    /// Why.
    #[schema(max_length = 500)]
    reason: Option<String>,
}

async fn reject(
    call: Authorized<plans::Decide>,
    (Id(id), Json(request)): (Id<PlanId>, Json<RejectRequest>),
) -> Result<Ok200<PlanView>, Problem> {
    Ok(Ok200(PlanView::from(&plan_reject(call.permit()?, id, request.reason).await?)))
}
