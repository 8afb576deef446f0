//! Thinking with tools: the model calls, the gate decides, the result goes back, until there is an answer.

use std::collections::BTreeSet;

use base::{Code, Label, RevisionId};
use models::{
    BoxFuture, ChatMessage, ModelHash, OutputShape, Routed, Speaker, TokenUsage, ToolChoice,
};

use super::gate::ToolGate;
use super::model::ToolRecord;
use crate::AgentError;
use crate::brain::{Brain, RunSeed, Thought};
use crate::spending::sum;

/// Turns of one thought at most, the answer included.
pub const TOOL_TURNS_MAX: u32 = 32;

/// What came of thinking with tools.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolTurns {
    /// The answer; empty when the run ended before there was one.
    pub text: String,
    /// What was called.
    pub calls: Vec<ToolRecord>,
    /// Why there is no answer, when there is none.
    pub stopped_by: Option<Code>,
    /// Join of the labels of everything seen: the label of the answer.
    pub label: Label,
    /// The revisions of which tools have shown something.
    pub revisions: BTreeSet<RevisionId>,
    /// Who answered last.
    pub model: Option<ModelHash>,
    /// What all turns cost.
    pub usage: TokenUsage,
}

/// A turn that has ended.
#[derive(Debug)]
pub struct Turn<'t> {
    /// From 0.
    pub number: u32,
    /// Hash of its prompt.
    pub prompt_hash: &'t str,
    /// Its seed.
    pub seed: u32,
    /// Who thought, and what came of it.
    pub routed: &'t Routed,
    /// What its calls came to, in their order.
    pub results: &'t [TurnResult],
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnResult {
    /// `ok`, or the code of the refusal.
    pub outcome: Code,
    /// What went back to the model. Content.
    pub text: String,
}

/// Is told of each turn as it goes, for traces and streams.
pub trait TurnWatch: Send + Sync {
    /// A prompt goes to the model.
    fn begins<'a>(&'a self, number: u32, thought: &'a Thought) -> BoxFuture<'a, ()>;

    /// The model has replied, and what it called has come back.
    fn ended<'a>(&'a self, turn: Turn<'a>) -> BoxFuture<'a, ()>;

    /// The model failed.
    fn failed(&self);
}

/// Nobody is told.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl TurnWatch for Unwatched {
    fn begins<'a>(&'a self, _: u32, _: &'a Thought) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn ended<'a>(&'a self, _: Turn<'a>) -> BoxFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }

    fn failed(&self) {}
}

/// Thinks `thought` with the tools of `gate`. The thought's own shape is that of the answer.
///
/// # Errors
/// As [`Brain::think`], before the first turn was done; afterwards what there is comes back.
pub async fn think_with_tools(
    brain: &Brain<'_>,
    gate: &ToolGate<'_>,
    mut thought: Thought,
    (seed, step): (RunSeed, &str),
    turns_max: u32,
    watch: &dyn TurnWatch,
) -> Result<ToolTurns, AgentError> {
    let answer_shape = thought.output.clone();
    let turns_max = turns_max.clamp(1, TOOL_TURNS_MAX);
    let mut done = ToolTurns {
        text: String::new(),
        calls: Vec::new(),
        stopped_by: None,
        label: Label::TYPED,
        revisions: BTreeSet::new(),
        model: None,
        usage: TokenUsage::default(),
    };
    let mut result_number = 0;
    for turn in 0..turns_max {
        // The tools within reach shrink once foreign text has been seen.
        let tools = gate.specs();
        let last = turn + 1 == turns_max || tools.is_empty();
        thought.output = if last {
            answer_shape.clone()
        } else {
            OutputShape::Tools { tools, choice: ToolChoice::Auto }
        };
        thought.sampling.seed = seed.of(step, turn);
        watch.begins(turn, &thought).await;
        let routed = match brain.think(&thought, None).await {
            Ok(routed) => routed,
            Err(error) => {
                watch.failed();
                if turn == 0 {
                    return Err(error);
                }
                done.stopped_by = Some(base::Coded::code(&error));
                break;
            }
        };
        let (prompt_hash, seed) = (thought.prompt_hash(), thought.sampling.seed);
        let ended = |results| Turn {
            number: turn,
            prompt_hash: &prompt_hash,
            seed,
            routed: &routed,
            results,
        };
        let generation = routed.generation.clone();
        done.model = Some(generation.model);
        done.usage = sum(done.usage, generation.usage);
        if generation.tool_calls.is_empty() {
            watch.ended(ended(&[])).await;
            if last || matches!(answer_shape, OutputShape::Text) {
                done.text = generation.text;
                break;
            }
            // It is done with tools; the answer must have its shape, which costs another turn.
            thought.user.push(ChatMessage::new(Speaker::Assistant, generation.text));
            thought.output = answer_shape.clone();
            done.text = finish(brain, &thought, &mut done).await;
            break;
        }
        let mut said = ChatMessage::new(Speaker::Assistant, generation.text);
        said.tool_calls = generation.tool_calls.clone();
        thought.user.push(said);
        let mut results = Vec::with_capacity(generation.tool_calls.len());
        for call in &generation.tool_calls {
            result_number += 1;
            let (outcome, text): (Code, String) = match gate.call(call).await {
                Ok(answer) => ("ok", answer.fenced(result_number)),
                Err(refusal) => (refusal.outcome(), refusal.fenced(result_number)),
            };
            let mut result = ChatMessage::new(Speaker::Tool, text.clone());
            result.tool_name = Some(call.name.clone());
            thought.user.push(result);
            results.push(TurnResult { outcome, text });
        }
        watch.ended(ended(&results)).await;
        if turn + 1 == turns_max {
            done.stopped_by = Some("tool_turns_exhausted");
        }
    }
    done.calls = gate.records();
    done.label = gate.label();
    done.revisions = gate.revisions();
    Ok(done)
}

/// The answer in its shape, after the tools.
async fn finish(brain: &Brain<'_>, thought: &Thought, done: &mut ToolTurns) -> String {
    match brain.think(thought, None).await {
        Ok(routed) => {
            done.usage = sum(done.usage, routed.generation.usage);
            routed.generation.text
        }
        Err(error) => {
            done.stopped_by = Some(base::Coded::code(&error));
            String::new()
        }
    }
}
