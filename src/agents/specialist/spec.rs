//! The declaration of an agent, and what makes one valid.

use base::{Classification, Violation};
use models::Tier;
use serde::{Deserialize, Serialize};

use crate::tools::{TOOL_TURNS_MAX, Toolbox};

/// The agents that come with the house; the last one is taken when no other fits.
const BUILTIN: [(&str, &str); 6] = [
    ("document_analyst", include_str!("../../../assets/agents/specialists/document_analyst.toml")),
    ("procedure_expert", include_str!("../../../assets/agents/specialists/procedure_expert.toml")),
    ("data_analyst", include_str!("../../../assets/agents/specialists/data_analyst.toml")),
    (
        "quality_inspector",
        include_str!("../../../assets/agents/specialists/quality_inspector.toml"),
    ),
    (
        "maintenance_advisor",
        include_str!("../../../assets/agents/specialists/maintenance_advisor.toml"),
    ),
    ("generalist", include_str!("../../../assets/agents/specialists/generalist.toml")),
];

const NAME_MAX_CHARS: usize = 60;
const TITLE_MAX_CHARS: usize = 80;
const PURPOSE_MAX_CHARS: usize = 500;
const INSTRUCTIONS_MAX_CHARS: usize = 8_000;
const TOOLS_MAX: usize = 16;
const SIGNALS_MAX: usize = 80;
const EXAMPLES_MAX: usize = 6;
const EXAMPLE_MAX_CHARS: usize = 2_000;
/// Tokens of one answer at most.
const ANSWER_MAX_TOKENS: u32 = 8_192;

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentSpec {
    /// `a-z`, `0-9` and `_`; stays the same.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it is for, in a sentence or two.
    pub purpose: String,
    /// How it works and answers.
    pub instructions: String,
    /// The tools that it has.
    pub tools: Vec<String>,
    /// Which tier it thinks with.
    pub tier: Tier,
    /// The most secret text that it may be given.
    pub ceiling: Classification,
    /// Turns with tools, the answer included.
    #[serde(default = "turns_default")]
    pub turns: u32,
    /// Tokens of its answer at most.
    #[serde(default = "answer_tokens_default")]
    pub answer_tokens: u32,
    /// Beginnings of words in a task that speak for it, in lower case.
    #[serde(default)]
    pub signals: Vec<String>,
    /// How it answers.
    #[serde(default)]
    pub examples: Vec<AgentExample>,
}

/// A task and a good answer to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentExample {
    /// The task.
    pub task: String,
    /// The answer.
    pub answer: String,
}

/// Why a declaration can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// It can't be read; with line and column.
    #[error("the agent {name} can't be read: {reason}")]
    Syntax {
        /// The file.
        name: String,
        /// What is wrong, and where.
        reason: String,
    },
    /// A field is wrong.
    #[error("the agent {name}: {} {}", .violation.field, .violation.reason)]
    Field {
        /// The agent.
        name: String,
        /// The field.
        violation: Violation,
    },
}

const fn turns_default() -> u32 {
    8
}

const fn answer_tokens_default() -> u32 {
    1_000
}

/// Reads the agents that come with the house.
///
/// # Errors
/// [`SpecError`]; a test sees to it that there is none.
pub fn builtin_agents(toolbox: &Toolbox) -> Result<Vec<AgentSpec>, SpecError> {
    BUILTIN
        .iter()
        .map(|(name, text)| {
            let spec = AgentSpec::parse(name, text, toolbox)?;
            if spec.name == *name {
                return Ok(spec);
            }
            let violation = Violation::new("name", format!("must be {name:?}, as the file"));
            Err(SpecError::Field { name: (*name).to_owned(), violation })
        })
        .collect()
}

impl AgentSpec {
    /// Reads a declaration; `name` is what the file is called.
    ///
    /// # Errors
    /// [`SpecError`] names line or field.
    pub fn parse(name: &str, text: &str, toolbox: &Toolbox) -> Result<Self, SpecError> {
        let spec: Self = toml::from_str(text).map_err(|error| SpecError::Syntax {
            name: name.to_owned(),
            reason: error.to_string(),
        })?;
        spec.check(toolbox)
            .map_err(|violation| SpecError::Field { name: spec.name.clone(), violation })?;
        Ok(spec)
    }

    /// Whether every field is what it must be.
    ///
    /// # Errors
    /// The first one that is not.
    pub fn check(&self, toolbox: &Toolbox) -> Result<(), Violation> {
        let wrong = |field: &str, reason: String| Err(Violation::new(field, reason));
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.name.is_empty()
            || self.name.len() > NAME_MAX_CHARS
            || !self.name.chars().all(allowed)
        {
            return wrong("name", format!("must be 1 to {NAME_MAX_CHARS} of a-z, 0-9 and _"));
        }
        for (field, text, most) in [
            ("title", &self.title, TITLE_MAX_CHARS),
            ("purpose", &self.purpose, PURPOSE_MAX_CHARS),
            ("instructions", &self.instructions, INSTRUCTIONS_MAX_CHARS),
        ] {
            if text.trim().is_empty() || text.chars().count() > most {
                return wrong(field, format!("must have 1 to {most} characters"));
            }
        }
        self.check_lists(toolbox)?;
        if !(1..=TOOL_TURNS_MAX).contains(&self.turns) {
            return wrong("turns", format!("must be 1 to {TOOL_TURNS_MAX}"));
        }
        if !(1..=ANSWER_MAX_TOKENS).contains(&self.answer_tokens) {
            return wrong("answer_tokens", format!("must be 1 to {ANSWER_MAX_TOKENS}"));
        }
        Ok(())
    }

    fn check_lists(&self, toolbox: &Toolbox) -> Result<(), Violation> {
        let wrong = |field: String, reason: String| Err(Violation::new(field, reason));
        if self.tools.len() > TOOLS_MAX {
            return wrong("tools".into(), format!("must be at most {TOOLS_MAX}"));
        }
        for (i, tool) in self.tools.iter().enumerate() {
            if !toolbox.has(tool) {
                let known: Vec<&str> = toolbox.infos().map(|info| info.name).collect();
                let reason = format!("{tool:?} is none of {}", known.join(", "));
                return wrong(format!("tools[{i}]"), reason);
            }
            if self.tools[..i].contains(tool) {
                return wrong(format!("tools[{i}]"), format!("{tool:?} is there twice"));
            }
        }
        if self.signals.len() > SIGNALS_MAX {
            return wrong("signals".into(), format!("must be at most {SIGNALS_MAX}"));
        }
        for (i, signal) in self.signals.iter().enumerate() {
            if !(3..=40).contains(&signal.chars().count()) || *signal != signal.to_lowercase() {
                let reason = "must have 3 to 40 characters, in lower case".to_owned();
                return wrong(format!("signals[{i}]"), reason);
            }
        }
        if self.examples.len() > EXAMPLES_MAX {
            return wrong("examples".into(), format!("must be at most {EXAMPLES_MAX}"));
        }
        for (i, example) in self.examples.iter().enumerate() {
            for (field, text) in [("task", &example.task), ("answer", &example.answer)] {
                if text.trim().is_empty() || text.chars().count() > EXAMPLE_MAX_CHARS {
                    let reason = format!("must have 1 to {EXAMPLE_MAX_CHARS} characters");
                    return wrong(format!("examples[{i}].{field}"), reason);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn the_files_of_the_house_are_whole() {
        let toolbox = Toolbox::builtin().unwrap();
        let agents = builtin_agents(&toolbox).unwrap();
        assert_eq!(agents.len(), BUILTIN.len());
        for agent in &agents {
            assert!(!agent.examples.is_empty(), "{} has no example", agent.name);
            assert!(agent.name == "generalist" || !agent.signals.is_empty(), "{}", agent.name);
        }
    }

    #[test]
    fn a_bad_file_is_told_by_line_or_field() {
        let toolbox = Toolbox::builtin().unwrap();
        let (_, good) = BUILTIN[0];
        let told = |text: &str| AgentSpec::parse("x", text, &toolbox).unwrap_err().to_string();
        let line = told(&good.replacen("title =", "title :", 1));
        assert!(line.contains("line"), "{line}");
        let tier = told(&good.replacen("tier = \"", "tier = \"very_", 1));
        assert!(tier.contains("line") && tier.contains("tier"), "{tier}");
        let more = told(&format!("color = \"red\"\n{good}"));
        assert!(more.contains("unknown field `color`"), "{more}");
        let tool = told(&good.replacen("\"read_page\"", "\"run_shell\"", 1));
        assert!(tool.contains("tools[") && tool.contains("run_shell"), "{tool}");
        let title = told(&good.replacen("title = \"", &format!("title = \"{}", "x".repeat(90)), 1));
        assert!(title.contains("title must have"), "{title}");
    }
}
