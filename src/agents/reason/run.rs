//! One run: what its steps share, and how one of them asks a model.

use base::Timestamp;
use knowledge::{Passage, passages_find};
use models::{OutputShape, Routed, Sampling, TEXT_SINK_PIECES, Tier, TokenUsage};
use parking_lot::Mutex;
use policy::{Permit, chat};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::prompts::Words;
use super::settings::Strategy;
use super::told::Seen;
use crate::AgentError;
use crate::answer::{Listener, search_for};
use crate::brain::{Brain, RunSeed, Thought};
use crate::check::{EvidenceSet, SentenceCheck};
use crate::figures;
use crate::model::{AnswerEvent, StepKind, Verdict};
use crate::specialist::{Specialist, instructed};
use crate::spending::Spending;
use crate::trace::TraceStep;
use crate::workbench::Workbench;

/// Facts that a run may collect.
const FACTS_MAX: usize = 16;

/// Of which so many come from one search.
const FACTS_PER_SEARCH: usize = 8;

/// Share of the window that facts may take, in percent; the rest is for instructions, thoughts and
/// the reply.
const FACTS_WINDOW_PERCENT: u32 = 60;

/// How often a reply that can't be read is asked for.
const TRIES: u32 = 2;

/// Bytes of text that make a token, roughly: for what is charged when a run is broken off.
const BYTES_PER_TOKEN: usize = 4;

/// What the steps of one run share.
pub(super) struct Run<'r> {
    pub(super) permit: &'r Permit<'r, chat::Send>,
    pub(super) bench: &'r Workbench,
    pub(super) specialist: Option<&'r Specialist>,
    pub(super) listener: &'r Listener,
    pub(super) spending: &'r Spending,
    pub(super) brain: Brain<'r>,
    pub(super) check: &'r dyn SentenceCheck,
    pub(super) question: &'r str,
    pub(super) seed: RunSeed,
    pub(super) strategy: Strategy,
    /// `None` takes the strategy's own.
    pub(super) temperature: Option<f32>,
    pub(super) steps: Mutex<Vec<TraceStep>>,
    pub(super) seen: Mutex<Seen>,
}

/// What a step asks for.
pub(super) struct Ask {
    /// The name of the step.
    pub(super) name: String,
    pub(super) kind: StepKind,
    pub(super) tier: Tier,
    pub(super) words: Words,
    pub(super) temperature: f32,
    pub(super) max_tokens: u32,
}

/// A prompt that a model was given.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// The name of the step.
    pub(super) name: &'a str,
    pub(super) kind: StepKind,
    pub(super) prompt_hash: &'a str,
    pub(super) seed: u32,
}

impl Run<'_> {
    pub(super) fn now(&self) -> Timestamp {
        self.brain.ctx.now()
    }

    /// Asks a model and reads its reply; a reply that can't be read is asked for once more, with
    /// another seed.
    pub(super) async fn ask<T: DeserializeOwned>(&self, ask: Ask) -> Result<T, AgentError> {
        let mut reason = String::new();
        for nth in 0..TRIES {
            let text = self.ask_once(&ask, nth).await?;
            match serde_json::from_str(&text) {
                Ok(value) => return Ok(value),
                Err(error) => reason = error.to_string(),
            }
        }
        Err(AgentError::ModelOutput { reason })
    }

    async fn ask_once(&self, ask: &Ask, nth: u32) -> Result<String, AgentError> {
        let seed = self.seed.of(&ask.name, nth);
        let temperature = self.temperature.unwrap_or(ask.temperature);
        let sampling = if temperature > 0.0 {
            Sampling::warm(temperature, seed)
        } else {
            Sampling { seed, ..Sampling::GREEDY }
        };
        let thought = Thought {
            tier: ask.tier,
            system: instructed(self.specialist, &ask.words.system),
            user: ask.words.user.clone(),
            output: ask.words.output.clone(),
            sampling,
            max_tokens: ask.max_tokens,
        };
        self.listener.step_started(&ask.name, ask.kind, Some(ask.tier)).await;
        let begun = self.now();
        self.spending.begins(about_tokens(&thought));
        let routed = self.streamed(&ask.name, &thought).await;
        let routed = routed.inspect_err(|_| self.spending.failed())?;
        let asked =
            Asked { name: &ask.name, kind: ask.kind, prompt_hash: &thought.prompt_hash(), seed };
        self.thought(asked, &routed, begun, routed.generation.text.clone()).await;
        Ok(routed.generation.text)
    }

    /// What a model has thought goes to accounts, trace and stream; `output` is what the trace keeps of it.
    pub(super) async fn thought(
        &self,
        asked: Asked<'_>,
        routed: &Routed,
        begun: Timestamp,
        output: String,
    ) {
        let Asked { name, kind, prompt_hash, seed } = asked;
        let generation = &routed.generation;
        self.spending.ended(generation.usage, routed.tier, routed.model.hash);
        let elapsed_ms = self.now().since_ms(begun);
        self.record(TraceStep {
            sequence: 0,
            name: name.to_owned(),
            kind,
            prompt_hash: Some(prompt_hash.to_owned()),
            seed: Some(seed),
            model: Some(routed.model.hash.to_string()),
            tier: Some(routed.tier),
            tokens: generation.usage,
            first_token_ms: generation.first_token_ms,
            elapsed_ms: u64::try_from(elapsed_ms).unwrap_or(0),
            output,
            verdicts: Vec::new(),
        });
        self.listener.step_finished(name, kind, generation.usage, elapsed_ms).await;
    }

    async fn streamed(&self, step: &str, thought: &Thought) -> Result<Routed, AgentError> {
        if !self.listener.is_there() {
            return self.brain.think(thought, None).await;
        }
        let (sink, mut pieces) = mpsc::channel::<String>(TEXT_SINK_PIECES);
        let reading = async {
            while let Some(piece) = pieces.recv().await {
                self.spending.piece();
                self.listener.step_token(step, piece).await;
            }
        };
        let (thought, ()) = tokio::join!(self.brain.think(thought, Some(sink)), reading);
        thought
    }

    /// A step in which no model is asked.
    pub(super) async fn note(&self, name: &str, kind: StepKind, output: String, since: Timestamp) {
        self.note_verdicts(name, kind, output, Vec::new(), since).await;
    }

    /// The same with what the check said.
    pub(super) async fn note_verdicts(
        &self,
        name: &str,
        kind: StepKind,
        output: String,
        verdicts: Vec<Verdict>,
        since: Timestamp,
    ) {
        let elapsed_ms = self.now().since_ms(since);
        self.listener.step_started(name, kind, None).await;
        for verdict in &verdicts {
            self.listener.send(AnswerEvent::Verdict(Box::new(verdict.clone()))).await;
        }
        self.listener.step_finished(name, kind, TokenUsage::default(), elapsed_ms).await;
        self.record(TraceStep {
            sequence: 0,
            name: name.to_owned(),
            kind,
            prompt_hash: None,
            seed: None,
            model: None,
            tier: None,
            tokens: TokenUsage::default(),
            first_token_ms: 0,
            elapsed_ms: u64::try_from(elapsed_ms).unwrap_or(0),
            output,
            verdicts,
        });
    }

    fn record(&self, mut step: TraceStep) {
        figures::step(step.kind.as_str());
        let mut steps = self.steps.lock();
        step.sequence = u32::try_from(steps.len() + 1).unwrap_or(u32::MAX);
        steps.push(step);
    }

    /// Steps that ran side by side ended in any order: from `from` on they are put in that of their
    /// names, so that two runs can be compared.
    pub(super) fn order_steps(&self, from: usize) {
        let mut steps = self.steps.lock();
        let from = from.min(steps.len());
        steps[from..].sort_by(|a, b| a.name.cmp(&b.name));
        for (step, sequence) in steps.iter_mut().zip(1..) {
            step.sequence = sequence;
        }
    }

    pub(super) fn step_count(&self) -> usize {
        self.steps.lock().len()
    }

    /// Searches once more, with the rights of who asks.
    pub(super) async fn search(&self, query: &str) -> Result<Vec<Passage>, AgentError> {
        let search = search_for(query, self.specialist.map(Specialist::ceiling));
        Ok(passages_find(self.permit, self.bench.library(), &search).await?.passages)
    }

    /// Adds passages to the facts, as many as a search may bring and the model's window has room
    /// for. Returns how many there are now.
    pub(super) async fn add_facts(
        &self,
        facts: &mut EvidenceSet,
        passages: Vec<Passage>,
        tier: Tier,
    ) -> Result<usize, AgentError> {
        let passages: Vec<Passage> = passages.into_iter().take(FACTS_PER_SEARCH).collect();
        let mut grown = std::mem::take(facts);
        let adding = tokio::task::spawn_blocking(move || {
            grown.add(passages);
            grown.truncate(FACTS_MAX);
            grown
        });
        *facts = adding.await.map_err(|_| AgentError::Panicked)?;
        let texts: Vec<String> = facts.items().iter().map(|item| item.text()).collect();
        if texts.is_empty() {
            return Ok(0);
        }
        let window = self.brain.tiers.context_tokens(tier).unwrap_or(0);
        let mut room = window / 100 * FACTS_WINDOW_PERCENT;
        let mut kept = 0;
        for tokens in self.brain.count_tokens(tier, texts).await? {
            match room.checked_sub(tokens) {
                Some(left) => room = left,
                None => break,
            }
            kept += 1;
        }
        facts.truncate(kept);
        let (label, by_tools) = {
            let mut seen = self.seen.lock();
            seen.label = seen.label.join(facts.label());
            let places = facts.items().iter().map(|item| &item.passage);
            seen.read.extend(places.map(|passage| (passage.chunk_id, passage.revision_id)));
            (seen.label, seen.by_tools.clone())
        };
        self.listener.will_show(self.brain.ctx, facts, &by_tools, label).await?;
        Ok(kept)
    }
}

pub(super) fn about_tokens(thought: &Thought) -> u32 {
    let schema = match &thought.output {
        OutputShape::Json { schema } => schema.len(),
        OutputShape::Text | OutputShape::Tools { .. } => 0,
    };
    let bytes: usize = thought.user.iter().map(|message| message.text.len()).sum();
    u32::try_from((bytes + thought.system.len() + schema) / BYTES_PER_TOKEN).unwrap_or(u32::MAX)
}
