//! Plans as the rest of the house sees them.

use std::fmt;
use std::str::FromStr;

use base::{Label, PlanId, Timestamp, UserId, WorkflowRunId};

use super::compile::{Plan, PlanTask};
use crate::brain::RunSeed;

/// How far a plan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlanState {
    /// Waits for a decision.
    Proposed,
    /// Was rejected.
    Rejected,
    /// Was approved and is being carried out.
    Running,
    /// Was carried out.
    Done,
    /// Could not be carried out, and was made anew as often as it may.
    Failed,
    /// Was cancelled while it was carried out.
    Cancelled,
}

impl PlanState {
    const ALL: [Self; 6] =
        [Self::Proposed, Self::Rejected, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The word used in API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Rejected => "rejected",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// A plan with how far it is.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanView {
    /// Its id.
    pub id: PlanId,
    /// Whose goal it is; `None` for the console's.
    pub owner: Option<UserId>,
    /// The goal.
    pub goal: String,
    /// How far it is.
    pub state: PlanState,
    /// The newest version.
    pub plan: Plan,
    /// Stands for exactly this version; an approval names it.
    pub digest: [u8; 32],
    /// 1 for the first.
    pub version: u32,
    /// How often it may be made anew.
    pub replans_max: u32,
    /// The run that carries it out, or did last.
    pub run_id: Option<WorkflowRunId>,
    /// Who decided, as the audit log writes it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Why.
    pub reason: Option<String>,
    /// Label of the plan's text.
    pub label: Label,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What a plan is wanted for.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanInput {
    /// The goal.
    pub goal: String,
    /// Tokens that carrying it out may take; what is estimated at most when `None`.
    pub budget_tokens: Option<u32>,
    /// From the approval to the end, in seconds.
    pub deadline_s: u32,
    /// How often it may be made anew when it fails.
    pub replans_max: u32,
    /// What all draws follow from; a new one when `None`.
    pub seed: Option<RunSeed>,
    /// The sub-tasks, where they are brought along instead of being asked from a model.
    pub tasks: Option<Vec<PlanTask>>,
}

/// Where a stretch of the list begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlanCursor(pub PlanId);

impl fmt::Display for PlanCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PlanCursor {
    type Err = base::IdError;

    fn from_str(text: &str) -> Result<Self, base::IdError> {
        text.parse().map(Self)
    }
}

/// A stretch of the list of plans, newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanPage {
    /// The plans.
    pub plans: Vec<PlanView>,
    /// Where the next stretch begins.
    pub next: Option<PlanCursor>,
}
