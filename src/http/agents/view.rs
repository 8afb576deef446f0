//! Agents on the wire.

use agents::specialist::{AgentExample, AgentOverride, AgentView as DomainAgent};
use agents::tools::ToolInfo;
use base::Classification;
use models::Tier;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;

/// A task and a good answer to it.
#[derive(Serialize, Deserialize, ToSchema)]
#[schema(as = AgentExample)]
#[serde(deny_unknown_fields)]
pub(super) struct ExampleView {
    task: String,
    answer: String,
}

/// A tool that agents may reach for.
#[derive(Serialize, ToSchema)]
#[schema(as = Tool)]
pub(super) struct ToolView {
    name: &'static str,
    /// What it does and when to use it, as models are told.
    description: &'static str,
    /// What it does to the world: `none`, `read`, `propose` or `write`.
    side_effect: &'static str,
    /// The most secret text that it may hand out or be given.
    ceiling: &'static str,
    /// JSON schema of its arguments.
    parameters: serde_json::Value,
}

impl From<&ToolInfo> for ToolView {
    fn from(info: &ToolInfo) -> Self {
        Self {
            name: info.name,
            description: info.description,
            side_effect: info.side_effect.as_str(),
            ceiling: info.ceiling.as_str(),
            parameters: serde_json::from_str(info.parameters.as_str()).unwrap_or_default(),
        }
    }
}

/// An agent.
#[derive(Serialize, ToSchema)]
#[schema(as = Agent)]
pub(super) struct AgentView {
    name: String,
    title: String,
    /// What it is for.
    purpose: String,
    /// How it works and answers.
    instructions: String,
    /// The tools that it has.
    tools: Vec<String>,
    /// `light`, `standard` or `heavy`.
    tier: &'static str,
    /// The most secret text that it may be given: PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED.
    ceiling: &'static str,
    /// Turns with tools, the answer included.
    turns: u32,
    /// Tokens of its answer at most.
    answer_tokens: u32,
    /// Beginnings of words in a task that speak for it.
    signals: Vec<String>,
    examples: Vec<ExampleView>,
    /// Fields that the tenant has changed.
    changed: Vec<String>,
    #[schema(format = "date-time")]
    changed_at: Option<String>,
    /// By whom (`user:<uuid>`).
    changed_by: Option<String>,
}

impl From<&DomainAgent> for AgentView {
    fn from(agent: &DomainAgent) -> Self {
        let spec = &agent.spec;
        let changed = agent.changed.as_ref().map(serde_json::to_value);
        let changed = match changed {
            Some(Ok(serde_json::Value::Object(fields))) => fields.keys().cloned().collect(),
            _ => Vec::new(),
        };
        let example = |example: &AgentExample| ExampleView {
            task: example.task.clone(),
            answer: example.answer.clone(),
        };
        Self {
            name: spec.name.clone(),
            title: spec.title.clone(),
            purpose: spec.purpose.clone(),
            instructions: spec.instructions.clone(),
            tools: spec.tools.clone(),
            tier: spec.tier.as_str(),
            ceiling: spec.ceiling.as_str(),
            turns: spec.turns,
            answer_tokens: spec.answer_tokens,
            signals: spec.signals.clone(),
            examples: spec.examples.iter().map(example).collect(),
            changed,
            changed_at: agent.changed_at.map(|at| at.to_string()),
            changed_by: agent.changed_by.clone(),
        }
    }
}

/// What is different about an agent in the tenant; what is left out is as it comes.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AgentChangeRequest {
    title: Option<String>,
    purpose: Option<String>,
    instructions: Option<String>,
    tools: Option<Vec<String>>,
    /// `light`, `standard` or `heavy`.
    tier: Option<String>,
    /// PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED.
    ceiling: Option<String>,
    turns: Option<u32>,
    answer_tokens: Option<u32>,
    signals: Option<Vec<String>>,
    examples: Option<Vec<ExampleView>>,
}

impl AgentChangeRequest {
    pub(super) fn read(self) -> Result<AgentOverride, Problem> {
        let tier = self.tier.map(|word| {
            word.parse::<Tier>()
                .map_err(|_| Problem::invalid("tier", "must be light, standard or heavy"))
        });
        let ceiling = self.ceiling.map(|word| {
            word.parse::<Classification>()
                .map_err(|error| Problem::invalid("ceiling", error.to_string()))
        });
        let example =
            |example: ExampleView| AgentExample { task: example.task, answer: example.answer };
        Ok(AgentOverride {
            title: self.title,
            purpose: self.purpose,
            instructions: self.instructions,
            tools: self.tools,
            tier: tier.transpose()?,
            ceiling: ceiling.transpose()?,
            turns: self.turns,
            answer_tokens: self.answer_tokens,
            signals: self.signals,
            examples: self.examples.map(|all| all.into_iter().map(example).collect()),
        })
    }
}
