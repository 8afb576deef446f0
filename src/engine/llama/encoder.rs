//! The calls of a model that writes nothing: a text becomes a vector, or a question and a text a number.
//!
//! One text after the other is read, whole: a text's vector must not depend on the texts beside it, and
//! llama.cpp gains nothing from reading several at once.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use base::limits::EMBEDDING_DIMENSIONS;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::context::params::LlamaPoolingType;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::token::LlamaToken;
use models::protocol::frame::FrameError;
use models::protocol::{AnswerBody, CallId, LoadedModel, Priority, WorkerError};
use models::{Embedding, TextKind};

use super::inbox::Command;
use super::instructions::Instructions;
use super::model::{AtWork, u32_of};
use crate::gguf::Pooling;
use crate::worker::{Courtesy, Generating, Outbox};

/// Fewest tokens that a window must have room for.
pub(super) const WINDOW_MIN_TOKENS: u32 = 16;

/// A question has at most this part of the window, so that something of the text has room: one of so many.
const QUERY_SHARE: usize = 2;

/// Tokens of bulk work between two looks at whether a text is being generated.
const STEP_BACK_TOKENS: usize = 1024;

/// Where a reranker's template wants the question, and the text.
const QUERY_PLACE: &str = "{query}";
const TEXT_PLACE: &str = "{document}";

/// What is to be read.
pub(super) enum Texts {
    /// Each becomes a vector.
    Embed { kind: TextKind, done: Vec<Embedding> },
    /// Each becomes a number, for this question.
    Rerank { query: String, done: Vec<f32> },
}

/// A call.
pub(super) struct EncodeOrder {
    pub(super) id: CallId,
    pub(super) priority: Priority,
    pub(super) deadline: Instant,
    pub(super) texts: VecDeque<String>,
    pub(super) work: Texts,
}

/// How what is read becomes a vector or a number, as the library calls it.
pub(super) const fn pooling_type(pooling: Pooling) -> LlamaPoolingType {
    match pooling {
        Pooling::Mean => LlamaPoolingType::Mean,
        Pooling::First => LlamaPoolingType::Cls,
        Pooling::Last => LlamaPoolingType::Last,
        Pooling::Relevance => LlamaPoolingType::Rank,
    }
}

/// A model at work.
pub(super) struct Encoding<'m> {
    pub(super) model: &'m LlamaModel,
    pub(super) context: LlamaContext<'m>,
    pub(super) batch: LlamaBatch<'static>,
    pub(super) pooling: Pooling,
    /// Tokens of one text.
    pub(super) window: usize,
    pub(super) instructions: Instructions,
    /// What stands around a question and a text, for a reranker.
    pub(super) frame: Vec<Piece>,
    pub(super) loaded: LoadedModel,
    pub(super) waiting: Vec<EncodeOrder>,
    pub(super) courtesy: Courtesy,
    /// Tokens of bulk work since it last stepped back.
    pub(super) bulk_tokens: usize,
    pub(super) outbox: Arc<Outbox>,
}

impl AtWork for Encoding<'_> {
    fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    fn loaded(&self) -> &LoadedModel {
        &self.loaded
    }

    fn is_idle(&self) -> bool {
        self.waiting.is_empty()
    }

    fn take(&mut self, command: Command) -> Result<(), FrameError> {
        match command {
            Command::Count { id, texts } => {
                let count = |text: &String| u32_of(self.tokens(text, false).len());
                let counts = texts.iter().map(count).collect();
                self.outbox.answer(id, Ok(AnswerBody::TokenCounts(counts)))
            }
            Command::Encode(order) => {
                let reranks = matches!(order.work, Texts::Rerank { .. });
                if reranks == (self.pooling == Pooling::Relevance) {
                    self.waiting.push(*order);
                    return Ok(());
                }
                self.refuse(order.id)
            }
            Command::Generate(order) => self.refuse(order.id),
            Command::Cancel(id) => self.drop_call(id, WorkerError::Cancelled),
            // Taken by the caller.
            Command::Loaded(_) | Command::Unload(_) => Ok(()),
        }
    }

    fn fail_all(&mut self, reason: &str) -> Result<(), FrameError> {
        for order in self.waiting.drain(..) {
            let error = WorkerError::Failed { reason: reason.to_owned() };
            self.outbox.answer(order.id, Err(error))?;
        }
        Ok(())
    }

    /// Reads one text of the most urgent call, and answers the call when it was the last one.
    fn step(&mut self) -> Result<(), FrameError> {
        let now = Instant::now();
        let over: Vec<CallId> = self
            .waiting
            .iter()
            .filter(|order| order.deadline <= now)
            .map(|order| order.id)
            .collect();
        for id in over {
            self.drop_call(id, WorkerError::DeadlinePassed)?;
        }
        // Of equally urgent ones the first.
        let next = (0..self.waiting.len()).min_by_key(|at| self.waiting[*at].priority);
        let Some(at) = next else { return Ok(()) };
        let mut order = self.waiting.remove(at);
        let Some(text) = order.texts.pop_front() else {
            return self.outbox.answer(order.id, Ok(order.work.answer()));
        };
        let _generating = self.make_way(order.priority);
        let read = match &mut order.work {
            Texts::Embed { kind, done } => self.embed(&text, *kind).map(|vector| done.push(vector)),
            Texts::Rerank { query, done } => {
                self.relevance(query, &text).map(|relevance| done.push(relevance))
            }
        };
        match read {
            Err(reason) => self.outbox.answer(order.id, Err(WorkerError::Failed { reason })),
            Ok(()) if order.texts.is_empty() => {
                self.outbox.answer(order.id, Ok(order.work.answer()))
            }
            Ok(()) => {
                // Where it was: others of its priority wait behind it.
                self.waiting.insert(at, order);
                Ok(())
            }
        }
    }
}

impl Encoding<'_> {
    fn refuse(&self, id: CallId) -> Result<(), FrameError> {
        let made_for = if self.pooling == Pooling::Relevance { "reranking" } else { "embedding" };
        let reason = format!("it is made for {made_for}");
        self.outbox.answer(id, Err(WorkerError::ModelRefused { reason }))
    }

    fn drop_call(&mut self, id: CallId, error: WorkerError) -> Result<(), FrameError> {
        let Some(at) = self.waiting.iter().position(|order| order.id == id) else { return Ok(()) };
        self.waiting.remove(at);
        self.outbox.answer(id, Err(error))
    }

    /// Bulk work lets texts grow that people wait for; what people wait for lets bulk work step back.
    fn make_way(&mut self, priority: Priority) -> Option<Generating> {
        if priority != Priority::Ingest {
            return Some(self.courtesy.generating());
        }
        if self.bulk_tokens >= STEP_BACK_TOKENS {
            self.bulk_tokens = 0;
            self.courtesy.step_back();
        }
        None
    }

    fn embed(&mut self, text: &str, kind: TextKind) -> Result<Embedding, String> {
        let text = self.instructions.before(text, kind);
        let mut tokens = self.tokens(&text, true);
        if tokens.len() > self.window {
            // The last one may tell the end.
            let last = tokens[tokens.len() - 1];
            tokens.truncate(self.window - 1);
            tokens.push(last);
        }
        let vector = self.read(&tokens)?;
        // The first numbers of a longer vector say most, in models that were trained so (Kusupati et al. 2022,
        // "Matryoshka Representation Learning").
        let leading: [f32; EMBEDDING_DIMENSIONS] = vector
            .get(..EMBEDDING_DIMENSIONS)
            .and_then(|leading| leading.try_into().ok())
            .ok_or_else(|| format!("its vectors have {} numbers", vector.len()))?;
        Embedding::normalise(leading).map_err(|error| error.to_string())
    }

    fn relevance(&mut self, query: &str, text: &str) -> Result<f32, String> {
        let tokens = self.pair(query, text);
        let relevance = self.read(&tokens)?.first().copied();
        relevance.filter(|relevance| relevance.is_finite()).ok_or("it gave no number".to_owned())
    }

    /// A question and a text as a reranker reads them.
    fn pair(&self, query: &str, text: &str) -> Vec<LlamaToken> {
        let mut query = self.tokens(query, false);
        query.truncate(self.window / QUERY_SHARE);
        joined(&self.frame, &query, &self.tokens(text, false), self.window)
    }

    fn tokens(&self, text: &str, framed: bool) -> Vec<LlamaToken> {
        self.model.vocab().tokenize(text.as_bytes(), framed, false)
    }

    fn read(&mut self, tokens: &[LlamaToken]) -> Result<Vec<f32>, String> {
        if tokens.is_empty() {
            return Err("a text has no tokens".to_owned());
        }
        self.bulk_tokens += tokens.len();
        self.batch.clear();
        self.batch.add_sequence(tokens, 0, true).map_err(|error| error.to_string())?;
        self.context.clear_kv_cache();
        self.context.decode(&mut self.batch).map_err(|error| error.to_string())?;
        let vector = self.context.embeddings_seq_ith(0).map_err(|error| error.to_string())?;
        Ok(vector.to_vec())
    }
}

impl Texts {
    fn answer(self) -> AnswerBody {
        match self {
            Self::Embed { done, .. } => AnswerBody::Embeddings(done),
            Self::Rerank { done, .. } => AnswerBody::Relevances(done),
        }
    }
}

/// A part of a reranker's template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'t> {
    Words(&'t str),
    Query,
    Text,
}

/// The same as tokens.
pub(super) enum Piece {
    Tokens(Vec<LlamaToken>),
    Query,
    Text,
}

/// What stands around a question and a text: what the model's template says, or else its vocabulary.
pub(super) fn frame(model: &LlamaModel, template: Option<&str>) -> Vec<Piece> {
    let vocabulary = model.vocab();
    let parts = template.map(parts_of).unwrap_or_default();
    if !parts.is_empty() {
        let piece = |part: Part<'_>| match part {
            // The template's own control tokens are meant; those that people write are not.
            Part::Words(words) => Piece::Tokens(vocabulary.tokenize(words.as_bytes(), false, true)),
            Part::Query => Piece::Query,
            Part::Text => Piece::Text,
        };
        return parts.into_iter().map(piece).collect();
    }
    let sep = vocabulary.sep();
    let eos = if vocabulary.eos().0 < 0 { sep } else { vocabulary.eos() };
    let bos = vocabulary.should_add_bos().then(|| vocabulary.bos());
    let (end, parting) =
        (vocabulary.should_add_eos().then_some(eos), vocabulary.should_add_sep().then_some(sep));
    vec![
        Piece::Tokens(bos.into_iter().collect()),
        Piece::Query,
        Piece::Tokens(end.into_iter().chain(parting).collect()),
        Piece::Text,
        Piece::Tokens(end.or(parting).into_iter().collect()),
    ]
}

/// None when the template does not name both.
fn parts_of(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    loop {
        let places = [(QUERY_PLACE, Part::Query), (TEXT_PLACE, Part::Text)];
        let found =
            places.into_iter().filter_map(|(place, part)| Some((rest.find(place)?, place, part)));
        let Some((at, place, part)) = found.min_by_key(|(at, ..)| *at) else { break };
        parts.extend([Part::Words(&rest[..at]), part]);
        rest = &rest[at + place.len()..];
    }
    parts.push(Part::Words(rest));
    let names_both = parts.contains(&Part::Query) && parts.contains(&Part::Text);
    if names_both { parts } else { Vec::new() }
}

/// All pieces, of each text's beginning as much as the window has room for.
fn joined(
    frame: &[Piece],
    query: &[LlamaToken],
    text: &[LlamaToken],
    window: usize,
) -> Vec<LlamaToken> {
    let of = |piece: &Piece| match piece {
        Piece::Tokens(tokens) => tokens.len(),
        Piece::Query => query.len(),
        Piece::Text => 0,
    };
    let taken: usize = frame.iter().map(of).sum();
    let texts = frame.iter().filter(|piece| matches!(piece, Piece::Text)).count().max(1);
    let text = &text[..text.len().min(window.saturating_sub(taken) / texts)];
    let mut tokens = Vec::with_capacity(window.min(taken + text.len()));
    for piece in frame {
        match piece {
            Piece::Tokens(own) => tokens.extend_from_slice(own),
            Piece::Query => tokens.extend_from_slice(query),
            Piece::Text => tokens.extend_from_slice(text),
        }
    }
    // Only a template longer than the window gets here.
    tokens.truncate(window);
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(range: std::ops::Range<i32>) -> Vec<LlamaToken> {
        range.map(LlamaToken).collect()
    }

    #[test]
    fn a_template_is_taken_apart() {
        let template = "<|user|>Q: {query} D: {document}<|end|>";
        let parts = [
            Part::Words("<|user|>Q: "),
            Part::Query,
            Part::Words(" D: "),
            Part::Text,
            Part::Words("<|end|>"),
        ];
        assert_eq!(parts_of(template), parts);
        assert_eq!(parts_of("Q: {query}"), []);
        assert_eq!(parts_of(""), []);
    }

    #[test]
    fn the_end_of_a_text_gives_way() {
        let frame = [
            Piece::Tokens(tokens(100..101)),
            Piece::Query,
            Piece::Text,
            Piece::Tokens(tokens(102..103)),
        ];
        let joined_in = |window| joined(&frame, &tokens(0..3), &tokens(10..20), window);
        assert_eq!(joined_in(64).len(), 15);
        let short = joined_in(8);
        let wanted = [tokens(100..101), tokens(0..3), tokens(10..13), tokens(102..103)].concat();
        assert_eq!(short, wanted);
        assert_eq!(joined_in(3), [tokens(100..101), tokens(0..2)].concat());
    }
}
