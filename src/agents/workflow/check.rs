//! What must hold of a definition beyond its types: ids, references, limits, no circles.

use std::collections::BTreeSet;

use serde_json::Value;

use super::definition::{
    ATTEMPTS_MAX, BRANCHES_MAX, Check, Definition, FanOut, Gate, Graph, Join, NODES_MAX,
    NODES_MAX_DEPTH, Node, PARALLEL_MAX, RUN_MAX_S, RUN_MAX_TOKENS, TddLoop,
};
use super::read::DefinitionError;
use super::value::references;
use crate::schema::Schema;

const NAME_MAX_CHARS: usize = 60;
const TITLE_MAX_CHARS: usize = 120;
const INSTRUCTIONS_MAX_CHARS: usize = 20_000;

/// What is known while a tree is checked.
struct Checking {
    seen: BTreeSet<String>,
}

/// Checks what the types do not say.
pub(super) fn check(definition: &Definition) -> Result<(), DefinitionError> {
    name("name", &definition.name)?;
    length("title", &definition.title, TITLE_MAX_CHARS)?;
    schema("input", &definition.input)?;
    schema("output", &definition.output)?;
    let limits = definition.limits;
    if !(1..=RUN_MAX_TOKENS).contains(&limits.tokens) {
        return wrong("limits.tokens", format!("must be 1 to {RUN_MAX_TOKENS}"));
    }
    if !(1..=RUN_MAX_S).contains(&limits.deadline_s) {
        return wrong("limits.deadline_s", format!("must be 1 to {RUN_MAX_S}"));
    }
    let mut checking = Checking { seen: BTreeSet::new() };
    checking.node(&definition.step, "step", 1)
}

impl Checking {
    fn node(&mut self, node: &Node, at: &str, depth: usize) -> Result<(), DefinitionError> {
        if depth > NODES_MAX_DEPTH {
            return wrong(at, format!("more than {NODES_MAX_DEPTH} levels are nested"));
        }
        let id_at = format!("{at}.id");
        name(&id_at, node.id())?;
        if self.seen.contains(node.id()) {
            return wrong(&id_at, format!("{:?} is there twice", node.id()));
        }
        if self.seen.len() >= NODES_MAX {
            return wrong(at, format!("more than {NODES_MAX} nodes"));
        }
        match node {
            Node::Pipeline(node) => {
                if node.steps.is_empty() {
                    return wrong(&format!("{at}.steps"), "must not be empty");
                }
                for (i, step) in node.steps.iter().enumerate() {
                    self.node(step, &format!("{at}.steps[{i}]"), depth + 1)?;
                }
            }
            Node::FanOut(node) => self.fan_out(node, at, depth)?,
            Node::Graph(node) => self.graph(node, at, depth)?,
            Node::Gate(node) => self.gate(node, at)?,
            Node::TddLoop(node) => self.tdd_loop(node, at, depth)?,
            Node::Prompt(node) => {
                let field = format!("{at}.instructions");
                length(&field, &node.instructions, INSTRUCTIONS_MAX_CHARS)?;
                self.values(&format!("{at}.inputs"), &Value::Object(node.inputs.clone()))?;
                optional_schema(&format!("{at}.output"), node.output.as_ref())?;
                tokens(&format!("{at}.max_tokens"), node.max_tokens)?;
                if !(0.0..=2.0).contains(&node.temperature) {
                    return wrong(&format!("{at}.temperature"), "must be 0 to 2");
                }
            }
            Node::Tool(node) => {
                name(&format!("{at}.tool"), &node.tool)?;
                self.values(&format!("{at}.arguments"), &Value::Object(node.arguments.clone()))?;
            }
            Node::Thinking(node) => {
                self.values(&format!("{at}.question"), &node.question)?;
                if let Some(draft) = &node.draft {
                    self.values(&format!("{at}.draft"), draft)?;
                }
                if node.members.is_some_and(|members| !(1..=32).contains(&members)) {
                    return wrong(&format!("{at}.members"), "must be 1 to 32");
                }
                if node.rounds.is_some_and(|rounds| rounds > 3) {
                    return wrong(&format!("{at}.rounds"), "must be at most 3");
                }
            }
            Node::Agent(node) => {
                self.values(&format!("{at}.task"), &node.task)?;
                self.values(&format!("{at}.inputs"), &Value::Object(node.inputs.clone()))?;
                optional_schema(&format!("{at}.output"), node.output.as_ref())?;
            }
            Node::Value(node) => self.values(&format!("{at}.value"), &node.value)?,
        }
        self.seen.insert(node.id().to_owned());
        Ok(())
    }

    fn fan_out(&mut self, node: &FanOut, at: &str, depth: usize) -> Result<(), DefinitionError> {
        match (&node.over, &node.each, node.branches.len()) {
            (None, None, 1..=BRANCHES_MAX) => {}
            (None, None, 0) => return wrong(&format!("{at}.branches"), "must not be empty"),
            (None, None, _) => {
                return wrong(&format!("{at}.branches"), format!("must be at most {BRANCHES_MAX}"));
            }
            (Some(over), Some(_), 0) => self.values(&format!("{at}.over"), over)?,
            _ => return wrong(at, "has either branches, or over and each"),
        }
        parallel(at, node.parallel)?;
        match (node.join, node.quorum) {
            (Join::Quorum, Some(quorum)) if quorum > 0 => {
                let most = node.branches.len();
                if node.over.is_none() && quorum as usize > most {
                    return wrong(&format!("{at}.quorum"), format!("must be at most {most}"));
                }
            }
            (Join::Quorum, _) => return wrong(&format!("{at}.quorum"), "must be at least 1"),
            (_, Some(_)) => return wrong(&format!("{at}.quorum"), "needs join = \"quorum\""),
            (_, None) => {}
        }
        for (i, branch) in node.branches.iter().enumerate() {
            self.node(branch, &format!("{at}.branches[{i}]"), depth + 1)?;
        }
        match &node.each {
            Some(each) => self.node(each, &format!("{at}.each"), depth + 1),
            None => Ok(()),
        }
    }

    /// A node waits only for those before it, so there is no circle.
    fn graph(&mut self, node: &Graph, at: &str, depth: usize) -> Result<(), DefinitionError> {
        if node.nodes.is_empty() {
            return wrong(&format!("{at}.nodes"), "must not be empty");
        }
        parallel(at, node.parallel)?;
        let mut before: Vec<&str> = Vec::new();
        for (i, inner) in node.nodes.iter().enumerate() {
            for (j, after) in inner.after.iter().enumerate() {
                if !before.contains(&after.as_str()) {
                    let reason = format!("{after:?} is no node of this graph before this one");
                    return wrong(&format!("{at}.nodes[{i}].after[{j}]"), reason);
                }
            }
            self.node(&inner.step, &format!("{at}.nodes[{i}].step"), depth + 1)?;
            before.push(inner.step.id());
        }
        Ok(())
    }

    fn gate(&self, node: &Gate, at: &str) -> Result<(), DefinitionError> {
        if node.when.is_none() && node.ask.is_none() {
            return wrong(at, "has a condition in `when`, or a question in `ask`");
        }
        if let Some(ask) = &node.ask {
            length(&format!("{at}.ask"), ask, 1_000)?;
        }
        if let Some(when) = &node.when {
            self.values(&format!("{at}.when.value"), &when.value)?;
        }
        node.show.as_ref().map_or(Ok(()), |show| self.values(&format!("{at}.show"), show))
    }

    fn tdd_loop(&mut self, node: &TddLoop, at: &str, depth: usize) -> Result<(), DefinitionError> {
        if node.checks.is_empty() && node.write_checks.is_none() {
            return wrong(&format!("{at}.checks"), "needs a check, or a step in write_checks");
        }
        if !(1..=ATTEMPTS_MAX).contains(&node.attempts_max) {
            return wrong(&format!("{at}.attempts_max"), format!("must be 1 to {ATTEMPTS_MAX}"));
        }
        let mut names = BTreeSet::new();
        for (i, check) in node.checks.iter().enumerate() {
            self.acceptance(check, &format!("{at}.checks[{i}]"))?;
            if !names.insert(&check.name) {
                return wrong(&format!("{at}.checks[{i}].name"), "is there twice");
            }
        }
        if let Some(writing) = &node.write_checks {
            self.node(writing, &format!("{at}.write_checks"), depth + 1)?;
        }
        self.node(&node.attempt, &format!("{at}.attempt"), depth + 1)
    }

    fn acceptance(&self, check: &Check, at: &str) -> Result<(), DefinitionError> {
        length(&format!("{at}.name"), &check.name, NAME_MAX_CHARS)?;
        match (&check.holds, &check.judge) {
            (Some(holds), None) => self.values(&format!("{at}.holds.value"), &holds.value),
            (None, Some(judge)) => length(&format!("{at}.judge"), judge, 1_000),
            _ => wrong(at, "has either holds or judge"),
        }
    }

    /// References must name something that comes before.
    fn values(&self, at: &str, value: &Value) -> Result<(), DefinitionError> {
        let found = references(value).map_err(|error| {
            DefinitionError::new(at, format!("${{{}}} {}", error.reference, error.reason))
        })?;
        for parts in found {
            let known = match parts[0].as_str() {
                "input" | "each" | "loop" => true,
                "steps" => parts.get(1).is_some_and(|id| self.seen.contains(id)),
                _ => false,
            };
            if !known {
                let reason = format!(
                    "${{{}}} names nothing that comes before: input, steps.<id of an earlier step>, \
                     each, loop",
                    parts.join(".")
                );
                return wrong(at, reason);
            }
        }
        Ok(())
    }
}

fn wrong<T>(field: &str, reason: impl Into<String>) -> Result<T, DefinitionError> {
    Err(DefinitionError::new(field, reason))
}

fn name(field: &str, text: &str) -> Result<(), DefinitionError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if text.is_empty() || text.len() > NAME_MAX_CHARS || !text.chars().all(allowed) {
        return wrong(field, format!("must be 1 to {NAME_MAX_CHARS} of a-z, 0-9 and _"));
    }
    Ok(())
}

fn length(field: &str, text: &str, most: usize) -> Result<(), DefinitionError> {
    if text.trim().is_empty() || text.chars().count() > most {
        return wrong(field, format!("must have 1 to {most} characters"));
    }
    Ok(())
}

fn tokens(field: &str, tokens: u32) -> Result<(), DefinitionError> {
    let most = models::protocol::GENERATE_MAX_TOKENS;
    if (1..=most).contains(&tokens) { Ok(()) } else { wrong(field, format!("must be 1 to {most}")) }
}

fn parallel(at: &str, parallel: u32) -> Result<(), DefinitionError> {
    if (1..=PARALLEL_MAX).contains(&parallel) {
        return Ok(());
    }
    wrong(&format!("{at}.parallel"), format!("must be 1 to {PARALLEL_MAX}"))
}

fn schema(field: &str, value: &Value) -> Result<(), DefinitionError> {
    match Schema::of(value) {
        Ok(_) => Ok(()),
        Err(error) => wrong(field, format!("{} {}", error.pointer, error.reason).trim()),
    }
}

fn optional_schema(field: &str, value: Option<&Value>) -> Result<(), DefinitionError> {
    value.map_or(Ok(()), |value| schema(field, value))
}
