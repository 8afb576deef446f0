//! What a workflow is made of.

use base::Classification;
use models::Tier;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use super::leaves::{AgentStep, PromptStep, ThinkingStep, ThinkingTool, ToolStep, ValueStep};
use super::read;
pub use super::read::DefinitionError;
use super::value::Predicate;

/// Most nodes of one definition.
pub(super) const NODES_MAX: usize = 200;
/// How deep nodes may be nested.
pub(super) const NODES_MAX_DEPTH: usize = 12;
/// Most nodes side by side.
pub(super) const PARALLEL_MAX: u32 = 8;
/// Most attempts of one loop.
pub(super) const ATTEMPTS_MAX: u32 = 20;
/// Most branches that one list makes.
pub(super) const BRANCHES_MAX: usize = 64;
/// Most tokens of a run, and longest time, in seconds.
pub(super) const RUN_MAX_TOKENS: u32 = 20_000_000;
/// See [`RUN_MAX_TOKENS`].
pub(super) const RUN_MAX_S: u32 = 7 * 24 * 3600;

/// The workflows that come with the house.
const BUILTIN: [(&str, &str); 3] = [
    ("document_check", include_str!("../../../assets/agents/workflows/document_check.toml")),
    ("procedure_draft", include_str!("../../../assets/agents/workflows/procedure_draft.toml")),
    ("compare_documents", include_str!("../../../assets/agents/workflows/compare_documents.toml")),
];

/// Reads the workflows that come with the house.
///
/// # Errors
/// [`DefinitionError`]; a test sees to it that there is none.
pub fn builtin_definitions() -> Result<Vec<Definition>, DefinitionError> {
    BUILTIN.iter().map(|(_, text)| Definition::from_toml(text)).collect()
}

/// A workflow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// `a-z`, `0-9` and `_`.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// JSON schema of what a run is given.
    #[serde(default = "anything")]
    pub input: Value,
    /// JSON schema of what it gives; anything when left out.
    #[serde(default = "anything")]
    pub output: Value,
    /// What a run may take.
    #[serde(default)]
    pub limits: Limits,
    /// What is done.
    pub step: Node,
}

fn anything() -> Value {
    Value::Object(serde_json::Map::new())
}

/// What a run may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Tokens of all prompts and outputs.
    pub tokens: u32,
    /// From the start to the end, waiting for people included, in seconds.
    pub deadline_s: u32,
    /// The most secret text that its steps may be given.
    pub ceiling: Classification,
}

impl Default for Limits {
    fn default() -> Self {
        Self { tokens: 200_000, deadline_s: 24 * 3600, ceiling: Classification::Restricted }
    }
}

/// A node: something that takes values and gives one.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Node {
    /// One after the other; its value is that of the last.
    Pipeline(Pipeline),
    /// Side by side.
    FanOut(FanOut),
    /// As soon as what each waits for has ended.
    Graph(Graph),
    /// Lets through, or does not.
    Gate(Gate),
    /// Acceptance checks first, then attempts until they pass.
    TddLoop(TddLoop),
    /// One prompt.
    Prompt(PromptStep),
    /// One tool.
    Tool(ToolStep),
    /// A thinking tool.
    Thinking(ThinkingStep),
    /// An agent with its tools.
    Agent(AgentStep),
    /// A value made from others.
    Value(ValueStep),
}

impl Node {
    /// What it is called; unique in its definition.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Pipeline(node) => &node.id,
            Self::FanOut(node) => &node.id,
            Self::Graph(node) => &node.id,
            Self::Gate(node) => &node.id,
            Self::TddLoop(node) => &node.id,
            Self::Prompt(node) => &node.id,
            Self::Tool(node) => &node.id,
            Self::Thinking(node) => &node.id,
            Self::Agent(node) => &node.id,
            Self::Value(node) => &node.id,
        }
    }

    /// The word for its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Pipeline(_) => "pipeline",
            Self::FanOut(_) => "fan_out",
            Self::Graph(_) => "graph",
            Self::Gate(_) => "gate",
            Self::TddLoop(_) => "tdd_loop",
            Self::Prompt(_) => "prompt",
            Self::Tool(_) => "tool",
            Self::Thinking(_) => "thinking",
            Self::Agent(_) => "agent",
            Self::Value(_) => "value",
        }
    }

    /// The nodes in it, in the order in which they are written.
    pub(super) fn children(&self) -> Vec<&Self> {
        match self {
            Self::Pipeline(node) => node.steps.iter().collect(),
            Self::FanOut(node) => node.branches.iter().chain(node.each.as_deref()).collect(),
            Self::Graph(node) => node.nodes.iter().map(|node| &node.step).collect(),
            Self::TddLoop(node) => {
                node.write_checks.as_deref().into_iter().chain([node.attempt.as_ref()]).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// One after the other.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// What it is called.
    pub id: String,
    /// In this order.
    pub steps: Vec<Node>,
}

/// When nodes side by side are done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// When all have succeeded; one failure fails it.
    #[default]
    All,
    /// When the first has succeeded; the others are given up.
    Any,
    /// When so many have succeeded; the others are given up.
    Quorum,
    /// When all have ended, however they did.
    Settled,
}

/// Side by side: either `branches`, or `each` for every item of `over`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FanOut {
    /// What it is called.
    pub id: String,
    /// Different nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<Node>,
    /// A list, as a value: `"${steps.find.items}"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Value>,
    /// The node for each item, which finds it as `${each.item}` and its number, from 0, as
    /// `${each.index}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Box<Node>>,
    /// How many at once.
    #[serde(default = "four")]
    pub parallel: u32,
    /// When it is done.
    #[serde(default)]
    pub join: Join,
    /// For [`Join::Quorum`]: how many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u32>,
}

const fn four() -> u32 {
    4
}

/// Nodes that wait for others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    /// What it is called.
    pub id: String,
    /// A node may wait only for those before it in this list.
    pub nodes: Vec<GraphNode>,
    /// How many at once.
    #[serde(default = "four")]
    pub parallel: u32,
}

/// A node and what it waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphNode {
    /// Ids of nodes of the same graph.
    #[serde(default)]
    pub after: Vec<String>,
    /// What is done.
    pub step: Node,
}

/// Lets through when a condition holds, or when a person says so.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// What it is called.
    pub id: String,
    /// The condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<Predicate>,
    /// What a person is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    /// What the person is shown; the gate's value is this, once it was let through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<Value>,
}

/// Acceptance checks first, then attempts until they pass.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TddLoop {
    /// What it is called.
    pub id: String,
    /// Checks that are known beforehand.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// Writes further checks before the first attempt: gives a list of texts, or an object with one under
    /// `checks`. Each is judged by a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub write_checks: Option<Box<Node>>,
    /// Makes what is checked. It finds `${loop.attempt}` (from 1), `${loop.last}` (what it made before),
    /// `${loop.failures}` (which checks that failed, and why) and `${loop.checks}` (all checks).
    pub attempt: Box<Node>,
    /// Most attempts.
    #[serde(default = "four")]
    pub attempts_max: u32,
    /// Which tier judges.
    #[serde(default = "standard")]
    pub tier: Tier,
}

pub(super) const fn standard() -> Tier {
    Tier::Standard
}

/// An acceptance check: a condition, or words that a model judges by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What it is called.
    pub name: String,
    /// Holds for what was made, which it finds as `${loop.output}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holds: Option<Predicate>,
    /// What must be true of what was made, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judge: Option<String>,
}

impl Definition {
    /// Reads a definition from TOML.
    ///
    /// # Errors
    /// [`DefinitionError`] with line and field.
    pub fn from_toml(text: &str) -> Result<Self, DefinitionError> {
        read::from_toml(text)
    }

    /// Reads a definition from JSON.
    ///
    /// # Errors
    /// [`DefinitionError`] with the field, and the line where it is no JSON.
    pub fn from_json(value: Value) -> Result<Self, DefinitionError> {
        read::from_json(value)
    }

    /// All its nodes, in the order in which they are written.
    #[must_use]
    pub fn nodes(&self) -> Vec<&Node> {
        fn add<'d>(node: &'d Node, into: &mut Vec<&'d Node>) {
            into.push(node);
            for child in node.children() {
                add(child, into);
            }
        }
        let mut nodes = Vec::new();
        add(&self.step, &mut nodes);
        nodes
    }
}
