//! The thread that computes: one batch after the other, the most urgent calls first.

use std::collections::VecDeque;
use std::time::Instant;

use models::Embedding;
use models::protocol::frame::FrameError;
use models::protocol::{AnswerBody, CallBody, Priority, TokenSpan, WorkerError};

use super::queue::{Job, Queue};
use super::{Courtesy, Outbox};
use crate::embedder::Embedder;
use crate::error::EngineError;
use crate::tokens::Sequence;

/// Tokens that one thread embeds in a batch: some 50 ms of work with AVX-512 VNNI, which is what an
/// interactive call may have to wait for.
const BATCH_TOKENS_PER_THREAD: usize = 512;

/// Bytes of text that are tokenized between two looks at the queue; takes about as long.
const BATCH_TEXT_BYTES: usize = 128 * 1024;

/// What is left to do on a call, and what is done.
pub(super) enum Work {
    Ping,
    Embed { texts: VecDeque<String>, sequences: VecDeque<Sequence>, done: Vec<Embedding> },
    Count { texts: VecDeque<String>, done: Vec<u32> },
    Spans { texts: VecDeque<String>, done: Vec<Vec<TokenSpan>> },
}

impl From<CallBody> for Work {
    fn from(body: CallBody) -> Self {
        match body {
            CallBody::Ping => Self::Ping,
            // The built-in embedder takes questions and passages alike.
            CallBody::Embed { texts, kind: _ } => {
                Self::Embed { texts: texts.into(), sequences: VecDeque::new(), done: Vec::new() }
            }
            CallBody::CountTokens { texts } => {
                Self::Count { texts: texts.into(), done: Vec::new() }
            }
            CallBody::TokenSpans { texts } => Self::Spans { texts: texts.into(), done: Vec::new() },
            // Of the other lane: the reader hands them to the models that were brought in.
            CallBody::InspectModel
            | CallBody::LoadModel { .. }
            | CallBody::UnloadModel { .. }
            | CallBody::Generate { .. }
            | CallBody::CountModelTokens { .. }
            | CallBody::ModelEmbed { .. }
            | CallBody::Rerank { .. } => Self::Ping,
        }
    }
}

type BatchJob = Job<Work>;

/// Computes until the queue is closed or nobody reads the answers.
pub(super) fn run(embedder: &Embedder, queue: &Queue, outbox: &Outbox, courtesy: &Courtesy) {
    while let Some(job) = queue.take() {
        if job.priority == Priority::Ingest {
            courtesy.step_back();
        }
        if let Err(error) = run_batch(embedder, queue, outbox, job) {
            tracing::error!(%error, "model worker cannot answer");
            return;
        }
    }
}

/// Tokens that go into one batch.
pub(super) fn tokens_per_batch(embedder: &Embedder) -> usize {
    BATCH_TOKENS_PER_THREAD * embedder.threads().get()
}

/// One batch: `job`, and others like it while there is room.
pub(super) fn run_batch(
    embedder: &Embedder,
    queue: &Queue,
    outbox: &Outbox,
    job: BatchJob,
) -> Result<(), FrameError> {
    let priority = job.priority;
    let mut room_tokens = tokens_per_batch(embedder);
    let mut members: Vec<(BatchJob, Vec<Sequence>)> = Vec::new();
    let mut next = Some(job);
    while let Some(mut job) = next {
        if job.deadline <= Instant::now() {
            queue.finish(job.id);
            outbox.answer(job.id, Err(WorkerError::DeadlinePassed))?;
        } else {
            match prepare(embedder, &mut job, &mut room_tokens) {
                Ok(sequences) => members.push((job, sequences)),
                Err(error) => {
                    queue.finish(job.id);
                    outbox.answer(job.id, Err(failed(&error)))?;
                }
            }
        }
        next = if room_tokens > 0 { queue.take_like(priority) } else { None };
    }
    let sequences: Vec<&Sequence> = members.iter().flat_map(|(_, sequences)| sequences).collect();
    let embeddings = embedder.embed_sequences(&sequences, priority);
    let mut embeddings = embeddings.map(Vec::into_iter);
    // Backwards, so that those put back stand in their old order.
    let mut ended = Vec::with_capacity(members.len());
    for (mut job, sequences) in members {
        match &mut embeddings {
            Ok(embeddings) => {
                if let Work::Embed { done, .. } = &mut job.work {
                    done.extend(embeddings.take(sequences.len()));
                }
                ended.push((job, None));
            }
            Err(error) => ended.push((job, Some(failed(error)))),
        }
    }
    for (job, error) in ended.into_iter().rev() {
        conclude(queue, outbox, job, error)?;
    }
    Ok(())
}

/// Answers a call that is done or failed; puts any other back.
fn conclude(
    queue: &Queue,
    outbox: &Outbox,
    job: BatchJob,
    error: Option<WorkerError>,
) -> Result<(), FrameError> {
    if let Some(error) = error {
        queue.finish(job.id);
        return outbox.answer(job.id, Err(error));
    }
    if job.work.is_done() {
        queue.finish(job.id);
        return outbox.answer(job.id, Ok(job.work.into_answer()));
    }
    match queue.put_back(job) {
        None => Ok(()),
        Some(cancelled) => outbox.answer(cancelled.id, Err(WorkerError::Cancelled)),
    }
}

/// Tokenizes what the call brings into this batch, and takes it out of the room that is left. Gives
/// the sequences to embed; other work is done here.
fn prepare(
    embedder: &Embedder,
    job: &mut BatchJob,
    room_tokens: &mut usize,
) -> Result<Vec<Sequence>, EngineError> {
    let tokens = embedder.tokens();
    match &mut job.work {
        Work::Ping => Ok(Vec::new()),
        Work::Embed { texts, sequences, .. } => {
            if sequences.is_empty() {
                let texts: Vec<String> = std::mem::take(texts).into();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                sequences.extend(embedder.sequences(&texts)?);
            }
            let mut taken = Vec::new();
            while *room_tokens > 0
                && let Some(sequence) = sequences.pop_front()
            {
                *room_tokens = room_tokens.saturating_sub(sequence.ids().len());
                taken.push(sequence);
            }
            Ok(taken)
        }
        Work::Count { texts, done } => {
            for_some(texts, done, room_tokens, |text| tokens.count(text))?;
            Ok(Vec::new())
        }
        Work::Spans { texts, done } => {
            for_some(texts, done, room_tokens, |text| tokens.spans(text))?;
            Ok(Vec::new())
        }
    }
}

/// Runs `each` on texts of about [`BATCH_TEXT_BYTES`]; if some are left, the batch is full.
fn for_some<T>(
    texts: &mut VecDeque<String>,
    done: &mut Vec<T>,
    room_tokens: &mut usize,
    each: impl Fn(&str) -> Result<T, EngineError>,
) -> Result<(), EngineError> {
    let mut room_bytes = BATCH_TEXT_BYTES;
    while room_bytes > 0
        && let Some(text) = texts.pop_front()
    {
        done.push(each(&text)?);
        room_bytes = room_bytes.saturating_sub(text.len());
    }
    if room_bytes == 0 {
        *room_tokens = 0;
    }
    Ok(())
}

fn failed(error: &EngineError) -> WorkerError {
    tracing::error!(%error, "model worker could not compute");
    WorkerError::Failed { reason: error.to_string() }
}

impl Work {
    fn is_done(&self) -> bool {
        match self {
            Self::Ping => true,
            Self::Embed { texts, sequences, .. } => texts.is_empty() && sequences.is_empty(),
            Self::Count { texts, .. } | Self::Spans { texts, .. } => texts.is_empty(),
        }
    }

    fn into_answer(self) -> AnswerBody {
        match self {
            Self::Ping => AnswerBody::Pong,
            Self::Embed { done, .. } => AnswerBody::Embeddings(done),
            Self::Count { done, .. } => AnswerBody::TokenCounts(done),
            Self::Spans { done, .. } => AnswerBody::TokenSpans(done),
        }
    }
}
