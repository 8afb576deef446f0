//! The thread that owns a model and its context, whatever the model is made for.

use std::collections::VecDeque;
use std::fs::File;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::LlamaModel;
use models::protocol::frame::FrameError;
use models::protocol::{
    AnswerBody, CallId, ENCODE_WINDOW_TOKENS, FromWorker, LoadOptions, LoadedModel, ModelHash,
    ResponsePart, WorkerError,
};

use super::encoder::{self, Encoding, WINDOW_MIN_TOKENS, pooling_type};
use super::inbox::{Command, Inbox};
use super::instructions::Instructions;
use super::layout::Layout;
use super::plan::{BATCH_TOKENS, Pace};
use super::prefixes::{Memory, Prefixes};
use super::serving::Serving;
use super::shape::Shapes;
use super::{facts, ffi, gpu};
use crate::gguf::{GgufSummary, Pooling};
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

/// Loads the model and works with it until it is told to unload it.
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
    let context_tokens = match summary.pooling {
        None => options.context_tokens.max(CONTEXT_MIN_TOKENS),
        Some(_) => ENCODE_WINDOW_TOKENS,
    };
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
    let ready = Ready {
        model: &model,
        backend: &backend,
        summary: &summary,
        gpu_layers,
        context_tokens,
        threads: options.threads.unwrap_or(u32_of(threads.get())),
        started,
        courtesy,
        outbox,
    };
    let unload = match summary.pooling {
        Some(pooling) => work(&mut ready.encoding(pooling)?, first, &inbox),
        None => work(&mut ready.serving(hash, options.parallel)?, first, &inbox),
    };
    // A socket that is closed ends the process; there is nobody to tell.
    Ok(unload.unwrap_or(None))
}

/// A model that is ready: between two steps it takes in what it is asked.
pub(super) trait AtWork {
    fn outbox(&self) -> &Outbox;

    fn loaded(&self) -> &LoadedModel;

    /// Whether there is nothing to do.
    fn is_idle(&self) -> bool;

    /// Takes in everything but [`Command::Loaded`] and [`Command::Unload`].
    fn take(&mut self, command: Command) -> Result<(), FrameError>;

    /// Ends all calls with an error.
    fn fail_all(&mut self, reason: &str) -> Result<(), FrameError>;

    fn step(&mut self) -> Result<(), FrameError>;
}

/// Says that the model is ready, and works until it is told to unload: gives the call that said so, or nothing when
/// the worker ends.
fn work(
    model: &mut impl AtWork,
    first: CallId,
    inbox: &Inbox,
) -> Result<Option<CallId>, FrameError> {
    tell_loaded(model, first)?;
    loop {
        let commands = if model.is_idle() { inbox.wait() } else { inbox.look() };
        if inbox.is_closed() {
            model.fail_all("the worker ends")?;
            return Ok(None);
        }
        let mut commands = commands.into_iter();
        while let Some(command) = commands.next() {
            if let Command::Unload(id) = command {
                let reason = "the model was unloaded";
                model.fail_all(reason)?;
                refuse(model.outbox(), commands.collect(), reason);
                return Ok(Some(id));
            }
            match command {
                Command::Loaded(id) => tell_loaded(model, id)?,
                command => model.take(command)?,
            }
        }
        model.step()?;
    }
}

fn tell_loaded(model: &impl AtWork, id: CallId) -> Result<(), FrameError> {
    model.outbox().answer(id, Ok(AnswerBody::ModelLoaded(model.loaded().clone())))
}

/// A model in memory, and what it is going to work with.
struct Ready<'m> {
    model: &'m LlamaModel,
    backend: &'m LlamaBackend,
    summary: &'m GgufSummary,
    gpu_layers: u32,
    context_tokens: u32,
    threads: u32,
    started: Instant,
    courtesy: Courtesy,
    outbox: Arc<Outbox>,
}

impl<'m> Ready<'m> {
    fn loaded(&self, context_tokens: u32) -> LoadedModel {
        LoadedModel {
            context_tokens,
            load_ms: u32::try_from(self.started.elapsed().as_millis()).unwrap_or(u32::MAX),
            layers: u32::try_from(self.summary.layers).unwrap_or(u32::MAX).saturating_add(1),
            gpu_layers: self.gpu_layers,
        }
    }

    fn trained_tokens(&self) -> u32 {
        u32::try_from(self.summary.context_tokens).unwrap_or(u32::MAX)
    }

    fn serving(self, hash: ModelHash, parallel: u32) -> Result<Serving<'m>, String> {
        let parallel = parallel.clamp(1, PARALLEL_MAX);
        let slots = parallel + KEPT_MAX;
        let params = context_params(self.context_tokens, BATCH_TOKENS, self.threads)
            .with_n_seq_max(slots)
            // A partial copy between the parts of a split cache ends the process.
            .with_kv_unified(true);
        let context = self
            .model
            .new_context(self.backend, params)
            .map_err(|error| format!("no context of {} tokens: {error}", self.context_tokens))?;
        let cells = context.n_ctx();
        let window = cells.min(self.trained_tokens());
        let layout = Layout::new(self.summary.chat_template.as_deref(), self.model);
        let slots = i32::try_from(slots).unwrap_or(i32::MAX);
        Ok(Serving {
            loaded: self.loaded(window),
            model: self.model,
            context,
            batch: LlamaBatch::new(BATCH_TOKENS, 1),
            layout,
            shapes: Shapes::default(),
            hash,
            parallel: usize_of(parallel),
            cells: usize_of(cells),
            window: usize_of(window),
            slots,
            free_slots: (0..slots).rev().collect(),
            waiting: Vec::new(),
            running: Vec::new(),
            prefixes: Prefixes::new(match (self.model.is_recurrent(), self.model.is_hybrid()) {
                (_, true) => Memory::CellsAndState,
                (true, false) => Memory::State,
                (false, false) => Memory::Cells,
            }),
            pace: Pace::default(),
            next_order: 0,
            courtesy: self.courtesy,
            generating: None,
            outbox: self.outbox,
        })
    }

    fn encoding(self, pooling: Pooling) -> Result<Encoding<'m>, String> {
        let window_tokens = self.trained_tokens().min(ENCODE_WINDOW_TOKENS);
        if window_tokens < WINDOW_MIN_TOKENS {
            return Err(format!("it reads {window_tokens} tokens, {WINDOW_MIN_TOKENS} are needed"));
        }
        let window = usize_of(window_tokens);
        // A text is read in one piece: some of these models look ahead.
        let params = context_params(window_tokens, window, self.threads)
            .with_n_seq_max(1)
            .with_embeddings(true)
            .with_pooling_type(pooling_type(pooling));
        let context = self
            .model
            .new_context(self.backend, params)
            .map_err(|error| format!("no context of {window} tokens: {error}"))?;
        Ok(Encoding {
            loaded: self.loaded(window_tokens),
            model: self.model,
            context,
            batch: LlamaBatch::new(window, 1),
            pooling,
            window,
            instructions: Instructions::of(self.summary.name.as_deref()),
            frame: encoder::frame(self.model, self.summary.rerank_template.as_deref()),
            waiting: Vec::new(),
            courtesy: self.courtesy,
            bulk_tokens: 0,
            outbox: self.outbox,
        })
    }
}

fn context_params(context_tokens: u32, batch_tokens: usize, threads: u32) -> LlamaContextParams {
    let threads = i32::try_from(threads.max(1)).unwrap_or(1);
    let batch = u32_of(batch_tokens);
    LlamaContextParams::default()
        .with_n_ctx(NonZeroU32::new(context_tokens))
        .with_n_batch(batch)
        .with_n_ubatch(batch)
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
