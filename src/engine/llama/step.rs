//! One batch after the other: what is computed, and the tokens that come of it.

use std::time::{Duration, Instant};

use llama_cpp_2::DecodeError;
use llama_cpp_2::llama_batch::BatchAddError;
use llama_cpp_2::token::LlamaToken;
use models::protocol::frame::FrameError;
use models::protocol::{
    AnswerBody, FinishReason, FromWorker, Generation, ResponsePart, TokenUsage,
};

use super::model::{AtWork, TELL_EVERY, u32_of};
use super::plan;
use super::sequence::Sequence;
use super::serving::Serving;

impl Serving<'_> {
    /// One batch: computes, and takes a token for each text that is due one.
    pub(super) fn compute(&mut self) -> Result<(), FrameError> {
        let wishes: Vec<_> = self.running.iter().map(Sequence::wish).collect();
        let counts = plan::batch(&wishes, &self.pace);
        if self.fill(&counts).is_err() {
            return self.give_up("the batch has no room");
        }
        let began = Instant::now();
        match self.context.decode(&mut self.batch) {
            Ok(()) => {}
            Err(DecodeError::NoKvCacheSlot) if self.evict() => {
                while self.evict() {}
                return Ok(());
            }
            Err(error) => {
                tracing::error!(%error, "a batch could not be computed");
                return self.give_up("the model could not compute");
            }
        }
        let took_ms = began.elapsed().as_secs_f32() * 1000.0;
        let writing = wishes.iter().filter(|wish| wish.prompt_left == 0).count();
        let prompt: usize =
            wishes.iter().zip(&counts).filter(|(w, _)| w.prompt_left > 0).map(|(_, n)| *n).sum();
        self.pace.note(writing, prompt, took_ms);
        for ((sequence, wish), count) in self.running.iter_mut().zip(&wishes).zip(&counts) {
            if wish.prompt_left > 0 {
                sequence.done += count;
            }
        }
        if prompt > 0 {
            self.keep_checkpoints();
        }
        self.take_tokens()
    }

    fn fill(&mut self, counts: &[usize]) -> Result<(), BatchAddError> {
        self.batch.clear();
        for (sequence, count) in self.running.iter_mut().zip(counts) {
            sequence.logits_at = None;
            let prompt = &sequence.text.prompt;
            let (from, tokens): (usize, &[LlamaToken]) = if sequence.done < prompt.len() {
                (sequence.done, &prompt[sequence.done..sequence.done + count])
            } else {
                let written = sequence.generated.len();
                let last = written.saturating_sub(1);
                (prompt.len() + last, &sequence.generated[last..last + count.min(&written)])
            };
            for (i, token) in tokens.iter().enumerate() {
                let at = from + i;
                let position = i32::try_from(at).unwrap_or(i32::MAX);
                // The last token of the prompt, and each one after it, gives logits.
                let logits = at + 1 >= prompt.len();
                if logits {
                    sequence.logits_at = Some(self.batch.n_tokens());
                }
                self.batch.add(*token, position, &[sequence.slot], logits)?;
            }
        }
        Ok(())
    }

    /// Nothing in the context can be trusted any more.
    fn give_up(&mut self, reason: &str) -> Result<(), FrameError> {
        self.fail_all(reason)?;
        self.context.clear_kv_cache();
        while self.prefixes.evict().is_some() {}
        self.free_slots = (0..self.slots).rev().collect();
        Ok(())
    }

    fn take_tokens(&mut self) -> Result<(), FrameError> {
        let mut at = 0;
        while at < self.running.len() {
            let finished = self.take_token(at)?;
            match finished {
                None => at += 1,
                Some(finish) => {
                    let sequence = self.running.swap_remove(at);
                    self.keep(&sequence);
                    self.conclude(sequence, finish)?;
                }
            }
        }
        Ok(())
    }

    /// Draws the next token of a text, if its logits are there; says why the text ends with it.
    fn take_token(&mut self, at: usize) -> Result<Option<FinishReason>, FrameError> {
        let now = Instant::now();
        let sequence = &mut self.running[at];
        let id = sequence.text.id;
        let Some(logits_at) = sequence.logits_at.take() else {
            if now.duration_since(sequence.told) >= TELL_EVERY {
                sequence.told = now;
                let (done, total) = (u32_of(sequence.done), u32_of(sequence.text.prompt.len()));
                let part = ResponsePart::Progress { done, total };
                self.outbox.send(&FromWorker::Response { id, part })?;
            }
            return Ok(None);
        };
        let token = sequence.text.sampler.sample(&self.context, logits_at);
        sequence.first_token.get_or_insert(now);
        sequence.generated.push(token);
        let vocab = self.model.vocab();
        if vocab.is_eog(token) {
            return Ok(Some(FinishReason::Stop));
        }
        let piece = sequence.text.output.push(&vocab.token_to_piece(token, false, None));
        let part = if sequence.text.streams && !piece.is_empty() {
            Some(ResponsePart::Text(piece))
        } else if now.duration_since(sequence.told) >= TELL_EVERY {
            // Tokens that can't be shown yet are a sign of life too.
            let total = u32_of(sequence.text.prompt.len());
            Some(ResponsePart::Progress { done: total, total })
        } else {
            None
        };
        if let Some(part) = part {
            sequence.told = now;
            self.outbox.send(&FromWorker::Response { id, part })?;
        }
        if sequence.text.output.is_stopped() {
            return Ok(Some(FinishReason::Stop));
        }
        let full = sequence.generated.len() >= sequence.text.most_tokens;
        Ok(full.then_some(FinishReason::Length))
    }

    fn conclude(&mut self, sequence: Sequence, finish: FinishReason) -> Result<(), FrameError> {
        let Sequence { text, cached, generated, first_token, .. } = sequence;
        let now = Instant::now();
        let ms = |duration: Duration| u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
        let first = first_token.unwrap_or(now);
        let outcome = match text.output.finish(finish) {
            Ok(outcome) => outcome,
            Err(error) => return self.outbox.answer(text.id, Err(error)),
        };
        if text.streams && !outcome.last_piece.is_empty() {
            let part = ResponsePart::Text(outcome.last_piece);
            self.outbox.send(&FromWorker::Response { id: text.id, part })?;
        }
        let generation = Generation {
            text: outcome.text,
            tool_calls: outcome.tool_calls,
            finish: outcome.finish,
            usage: TokenUsage {
                prompt_tokens: u32_of(text.prompt.len()),
                cached_tokens: u32_of(cached),
                completion_tokens: u32_of(generated.len()),
            },
            model: self.hash,
            first_token_ms: ms(first.duration_since(text.arrived)),
            generation_ms: ms(now.duration_since(first)),
        };
        self.outbox.answer(text.id, Ok(AnswerBody::Generated(Box::new(generation))))
    }
}
