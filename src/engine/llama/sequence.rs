//! One text that is being generated.

use std::time::Instant;

use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use models::protocol::{CallId, FairShare, GenerateInput, PrefixScope, Priority, Sampling};

use super::plan::Wish;
use super::shape::Output;

/// Tokens that penalties look back over.
const PENALTY_TOKENS: i32 = 64;

/// A text that waits for its turn.
pub(super) struct Waiting {
    pub(super) id: CallId,
    pub(super) priority: Priority,
    pub(super) order: u64,
    pub(super) arrived: Instant,
    pub(super) deadline: Instant,
    pub(super) prompt: Vec<LlamaToken>,
    pub(super) most_tokens: usize,
    pub(super) sampler: LlamaSampler,
    pub(super) output: Output,
    pub(super) scope: PrefixScope,
    pub(super) share: FairShare,
    pub(super) streams: bool,
}

/// A text that has its place in the context.
pub(super) struct Sequence {
    pub(super) text: Waiting,
    /// Its number in the context.
    pub(super) slot: i32,
    /// Tokens of the prompt whose state is in the context.
    pub(super) done: usize,
    /// Those of them that were there before it came.
    pub(super) cached: usize,
    /// Tokens of the prompt after which the state is kept, ascending.
    pub(super) checkpoints: Vec<usize>,
    /// Tokens generated; all but the last are in the context.
    pub(super) generated: Vec<LlamaToken>,
    pub(super) first_token: Option<Instant>,
    /// When the client last heard of it.
    pub(super) told: Instant,
    /// Where its logits are in the batch that runs.
    pub(super) logits_at: Option<i32>,
}

impl Sequence {
    pub(super) fn new(
        text: Waiting,
        slot: i32,
        cached: usize,
        checkpoints: Vec<usize>,
        now: Instant,
    ) -> Self {
        Self {
            text,
            slot,
            done: cached,
            cached,
            checkpoints,
            generated: Vec::new(),
            first_token: None,
            told: now,
            logits_at: None,
        }
    }

    pub(super) fn wish(&self) -> Wish {
        Wish {
            prompt_left: self.next_stop() - self.done,
            priority: self.text.priority,
            order: self.text.order,
        }
    }

    /// Tokens of the prompt that may be computed before something is to be done: all, or those up to the
    /// next checkpoint.
    fn next_stop(&self) -> usize {
        self.checkpoints.first().copied().unwrap_or(self.text.prompt.len())
    }

    /// Whether its state is to be kept as it is now; true once for each checkpoint.
    pub(super) fn reaches_checkpoint(&mut self) -> bool {
        let reached = self.checkpoints.first() == Some(&self.done);
        if reached {
            self.checkpoints.remove(0);
        }
        reached
    }

    /// Cells of the context that it may come to take.
    pub(super) fn reserve(&self) -> usize {
        self.text.prompt.len() + self.text.most_tokens
    }

    /// The tokens whose state is in the context.
    pub(super) fn computed(&self) -> Vec<LlamaToken> {
        let mut tokens = self.text.prompt[..self.done].to_vec();
        if let Some((_, decoded)) = self.generated.split_last() {
            tokens.extend_from_slice(decoded);
        }
        tokens
    }
}

/// The chain of samplers for a call; `shape` masks what must not come.
pub(super) fn sampler(
    input: &GenerateInput,
    vocabulary_tokens: i32,
    shape: Option<LlamaSampler>,
) -> LlamaSampler {
    let Sampling {
        temperature,
        top_k,
        top_p,
        min_p,
        repeat_penalty,
        frequency_penalty,
        presence_penalty,
        seed,
    } = input.sampling;
    let mut chain: Vec<LlamaSampler> = shape.into_iter().collect();
    if repeat_penalty != 1.0 || frequency_penalty != 0.0 || presence_penalty != 0.0 {
        chain.push(LlamaSampler::penalties(
            vocabulary_tokens,
            PENALTY_TOKENS,
            repeat_penalty,
            frequency_penalty,
            presence_penalty,
        ));
    }
    if temperature <= 0.0 {
        chain.push(LlamaSampler::greedy());
        return LlamaSampler::chain_simple(chain);
    }
    if top_k > 0 {
        chain.push(LlamaSampler::top_k(i32::try_from(top_k).unwrap_or(i32::MAX)));
    }
    if top_p < 1.0 {
        chain.push(LlamaSampler::top_p(top_p, 1));
    }
    if min_p > 0.0 {
        chain.push(LlamaSampler::min_p(min_p, 1));
    }
    chain.push(LlamaSampler::temp(temperature));
    chain.push(LlamaSampler::dist(seed));
    LlamaSampler::chain_simple(chain)
}
