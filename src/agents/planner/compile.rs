//! What a plan is, what makes it valid, and the workflow that carries it out.

use std::collections::BTreeSet;

use base::{Classification, Violation};
use models::Tier;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::specialist::AgentSpec;
use crate::tools::{SideEffect, Toolbox};
use crate::workflow::{
    AgentStep, Definition, Gate, Graph, GraphNode, Limits, Node, Pipeline, PromptStep, ToolStep,
};

/// Most sub-tasks.
pub(super) const TASKS_MAX: usize = 12;
const ID_MAX_CHARS: usize = 30;
const TITLE_MAX_CHARS: usize = 120;
const TASK_MAX_CHARS: usize = 2_000;
/// Tokens of a turn of an agent beside its answer, as a workflow counts them.
const TURN_TOKENS: u32 = 6_000;
/// Tokens of the report in the end.
const REPORT_TOKENS: u32 = 1_500;

/// A plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The goal, in the person's words.
    pub goal: String,
    /// What will be done, in a few sentences.
    pub summary: String,
    /// The sub-tasks; each waits only for those before it.
    pub tasks: Vec<PlanTask>,
    /// What it will cost at most.
    pub estimate: PlanEstimate,
    /// From the approval to the end, in seconds.
    pub deadline_s: u32,
}

/// What a sub-task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// An agent does it.
    Agent,
    /// A tool does it.
    Tool,
    /// A person is asked.
    Ask,
}

/// A sub-task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanTask {
    /// `a-z`, `0-9` and `_`.
    pub id: String,
    /// In a few words.
    pub title: String,
    /// What it is.
    pub kind: TaskKind,
    /// The agent, or the tool; empty when a person is asked.
    #[serde(default)]
    pub with: String,
    /// What the agent is to do, or what the person is asked.
    #[serde(default)]
    pub task: String,
    /// The tool's arguments.
    #[serde(default)]
    pub arguments: Map<String, Value>,
    /// Ids of the sub-tasks that it waits for and whose results it gets.
    #[serde(default)]
    pub after: Vec<String>,
}

/// What a plan will cost at most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlanEstimate {
    /// Tokens.
    pub tokens: u32,
    /// Sub-tasks.
    pub tasks: u32,
    /// Times that a person is asked.
    pub questions: u32,
}

/// What a plan may be made of.
pub(super) struct Means<'m> {
    pub(super) agents: &'m [AgentSpec],
    pub(super) toolbox: &'m Toolbox,
}

impl Plan {
    /// Checks a plan, brings its tasks into an order in which each waits only for those before it, and
    /// computes what it costs.
    ///
    /// # Errors
    /// What is wrong, by field.
    pub(super) fn settle(&mut self, means: &Means<'_>) -> Result<(), Violation> {
        let count = self.tasks.len();
        if !(1..=TASKS_MAX).contains(&count) {
            let reason = format!("a plan has 1 to {TASKS_MAX} sub-tasks, not {count}");
            return Err(Violation::new("tasks", reason));
        }
        let mut ids = BTreeSet::new();
        for (i, task) in self.tasks.iter().enumerate() {
            let field = |name: &str| format!("tasks[{i}].{name}");
            check_task(task, means)
                .map_err(|(name, reason)| Violation::new(field(name), reason))?;
            if !ids.insert(task.id.as_str()) || task.id == REPORT_ID || task.id == GRAPH_ID {
                return Err(Violation::new(field("id"), format!("{:?} is taken", task.id)));
            }
        }
        for (i, task) in self.tasks.iter().enumerate() {
            for after in &task.after {
                if !ids.contains(after.as_str()) {
                    let reason = format!("{after:?} is no sub-task of this plan");
                    return Err(Violation::new(format!("tasks[{i}].after"), reason));
                }
            }
        }
        self.order()?;
        self.estimate = self.estimated(means);
        Ok(())
    }

    /// Kahn's algorithm (1962); of those that are ready the one that was written first.
    fn order(&mut self) -> Result<(), Violation> {
        let mut left = std::mem::take(&mut self.tasks);
        let mut done: BTreeSet<String> = BTreeSet::new();
        while !left.is_empty() {
            let ready = left.iter().position(|task| task.after.iter().all(|id| done.contains(id)));
            let Some(ready) = ready else {
                let ids: Vec<&str> = left.iter().map(|task| task.id.as_str()).collect();
                let reason = format!("these wait for each other in a circle: {}", ids.join(", "));
                let violation = Violation::new("tasks", reason);
                self.tasks.append(&mut left);
                return Err(violation);
            };
            let task = left.remove(ready);
            done.insert(task.id.clone());
            self.tasks.push(task);
        }
        Ok(())
    }

    fn estimated(&self, means: &Means<'_>) -> PlanEstimate {
        let mut estimate = PlanEstimate { tokens: REPORT_TOKENS * 4, ..PlanEstimate::default() };
        for task in &self.tasks {
            estimate.tasks += 1;
            match task.kind {
                TaskKind::Agent => {
                    let spec = means.agents.iter().find(|agent| agent.name == task.with);
                    let tokens = spec.map_or(0, |spec| {
                        spec.turns.saturating_mul(TURN_TOKENS.saturating_add(spec.answer_tokens))
                    });
                    estimate.tokens = estimate.tokens.saturating_add(tokens);
                }
                TaskKind::Tool => {}
                TaskKind::Ask => estimate.questions += 1,
            }
        }
        estimate
    }

    /// The workflow that carries it out.
    #[must_use]
    pub fn compile(&self, budget_tokens: u32) -> Definition {
        let nodes = self
            .tasks
            .iter()
            .map(|task| GraphNode { after: task.after.clone(), step: step_of(task) });
        let results = self
            .tasks
            .iter()
            .map(|task| (task.id.clone(), Value::String(format!("${{steps.{}}}", task.id))));
        let mut inputs: Map<String, Value> = results.collect();
        inputs.insert("goal".to_owned(), Value::String("${input.goal}".to_owned()));
        let report = Node::Prompt(PromptStep {
            id: REPORT_ID.to_owned(),
            instructions: "Report to the person whose goal this was: what was found out or done, with the \
                           documents and pages that the results name, what is still open, and what should \
                           be done next. Take nothing but these results."
                .to_owned(),
            inputs,
            output: None,
            tier: Tier::Standard,
            max_tokens: REPORT_TOKENS,
            temperature: 0.0,
        });
        let graph = Graph { id: GRAPH_ID.to_owned(), nodes: nodes.collect(), parallel: 3 };
        Definition {
            name: "plan".to_owned(),
            title: shortened(&self.goal, TITLE_MAX_CHARS),
            description: self.summary.clone(),
            input: json!({
                "type": "object",
                "properties": { "goal": { "type": "string" } },
                "required": ["goal"],
                "additionalProperties": false,
            }),
            output: json!({}),
            limits: Limits {
                tokens: budget_tokens,
                deadline_s: self.deadline_s,
                ceiling: Classification::Restricted,
            },
            step: Node::Pipeline(Pipeline {
                id: "plan".to_owned(),
                steps: vec![Node::Graph(graph), report],
            }),
        }
    }
}

/// Ids that the plan's own nodes have.
const GRAPH_ID: &str = "tasks";
const REPORT_ID: &str = "report";

fn check_task(task: &PlanTask, means: &Means<'_>) -> Result<(), (&'static str, String)> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if task.id.is_empty() || task.id.len() > ID_MAX_CHARS || !task.id.chars().all(allowed) {
        return Err(("id", format!("must be 1 to {ID_MAX_CHARS} of a-z, 0-9 and _")));
    }
    if task.id == "plan" {
        return Err(("id", "\"plan\" is taken".to_owned()));
    }
    if task.title.trim().is_empty() || task.title.chars().count() > TITLE_MAX_CHARS {
        return Err(("title", format!("must have 1 to {TITLE_MAX_CHARS} characters")));
    }
    if task.after.len() > TASKS_MAX {
        return Err(("after", format!("must be at most {TASKS_MAX}")));
    }
    let words = task.task.chars().count();
    match task.kind {
        TaskKind::Agent => {
            if !means.agents.iter().any(|agent| agent.name == task.with) {
                return Err(("with", format!("there is no agent {:?}", task.with)));
            }
            if task.task.trim().is_empty() || words > TASK_MAX_CHARS {
                return Err(("task", format!("must have 1 to {TASK_MAX_CHARS} characters")));
            }
        }
        TaskKind::Ask => {
            if task.task.trim().is_empty() || words > 1_000 {
                return Err(("task", "must have 1 to 1000 characters".to_owned()));
            }
        }
        TaskKind::Tool => {
            let info = means.toolbox.infos().find(|info| info.name == task.with);
            let info = info.ok_or(("with", format!("there is no tool {:?}", task.with)))?;
            // A plan only finds out and asks; what changes something goes through an approval of its own.
            if info.side_effect == SideEffect::Write {
                return Err(("with", format!("the tool {:?} changes something", task.with)));
            }
            let arguments = Value::Object(task.arguments.clone());
            info.parameters.check("arguments", &arguments).map_err(|found| {
                let told: Vec<String> =
                    found.iter().map(|v| format!("{} {}", v.field, v.reason)).collect();
                ("arguments", told.join("; "))
            })?;
        }
    }
    Ok(())
}

fn step_of(task: &PlanTask) -> Node {
    let id = task.id.clone();
    let results = || -> Map<String, Value> {
        let named = |id: &String| (id.clone(), Value::String(format!("${{steps.{id}}}")));
        task.after.iter().map(named).collect()
    };
    match task.kind {
        TaskKind::Agent => Node::Agent(AgentStep {
            id,
            agent: Some(task.with.clone()),
            // The model's words: what looks like a reference in them is none.
            task: Value::String(plain(&task.task)),
            inputs: results(),
            output: None,
        }),
        TaskKind::Tool => Node::Tool(ToolStep {
            id,
            tool: task.with.clone(),
            arguments: match plain_value(&Value::Object(task.arguments.clone())) {
                Value::Object(arguments) => arguments,
                _ => Map::new(),
            },
        }),
        TaskKind::Ask => {
            let show = Value::Object(results());
            Node::Gate(Gate { id, when: None, ask: Some(task.task.clone()), show: Some(show) })
        }
    }
}

fn plain(text: &str) -> String {
    text.replace("${", "$${")
}

fn plain_value(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(plain(text)),
        Value::Array(items) => Value::Array(items.iter().map(plain_value).collect()),
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(name, value)| (name.clone(), plain_value(value))).collect(),
        ),
        other => other.clone(),
    }
}

fn shortened(text: &str, chars: usize) -> String {
    text.trim().chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::specialist::builtin_agents;

    fn task(id: &str, after: &[&str]) -> PlanTask {
        PlanTask {
            id: id.into(),
            title: id.into(),
            kind: TaskKind::Agent,
            with: "generalist".into(),
            task: "Look at ${input.secret}.".into(),
            arguments: Map::new(),
            after: after.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    fn settled(tasks: Vec<PlanTask>) -> Result<Plan, Violation> {
        let toolbox = Toolbox::builtin().unwrap();
        let agents = builtin_agents(&toolbox).unwrap();
        let mut plan = Plan {
            goal: "g".into(),
            summary: "s".into(),
            tasks,
            estimate: PlanEstimate::default(),
            deadline_s: 60,
        };
        plan.settle(&Means { agents: &agents, toolbox: &toolbox })?;
        Ok(plan)
    }

    #[test]
    fn tasks_are_brought_into_order_and_compile_to_a_valid_workflow() {
        let plan =
            settled(vec![task("c", &["a", "b"]), task("b", &["a"]), task("a", &[])]).unwrap();
        let ids: Vec<&str> = plan.tasks.iter().map(|task| task.id.as_str()).collect();
        assert_eq!(ids, ["a", "b", "c"]);
        assert!(plan.estimate.tokens > 0 && plan.estimate.tasks == 3);
        let definition = plan.compile(1000);
        let json = serde_json::to_value(&definition).unwrap();
        assert_eq!(Definition::from_json(json).unwrap(), definition);
    }

    #[test]
    fn circles_and_unknown_names_are_refused() {
        let circle = settled(vec![task("a", &["b"]), task("b", &["a"])]).unwrap_err();
        assert!(circle.reason.contains("circle: a, b"), "{}", circle.reason);
        let itself = settled(vec![task("a", &["a"])]).unwrap_err();
        assert!(itself.reason.contains("circle"));
        assert_eq!(settled(vec![task("a", &["x"])]).unwrap_err().field, "tasks[0].after");
        assert_eq!(settled(vec![task("a", &[]), task("a", &[])]).unwrap_err().field, "tasks[1].id");
        let unknown = PlanTask { with: "boss".into(), ..task("a", &[]) };
        assert_eq!(settled(vec![unknown]).unwrap_err().field, "tasks[0].with");
        let tool = |with: &str, arguments: Value| PlanTask {
            kind: TaskKind::Tool,
            with: with.into(),
            arguments: arguments.as_object().unwrap().clone(),
            ..task("a", &[])
        };
        assert!(settled(vec![tool("calculate", json!({ "expression": "1" }))]).is_ok());
        assert_eq!(settled(vec![tool("rm", json!({}))]).unwrap_err().field, "tasks[0].with");
        let bad = settled(vec![tool("calculate", json!({ "expr": "1" }))]).unwrap_err();
        assert_eq!(bad.field, "tasks[0].arguments");
        assert!(settled(Vec::new()).is_err());
        let many = (0..=TASKS_MAX).map(|i| task(&format!("t{i}"), &[])).collect();
        assert!(settled(many).is_err());
    }
}
