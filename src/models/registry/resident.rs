//! Which models the worker holds, and making room for another one.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::files::ModelFiles;
use super::memory::{ModelMemory, ModelNeed};
use crate::client::{ModelWorker, WorkerState};
use crate::embedding::Embedding;
use crate::encoders::TextEncoder;
use crate::error::ModelError;
use crate::language::{BoxFuture, CallOptions, LanguageModel, ModelDescription, TextSink};
use crate::protocol::{
    GenerateInput, Generation, LoadOptions, ModelHash, ModelPurpose, Priority, TextKind,
};

/// Longest time that loading may take, whoever waits for it: tens of gigabytes from a slow disk.
const LOAD_TIMEOUT: Duration = Duration::from_secs(600);

/// How often a call is sent that finds its model gone: it may be unloaded in between.
const LOADS_PER_CALL: u32 = 3;

/// What a caller is told to wait who finds all memory in use.
const NO_ROOM_RETRY_AFTER: Duration = Duration::from_secs(5);

/// A model that the worker holds.
struct Resident {
    bytes: u64,
    /// When it was last asked, in calls.
    used: u64,
}

/// What the worker holds. One process loads one model at a time.
pub(super) struct Residents {
    worker: ModelWorker,
    files: Arc<ModelFiles>,
    memory: ModelMemory,
    /// Held while models are loaded and unloaded.
    loading: tokio::sync::Mutex<()>,
    held: Mutex<Held>,
    calls: AtomicU64,
}

#[derive(Default)]
struct Held {
    /// The process that holds them; another one holds nothing.
    pid: Option<u32>,
    models: HashMap<ModelHash, Resident>,
}

impl Residents {
    pub(super) fn new(worker: ModelWorker, files: Arc<ModelFiles>, memory: ModelMemory) -> Self {
        Self {
            worker,
            files,
            memory,
            loading: tokio::sync::Mutex::default(),
            held: Mutex::default(),
            calls: AtomicU64::new(0),
        }
    }

    pub(super) const fn worker(&self) -> &ModelWorker {
        &self.worker
    }

    /// What models may take, with the memory of the graphics processors that the worker computes on.
    pub(super) fn memory(&self) -> ModelMemory {
        let gpu_bytes = match self.worker.state() {
            WorkerState::Ready { hello, .. } => hello.gpu_bytes,
            _ => 0,
        };
        self.memory.with_gpus(gpu_bytes)
    }

    /// The worker's process, when it runs.
    pub(super) fn pid(&self) -> Option<u32> {
        match self.worker.state() {
            WorkerState::Ready { pid, .. } => Some(pid),
            _ => None,
        }
    }

    /// Whether the worker holds this model, as far as is known.
    pub(super) fn holds(&self, hash: ModelHash) -> bool {
        let pid = self.pid();
        let held = self.held.lock();
        pid.is_some() && held.pid == pid && held.models.contains_key(&hash)
    }

    /// Gives a model's memory back, if the worker holds it.
    pub(super) async fn unload(&self, hash: ModelHash) -> Result<(), ModelError> {
        let _turn = self.loading.lock().await;
        if !self.holds(hash) {
            return Ok(());
        }
        self.worker.unload_model(hash, LOAD_TIMEOUT).await?;
        self.held.lock().models.remove(&hash);
        Ok(())
    }

    fn touch(&self, hash: ModelHash) {
        let now = self.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(resident) = self.held.lock().models.get_mut(&hash) {
            resident.used = now;
        }
    }

    /// Has the worker hold `model`. Those who come first at the same time wait for one loading.
    async fn load(&self, model: &WorkerModel) -> Result<(), ModelError> {
        let hash = model.description.hash;
        let turn = self.loading.lock().await;
        if self.holds(hash) && !model.was_missed() {
            return Ok(());
        }
        let files = Arc::clone(&self.files);
        let opened = tokio::task::spawn_blocking(move || files.open(hash)).await;
        let file = opened.map_err(|_| ModelError::Worker(None))??;
        if self.pid().is_none() {
            // What graphics processors have is known from the worker alone.
            self.worker.ping(Priority::Interactive, LOAD_TIMEOUT).await?;
        }
        self.make_room(model).await?;
        let options = model.options;
        let loaded = self.worker.load_model(hash, Arc::new(file), options, LOAD_TIMEOUT).await?;
        let pid = self.pid();
        let mut held = self.held.lock();
        if held.pid != pid {
            *held = Held { pid, models: HashMap::new() };
        }
        let used = self.calls.load(Ordering::Relaxed);
        held.models.insert(hash, Resident { bytes: model.need.total_bytes(), used });
        model.missed.store(0, Ordering::Relaxed);
        drop(turn);
        tracing::info!(
            model.hash = %hash, context_tokens = loaded.context_tokens, load_ms = loaded.load_ms,
            layers = loaded.layers, gpu_layers = loaded.gpu_layers,
            "a language model was loaded"
        );
        Ok(())
    }

    /// Unloads what was not asked for longest, until `model` has room.
    async fn make_room(&self, model: &WorkerModel) -> Result<(), ModelError> {
        let needed = model.need.total_bytes();
        let memory = self.memory();
        if needed > memory.limit_bytes {
            let limit = memory.limit_bytes;
            let reason = format!(
                "it needs {needed} bytes of memory, and models may take {limit} bytes here ({})",
                memory.limited_by
            );
            return Err(ModelError::ModelRefused { reason });
        }
        loop {
            let hash = match self.next_to_go(model, needed)? {
                None => return Ok(()),
                Some(hash) => hash,
            };
            self.worker.unload_model(hash, LOAD_TIMEOUT).await?;
            self.held.lock().models.remove(&hash);
            tracing::info!(model.hash = %hash, "a language model was unloaded to make room");
        }
    }

    fn next_to_go(
        &self,
        model: &WorkerModel,
        needed: u64,
    ) -> Result<Option<ModelHash>, ModelError> {
        let pid = self.pid();
        let mut held = self.held.lock();
        if held.pid != pid {
            *held = Held { pid, models: HashMap::new() };
        }
        // It is going to be loaded anew.
        held.models.remove(&model.description.hash);
        let taken: u64 = held.models.values().map(|resident| resident.bytes).sum();
        if taken.saturating_add(needed) <= self.memory().limit_bytes {
            return Ok(None);
        }
        let idle = held.models.iter().filter(|(hash, _)| !model.peers.is_busy(**hash));
        match idle.min_by_key(|(_, resident)| resident.used) {
            Some((hash, _)) => Ok(Some(*hash)),
            None => Err(ModelError::Busy { retry_after: NO_ROOM_RETRY_AFTER }),
        }
    }
}

/// Texts that are being written, by model.
#[derive(Default)]
pub(super) struct Peers {
    busy: Mutex<HashMap<ModelHash, Arc<AtomicUsize>>>,
}

impl Peers {
    fn count(&self, hash: ModelHash) -> Arc<AtomicUsize> {
        Arc::clone(self.busy.lock().entry(hash).or_default())
    }

    fn is_busy(&self, hash: ModelHash) -> bool {
        self.busy.lock().get(&hash).is_some_and(|count| count.load(Ordering::Acquire) > 0)
    }
}

/// A model in the worker. Loaded when it is first asked, and again when it was unloaded or the worker
/// has begun anew.
pub(super) struct WorkerModel {
    description: ModelDescription,
    purpose: ModelPurpose,
    options: LoadOptions,
    need: ModelNeed,
    residents: Arc<Residents>,
    peers: Arc<Peers>,
    /// Calls that the worker has answered with "not loaded" since it was last loaded.
    missed: AtomicUsize,
}

impl WorkerModel {
    pub(super) fn new(
        (description, purpose): (ModelDescription, ModelPurpose),
        options: LoadOptions,
        need: ModelNeed,
        residents: &Arc<Residents>,
        peers: &Arc<Peers>,
    ) -> Self {
        Self {
            description,
            purpose,
            options,
            need,
            residents: Arc::clone(residents),
            peers: Arc::clone(peers),
            missed: AtomicUsize::new(0),
        }
    }

    /// What it is made for.
    pub(super) const fn purpose(&self) -> ModelPurpose {
        self.purpose
    }

    fn was_missed(&self) -> bool {
        self.missed.load(Ordering::Relaxed) > 0
    }
}

/// One call on its way to the worker.
struct Turn<'a> {
    model: &'a Arc<WorkerModel>,
    options: CallOptions,
    deadline: tokio::time::Instant,
    /// How often the model was loaded for it.
    loads: u32,
    _busy: Busy,
}

impl<'a> Turn<'a> {
    fn begin(model: &'a Arc<WorkerModel>, options: CallOptions) -> Self {
        let hash = model.description.hash;
        model.residents.touch(hash);
        Self {
            model,
            options,
            deadline: tokio::time::Instant::now() + options.timeout,
            loads: 0,
            _busy: Busy::begin(model.peers.count(hash)),
        }
    }

    /// Waits until the worker has the model, as far as is known; gives what is left of the time.
    async fn ready(&mut self) -> Result<CallOptions, ModelError> {
        let late = || ModelError::DeadlinePassed { timeout: self.options.timeout };
        let hash = self.model.description.hash;
        // A worker that is known not to have it is not asked in vain.
        while !self.model.residents.holds(hash) || self.model.was_missed() {
            if self.loads == LOADS_PER_CALL {
                // It is pushed out again and again.
                return Err(ModelError::Busy { retry_after: NO_ROOM_RETRY_AFTER });
            }
            self.loads += 1;
            // Goes on when this caller gives up: the next one finds it loaded.
            let model = Arc::clone(self.model);
            let loading = tokio::spawn(async move { model.residents.load(&model).await });
            match tokio::time::timeout_at(self.deadline, loading).await {
                Ok(Ok(loaded)) => loaded?,
                Ok(Err(_)) => return Err(ModelError::Worker(None)),
                Err(_) => return Err(late()),
            }
        }
        let timeout = self.deadline.saturating_duration_since(tokio::time::Instant::now());
        if timeout.is_zero() { Err(late()) } else { Ok(CallOptions { timeout, ..self.options }) }
    }

    /// Asks until the worker has the model; it answers `None` when it has not.
    async fn take<T, F>(
        model: &'a Arc<WorkerModel>,
        options: CallOptions,
        ask: impl Fn(CallOptions) -> F + Send + 'a,
    ) -> Result<T, ModelError>
    where
        F: Future<Output = Result<Option<T>, ModelError>> + Send,
        T: Send,
    {
        let mut turn = Self::begin(model, options);
        loop {
            let options = turn.ready().await?;
            match ask(options).await? {
                Some(answer) => return Ok(answer),
                None => model.missed.fetch_add(1, Ordering::Relaxed),
            };
        }
    }
}

/// A [`WorkerModel`] as the rest of the house holds it.
#[derive(Clone)]
pub(super) struct Handle(pub(super) Arc<WorkerModel>);

impl LanguageModel for Handle {
    fn describe(&self) -> ModelDescription {
        self.0.description.clone()
    }

    fn generate<'a>(
        &'a self,
        input: &'a GenerateInput,
        options: CallOptions,
        pieces: Option<TextSink>,
    ) -> BoxFuture<'a, Result<Generation, ModelError>> {
        let (worker, hash) = (self.0.residents.worker(), self.0.description.hash);
        Box::pin(Turn::take(&self.0, options, move |options| {
            worker.generate(hash, input, options, pieces.clone())
        }))
    }

    fn count_tokens<'a>(
        &'a self,
        texts: Vec<String>,
        options: CallOptions,
    ) -> BoxFuture<'a, Result<Vec<u32>, ModelError>> {
        let (worker, hash) = (self.0.residents.worker(), self.0.description.hash);
        Box::pin(Turn::take(&self.0, options, move |options| {
            worker.count_model_tokens(hash, texts.clone(), options)
        }))
    }
}

impl TextEncoder for Handle {
    fn describe(&self) -> ModelDescription {
        self.0.description.clone()
    }

    fn embed(
        &self,
        texts: Vec<String>,
        kind: TextKind,
        options: CallOptions,
    ) -> BoxFuture<'_, Result<Vec<Embedding>, ModelError>> {
        let (worker, hash) = (self.0.residents.worker(), self.0.description.hash);
        Box::pin(Turn::take(&self.0, options, move |options| {
            worker.model_embed(hash, texts.clone(), kind, options)
        }))
    }

    fn rerank(
        &self,
        query: String,
        texts: Vec<String>,
        options: CallOptions,
    ) -> BoxFuture<'_, Result<Vec<f32>, ModelError>> {
        let (worker, hash) = (self.0.residents.worker(), self.0.description.hash);
        Box::pin(Turn::take(&self.0, options, move |options| {
            worker.rerank(hash, query.clone(), texts.clone(), options)
        }))
    }
}

/// Counts a text that is being written or read, until it is dropped.
struct Busy(Arc<AtomicUsize>);

impl Busy {
    fn begin(count: Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
