//! The leaves of workflows: what does the work.

use models::Tier;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::definition::standard;

/// One prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptStep {
    /// What it is called.
    pub id: String,
    /// What is to be done, in the words of whoever wrote the workflow.
    pub instructions: String,
    /// What it is done with: each value by its name, fenced.
    #[serde(default)]
    pub inputs: serde_json::Map<String, Value>,
    /// JSON schema of the result; text when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// Which tier.
    #[serde(default = "standard")]
    pub tier: Tier,
    /// Tokens of the result at most.
    #[serde(default = "thousand")]
    pub max_tokens: u32,
    /// 0 takes the most probable words always.
    #[serde(default)]
    pub temperature: f32,
}

const fn thousand() -> u32 {
    1_000
}

/// One tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolStep {
    /// What it is called.
    pub id: String,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: serde_json::Map<String, Value>,
}

/// Which thinking tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThinkingTool {
    /// [`crate::thinking::red_team`]
    RedTeam,
    /// [`crate::thinking::first_principles`]
    FirstPrinciples,
    /// [`crate::thinking::council`]
    Council,
}

/// A thinking tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThinkingStep {
    /// What it is called.
    pub id: String,
    /// Which one.
    pub tool: ThinkingTool,
    /// The question, as a value.
    pub question: Value,
    /// The draft, as a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draft: Option<Value>,
    /// Attackers or members.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub members: Option<u32>,
    /// Rounds of a council.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rounds: Option<u32>,
    /// Which tier.
    #[serde(default = "standard")]
    pub tier: Tier,
}

/// An agent with its tools.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentStep {
    /// What it is called.
    pub id: String,
    /// Which agent; chosen by the task when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The task, as a value.
    pub task: Value,
    /// What is known already, by name.
    #[serde(default)]
    pub inputs: serde_json::Map<String, Value>,
    /// JSON schema of the result; text when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

/// A value made from others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueStep {
    /// What it is called.
    pub id: String,
    /// The value.
    pub value: Value,
}
