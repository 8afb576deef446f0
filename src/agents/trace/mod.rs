//! Traces: what a run did, step by step, so that it can be looked at, repeated and compared.
//!
//! Outputs of steps are content with the label of the run: readable by whose run it was, as long as
//! they may see it. Administrators see that there was a run, by whom, and what it cost.

mod compare;
mod read;

use base::{ChunkId, Label, MessageId, RevisionId, Timestamp, TraceId, UserId};
use models::{Tier, TokenUsage};
use serde::{Deserialize, Serialize};

use crate::brain::RunSeed;
use crate::model::{StepKind, Verdict};
use crate::reason::{ReasonSettings, Strategy};

pub use compare::{Comparison, Difference, StepPair, compare};
pub use read::{
    TraceCursor, TraceEntry, TracePage, trace_delete, trace_get, trace_list, traces_compare,
    traces_of_tenant,
};

/// What a run was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TraceKind {
    /// An answer in a conversation.
    Answer,
    /// A run of the playground.
    Playground,
    /// Another run, repeated.
    Replay,
}

impl TraceKind {
    /// The word used in API and SQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answer => "answer",
            Self::Playground => "playground",
            Self::Replay => "replay",
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let all = [Self::Answer, Self::Playground, Self::Replay];
        all.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TraceOutcome {
    /// With claims that passed.
    Answered,
    /// Nothing passed, or nothing was found.
    Refused,
    /// With an error, by its code.
    Failed(String),
}

impl TraceOutcome {
    /// `answered`, `refused`, or the error's code.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Answered => "answered",
            Self::Refused => "refused",
            Self::Failed(code) => code,
        }
    }

    /// Reads the word.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "answered" => Self::Answered,
            "refused" => Self::Refused,
            code => Self::Failed(code.to_owned()),
        }
    }
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceStep {
    /// From 1.
    pub sequence: u32,
    /// Its name: `think.2` is the second try of `think`, `think.2/3` the third sample in it.
    pub name: String,
    /// What it did.
    pub kind: StepKind,
    /// Hash of its prompt, where a model was asked.
    pub prompt_hash: Option<String>,
    /// Its seed, where a model was asked.
    pub seed: Option<u32>,
    /// The model's hash.
    pub model: Option<String>,
    /// Its tier.
    pub tier: Option<Tier>,
    /// What it cost.
    pub tokens: TokenUsage,
    /// From asking the model to its first token.
    pub first_token_ms: u32,
    /// How long the step took.
    pub elapsed_ms: u64,
    /// What came out. Content.
    pub output: String,
    /// What the check said. Content.
    pub verdicts: Vec<Verdict>,
}

/// A run.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Its id.
    pub id: TraceId,
    /// Whose it is; `None` for the console's.
    pub owner: Option<UserId>,
    /// What it was for.
    pub kind: TraceKind,
    /// What was asked. Content.
    pub question: String,
    /// How it thought; everything that was chosen stands here too.
    pub settings: ReasonSettings,
    /// How claims were arrived at.
    pub strategy: Strategy,
    /// What all seeds follow from.
    pub seed: RunSeed,
    /// Version of the program and of the model worker.
    pub build: String,
    /// How it ended.
    pub outcome: TraceOutcome,
    /// The claims that passed, with the numbers of their citations. Content.
    pub answer: String,
    /// Chunks that were read.
    pub chunks: Vec<ChunkId>,
    /// Their revisions.
    pub revisions: Vec<RevisionId>,
    /// Join of the labels of everything that was read.
    pub label: Label,
    /// The answer that it belongs to.
    pub message_id: Option<MessageId>,
    /// The run that it repeats.
    pub replay_of: Option<TraceId>,
    /// What it cost.
    pub tokens: TokenUsage,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Timestamp,
    /// Its steps, in order.
    pub steps: Vec<TraceStep>,
}

/// What two runs are compared by; a form that is stored nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// One of both has no such step.
    Missing,
    /// The prompts differ: other facts, or another version.
    Prompt,
    /// The seeds differ.
    Seed,
    /// The models differ.
    Model,
    /// The outputs differ.
    Output,
}

impl Aspect {
    /// The word used in API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Prompt => "prompt",
            Self::Seed => "seed",
            Self::Model => "model",
            Self::Output => "output",
        }
    }
}
