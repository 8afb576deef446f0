//! GET /api/v1/workflows and /api/v1/workflows/{workflow}

use agents::workflow::Definition;
use policy::workflows;
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::Authorized;
use crate::cursor::Page;
use crate::input::{Id, WorkflowName};
use crate::output::Ok200;
use crate::problem::Problem;

/// A workflow that can be run by name.
#[derive(Serialize, ToSchema)]
#[schema(as = Workflow)]
pub(super) struct WorkflowView {
    name: String,
    title: String,
    description: String,
    /// JSON schema of what a run is given.
    #[schema(value_type = Object)]
    input: serde_json::Value,
    /// Tokens that a run may take.
    tokens: u32,
    /// From the start to the end, in seconds.
    deadline_s: u32,
}

impl From<&Definition> for WorkflowView {
    fn from(definition: &Definition) -> Self {
        Self {
            name: definition.name.clone(),
            title: definition.title.clone(),
            description: definition.description.clone(),
            input: definition.input.clone(),
            tokens: definition.limits.tokens,
            deadline_s: definition.limits.deadline_s,
        }
    }
}

/// A workflow with its steps.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkflowDetails)]
pub(super) struct WorkflowDetailsView {
    #[serde(flatten)]
    workflow: WorkflowView,
    /// The whole definition, in the form in which one may be brought along.
    #[schema(value_type = Object)]
    definition: serde_json::Value,
}

pub(super) async fn list(
    call: Authorized<workflows::Read>,
    (): (),
) -> Result<Ok200<Page<WorkflowView>>, Problem> {
    call.permit()?;
    let known = call.state.workbench()?.definitions().iter().map(WorkflowView::from);
    Ok(Ok200(Page::whole(known.collect())))
}

pub(super) async fn get(
    call: Authorized<workflows::Read>,
    Id(WorkflowName(name)): Id<WorkflowName>,
) -> Result<Ok200<WorkflowDetailsView>, Problem> {
    call.permit()?;
    let bench = call.state.workbench()?;
    let definition = bench.definitions().iter().find(|known| known.name == name);
    let definition = definition.ok_or_else(|| Problem::new("workflow_not_found"))?;
    let whole = serde_json::to_value(definition)
        .map_err(|e| Problem::new("internal_error").with_cause(e))?;
    Ok(Ok200(WorkflowDetailsView { workflow: definition.into(), definition: whole }))
}
