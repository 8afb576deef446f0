//! Runs of workflows as the rest of the house sees them.

use std::fmt;
use std::str::FromStr;

use base::{JobId, Label, PlanId, Timestamp, UserId, WorkflowRunId};
use serde_json::Value;

use super::definition::Definition;
use crate::brain::RunSeed;

base::words! {
    /// How far a run is.
    RunState {
        /// Waits for its turn.
        Queued = "queued",
        /// Is being carried out.
        Running = "running",
        /// Waits for a person at a gate.
        Waiting = "waiting",
        /// Ended well.
        Done = "done",
        /// Ended with an error; what was done until then is kept.
        Failed = "failed",
        /// Was cancelled.
        Cancelled = "cancelled",
    }
}

base::words! {
    /// How a node has ended.
    StepState {
        /// Well.
        Done = "done",
        /// With an error.
        Failed = "failed",
    }
}

/// Whether nothing will happen in a run any more.
pub(super) const fn is_over(state: RunState) -> bool {
    matches!(state, RunState::Done | RunState::Failed | RunState::Cancelled)
}

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowRun {
    /// Its id.
    pub id: WorkflowRunId,
    /// Who started it; `None` for the console.
    pub owner: Option<UserId>,
    /// The workflow's name.
    pub workflow: String,
    /// The workflow's title.
    pub title: String,
    /// How far it is.
    pub state: RunState,
    /// The job that carries it out now, or did last.
    pub job_id: JobId,
    /// The plan that it carries out.
    pub plan_id: Option<PlanId>,
    /// When it must have ended.
    pub deadline_at: Timestamp,
    /// Join of the labels of everything that it has seen.
    pub label: Label,
    /// What it gave.
    pub output: Option<Value>,
    /// Stable code of its error.
    pub error_code: Option<String>,
    /// Its error in words.
    pub error_detail: Option<String>,
    /// Tokens that it has used.
    pub tokens: u64,
    /// Nodes that have ended.
    pub steps: u64,
    /// When it was started.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// A node that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    /// From the outermost node to this one.
    pub key: String,
    /// What kind of node.
    pub kind: String,
    /// How it ended.
    pub state: StepState,
    /// What it gave.
    pub output: Option<Value>,
    /// Stable code of its error.
    pub error_code: Option<String>,
    /// Its error in words.
    pub error_detail: Option<String>,
    /// Tokens of its prompts.
    pub prompt_tokens: u32,
    /// Tokens of its outputs.
    pub completion_tokens: u32,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// A gate at which a person is asked.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitingGate {
    /// Which node.
    pub key: String,
    /// What is asked.
    pub question: String,
    /// What is shown.
    pub shown: Value,
    /// Stands for exactly this question and what is shown; a decision names it.
    pub digest: [u8; 32],
    /// Since when.
    pub asked_at: Timestamp,
}

/// A run with its steps and what it waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkflowRunDetails {
    /// The run.
    pub run: WorkflowRun,
    /// What it was given.
    pub input: Value,
    /// The definition as it was at the start.
    pub definition: Value,
    /// Nodes that have ended, in that order.
    pub steps: Vec<StepView>,
    /// Where a person is asked.
    pub waiting: Vec<WaitingGate>,
}

/// Where a stretch of the list of runs begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunCursor(pub WorkflowRunId);

impl fmt::Display for RunCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunCursor {
    type Err = base::IdError;

    fn from_str(text: &str) -> Result<Self, base::IdError> {
        text.parse().map(Self)
    }
}

/// A stretch of the list of runs, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct RunPage {
    /// The runs.
    pub runs: Vec<WorkflowRun>,
    /// Where the next stretch begins.
    pub next: Option<RunCursor>,
}

/// What is to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct StartRun {
    /// A workflow of the house, by name.
    pub workflow: Option<String>,
    /// Or one that is brought along.
    pub definition: Option<Definition>,
    /// What it is given.
    pub input: Value,
    /// What all draws follow from; a new one when `None`.
    pub seed: Option<RunSeed>,
}

/// A person's decision at a gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateDecision {
    /// Which gate.
    pub key: String,
    /// The digest of what was shown.
    pub digest: [u8; 32],
    /// Lets through.
    pub approved: bool,
    /// Why.
    pub reason: Option<String>,
}
