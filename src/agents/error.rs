//! What can go wrong while answering.

use base::{Code, Coded, Violation};

/// An error of this room. The cause, where there is one, is the source.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::StoreError),
    /// Retrieval failed.
    #[error(transparent)]
    Knowledge(#[from] knowledge::KnowledgeError),
    /// The person may not do this.
    #[error(transparent)]
    Denied(#[from] policy::Denied),
    /// An input field is wrong.
    #[error("{}: {}", .0.field, .0.reason)]
    Invalid(Violation),
    /// There is no such conversation, or it is somebody else's.
    #[error("there is no such conversation")]
    ConversationNotFound,
    /// There is no such answer, or it was given to somebody else.
    #[error("there is no such answer")]
    MessageNotFound,
    /// Nobody waits for the answer any more; nothing was stored.
    #[error("nobody waits for the answer any more")]
    Abandoned,
    /// A background computation ended unexpectedly.
    #[error("a computation ended unexpectedly")]
    Panicked,
    /// There is no such trace, or it is somebody else's.
    #[error("there is no such trace")]
    TraceNotFound,
    /// No language model is there to be asked.
    #[error("no language model is assigned to a tier")]
    NoModel,
    /// A model failed.
    #[error(transparent)]
    Model(#[from] models::ModelError),
    /// The token budget of person or tenant has nothing left.
    #[error(transparent)]
    Budget(#[from] models::BudgetError),
    /// The run's own budget has too little left for the next step.
    #[error(
        "the next step needs up to {needed_tokens} tokens; {left_tokens} of {limit_tokens} are left"
    )]
    RunBudgetExhausted {
        /// What the step may need.
        needed_tokens: u32,
        /// What is left.
        left_tokens: u32,
        /// What the run may spend.
        limit_tokens: u32,
    },
    /// The run's time has passed.
    #[error("the time of the run has passed")]
    TimeIsUp,
    /// A model's reply does not have the shape that was asked for.
    #[error("the model's reply can't be read: {reason}")]
    ModelOutput {
        /// What is wrong with it, without its words.
        reason: String,
    },
    /// There is no such agent.
    #[error("there is no such agent")]
    AgentNotFound,
    /// There is no such workflow.
    #[error("there is no such workflow")]
    WorkflowNotFound,
    /// There is no such run, or it is somebody else's, or its text is not for the asking person's eyes.
    #[error("there is no such run of a workflow")]
    RunNotFound,
    /// The run's state does not allow this.
    #[error("the run is {0}")]
    RunWrongState(&'static str),
    /// Nobody is asked at this gate any more, or something else is.
    #[error("nothing waits for a decision at this gate, or not what was shown")]
    GateNotWaiting,
    /// A workflow is declared wrongly.
    #[error(transparent)]
    Definition(#[from] crate::workflow::DefinitionError),
    /// There is no such plan, or it is somebody else's.
    #[error("there is no such plan")]
    PlanNotFound,
    /// The plan's state does not allow this.
    #[error("the plan is {0}")]
    PlanWrongState(&'static str),
    /// The plan that is decided on is not the one that was shown.
    #[error("the plan is not the one that was shown")]
    PlanChanged,
    /// This belongs to a person, and nobody in particular asks.
    #[error("the request must be made for a person")]
    PersonRequired,
    /// There is nothing remembered under this id.
    #[error("there is no such memory")]
    MemoryNotFound,
    /// The person has not allowed that anything is remembered.
    #[error("the person has not allowed that anything is remembered")]
    MemoryNotAllowed,
    /// A golden question can't be read.
    #[error("line {line} of the golden questions: {reason}")]
    Golden {
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

impl AgentError {
    /// Bad input in `field`.
    pub(crate) fn invalid(field: &str, reason: impl Into<String>) -> Self {
        Self::Invalid(Violation::new(field, reason))
    }
}

impl From<base::EntropyError> for AgentError {
    fn from(error: base::EntropyError) -> Self {
        Self::Store(error.into())
    }
}

impl Coded for AgentError {
    fn code(&self) -> Code {
        match self {
            Self::Store(error) => error.code(),
            Self::Knowledge(error) => error.code(),
            Self::Denied(error) => error.code(),
            Self::Invalid(_) => "invalid_input",
            Self::ConversationNotFound => "conversation_not_found",
            Self::MessageNotFound => "message_not_found",
            Self::Abandoned => "abandoned",
            Self::Panicked => "computation_failed",
            Self::TraceNotFound => "trace_not_found",
            Self::NoModel => "no_language_model",
            Self::Model(error) => error.code(),
            Self::Budget(error) => error.code(),
            Self::RunBudgetExhausted { .. } => "run_budget_exhausted",
            Self::TimeIsUp => "run_deadline_passed",
            Self::ModelOutput { .. } => "model_output_unreadable",
            Self::AgentNotFound => "agent_not_found",
            Self::WorkflowNotFound => "workflow_not_found",
            Self::RunNotFound => "workflow_run_not_found",
            Self::RunWrongState(_) => "workflow_run_wrong_state",
            Self::GateNotWaiting => "workflow_gate_not_waiting",
            Self::Definition(_) => "workflow_invalid",
            Self::PlanNotFound => "plan_not_found",
            Self::PlanWrongState(_) => "plan_wrong_state",
            Self::PlanChanged => "plan_changed",
            Self::PersonRequired => "person_required",
            Self::MemoryNotFound => "memory_not_found",
            Self::MemoryNotAllowed => "memory_not_allowed",
            Self::Golden { .. } => "golden_unreadable",
        }
    }

    fn violation(&self) -> Option<Violation> {
        match self {
            Self::Invalid(violation) => Some(violation.clone()),
            Self::Store(error) => error.violation(),
            Self::Knowledge(error) => error.violation(),
            Self::Model(error) => error.violation(),
            Self::Budget(error) => error.violation(),
            Self::Definition(error) => Some(error.violation()),
            _ => None,
        }
    }

    fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Store(error) => error.retry_after_s(),
            Self::Knowledge(error) => error.retry_after_s(),
            Self::Model(error) => error.retry_after_s(),
            Self::Budget(error) => error.retry_after_s(),
            _ => None,
        }
    }
}
