//! A worker with a tiny model in it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base::SystemClock;
use engine::tiny::{TinyModel, WeightKind};
use models::protocol::WorkerError;
use models::{
    CallOptions, ChatMessage, FairShare, GenerateInput, Generation, LoadOptions, ModelError,
    ModelHash, ModelWorker, OutputShape, PrefixScope, Priority, Prompt, Sampling, Speaker,
    TextKind, WorkerCommand, WorkerSettings, WorkerState,
};

pub(crate) const PATIENT: Duration = Duration::from_secs(120);
pub(crate) const PATIENTLY: CallOptions =
    CallOptions { priority: Priority::Interactive, timeout: PATIENT };
pub(crate) const OPTIONS: LoadOptions =
    LoadOptions { context_tokens: 8192, parallel: 16, threads: Some(1) };

pub(crate) struct Plant {
    pub(crate) worker: ModelWorker,
    pub(crate) model: ModelHash,
    pub(crate) path: PathBuf,
    _folder: tempfile::TempDir,
}

/// The worker; in a build for graphics processors with one that is acted in software.
pub(crate) fn command() -> WorkerCommand {
    let mut args = vec!["--threads=2".to_owned()];
    if cfg!(feature = "vulkan") {
        args.push("--software-gpu".to_owned());
    }
    WorkerCommand { exe: env!("CARGO_BIN_EXE_millwright-model-worker").into(), args }
}

pub(crate) fn worker() -> ModelWorker {
    let command = command();
    let settings = WorkerSettings {
        back_off_first: Duration::from_millis(20),
        idle_timeout: None,
        ..WorkerSettings::default()
    };
    ModelWorker::new(command, settings, Arc::new(SystemClock))
}

impl Plant {
    pub(crate) async fn new() -> Self {
        Self::with(|path| {
            let tiny = TinyModel::for_proof(WeightKind::F32);
            tiny.write(File::create(path).unwrap()).unwrap();
        })
        .await
    }

    /// With the model that `write` makes.
    pub(crate) async fn with(write: impl FnOnce(&Path)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.gguf");
        write(&path);
        let model = ModelHash::from_bytes([7; 32]);
        let plant = Self { worker: worker(), model, path, _folder: folder };
        plant.load().await;
        plant
    }

    /// Why the file that `write` makes holds no model that can be used.
    pub(crate) async fn refused(write: impl FnOnce(&Path)) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tiny.gguf");
        write(&path);
        match worker().inspect_model(File::open(&path).unwrap().into(), PATIENT).await {
            Err(ModelError::ModelRefused { reason }) => reason,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn load(&self) {
        let file = Arc::new(OwnedFd::from(File::open(&self.path).unwrap()));
        self.worker.load_model(self.model, file, OPTIONS, PATIENT).await.unwrap();
    }

    pub(crate) async fn generate(&self, input: &GenerateInput) -> Result<Generation, ModelError> {
        let generated = self.worker.generate(self.model, input, PATIENTLY, None).await?;
        Ok(generated.unwrap())
    }

    /// The text, and the pieces it came in.
    pub(crate) async fn stream(
        &self,
        input: &GenerateInput,
    ) -> (Result<Generation, ModelError>, Vec<String>) {
        let (sink, mut source) = tokio::sync::mpsc::channel(16);
        let hear = async {
            let mut pieces = Vec::new();
            while let Some(piece) = source.recv().await {
                pieces.push(piece);
            }
            pieces
        };
        let work = self.worker.generate(self.model, input, PATIENTLY, Some(sink));
        let (generated, pieces) = tokio::join!(work, hear);
        let missing = ModelError::Worker(Some(WorkerError::ModelNotLoaded));
        (generated.and_then(|generated| generated.ok_or(missing)), pieces)
    }

    pub(crate) async fn embed(&self, text: &str) {
        let texts = vec![text.to_owned()];
        self.worker.embed(texts, TextKind::Query, Priority::Interactive, PATIENT).await.unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        match self.worker.state() {
            WorkerState::Ready { pid, .. } => pid,
            other => panic!("not ready: {other:?}"),
        }
    }
}

pub(crate) fn raw(prompt: &str, max_tokens: u32) -> GenerateInput {
    GenerateInput {
        prompt: Prompt::Raw(prompt.to_owned()),
        output: OutputShape::Text,
        sampling: Sampling::GREEDY,
        max_tokens,
        stop: Vec::new(),
        scope: PrefixScope([1; 16]),
        share: FairShare([1; 16]),
    }
}

pub(crate) fn chat(question: &str, max_tokens: u32) -> GenerateInput {
    let messages = vec![
        ChatMessage::new(Speaker::System, "You answer from the documents of the plant."),
        ChatMessage::new(Speaker::User, question),
    ];
    GenerateInput { prompt: Prompt::Chat(messages), ..raw("", max_tokens) }
}
