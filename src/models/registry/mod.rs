//! Models that were brought in: their files, their rows, what they are assigned to.
//!
//! Never:
//! - opens a file whose hash is not the one that it was brought in under;
//! - loads a model that has not been read by the worker's own bounded reader first;
//! - leaves a half-received file;
//! - has more in memory than models may take here.

mod error;
mod files;
mod memory;
mod names;
mod resident;
mod trial;
mod view;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use store::{ApplianceScope, ModelMeasurement, ModelRow, NewModelRow, Store, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::client::ModelWorker;
use crate::encoders::{Encoders, TextEncoder};
use crate::language::{LanguageModel, ModelDescription};
use crate::protocol::{ENCODE_WINDOW_TOKENS, LoadOptions, ModelFacts, ModelHash, ModelPurpose};
use crate::role::ModelRole;
use crate::tiers::{Tier, Tiers};

pub use error::RegistryError;
pub use files::{Incoming, MODEL_FILE_MAX_BYTES, Received};
pub use memory::{ModelMemory, ModelNeed};
pub use view::{ModelView, TrialState};

use files::ModelFiles;
use names::{checked_name, free_name};
use resident::{Handle, Peers, Residents, WorkerModel};

/// Reading what a file says of itself.
const INSPECT_TIMEOUT: Duration = Duration::from_secs(120);

/// Models that are received at once.
const IMPORTS_MAX: usize = 2;

/// How models are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegistrySettings {
    /// Tokens of context that a model gets, if it was trained for as many.
    pub context_tokens: u32,
    /// Texts that a model writes at once.
    pub parallel: u32,
    /// Threads of a model; all cores when absent.
    pub threads: Option<u32>,
    /// Bytes that all models together may take, where the machine has more.
    pub memory_bytes: Option<u64>,
}

impl Default for RegistrySettings {
    fn default() -> Self {
        Self { context_tokens: 8192, parallel: 4, threads: None, memory_bytes: None }
    }
}

/// The models of the appliance. Cheap to clone.
#[derive(Clone)]
pub struct ModelRegistry {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    tiers: Tiers,
    encoders: Encoders,
    settings: RegistrySettings,
    files: Arc<ModelFiles>,
    residents: Arc<Residents>,
    peers: Arc<Peers>,
    /// One handle per model, so that a change of tiers loads nothing anew.
    handles: Mutex<HashMap<ModelHash, Handle>>,
    /// Trials since the start. Bounded by the models there are.
    trials: Mutex<HashMap<ModelHash, TrialState>>,
    /// What models there are, and what they are assigned to, is changed by one at a time: two imports of the same
    /// file, a removal or an assignment must not undo each other.
    changing: tokio::sync::Mutex<()>,
    /// One model is tried at a time: another one beside it would falsify what is measured.
    trying: tokio::sync::Mutex<()>,
    places: Arc<Semaphore>,
}

impl ModelRegistry {
    /// The registry over the store's data directory. Looks at nothing yet.
    #[must_use]
    pub fn new(
        store: Store,
        worker: ModelWorker,
        tiers: Tiers,
        encoders: Encoders,
        settings: RegistrySettings,
    ) -> Self {
        let files = Arc::new(ModelFiles::new(store.data_dir()));
        let memory = ModelMemory::of_machine(settings.memory_bytes);
        Self {
            inner: Arc::new(Inner {
                residents: Arc::new(Residents::new(worker, Arc::clone(&files), memory)),
                store,
                tiers,
                encoders,
                settings,
                files,
                peers: Arc::default(),
                handles: Mutex::default(),
                trials: Mutex::default(),
                changing: tokio::sync::Mutex::default(),
                trying: tokio::sync::Mutex::default(),
                places: Arc::new(Semaphore::new(IMPORTS_MAX)),
            }),
        }
    }

    /// Removes what interrupted imports have left, and lets the tiers have their models. At the start,
    /// before anything else is asked of it.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn start(&self) -> Result<(), RegistryError> {
        let rows = self.inner.store.model_rows().await?;
        let known: Vec<ModelHash> = rows.iter().map(hash_of).collect();
        let files = Arc::clone(&self.inner.files);
        let swept = blocking(move || files.sweep(&known)).await?;
        if swept > 0 {
            tracing::warn!(swept, "files of interrupted imports of models were removed");
        }
        self.refresh(&rows).await
    }

    /// What models may take here.
    #[must_use]
    pub fn memory(&self) -> ModelMemory {
        self.inner.residents.memory()
    }

    /// All models, by name.
    ///
    /// # Errors
    /// [`RegistryError::Store`].
    pub async fn list(&self) -> Result<Vec<ModelView>, RegistryError> {
        let rows = self.inner.store.model_rows().await?;
        let assignments = self.inner.store.model_assignments().await?;
        rows.into_iter().map(|row| self.view(row, &assignments)).collect()
    }

    /// The model with this hash, its first eight digits or more, or this name.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], also where several begin so.
    pub async fn get(&self, name_or_hash: &str) -> Result<ModelView, RegistryError> {
        let views = self.list().await?;
        let named = views.iter().position(|view| view.name.eq_ignore_ascii_case(name_or_hash));
        let found = named.or_else(|| {
            let wanted = name_or_hash.to_ascii_lowercase();
            let begins = |view: &ModelView| view.hash.to_string().starts_with(&wanted);
            let mut all = views.iter().enumerate().filter(|(_, view)| begins(view));
            match (all.next(), all.next()) {
                (Some((i, _)), None) if wanted.len() >= 8 => Some(i),
                _ => None,
            }
        });
        let found = found.and_then(|i| views.into_iter().nth(i));
        found.ok_or_else(|| RegistryError::NotFound(name_or_hash.to_owned()))
    }

    /// A place for a model that is going to arrive, `expected_bytes` long as far as that is known.
    ///
    /// # Errors
    /// [`RegistryError::Busy`], [`RegistryError::NoDisk`], or [`RegistryError::Io`].
    pub async fn receive(
        &self,
        expected_bytes: Option<u64>,
    ) -> Result<(Incoming, OwnedSemaphorePermit), RegistryError> {
        let place = Arc::clone(&self.inner.places).try_acquire_owned();
        let place = place.map_err(|_| RegistryError::Busy)?;
        let name = self.inner.store.new_request_id()?.to_string();
        let files = Arc::clone(&self.inner.files);
        let incoming = blocking(move || files.receive(expected_bytes, &name)).await?;
        Ok((incoming, place))
    }

    /// Looks into a received file, in the worker's cage, and keeps it when it holds a model that fits
    /// this machine. `name` is what it is to be called; what it calls itself otherwise.
    ///
    /// # Errors
    /// [`RegistryError`]; nothing is left then.
    pub async fn admit(
        &self,
        scope: &ApplianceScope,
        request: base::RequestId,
        received: Received,
        name: Option<&str>,
    ) -> Result<ModelView, RegistryError> {
        let _turn = self.inner.changing.lock().await;
        let hash = received.hash;
        let rows = self.inner.store.model_rows().await?;
        if let Some(row) = rows.iter().find(|row| hash_of(row) == hash) {
            return Err(RegistryError::Exists { name: row.name.clone() });
        }
        let worker = self.inner.residents.worker();
        let facts = worker.inspect_model(received.read_only()?, INSPECT_TIMEOUT).await?;
        let options = self.options(&facts);
        ModelNeed::of(&facts, &options).check(self.memory())?;
        let name = match name {
            Some(name) => checked_name(name)?,
            None => free_name(&facts, hash, &rows),
        };
        let json =
            serde_json::to_string(&facts).map_err(|_| StoreError::Corrupt("models.facts"))?;
        let new = NewModelRow {
            hash: *hash.as_bytes(),
            name,
            size_bytes: received.size_bytes,
            facts: json,
        };
        let files = Arc::clone(&self.inner.files);
        blocking(move || files.keep(received)).await?;
        if let Err(error) = self.inner.store.model_insert(scope, request, new).await {
            let files = Arc::clone(&self.inner.files);
            let _ = blocking(move || files.remove(hash)).await;
            return Err(error.into());
        }
        tracing::info!(model.hash = %hash, model.architecture = facts.architecture,
            "a language model was brought in");
        self.get(&hash.to_string()).await
    }

    /// Says that a model is going to be tried, before whoever asks next.
    pub fn announce_trial(&self, hash: ModelHash) {
        self.inner.trials.lock().insert(hash, TrialState::Waiting);
    }

    /// Tries a model and records what came of it: a first answer, tokens a second, memory.
    ///
    /// # Errors
    /// [`RegistryError`]; the model stays, untried.
    pub async fn measure(
        &self,
        scope: &ApplianceScope,
        request: base::RequestId,
        hash: ModelHash,
    ) -> Result<ModelView, RegistryError> {
        let handle = match self.handle(hash).await {
            Ok(handle) => handle,
            Err(error) => {
                self.inner.trials.lock().remove(&hash);
                return Err(error);
            }
        };
        self.announce_trial(hash);
        let turn = self.inner.trying.lock().await;
        self.inner.trials.lock().insert(hash, TrialState::Running);
        let entropy = self.inner.store.entropy();
        let measured = trial::trial(&handle, &self.inner.residents, entropy).await;
        drop(turn);
        let recorded = match measured {
            Err(error) => Err(error),
            Ok(measured) => {
                let row = ModelMeasurement {
                    at: self.inner.store.now(),
                    prompt_tokens_per_s: measured.prompt_tokens_per_s,
                    generation_tokens_per_s: measured.generation_tokens_per_s,
                    peak_memory_bytes: measured.peak_memory_bytes,
                };
                let written =
                    self.inner.store.model_measured(scope, request, *hash.as_bytes(), row);
                written.await.map_err(RegistryError::from)
            }
        };
        match recorded {
            Ok(()) => {
                self.inner.trials.lock().remove(&hash);
                self.get(&hash.to_string()).await
            }
            Err(error) => {
                let state = TrialState::Failed(error.to_string());
                self.inner.trials.lock().insert(hash, state);
                Err(error)
            }
        }
    }

    /// Has these models, by name or hash and in this order, take `role` from now on; none is none.
    ///
    /// # Errors
    /// [`RegistryError::NotFound`], [`RegistryError::Unproven`] for one that was not tried, or
    /// [`RegistryError::Invalid`], also for one that is made for something else.
    pub async fn assign(
        &self,
        scope: &ApplianceScope,
        request: base::RequestId,
        role: ModelRole,
        models: &[String],
    ) -> Result<Vec<ModelView>, RegistryError> {
        if models.len() > role.models_max() {
            return Err(RegistryError::invalid("models", format!("at most {}", role.models_max())));
        }
        let _turn = self.inner.changing.lock().await;
        let mut hashes = Vec::with_capacity(models.len());
        for model in models {
            let view = self.get(model).await?;
            let (made_for, needed) = (view.facts.purpose, role.purpose());
            if made_for != needed {
                let (name, made_for, needed) = (view.name, made_for.as_str(), needed.as_str());
                let reason = format!("{name:?} is made to {made_for}, this takes one to {needed}");
                return Err(RegistryError::invalid("models", reason));
            }
            if view.measured.is_none() {
                return Err(RegistryError::Unproven(view.name));
            }
            hashes.push(*view.hash.as_bytes());
        }
        self.inner.store.model_assign(scope, request, role.as_str(), hashes).await?;
        let rows = self.inner.store.model_rows().await?;
        self.refresh(&rows).await?;
        Ok(self.list().await?.into_iter().filter(|view| view.roles.contains(&role)).collect())
    }

    /// Compares a model's file with its hash, reading all of it.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn verify(
        &self,
        scope: &ApplianceScope,
        request: base::RequestId,
        hash: ModelHash,
    ) -> Result<bool, RegistryError> {
        let files = Arc::clone(&self.inner.files);
        let is_sound = blocking(move || Ok(files.verify(hash)?)).await?;
        if !is_sound {
            tracing::error!(model.hash = %hash, "a model's file is not the one that was brought in");
        }
        self.inner.store.model_verified(scope, request, *hash.as_bytes(), is_sound).await?;
        Ok(is_sound)
    }

    /// Removes a model that is assigned to nothing: row, file, memory.
    ///
    /// # Errors
    /// [`RegistryError::InUse`], or the others.
    pub async fn remove(
        &self,
        scope: &ApplianceScope,
        request: base::RequestId,
        hash: ModelHash,
    ) -> Result<(), RegistryError> {
        {
            let _turn = self.inner.changing.lock().await;
            let view = self.get(&hash.to_string()).await?;
            if let Some(role) = view.roles.first() {
                return Err(RegistryError::InUse { role: role.as_str() });
            }
            self.inner.store.model_remove(scope, request, *hash.as_bytes()).await?;
            self.inner.handles.lock().remove(&hash);
            self.inner.trials.lock().remove(&hash);
            let files = Arc::clone(&self.inner.files);
            blocking(move || files.remove(hash)).await?;
        }
        // What the worker has mapped stays until it is unloaded; that may wait for another one to load.
        if let Err(error) = self.inner.residents.unload(hash).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "a removed model stays in memory until the worker ends");
        }
        Ok(())
    }

    /// Gives every role the models that the rows name.
    async fn refresh(&self, rows: &[ModelRow]) -> Result<(), RegistryError> {
        let assignments = self.inner.store.model_assignments().await?;
        let assigned = |role: ModelRole| {
            let of_role = assignments.iter().filter(move |(word, _)| word == role.as_str());
            let rows = of_role.filter_map(|(_, hash)| rows.iter().find(|row| row.hash == *hash));
            rows.map(|row| self.handle_of(row)).collect::<Result<Vec<Handle>, _>>()
        };
        for tier in Tier::ALL {
            let members = assigned(ModelRole::Write(tier))?.into_iter();
            let members = members.map(|model| Arc::new(model) as Arc<dyn LanguageModel>);
            self.inner.tiers.set_members(tier, members.collect());
        }
        let one = |role| -> Result<Option<Arc<dyn TextEncoder>>, RegistryError> {
            let model = assigned(role)?.into_iter().next();
            Ok(model.map(|model| Arc::new(model) as Arc<dyn TextEncoder>))
        };
        self.inner.encoders.set_embedder(one(ModelRole::Embed)?);
        self.inner.encoders.set_reranker(one(ModelRole::Rerank)?);
        Ok(())
    }

    async fn handle(&self, hash: ModelHash) -> Result<Handle, RegistryError> {
        let rows = self.inner.store.model_rows().await?;
        let row = rows.iter().find(|row| hash_of(row) == hash);
        self.handle_of(row.ok_or_else(|| RegistryError::NotFound(hash.to_string()))?)
    }

    fn handle_of(&self, row: &ModelRow) -> Result<Handle, RegistryError> {
        let hash = hash_of(row);
        if let Some(handle) = self.inner.handles.lock().get(&hash) {
            return Ok(handle.clone());
        }
        let facts = facts_of(row)?;
        let options = self.options(&facts);
        // One text may have what all together have, as far as the model knows positions.
        let context_tokens = options.context_tokens.min(facts.context_tokens.max(1));
        let description = ModelDescription { hash, name: row.name.clone(), context_tokens };
        let need = ModelNeed::of(&facts, &options);
        let (residents, peers) = (&self.inner.residents, &self.inner.peers);
        let model = WorkerModel::new((description, facts.purpose), options, need, residents, peers);
        let handle = Handle(Arc::new(model));
        Ok(self.inner.handles.lock().entry(hash).or_insert(handle).clone())
    }

    fn options(&self, facts: &ModelFacts) -> LoadOptions {
        let RegistrySettings { context_tokens, parallel, threads, .. } = self.inner.settings;
        if facts.purpose != ModelPurpose::Generate {
            // It reads one text after the other.
            let context_tokens = facts.context_tokens.clamp(1, ENCODE_WINDOW_TOKENS);
            return LoadOptions { context_tokens, parallel: 1, threads };
        }
        let trained = facts.context_tokens.saturating_mul(parallel).max(1);
        LoadOptions { context_tokens: context_tokens.min(trained), parallel, threads }
    }
}

fn hash_of(row: &ModelRow) -> ModelHash {
    ModelHash::from_bytes(row.hash)
}

fn facts_of(row: &ModelRow) -> Result<ModelFacts, RegistryError> {
    let facts = serde_json::from_str(&row.facts);
    Ok(facts.map_err(|_| StoreError::Corrupt("models.facts"))?)
}

/// Runs what blocks off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, RegistryError> + Send + 'static,
) -> Result<T, RegistryError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| RegistryError::Store(StoreError::Panicked))?
}
