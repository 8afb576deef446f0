//! Tools, what they are given and what they give back.

use std::collections::BTreeSet;
use std::time::Duration;

use base::{Classification, Code, Label, RevisionId, Violation};
use knowledge::{Library, Passage};
use models::{BoxFuture, ToolSpec};
use policy::Permission;
use serde::Serialize;
use serde_json::Value;
use store::TenantCtx;

use crate::brain::{Fenced, fence};
use crate::schema::Schema;

/// What a tool does to the world. Ordered by how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SideEffect {
    /// Nothing: it computes from its arguments.
    None,
    /// It reads.
    Read,
    /// It asks a person to approve something.
    Propose,
    /// It changes something by itself.
    Write,
}

impl SideEffect {
    /// The word used in API and traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Propose => "propose",
            Self::Write => "write",
        }
    }

    /// Whether it stays within reach once foreign text has been seen (DESIGN.md section 5.5).
    #[must_use]
    pub const fn is_safe_after_foreign_text(self) -> bool {
        !matches!(self, Self::Write)
    }
}

/// What there is to say about a tool.
#[derive(Clone, Debug)]
pub struct ToolInfo {
    /// Letters, digits and `_`.
    pub name: &'static str,
    /// What it does and when to use it, for models and people.
    pub description: &'static str,
    /// What its arguments must be.
    pub parameters: Schema,
    /// What it does to the world.
    pub side_effect: SideEffect,
    /// The most secret text that it may hand out or be given.
    pub ceiling: Classification,
    /// What the asking person must be allowed to.
    pub permission: Option<Permission>,
}

impl ToolInfo {
    /// The tool as a model is told of it.
    #[must_use]
    pub fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: self.name.to_owned(),
            description: self.description.to_owned(),
            parameters: self.parameters.as_str().to_owned(),
        }
    }
}

/// What a tool works with: the asking person's context, and nothing wider.
pub struct ToolEnv<'a> {
    /// The asking person, in their tenant.
    pub ctx: &'a TenantCtx,
    /// Documents and search.
    pub library: &'a Library,
    /// The most secret text that may come out.
    pub ceiling: Classification,
}

/// What a tool gives back.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolOutput {
    /// The result.
    pub content: Value,
    /// Label of every text in it.
    pub label: Label,
    /// The revisions that it repeats.
    pub revisions: BTreeSet<RevisionId>,
    /// The passages that it is made of, where it is made of passages: what can be cited.
    pub passages: Vec<Passage>,
}

impl ToolOutput {
    /// Something computed from the arguments alone.
    #[must_use]
    pub const fn computed(content: Value) -> Self {
        Self::read(content, Label::TYPED, BTreeSet::new())
    }

    /// Something read from these revisions.
    #[must_use]
    pub const fn read(content: Value, label: Label, revisions: BTreeSet<RevisionId>) -> Self {
        Self { content, label, revisions, passages: Vec::new() }
    }
}

/// Why a tool has no result, in words for the model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct ToolFailure {
    /// Stable code.
    pub code: Code,
    /// In words; no content, and nothing of what the person may not see.
    pub detail: String,
}

impl ToolFailure {
    /// A failure of this code.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// Something that a model may reach for. Run by [`super::ToolGate`] alone.
pub trait Tool: Send + Sync {
    /// What there is to say about it.
    fn info(&self) -> &ToolInfo;

    /// Does it. The arguments fit the tool's schema.
    ///
    /// # Errors
    /// [`ToolFailure`].
    fn run<'a>(
        &'a self,
        env: &'a ToolEnv<'a>,
        arguments: Value,
    ) -> BoxFuture<'a, Result<ToolOutput, ToolFailure>>;
}

/// What one run may do with tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToolLimits {
    /// Calls, refused ones included.
    pub calls: u32,
    /// Bytes of one call's arguments.
    pub argument_bytes: usize,
    /// Bytes of one result.
    pub result_bytes: usize,
    /// Bytes of all results together.
    pub total_bytes: usize,
    /// Time of one call.
    pub timeout: Duration,
}

impl Default for ToolLimits {
    fn default() -> Self {
        Self {
            calls: 24,
            argument_bytes: 16 * 1024,
            result_bytes: 16 * 1024,
            total_bytes: 128 * 1024,
            timeout: Duration::from_secs(20),
        }
    }
}

/// What came of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolAnswer {
    /// The tool.
    pub name: String,
    /// Its result as text, at most the limit.
    pub text: String,
    /// Label of the text.
    pub label: Label,
    /// Bytes that were cut off.
    pub cut_bytes: usize,
}

impl ToolAnswer {
    /// The result as it goes into a prompt.
    #[must_use]
    pub fn fenced(&self, number: u32) -> String {
        fence(Fenced::ToolResult, number, &self.text)
    }
}

/// Why a call was not carried out, or came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolRefusal {
    /// The run has used up its calls.
    #[error("no more tool calls: this run has made all its {limit}")]
    TooManyCalls {
        /// How many it had.
        limit: u32,
    },
    /// There is no such tool, or this agent does not have it.
    #[error("there is no tool of this name; use one of those that are listed")]
    Unknown,
    /// The arguments are not what the tool takes.
    #[error("the arguments do not fit: {}", told(.0))]
    Arguments(Vec<Violation>),
    /// The asking person may not do this.
    #[error("the person who asks may not do this")]
    Forbidden,
    /// Foreign text was seen, and the tool changes something.
    #[error(
        "text of documents has been read: from here on only reading, and asking a person to \
             approve, is possible"
    )]
    ForeignText,
    /// What was seen is more secret than what the tool may be given.
    #[error("what has been read is too secret for this tool")]
    AboveCeiling,
    /// The run has been given as many bytes of results as it may.
    #[error("no more results: this run has read {limit_bytes} bytes")]
    TooMuchOutput {
        /// How many it may.
        limit_bytes: usize,
    },
    /// It took too long.
    #[error("the tool took too long")]
    TimedOut,
    /// The tool itself has no result.
    #[error("{0}")]
    Failed(ToolFailure),
}

fn told(violations: &[Violation]) -> String {
    let parts: Vec<String> =
        violations.iter().map(|v| format!("{} {}", v.field, v.reason)).collect();
    parts.join("; ")
}

impl ToolRefusal {
    /// Stable word, for traces, steps and the audit log; no answer of the API has it.
    #[must_use]
    pub const fn outcome(&self) -> Code {
        match self {
            Self::TooManyCalls { .. } => "tool_calls_exhausted",
            Self::Unknown => "tool_unknown",
            Self::Arguments(_) => "tool_arguments_invalid",
            Self::Forbidden => "tool_forbidden",
            Self::ForeignText => "tool_after_foreign_text",
            Self::AboveCeiling => "tool_above_ceiling",
            Self::TooMuchOutput { .. } => "tool_output_exhausted",
            Self::TimedOut => "tool_timed_out",
            Self::Failed(failure) => failure.code,
        }
    }

    /// Whether it says that somebody tried what they may not.
    #[must_use]
    pub const fn is_breach_attempt(&self) -> bool {
        matches!(self, Self::Forbidden | Self::ForeignText | Self::AboveCeiling)
    }

    /// The refusal as it goes into a prompt.
    #[must_use]
    pub fn fenced(&self, number: u32) -> String {
        fence(Fenced::ToolResult, number, &format!("error ({}): {self}", self.outcome()))
    }
}

/// What is kept of a call for the trace of its run: no content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ToolRecord {
    /// The tool as the model named it, at most 64 characters.
    pub name: String,
    /// SHA-256 of its arguments, hexadecimal.
    pub arguments_sha256: String,
    /// `ok`, or the code of the refusal.
    pub outcome: Code,
    /// Bytes of the result.
    pub result_bytes: usize,
}
