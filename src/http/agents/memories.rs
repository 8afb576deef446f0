//! What agents remember about the person who asks: per agent, and over all of them.

use agents::memory::{
    Memory, MemoryChange, MemoryCursor, MemoryFilter, MemoryInput, MemoryKind, memories_compact,
    memories_export, memories_forget_all, memory_add, memory_change, memory_consent,
    memory_consent_set, memory_forget, memory_get, memory_list,
};
use base::{Classification, MemoryId, Timestamp};
use policy::memories;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::call::Authorized;
use crate::cursor::{Page, page_limit, page_start};
use crate::endpoint::endpoint;
use crate::input::{AgentName, Id, Json, Query};
use crate::output::{Created, NoContent, Ok200};
use crate::problem::Problem;
use crate::route::{Audit, Idempotency, Method, RateClass, Route};
use crate::views::label_words;

const OF_AGENT: &str = "/api/v1/agents/{agent}/memories";
const ONE: &str = "/api/v1/agents/{agent}/memories/{memory_id}";
const OWN: &str = "/api/v1/me/memories";
const CONSENT: &str = "/api/v1/me/memories/consent";

pub(super) fn routes() -> Vec<Route> {
    let mut routes = of_agents();
    routes.extend(own());
    routes
}

fn of_agents() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: OF_AGENT,
            operation: "agent_memory_list",
            summary: "List what an agent remembers about oneself",
            audit: Audit::Entry("memory.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(list_of_agent),
        },
        Route {
            method: Method::Post,
            path: OF_AGENT,
            operation: "agent_memory_add",
            summary: "Have an agent remember something about oneself",
            audit: Audit::Entry("memory.added"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(add),
        },
        Route {
            method: Method::Delete,
            path: OF_AGENT,
            operation: "agent_memory_forget_all",
            summary: "Have an agent forget everything about oneself",
            audit: Audit::Entry("memory.all_forgotten"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(forget_all_of_agent),
        },
        Route {
            method: Method::Get,
            path: ONE,
            operation: "agent_memory_get",
            summary: "Something that an agent remembers about oneself",
            audit: Audit::Entry("memory.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(get),
        },
        Route {
            method: Method::Patch,
            path: ONE,
            operation: "agent_memory_change",
            summary: "Change something that an agent remembers about oneself",
            audit: Audit::Entry("memory.changed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(change),
        },
        Route {
            method: Method::Delete,
            path: ONE,
            operation: "agent_memory_forget",
            summary: "Have an agent forget something for good",
            audit: Audit::Entry("memory.forgotten"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(forget),
        },
    ]
}

fn own() -> Vec<Route> {
    vec![
        Route {
            method: Method::Get,
            path: OWN,
            operation: "memory_list",
            summary: "List what all agents remember about oneself",
            audit: Audit::Entry("memory.read"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(list_own),
        },
        Route {
            method: Method::Delete,
            path: OWN,
            operation: "memory_forget_all",
            summary: "Have all agents forget everything about oneself",
            audit: Audit::Entry("memory.all_forgotten"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(forget_all),
        },
        Route {
            method: Method::Get,
            path: "/api/v1/me/memories/export",
            operation: "memory_export",
            summary: "Everything that is remembered about oneself, for taking along",
            audit: Audit::Entry("memory.exported"),
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(export),
        },
        Route {
            method: Method::Post,
            path: "/api/v1/me/memories/compact",
            operation: "memory_compact",
            summary: "Forget what has expired and what is there twice",
            audit: Audit::Entry("memory.compacted"),
            rate: RateClass::Write,
            idempotency: Idempotency::Keyed,
            endpoint: endpoint(compact),
        },
        Route {
            method: Method::Get,
            path: CONSENT,
            operation: "memory_consent_get",
            summary: "Whether one has allowed that agents remember things",
            audit: Audit::Nothing,
            rate: RateClass::Read,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(consent),
        },
        Route {
            method: Method::Put,
            path: CONSENT,
            operation: "memory_consent_set",
            summary: "Allow that agents remember things about oneself, or forbid it",
            audit: Audit::Entry("memory.consent_changed"),
            rate: RateClass::Write,
            idempotency: Idempotency::Inherent,
            endpoint: endpoint(consent_set),
        },
    ]
}

/// Something that an agent remembers.
#[derive(Serialize, ToSchema)]
#[schema(as = Memory)]
struct MemoryView {
    #[schema(format = "uuid")]
    id: String,
    agent: String,
    /// `fact`, `preference`, `procedure` or `episode`.
    kind: &'static str,
    text: String,
    /// 1 to 5.
    importance: u32,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED.
    classification: &'static str,
    /// `none` or `controlled`.
    export_control: &'static str,
    /// What it was taken from (`conversation:<uuid>`, `person`).
    source: String,
    #[schema(format = "date-time")]
    created_at: String,
    #[schema(format = "date-time")]
    updated_at: String,
    #[schema(format = "date-time")]
    last_used_at: Option<String>,
    #[schema(format = "date-time")]
    expires_at: Option<String>,
}

impl From<&Memory> for MemoryView {
    fn from(memory: &Memory) -> Self {
        let (classification, export_control) = label_words(&memory.label);
        Self {
            id: memory.id.to_string(),
            agent: memory.agent.clone(),
            kind: memory.kind.as_str(),
            text: memory.text.clone(),
            importance: memory.importance,
            classification,
            export_control,
            source: memory.source.clone(),
            created_at: memory.created_at.to_string(),
            updated_at: memory.updated_at.to_string(),
            last_used_at: memory.last_used_at.map(|at| at.to_string()),
            expires_at: memory.expires_at.map(|at| at.to_string()),
        }
    }
}

/// Which memories.
#[derive(Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct MemoryQuery {
    /// `next_cursor` of the page before.
    #[serde(default)]
    cursor: Option<String>,
    /// Items on a page, 1 to 200; 50 when absent.
    #[serde(default)]
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Only `fact`, `preference`, `procedure` or `episode`.
    #[serde(default)]
    kind: Option<String>,
    /// Only those with all of these words in them, in any order, whatever their case and accents.
    #[serde(default)]
    text: Option<String>,
}

fn kind_of(word: &str) -> Result<MemoryKind, Problem> {
    MemoryKind::parse(word)
        .ok_or_else(|| Problem::invalid("kind", "must be fact, preference, procedure or episode"))
}

async fn listed(
    call: &Authorized<memories::Read>,
    query: MemoryQuery,
    agent: Option<String>,
) -> Result<Ok200<Page<MemoryView>>, Problem> {
    let after = page_start::<MemoryCursor>(query.cursor.as_deref())?;
    let limit = page_limit(query.limit)?;
    let kind = query.kind.as_deref().map(kind_of).transpose()?;
    let filter = MemoryFilter { agent, kind, text: query.text };
    let page = memory_list(call.permit()?, filter, after, limit).await?;
    Ok(Ok200(Page::new(page.memories.iter().map(MemoryView::from).collect(), page.next)))
}

/// An agent that is there.
fn known(call_state: &crate::state::AppState, name: String) -> Result<String, Problem> {
    let bench = call_state.workbench()?;
    if bench.agent(&name).is_some() { Ok(name) } else { Err(Problem::new("agent_not_found")) }
}

async fn list_of_agent(
    call: Authorized<memories::Read>,
    (Id(AgentName(agent)), Query(query)): (Id<AgentName>, Query<MemoryQuery>),
) -> Result<Ok200<Page<MemoryView>>, Problem> {
    let agent = known(&call.state, agent)?;
    listed(&call, query, Some(agent)).await
}

async fn list_own(
    call: Authorized<memories::Read>,
    Query(query): Query<MemoryQuery>,
) -> Result<Ok200<Page<MemoryView>>, Problem> {
    listed(&call, query, None).await
}

/// Something to be remembered.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemoryRequest {
    /// `fact`, `preference`, `procedure` or `episode`.
    kind: String,
    #[schema(min_length = 1, max_length = 1000)]
    text: String,
    /// 1 to 5; 3 when absent.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 5)]
    importance: Option<u32>,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED; PUBLIC when absent.
    #[serde(default)]
    classification: Option<String>,
    /// When it is forgotten by itself.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
}

async fn add(
    call: Authorized<memories::Change>,
    (Id(AgentName(agent)), Json(request)): (Id<AgentName>, Json<MemoryRequest>),
) -> Result<Created<MemoryView>, Problem> {
    let classification = request.classification.map(|word| {
        word.parse::<Classification>()
            .map_err(|error| Problem::invalid("classification", error.to_string()))
    });
    let input = MemoryInput {
        agent: known(&call.state, agent)?,
        kind: kind_of(&request.kind)?,
        text: request.text,
        importance: request.importance.unwrap_or(3),
        classification: classification.transpose()?.unwrap_or(Classification::Public),
        expires_at: request.expires_at,
    };
    let memory = memory_add(call.permit()?, &call.state.library, input).await?;
    Ok(Created {
        location: format!("/api/v1/agents/{}/memories/{}", memory.agent, memory.id),
        body: MemoryView::from(&memory),
    })
}

async fn get(
    call: Authorized<memories::Read>,
    (Id(AgentName(agent)), Id(id)): (Id<AgentName>, Id<MemoryId>),
) -> Result<Ok200<MemoryView>, Problem> {
    Ok(Ok200(MemoryView::from(&memory_get(call.permit()?, &agent, id).await?)))
}

/// What is to change; what is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct MemoryPatch {
    #[schema(min_length = 1, max_length = 1000)]
    text: Option<String>,
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    importance: Option<u32>,
    /// When it is forgotten by itself.
    #[schema(value_type = Option<String>, format = "date-time")]
    expires_at: Option<Timestamp>,
    /// It is not forgotten by itself any more.
    keep: bool,
}

async fn change(
    call: Authorized<memories::Change>,
    (Id(AgentName(agent)), Id(id), Json(patch)): (Id<AgentName>, Id<MemoryId>, Json<MemoryPatch>),
) -> Result<Ok200<MemoryView>, Problem> {
    let expires_at = match (patch.expires_at, patch.keep) {
        (Some(_), true) => {
            return Err(Problem::invalid("keep", "contradicts `expires_at`"));
        }
        (Some(at), false) => Some(Some(at)),
        (None, true) => Some(None),
        (None, false) => None,
    };
    let change = MemoryChange { text: patch.text, importance: patch.importance, expires_at };
    let place = (agent.as_str(), id);
    let memory = memory_change(call.permit()?, &call.state.library, place, change).await?;
    Ok(Ok200(MemoryView::from(&memory)))
}

async fn forget(
    call: Authorized<memories::Change>,
    (Id(AgentName(agent)), Id(id)): (Id<AgentName>, Id<MemoryId>),
) -> Result<NoContent, Problem> {
    memory_forget(call.permit()?, &agent, id).await?;
    Ok(NoContent)
}

/// How many memories went.
#[derive(Serialize, ToSchema)]
#[schema(as = MemoriesGone)]
struct GoneView {
    memories: u64,
}

impl GoneView {
    fn of(count: usize) -> Ok200<Self> {
        Ok200(Self { memories: count as u64 })
    }
}

async fn forget_all_of_agent(
    call: Authorized<memories::Change>,
    Id(AgentName(agent)): Id<AgentName>,
) -> Result<Ok200<GoneView>, Problem> {
    let agent = known(&call.state, agent)?;
    Ok(GoneView::of(memories_forget_all(call.permit()?, Some(agent)).await?))
}

async fn forget_all(
    call: Authorized<memories::Change>,
    (): (),
) -> Result<Ok200<GoneView>, Problem> {
    Ok(GoneView::of(memories_forget_all(call.permit()?, None).await?))
}

async fn compact(call: Authorized<memories::Change>, (): ()) -> Result<Ok200<GoneView>, Problem> {
    Ok(GoneView::of(memories_compact(call.permit()?).await?))
}

async fn export(
    call: Authorized<memories::Read>,
    (): (),
) -> Result<Ok200<Page<MemoryView>>, Problem> {
    let memories = memories_export(call.permit()?).await?;
    Ok(Ok200(Page::whole(memories.iter().map(MemoryView::from).collect())))
}

/// Whether agents may remember things about oneself.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = MemoryConsent)]
#[serde(deny_unknown_fields)]
struct ConsentView {
    allowed: bool,
}

async fn consent(call: Authorized<memories::Read>, (): ()) -> Result<Ok200<ConsentView>, Problem> {
    Ok(Ok200(ConsentView { allowed: memory_consent(&call.permit()?).await? }))
}

async fn consent_set(
    call: Authorized<memories::Change>,
    Json(request): Json<ConsentView>,
) -> Result<Ok200<ConsentView>, Problem> {
    let allowed = memory_consent_set(call.permit()?, request.allowed).await?;
    Ok(Ok200(ConsentView { allowed }))
}
