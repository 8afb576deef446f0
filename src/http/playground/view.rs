//! Traces on the wire.

use agents::{Comparison, Replay, Trace, TraceEntry, TraceStep};
use models::TokenUsage;
use serde::Serialize;
use utoipa::ToSchema;

use crate::views::label_words;

/// Tokens of prompts and replies.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TraceTokens)]
pub(super) struct TokensView {
    /// Put before the model.
    prompt_tokens: u32,
    /// Of those, computed before for another prompt.
    cached_tokens: u32,
    /// Written by the model.
    completion_tokens: u32,
}

impl From<TokenUsage> for TokensView {
    fn from(usage: TokenUsage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.cached_tokens,
            completion_tokens: usage.completion_tokens,
        }
    }
}

/// A run without its content.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TraceEntry)]
pub(super) struct TraceEntryView {
    #[schema(format = "uuid")]
    id: String,
    /// Whose it is; absent for the console's.
    #[schema(format = "uuid")]
    user_id: Option<String>,
    /// `answer`, `playground` or `replay`.
    kind: &'static str,
    /// `direct`, `chain_of_thought`, `self_consistency` or `tree_of_thought`.
    strategy: &'static str,
    /// `answered`, `refused`, or the code of the error that ended it.
    outcome: String,
    classification: &'static str,
    export_control: &'static str,
    /// The run that it repeats.
    #[schema(format = "uuid")]
    replay_of: Option<String>,
    tokens: TokensView,
    step_count: u32,
    #[schema(format = "date-time")]
    started_at: String,
    #[schema(format = "date-time")]
    ended_at: String,
}

impl From<&TraceEntry> for TraceEntryView {
    fn from(entry: &TraceEntry) -> Self {
        let (classification, export_control) = label_words(&entry.label);
        Self {
            id: entry.id.to_string(),
            user_id: entry.owner.map(|user| user.to_string()),
            kind: entry.kind.as_str(),
            strategy: entry.strategy.as_str(),
            outcome: entry.outcome.as_str().to_owned(),
            classification,
            export_control,
            replay_of: entry.replay_of.map(|id| id.to_string()),
            tokens: entry.tokens.into(),
            step_count: entry.step_count,
            started_at: entry.started_at.to_string(),
            ended_at: entry.ended_at.to_string(),
        }
    }
}

/// One step of a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = TraceStep)]
pub(super) struct StepView {
    /// From 1.
    pub(super) sequence: u32,
    pub(super) name: String,
    /// `observe`, `think`, `weigh` or `verify`.
    pub(super) kind: &'static str,
    /// SHA-256 of the prompt, where a model was asked.
    prompt_hash: Option<String>,
    /// Where its draws began.
    seed: Option<u32>,
    /// SHA-256 of the model's file.
    model: Option<String>,
    pub(super) tier: Option<&'static str>,
    pub(super) tokens: TokensView,
    first_token_ms: u32,
    pub(super) elapsed_ms: u64,
    /// What came out.
    pub(super) output: String,
    /// What the check said of each claim.
    pub(super) verdicts: Vec<serde_json::Value>,
}

impl TryFrom<&TraceStep> for StepView {
    type Error = serde_json::Error;

    fn try_from(step: &TraceStep) -> Result<Self, serde_json::Error> {
        let verdicts = step.verdicts.iter().map(serde_json::to_value);
        Ok(Self {
            sequence: step.sequence,
            name: step.name.clone(),
            kind: step.kind.as_str(),
            prompt_hash: step.prompt_hash.clone(),
            seed: step.seed,
            model: step.model.clone(),
            tier: step.tier.map(models::Tier::as_str),
            tokens: step.tokens.into(),
            first_token_ms: step.first_token_ms,
            elapsed_ms: step.elapsed_ms,
            output: step.output.clone(),
            verdicts: verdicts.collect::<Result<_, _>>()?,
        })
    }
}

/// A run, step by step.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Trace)]
pub(crate) struct TraceView {
    #[schema(format = "uuid")]
    id: String,
    /// `answer`, `playground` or `replay`.
    kind: &'static str,
    question: String,
    /// Everything that was set or chosen: tier, strategy, temperature, seed, tokens.
    settings: serde_json::Value,
    /// `direct`, `chain_of_thought`, `self_consistency` or `tree_of_thought`.
    strategy: &'static str,
    /// What all seeds follow from.
    seed: u32,
    /// Versions of the program and of the model worker.
    build: String,
    /// `answered`, `refused`, or the code of the error that ended it.
    outcome: String,
    /// The claims that passed.
    answer: String,
    /// Chunks that were read.
    chunks: Vec<i64>,
    /// Their revisions.
    revisions: Vec<String>,
    classification: &'static str,
    export_control: &'static str,
    /// The answer that it belongs to.
    #[schema(format = "uuid")]
    message_id: Option<String>,
    /// The run that it repeats.
    #[schema(format = "uuid")]
    replay_of: Option<String>,
    tokens: TokensView,
    #[schema(format = "date-time")]
    started_at: String,
    #[schema(format = "date-time")]
    ended_at: String,
    pub(super) steps: Vec<StepView>,
}

impl TryFrom<&Trace> for TraceView {
    type Error = serde_json::Error;

    fn try_from(trace: &Trace) -> Result<Self, serde_json::Error> {
        let (classification, export_control) = label_words(&trace.label);
        let steps = trace.steps.iter().map(StepView::try_from);
        Ok(Self {
            id: trace.id.to_string(),
            kind: trace.kind.as_str(),
            question: trace.question.clone(),
            settings: serde_json::to_value(&trace.settings)?,
            strategy: trace.strategy.as_str(),
            seed: trace.seed.0,
            build: trace.build.clone(),
            outcome: trace.outcome.as_str().to_owned(),
            answer: trace.answer.clone(),
            chunks: trace.chunks.iter().map(|chunk| chunk.0).collect(),
            revisions: trace.revisions.iter().map(ToString::to_string).collect(),
            classification,
            export_control,
            message_id: trace.message_id.map(|id| id.to_string()),
            replay_of: trace.replay_of.map(|id| id.to_string()),
            tokens: trace.tokens.into(),
            started_at: trace.started_at.to_string(),
            ended_at: trace.ended_at.to_string(),
            steps: steps.collect::<Result<_, _>>()?,
        })
    }
}

/// Where two runs part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TraceDifference)]
pub(super) struct DifferenceView {
    /// The step's number, from 1.
    sequence: u32,
    /// Its name.
    step: String,
    /// `missing`, `prompt`, `seed`, `model` or `output`.
    aspect: &'static str,
}

/// Two runs, step by step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TraceComparison)]
pub(super) struct CompareView {
    /// Whether every step is the same in prompt, seed, model and output.
    identical: bool,
    /// Where they part first.
    first_difference: Option<DifferenceView>,
    left: TraceView,
    right: TraceView,
    /// In what the steps with each number differ first; absent where they are the same.
    steps: Vec<Option<&'static str>>,
}

impl CompareView {
    pub(super) fn new(
        left: &Trace,
        right: &Trace,
        comparison: &Comparison,
    ) -> Result<Self, serde_json::Error> {
        let first = comparison.first_difference.as_ref();
        Ok(Self {
            identical: comparison.identical,
            first_difference: first.map(|difference| DifferenceView {
                sequence: difference.sequence,
                step: difference.step.clone(),
                aspect: difference.aspect.as_str(),
            }),
            left: TraceView::try_from(left)?,
            right: TraceView::try_from(right)?,
            steps: comparison
                .steps
                .iter()
                .map(|pair| pair.differs_in.map(agents::Aspect::as_str))
                .collect(),
        })
    }
}

/// A run that was repeated.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TraceReplay)]
pub(super) struct ReplayView {
    /// Whether every step is the same as before.
    identical: bool,
    /// Where the new run parts from the old one first.
    first_difference: Option<DifferenceView>,
    /// The new run.
    trace: TraceView,
}

impl TryFrom<&Replay> for ReplayView {
    type Error = serde_json::Error;

    fn try_from(replay: &Replay) -> Result<Self, serde_json::Error> {
        let first = replay.comparison.first_difference.as_ref();
        Ok(Self {
            identical: replay.comparison.identical,
            first_difference: first.map(|difference| DifferenceView {
                sequence: difference.sequence,
                step: difference.step.clone(),
                aspect: difference.aspect.as_str(),
            }),
            trace: TraceView::try_from(&replay.trace)?,
        })
    }
}
