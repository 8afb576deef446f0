//! Agents as the tenant has them, and what they remember about the person who asks.

mod memories;
mod view;

use agents::specialist::{AgentOverride, agent_get, agent_list, agent_override, agent_reset};
use policy::agents as rights;

use crate::call::Authorized;
use crate::cursor::Page;
use crate::endpoint::endpoint;
use crate::input::{AgentName, Id, Json};
use crate::output::Ok200;
use crate::problem::Problem;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};

use view::{AgentChangeRequest, AgentView, ToolView};

pub(crate) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route {
            method: Method::Get,
            path: "/api/v1/agents",
            operation: "agent_list",
            summary: "List the agents, what they are for and what they may reach for",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(list),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/agents/{agent}",
            operation: "agent_get",
            summary: "An agent with its instructions",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(get),
        },
        Route {
            method: Method::Put,
            path: "/api/v1/agents/{agent}/override",
            operation: "agent_override",
            summary: "Change an agent for the tenant; what is left out is as it comes",
            audit: Audit::Entry("agent.changed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(put_override),
        },
        Route {
            method: Method::Delete,
            path: "/api/v1/agents/{agent}/override",
            operation: "agent_reset",
            summary: "Take back what the tenant changed about an agent",
            audit: Audit::Entry("agent.reset"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(reset),
        },
    ];
    routes.push(Route {
        method: Method::Get,
        path: "/api/v1/tools",
        operation: "tool_list",
        summary: "List the tools that agents may reach for",
        audit: Audit::Nothing,
        rate: RateClass::Read,
        idempotency: Idempotency::Inherent,
        endpoint: endpoint(tools),
    });
    routes.extend(memories::routes());
    routes
}

async fn list(call: Authorized<rights::Read>, (): ()) -> Result<Ok200<Page<AgentView>>, Problem> {
    let agents = agent_list(call.permit()?, call.state.workbench()?).await?;
    Ok(Ok200(Page::whole(agents.iter().map(AgentView::from).collect())))
}

async fn tools(call: Authorized<rights::Read>, (): ()) -> Result<Ok200<Page<ToolView>>, Problem> {
    // Permission only: what tools there are is no data of a tenant.
    let _ = call.permit()?;
    let toolbox = call.state.workbench()?.toolbox();
    Ok(Ok200(Page::whole(toolbox.infos().map(ToolView::from).collect())))
}

async fn get(
    call: Authorized<rights::Read>,
    Id(AgentName(name)): Id<AgentName>,
) -> Result<Ok200<AgentView>, Problem> {
    let agent = agent_get(call.permit()?, call.state.workbench()?, &name).await?;
    Ok(Ok200(AgentView::from(&agent)))
}

async fn put_override(
    call: Authorized<rights::Change>,
    (Id(AgentName(name)), Json(request)): (Id<AgentName>, Json<AgentChangeRequest>),
) -> Result<Ok200<AgentView>, Problem> {
    let change: AgentOverride = request.read()?;
    let bench = call.state.workbench()?;
    let agent = agent_override(call.permit()?, bench, &name, change).await?;
    Ok(Ok200(AgentView::from(&agent)))
}

async fn reset(
    call: Authorized<rights::Change>,
    Id(AgentName(name)): Id<AgentName>,
) -> Result<Ok200<AgentView>, Problem> {
    let agent = agent_reset(call.permit()?, call.state.workbench()?, &name).await?;
    Ok(Ok200(AgentView::from(&agent)))
}
