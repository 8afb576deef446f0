//! What a tenant changes about the agents of the house.

use audit::{Action, Event};
use base::{Classification, Timestamp};
use models::Tier;
use policy::{Permit, agents};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{ReadTx, StoreError, TenantCtx};

use super::spec::{AgentExample, AgentSpec};
use super::store as rows;
use crate::AgentError;
use crate::workbench::Workbench;

const AGENT_CHANGED: Action = Action::new("agent.changed");
const AGENT_RESET: Action = Action::new("agent.reset");

/// What is different about an agent in a tenant; what is left out is as in the house's file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AgentOverride {
    /// See [`AgentSpec::title`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// See [`AgentSpec::purpose`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// See [`AgentSpec::instructions`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// See [`AgentSpec::tools`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// See [`AgentSpec::tier`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// See [`AgentSpec::ceiling`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ceiling: Option<Classification>,
    /// See [`AgentSpec::turns`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub turns: Option<u32>,
    /// See [`AgentSpec::answer_tokens`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer_tokens: Option<u32>,
    /// See [`AgentSpec::signals`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signals: Option<Vec<String>>,
    /// See [`AgentSpec::examples`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples: Option<Vec<AgentExample>>,
}

/// An agent as the tenant has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentView {
    /// What counts.
    pub spec: AgentSpec,
    /// What the tenant changed, when it changed anything.
    pub changed: Option<AgentOverride>,
    /// When.
    pub changed_at: Option<Timestamp>,
    /// By whom, as the audit log writes it.
    pub changed_by: Option<String>,
}

impl AgentOverride {
    fn apply(&self, base: &AgentSpec) -> AgentSpec {
        let Self {
            title,
            purpose,
            instructions,
            tools,
            tier,
            ceiling,
            turns,
            answer_tokens,
            signals,
            examples,
        } = self.clone();
        AgentSpec {
            name: base.name.clone(),
            title: title.unwrap_or_else(|| base.title.clone()),
            purpose: purpose.unwrap_or_else(|| base.purpose.clone()),
            instructions: instructions.unwrap_or_else(|| base.instructions.clone()),
            tools: tools.unwrap_or_else(|| base.tools.clone()),
            tier: tier.unwrap_or(base.tier),
            ceiling: ceiling.unwrap_or(base.ceiling),
            turns: turns.unwrap_or(base.turns),
            answer_tokens: answer_tokens.unwrap_or(base.answer_tokens),
            signals: signals.unwrap_or_else(|| base.signals.clone()),
            examples: examples.unwrap_or_else(|| base.examples.clone()),
        }
    }
}

/// All agents as the tenant has them.
///
/// # Errors
/// The store's own.
pub async fn agent_list(
    permit: Permit<'_, agents::Read>,
    bench: &Workbench,
) -> Result<Vec<AgentView>, AgentError> {
    views(permit.ctx(), bench).await
}

/// One agent.
///
/// # Errors
/// [`AgentError::AgentNotFound`], or the store's own.
pub async fn agent_get(
    permit: Permit<'_, agents::Read>,
    bench: &Workbench,
    name: &str,
) -> Result<AgentView, AgentError> {
    let all = views(permit.ctx(), bench).await?;
    all.into_iter().find(|view| view.spec.name == name).ok_or(AgentError::AgentNotFound)
}

/// Changes an agent for the tenant: `change` takes the place of what was changed before.
///
/// # Errors
/// [`AgentError::AgentNotFound`]; [`AgentError::Invalid`] when the agent would not be valid with it; or
/// the store's own.
pub async fn agent_override(
    permit: Permit<'_, agents::Change>,
    bench: &Workbench,
    name: &str,
    change: AgentOverride,
) -> Result<AgentView, AgentError> {
    let base = find(bench, name)?;
    let spec = change.apply(base);
    spec.check(bench.toolbox()).map_err(AgentError::Invalid)?;
    let text = serde_json::to_string(&change).map_err(|_| corrupt())?;
    let ctx = permit.ctx();
    let (name, by) = (name.to_owned(), ctx.actor().to_string());
    let now = ctx.now();
    let stored_by = by.clone();
    ctx.write(move |tx| {
        rows::override_put(&tx, &name, &text, &stored_by)?;
        // Which fields, not what they say: instructions may hold what the log is not for.
        let fields: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let names: Vec<&String> = fields.as_object().into_iter().flat_map(|o| o.keys()).collect();
        let event =
            Event::new(AGENT_CHANGED).object("agent", &name).detail(json!({ "fields": names }));
        Ok::<_, AgentError>(tx.commit(event, ())?)
    })
    .await?;
    Ok(AgentView { spec, changed: Some(change), changed_at: Some(now), changed_by: Some(by) })
}

/// Takes back what the tenant changed about an agent.
///
/// # Errors
/// [`AgentError::AgentNotFound`], or the store's own.
pub async fn agent_reset(
    permit: Permit<'_, agents::Change>,
    bench: &Workbench,
    name: &str,
) -> Result<AgentView, AgentError> {
    let spec = find(bench, name)?.clone();
    let name = name.to_owned();
    permit
        .ctx()
        .write(move |tx| {
            rows::override_delete(&tx, &name)?;
            let event = Event::new(AGENT_RESET).object("agent", &name);
            Ok::<_, AgentError>(tx.commit(event, ())?)
        })
        .await?;
    Ok(AgentView { spec, changed: None, changed_at: None, changed_by: None })
}

/// The agents as they count in the tenant, for choosing and running one.
///
/// # Errors
/// The store's own.
pub async fn agents_effective(
    ctx: &TenantCtx,
    bench: &Workbench,
) -> Result<Vec<AgentSpec>, AgentError> {
    Ok(views(ctx, bench).await?.into_iter().map(|view| view.spec).collect())
}

/// The same, with what the tenant has changed.
pub(super) async fn views(
    ctx: &TenantCtx,
    bench: &Workbench,
) -> Result<Vec<AgentView>, AgentError> {
    let changed = ctx.read(|tx: &ReadTx<'_>| rows::overrides(tx)).await?;
    let mut views = Vec::with_capacity(bench.agents().len());
    for base in bench.agents() {
        let row = changed.iter().find(|row| row.name == base.name);
        let Some(row) = row else {
            let spec = base.clone();
            views.push(AgentView { spec, changed: None, changed_at: None, changed_by: None });
            continue;
        };
        let change: AgentOverride = serde_json::from_str(&row.change).map_err(|_| corrupt())?;
        let mut spec = change.apply(base);
        // A tool that this version does not have any more is left out.
        spec.tools.retain(|tool| bench.toolbox().has(tool));
        views.push(AgentView {
            spec,
            changed: Some(change),
            changed_at: Some(row.updated_at),
            changed_by: Some(row.updated_by.clone()),
        });
    }
    Ok(views)
}

fn find<'b>(bench: &'b Workbench, name: &str) -> Result<&'b AgentSpec, AgentError> {
    bench.agent(name).ok_or(AgentError::AgentNotFound)
}

fn corrupt() -> AgentError {
    AgentError::Store(StoreError::Corrupt("agent_overrides.change"))
}
