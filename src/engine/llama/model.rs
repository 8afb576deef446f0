//! The thread that owns a model and its context.

use std::collections::VecDeque;
use std::fs::File;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use models::protocol::{
    AnswerBody, CallId, FromWorker, LoadOptions, LoadedModel, ModelHash, ResponsePart, WorkerError,
};

use super::inbox::{Command, Inbox};
use super::layout::Layout;
use super::plan::{BATCH_TOKENS, Pace};
use super::prefixes::{Memory, Prefixes};
use super::serving::Serving;
use super::shape::Shapes;
use super::{facts, ffi, gpu};
use crate::worker::{Courtesy, Outbox};

/// Most texts generated at once with one model.
const PARALLEL_MAX: u32 = 64;

/// Prefixes that are kept beside the running texts. Each step passes over their cells too: 32 short
/// ones cost a tenth of the speed of eight texts.
const KEPT_MAX: u32 = 8;

/// Least context that is of any use.
const CONTEXT_MIN_TOKENS: u32 = 128;

/// A client hears of a text at least this often.
pub(super) const TELL_EVERY: Duration = Duration::from_secs(1);

/// What a thread is started with.
pub(super) struct Loading {
    pub(super) backend: Arc<LlamaBackend>,
    pub(super) hash: ModelHash,
    pub(super) options: LoadOptions,
    /// Threads that compute, where the options say nothing else.
    pub(super) threads: NonZeroUsize,
    /// Who is told while texts are generated.
    pub(super) courtesy: Courtesy,
    pub(super) file: File,
    pub(super) inbox: Arc<Inbox>,
    pub(super) outbox: Arc<Outbox>,
    /// The call that asked for it.
    pub(super) first: CallId,
}

/// Loads the model and generates with it until it is told to unload it.
pub(super) fn run(loading: Loading) {
    let (inbox, outbox, first) =
        (Arc::clone(&loading.inbox), Arc::clone(&loading.outbox), loading.first);
    match load_and_serve(loading) {
        Ok(unload) => {
            let left = inbox.close();
            refuse(&outbox, left, "the model was unloaded");
            if let Some(id) = unload {
                let _ = outbox.answer(id, Ok(AnswerBody::ModelUnloaded));
            }
        }
        Err(reason) => {
            tracing::warn!(%reason, "a model can't be used");
            let left = inbox.close();
            let _ = outbox.answer(first, Err(WorkerError::ModelRefused { reason: reason.clone() }));
            refuse(&outbox, left, &reason);
        }
    }
}

/// Answers what can't be done any more.
pub(super) fn refuse(outbox: &Outbox, commands: VecDeque<Command>, reason: &str) {
    for command in commands {
        let reason = reason.to_owned();
        let answer = match &command {
            Command::Unload(_) => Ok(AnswerBody::ModelUnloaded),
            Command::Loaded(_) => Err(WorkerError::ModelRefused { reason }),
            _ => Err(WorkerError::Failed { reason }),
        };
        if let Some(id) = command.call() {
            let _ = outbox.answer(id, answer);
        }
    }
}

fn load_and_serve(loading: Loading) -> Result<Option<CallId>, String> {
    let Loading { backend, hash, options, threads, courtesy, file, inbox, outbox, first } = loading;
    let started = Instant::now();
    let summary = facts::read(&file)?;
    let mut told = started;
    let context_tokens = options.context_tokens.max(CONTEXT_MIN_TOKENS);
    let gpu_layers = match gpu::IN_BUILD {
        true => gpu::layers_that_fit(gpu::free_bytes(), &summary, context_tokens),
        false => 0,
    };
    let model = ffi::load(file, gpu_layers, &mut |done: f32| {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            let part = ResponsePart::Progress { done: (done * 100.0) as u32, total: 100 };
            let _ = outbox.send(&FromWorker::Response { id: first, part });
        }
    })?;
    let parallel = options.parallel.clamp(1, PARALLEL_MAX);
    let slots = parallel + KEPT_MAX;
    let params =
        context_params(context_tokens, slots, options.threads.unwrap_or(u32_of(threads.get())));
    let context = model
        .new_context(&backend, params)
        .map_err(|error| format!("no context of {context_tokens} tokens: {error}"))?;
    let cells = context.n_ctx();
    let trained = u32::try_from(summary.context_tokens).unwrap_or(u32::MAX);
    let layout = Layout::new(summary.chat_template.as_deref(), &model);
    let loaded = LoadedModel {
        context_tokens: cells.min(trained),
        load_ms: u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX),
        layers: u32::try_from(summary.layers).unwrap_or(u32::MAX).saturating_add(1),
        gpu_layers,
    };
    let slots = i32::try_from(slots).unwrap_or(i32::MAX);
    let mut serving = Serving {
        model: &model,
        context,
        batch: LlamaBatch::new(BATCH_TOKENS, 1),
        layout,
        shapes: Shapes::default(),
        hash,
        loaded: loaded.clone(),
        parallel: usize_of(parallel),
        cells: usize_of(cells),
        window: usize_of(cells.min(trained)),
        slots,
        free_slots: (0..slots).rev().collect(),
        waiting: Vec::new(),
        running: Vec::new(),
        prefixes: Prefixes::new(match (model.is_recurrent(), model.is_hybrid()) {
            (_, true) => Memory::CellsAndState,
            (true, false) => Memory::State,
            (false, false) => Memory::Cells,
        }),
        pace: Pace::default(),
        next_order: 0,
        courtesy,
        generating: None,
        outbox,
    };
    let told = serving.outbox.answer(first, Ok(AnswerBody::ModelLoaded(loaded)));
    // A socket that is closed ends the process; there is nobody to tell.
    Ok(told.and_then(|()| serving.run(&inbox)).unwrap_or(None))
}

fn context_params(context_tokens: u32, slots: u32, threads: u32) -> LlamaContextParams {
    let threads = i32::try_from(threads.max(1)).unwrap_or(1);
    let batch = u32::try_from(BATCH_TOKENS).unwrap_or(u32::MAX);
    LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(context_tokens))
        .with_n_batch(batch)
        .with_n_ubatch(batch)
        .with_n_seq_max(slots)
        // A partial copy between the parts of a split cache ends the process.
        .with_kv_unified(true)
        .with_n_threads(threads)
        .with_n_threads_batch(threads)
        .with_no_perf(true)
}

/// As many, where more than 64 bits of them can't be.
pub(super) fn u32_of(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn usize_of(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
