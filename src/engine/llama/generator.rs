//! The calls for models that were brought in: handed to the thread of the model that they are for.

use std::collections::HashMap;
use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use llama_cpp_2::llama_backend::LlamaBackend;
use models::protocol::{AnswerBody, Call, CallBody, CallId, LoadOptions, ModelHash, WorkerError};

use super::encoder::{EncodeOrder, Texts};
use super::inbox::{Command, Inbox, Order};
use super::model::{self, Loading};
use super::{facts, ffi};
use crate::worker::{Courtesy, Outbox};

/// Models that may be loaded at once; how many fit is the client's to know.
const MAX_MODELS: usize = 16;

/// Longest deadline; a longer one is as good as none.
const MAX_DEADLINE: Duration = Duration::from_secs(24 * 3600);

/// See the module.
pub(crate) struct Generator {
    /// Started with the first model: the library's kernels may want instructions that this machine
    /// lacks, and the embedder does not.
    backend: Option<Arc<LlamaBackend>>,
    models: HashMap<ModelHash, Thread>,
    /// Threads that compute, where a call says nothing else.
    threads: NonZeroUsize,
    courtesy: Courtesy,
    outbox: Arc<Outbox>,
}

struct Thread {
    inbox: Arc<Inbox>,
    handle: JoinHandle<()>,
}

impl Generator {
    /// A generator without a model.
    pub(crate) fn new(outbox: Arc<Outbox>, threads: NonZeroUsize, courtesy: Courtesy) -> Self {
        Self { backend: None, models: HashMap::new(), threads, courtesy, outbox }
    }

    /// Takes in a call of the generating lane, with the file that came along. The error is the
    /// answer to it.
    pub(crate) fn accept(&mut self, call: Call, file: Option<OwnedFd>) -> Result<(), WorkerError> {
        let Call { id, priority, deadline_ms, body } = call;
        body.check_limits()
            .map_err(|error| WorkerError::Invalid { field: error.field, reason: error.reason })?;
        let arrived = Instant::now();
        let deadline = arrived + Duration::from_millis(deadline_ms).min(MAX_DEADLINE);
        match body {
            CallBody::InspectModel => {
                let file = file.ok_or_else(no_file)?;
                self.inspect(id, File::from(file));
                Ok(())
            }
            CallBody::LoadModel { model, options } => {
                self.load(id, model, options, File::from(file.ok_or_else(no_file)?))
            }
            CallBody::UnloadModel { model } => {
                if self.send(model, Command::Unload(id)).is_err() {
                    return self.tell(id, Ok(AnswerBody::ModelUnloaded));
                }
                if let Some(thread) = self.models.remove(&model) {
                    // It answers, and is waited for so that its memory is free before the next load.
                    let _ = thread.handle.join();
                }
                Ok(())
            }
            CallBody::Generate { model, input, streams } => {
                let order = Order { id, priority, arrived, deadline, input: *input, streams };
                self.send(model, Command::Generate(Box::new(order)))
            }
            CallBody::CountModelTokens { model, texts } => {
                self.send(model, Command::Count { id, texts })
            }
            CallBody::ModelEmbed { model, texts, kind } => {
                let work = Texts::Embed { kind, done: Vec::with_capacity(texts.len()) };
                let order = EncodeOrder { id, priority, deadline, texts: texts.into(), work };
                self.send(model, Command::Encode(Box::new(order)))
            }
            CallBody::Rerank { model, query, texts } => {
                let work = Texts::Rerank { query, done: Vec::with_capacity(texts.len()) };
                let order = EncodeOrder { id, priority, deadline, texts: texts.into(), work };
                self.send(model, Command::Encode(Box::new(order)))
            }
            CallBody::Ping
            | CallBody::Embed { .. }
            | CallBody::CountTokens { .. }
            | CallBody::TokenSpans { .. } => {
                Err(WorkerError::Failed { reason: "a call of the other lane".to_owned() })
            }
        }
    }

    /// Tells every thread that a call is not wanted any more; the one that has it answers.
    pub(crate) fn cancel(&self, id: CallId) {
        for thread in self.models.values() {
            // A closed one has answered all its calls.
            let _ = thread.inbox.put(Command::Cancel(id));
        }
    }

    /// Ends all threads and waits for them.
    pub(crate) fn stop(self) {
        for thread in self.models.values() {
            let left = thread.inbox.close();
            model::refuse(&self.outbox, left, "the worker ends");
        }
        for (_, thread) in self.models {
            let _ = thread.handle.join();
        }
    }

    fn inspect(&self, id: CallId, file: File) {
        let outbox = Arc::clone(&self.outbox);
        // Of its own, because a vocabulary takes a while and others wait behind this call.
        std::thread::spawn(move || {
            let answer = match facts::read(&file) {
                Ok(summary) => Ok(AnswerBody::ModelFacts(Box::new(facts::told(&summary)))),
                Err(reason) => Err(WorkerError::ModelRefused { reason }),
            };
            let _ = outbox.answer(id, answer);
        });
    }

    fn load(
        &mut self,
        id: CallId,
        hash: ModelHash,
        options: LoadOptions,
        file: File,
    ) -> Result<(), WorkerError> {
        if self.send(hash, Command::Loaded(id)).is_ok() {
            return Ok(());
        }
        self.models.retain(|_, thread| !thread.inbox.is_closed());
        if self.models.len() >= MAX_MODELS {
            return Err(WorkerError::Busy);
        }
        let backend = match &self.backend {
            Some(backend) => Arc::clone(backend),
            None => Arc::clone(self.backend.insert(ffi::start()?)),
        };
        let inbox = Arc::new(Inbox::default());
        let loading = Loading {
            backend,
            hash,
            options,
            threads: self.threads,
            courtesy: self.courtesy.clone(),
            file,
            inbox: Arc::clone(&inbox),
            outbox: Arc::clone(&self.outbox),
            first: id,
        };
        let handle = std::thread::Builder::new()
            .name("model".to_owned())
            .spawn(move || model::run(loading))
            .map_err(|error| WorkerError::Failed { reason: error.to_string() })?;
        self.models.insert(hash, Thread { inbox, handle });
        Ok(())
    }

    fn send(&self, model: ModelHash, command: Command) -> Result<(), WorkerError> {
        let thread = self.models.get(&model).ok_or(WorkerError::ModelNotLoaded)?;
        thread.inbox.put(command).map_err(|_| WorkerError::ModelNotLoaded)
    }

    fn tell(&self, id: CallId, answer: Result<AnswerBody, WorkerError>) -> Result<(), WorkerError> {
        self.outbox
            .answer(id, answer)
            .map_err(|error| WorkerError::Failed { reason: error.to_string() })
    }
}

fn no_file() -> WorkerError {
    WorkerError::Invalid { field: "file".to_owned(), reason: "no file came along".to_owned() }
}
