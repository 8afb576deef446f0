//! The calls that a model has: who waits, who runs, and what is kept of those that ended.

use std::sync::Arc;
use std::time::Instant;

use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use models::protocol::frame::FrameError;
use models::protocol::{AnswerBody, CallId, LoadedModel, ModelHash, Priority, WorkerError};

use super::inbox::{Command, Order};
use super::layout::Layout;
use super::model::{AtWork, u32_of};
use super::plan::Pace;
use super::prefixes::{Prefixes, WORTH_TOKENS};
use super::sequence::{self, Sequence, Waiting};
use super::shape::{Output, Shapes};
use crate::worker::{Courtesy, Generating, Outbox};

/// A model at work.
pub(super) struct Serving<'m> {
    pub(super) model: &'m LlamaModel,
    pub(super) context: LlamaContext<'m>,
    pub(super) batch: LlamaBatch<'static>,
    pub(super) layout: Layout,
    pub(super) shapes: Shapes,
    pub(super) hash: ModelHash,
    pub(super) loaded: LoadedModel,
    pub(super) parallel: usize,
    /// Tokens that the context holds over all sequences.
    pub(super) cells: usize,
    /// Tokens that one sequence may have.
    pub(super) window: usize,
    /// Sequences that the context has numbers for.
    pub(super) slots: i32,
    pub(super) free_slots: Vec<i32>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) running: Vec<Sequence>,
    pub(super) prefixes: Prefixes,
    pub(super) pace: Pace,
    pub(super) next_order: u64,
    pub(super) courtesy: Courtesy,
    /// While it is there, bulk work steps back.
    pub(super) generating: Option<Generating>,
    pub(super) outbox: Arc<Outbox>,
}

impl AtWork for Serving<'_> {
    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn loaded(&self) -> &LoadedModel {
        &self.loaded
    }

    fn is_idle(&self) -> bool {
        self.running.is_empty() && self.waiting.is_empty()
    }

    fn take(&mut self, command: Command) -> Result<(), FrameError> {
        match command {
            Command::Count { id, texts } => {
                let count = |text: &String| {
                    let tokens = self.model.vocab().tokenize(text.as_bytes(), false, false);
                    u32_of(tokens.len())
                };
                let counts = texts.iter().map(count).collect();
                self.outbox.answer(id, Ok(AnswerBody::TokenCounts(counts)))
            }
            Command::Generate(order) => {
                let id = order.id;
                match self.prepare(*order) {
                    Ok(text) => {
                        self.waiting.push(text);
                        Ok(())
                    }
                    Err(error) => self.outbox.answer(id, Err(error)),
                }
            }
            Command::Encode(order) => {
                let reason = "it is made for writing".to_owned();
                self.outbox.answer(order.id, Err(WorkerError::ModelRefused { reason }))
            }
            Command::Cancel(id) => self.drop_call(id, &WorkerError::Cancelled),
            // Taken by the caller.
            Command::Loaded(_) | Command::Unload(_) => Ok(()),
        }
    }

    fn fail_all(&mut self, reason: &str) -> Result<(), FrameError> {
        let waiting = self.waiting.drain(..).map(|text| text.id);
        let running = self.running.drain(..).map(|sequence| sequence.text.id);
        for id in waiting.chain(running) {
            let error = WorkerError::Failed { reason: reason.to_owned() };
            self.outbox.answer(id, Err(error))?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), FrameError> {
        self.expire()?;
        self.admit();
        if self.running.is_empty() {
            self.generating = None;
            return Ok(());
        }
        self.generating.get_or_insert_with(|| self.courtesy.generating());
        self.compute()
    }
}

impl Serving<'_> {
    fn prepare(&mut self, order: Order) -> Result<Waiting, WorkerError> {
        let Order { id, priority, arrived, deadline, input, streams } = order;
        let prompt = self.layout.tokens(self.model, &input.prompt, &input.output)?;
        if prompt.is_empty() {
            return Err(WorkerError::Invalid {
                field: "prompt".to_owned(),
                reason: "it is empty".to_owned(),
            });
        }
        if prompt.len() >= self.window {
            return Err(WorkerError::PromptTooLong {
                prompt_tokens: u32_of(prompt.len()),
                room_tokens: u32_of(self.window - 1),
            });
        }
        let shape = self.shapes.sampler(self.model, &input.output)?;
        let wanted = usize::try_from(input.max_tokens).unwrap_or(usize::MAX);
        self.next_order += 1;
        Ok(Waiting {
            id,
            priority,
            order: self.next_order,
            arrived,
            deadline,
            most_tokens: wanted.min(self.window - prompt.len()),
            sampler: sequence::sampler(&input, self.model.n_vocab(), shape),
            output: Output::new(&input.output, input.stop),
            scope: input.scope,
            share: input.share,
            streams,
            prompt,
        })
    }

    /// Ends the calls whose time is over.
    fn expire(&mut self) -> Result<(), FrameError> {
        let now = Instant::now();
        let waiting = self.waiting.iter().filter(|text| text.deadline <= now).map(|text| text.id);
        let running = self.running.iter().map(|sequence| &sequence.text);
        let running = running.filter(|text| text.deadline <= now).map(|text| text.id);
        let over: Vec<CallId> = waiting.chain(running).collect();
        over.into_iter().try_for_each(|id| self.drop_call(id, &WorkerError::DeadlinePassed))
    }

    /// Ends a call with an error. What was computed for it is kept.
    fn drop_call(&mut self, id: CallId, error: &WorkerError) -> Result<(), FrameError> {
        if let Some(at) = self.waiting.iter().position(|text| text.id == id) {
            self.waiting.swap_remove(at);
        } else if let Some(at) = self.running.iter().position(|sequence| sequence.text.id == id) {
            let sequence = self.running.swap_remove(at);
            self.keep(&sequence);
        } else {
            return Ok(());
        }
        self.outbox.answer(id, Err(error.clone()))
    }

    /// Whether another text of this priority may run: the less urgent leave places free, so that
    /// somebody who comes now need not wait until one of them has ended.
    fn has_place(&self, priority: Priority) -> bool {
        let running = self.running.iter().filter(|sequence| sequence.text.priority >= priority);
        let places = match priority {
            Priority::Interactive => self.parallel,
            Priority::Agent => self.parallel - self.parallel / 4,
            Priority::Ingest => self.parallel.div_ceil(2),
        };
        running.count() < places
    }

    /// Gives places to those who wait: the most urgent first, among them whoever has fewest texts
    /// running, and then the oldest. One that does not fit yet is waited for.
    fn admit(&mut self) {
        while self.running.len() < self.parallel {
            let shares = |text: &Waiting| {
                self.running.iter().filter(|running| running.text.share == text.share).count()
            };
            let placed = |i: &usize| self.has_place(self.waiting[*i].priority);
            let next = (0..self.waiting.len()).filter(placed).min_by_key(|i| {
                let text = &self.waiting[*i];
                (text.priority, shares(text), text.order)
            });
            let Some(next) = next else { return };
            let text = &self.waiting[next];
            let reserved: usize = self.running.iter().map(Sequence::reserve).sum();
            let needed = reserved + text.prompt.len() + text.most_tokens;
            if needed > self.cells && !self.running.is_empty() {
                return;
            }
            let text = self.waiting.swap_remove(next);
            // The whole prompt is never taken from the cache: its last token gives the logits.
            let reusable = &text.prompt[..text.prompt.len() - 1];
            let found = self.prefixes.best(text.scope, reusable);
            loop {
                // What it shares with a kept one has its cells already.
                let shared =
                    found.map_or(0, |(from, length)| self.prefixes.shared_cells(from, length));
                let fits = needed - shared + self.prefixes.cells() <= self.cells;
                // The one that is about to be used was used last, and goes last.
                if (fits && !self.free_slots.is_empty()) || !self.evict() {
                    break;
                }
            }
            let Some(slot) = self.free_slots.pop() else {
                self.waiting.push(text);
                return;
            };
            let cached = found.map_or(0, |(from, length)| self.share(from, slot, length));
            let mut checkpoints = self.prefixes.checkpoints(text.scope, &text.prompt);
            checkpoints.retain(|length| *length > cached);
            self.running.push(Sequence::new(text, slot, cached, checkpoints, Instant::now()));
        }
    }

    /// Lets `slot` begin with the first tokens of the sequence `from`, if that is still kept.
    fn share(&mut self, from: i32, slot: i32, length: usize) -> usize {
        let Ok(end) = u32::try_from(length) else { return 0 };
        let held = self.context.kv_cache_seq_pos_max(from);
        if usize::try_from(held + 1).unwrap_or(0) < length {
            return 0;
        }
        match self.context.kv_cache_seq_cp(from, slot, Some(0), Some(end)) {
            Ok(()) => length,
            Err(_) => 0,
        }
    }

    /// Lets go of the prefix that was not used for longest; false when there is none.
    pub(super) fn evict(&mut self) -> bool {
        let Some(kept) = self.prefixes.evict() else { return false };
        self.clear(kept.slot);
        true
    }

    pub(super) fn clear(&mut self, slot: i32) {
        let slot_id = u32::try_from(slot).ok();
        // A whole sequence can always be removed.
        let _ = self.context.clear_kv_cache_seq(slot_id, None, None);
        self.free_slots.push(slot);
    }

    /// Keeps a copy of the states that are at a checkpoint. A text is not held up where none can be kept.
    pub(super) fn keep_checkpoints(&mut self) {
        for at in 0..self.running.len() {
            let sequence = &mut self.running[at];
            if !sequence.reaches_checkpoint() {
                continue;
            }
            let (from, scope, tokens) = (sequence.slot, sequence.text.scope, sequence.computed());
            if self.free_slots.is_empty() {
                self.evict();
            }
            let Some(slot) = self.free_slots.pop() else { return };
            if self.context.kv_cache_seq_cp(from, slot, None, None).is_err() {
                self.free_slots.push(slot);
                return;
            }
            for needless in self.prefixes.keep(slot, scope, tokens) {
                self.clear(needless);
            }
        }
    }

    /// Keeps what was computed for a text, for the next one of its tenant.
    pub(super) fn keep(&mut self, sequence: &Sequence) {
        let tokens = sequence.computed();
        if tokens.len() < WORTH_TOKENS {
            self.clear(sequence.slot);
            return;
        }
        for needless in self.prefixes.keep(sequence.slot, sequence.text.scope, tokens) {
            self.clear(needless);
        }
    }
}
