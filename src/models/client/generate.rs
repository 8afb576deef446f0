//! What the worker is asked about models that were brought in.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use base::Violation;
use tokio::sync::mpsc;

use super::{ModelWorker, Request};
use crate::embedding::Embedding;
use crate::error::ModelError;
use crate::language::{CallOptions, TextSink};
use crate::protocol::{
    AnswerBody, CallBody, GenerateInput, Generation, LoadOptions, LoadedModel, ModelFacts,
    ModelHash, Priority, TextKind, WorkerError,
};

impl ModelWorker {
    /// What the model in `file` is, read in the worker's cage without loading it.
    ///
    /// # Errors
    /// [`ModelError::ModelRefused`] says what is wrong with the file; or the others.
    pub async fn inspect_model(
        &self,
        file: OwnedFd,
        timeout: Duration,
    ) -> Result<ModelFacts, ModelError> {
        let request =
            Request { body: CallBody::InspectModel, file: Some(Arc::new(file)), pieces: None };
        match self.one(request, Priority::Interactive, timeout).await? {
            AnswerBody::ModelFacts(facts) => Ok(*facts),
            _ => Err(ModelError::Worker(None)),
        }
    }

    /// Loads the model in `file`, whose hash the caller has verified. One that is loaded already
    /// stays as it is. Before the first one a child proves that models compute here what they
    /// should ([`crate::WorkerBuilds::proof`]).
    ///
    /// # Errors
    /// [`ModelError::ModelRefused`] when it can't be used, or when no model can be trusted on this
    /// machine; or the others. A file that kills the worker is not tried again.
    pub async fn load_model(
        &self,
        model: ModelHash,
        file: Arc<OwnedFd>,
        options: LoadOptions,
        timeout: Duration,
    ) -> Result<LoadedModel, ModelError> {
        if let Err(reason) = self.shared.builds.proof().await {
            let reason = format!("this machine does not compute language models right: {reason}");
            return Err(ModelError::ModelRefused { reason });
        }
        let body = CallBody::LoadModel { model, options };
        let request = Request { body, file: Some(file), pieces: None };
        match self.one(request, Priority::Interactive, timeout).await? {
            AnswerBody::ModelLoaded(loaded) => Ok(loaded),
            _ => Err(ModelError::Worker(None)),
        }
    }

    /// Gives a model's memory back. Texts that are being generated with it end in an error.
    ///
    /// # Errors
    /// [`ModelError`].
    pub async fn unload_model(
        &self,
        model: ModelHash,
        timeout: Duration,
    ) -> Result<(), ModelError> {
        let request = CallBody::UnloadModel { model }.into();
        match self.one(request, Priority::Interactive, timeout).await? {
            AnswerBody::ModelUnloaded => Ok(()),
            _ => Err(ModelError::Worker(None)),
        }
    }

    /// Generates a text with a loaded model; `None` when it is not loaded. Pieces go to `pieces` as
    /// they come. Dropping the future stops it. If the worker dies before the first piece, it is
    /// tried once more.
    ///
    /// # Errors
    /// [`ModelError`]; pieces that came before it count for nothing.
    pub async fn generate(
        &self,
        model: ModelHash,
        input: &GenerateInput,
        options: CallOptions,
        pieces: Option<TextSink>,
    ) -> Result<Option<Generation>, ModelError> {
        let streams = pieces.is_some();
        let body = CallBody::Generate { model, input: Box::new(input.clone()), streams };
        body.check_limits()
            .map_err(|error| ModelError::Invalid(Violation::new(error.field, error.reason)))?;
        let (to_caller, mut from_worker) = mpsc::unbounded_channel();
        let request = Request { body, file: None, pieces: streams.then_some(to_caller) };
        let mut work = std::pin::pin!(self.one(request, options.priority, options.timeout));
        let mut sink = pieces;
        let answer = loop {
            tokio::select! {
                answer = &mut work => break answer,
                Some(piece) = from_worker.recv(), if streams => {
                    hand_on(&mut sink, piece, options.timeout).await;
                }
            }
        };
        while let Ok(piece) = from_worker.try_recv() {
            hand_on(&mut sink, piece, options.timeout).await;
        }
        match answer {
            Ok(AnswerBody::Generated(generation)) => Ok(Some(*generation)),
            Ok(_) => Err(ModelError::Worker(None)),
            Err(ModelError::Worker(Some(WorkerError::ModelNotLoaded))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Tokens of each text as a loaded model counts them; `None` when it is not loaded.
    ///
    /// # Errors
    /// [`ModelError`].
    pub async fn count_model_tokens(
        &self,
        model: ModelHash,
        texts: Vec<String>,
        options: CallOptions,
    ) -> Result<Option<Vec<u32>>, ModelError> {
        match self.of_loaded(CallBody::CountModelTokens { model, texts }, options).await? {
            Some(AnswerBody::TokenCounts(counts)) => Ok(Some(counts)),
            Some(_) => Err(ModelError::Worker(None)),
            None => Ok(None),
        }
    }

    /// Embeds each text with a loaded model; `None` when it is not loaded.
    ///
    /// # Errors
    /// [`ModelError`].
    pub async fn model_embed(
        &self,
        model: ModelHash,
        texts: Vec<String>,
        kind: TextKind,
        options: CallOptions,
    ) -> Result<Option<Vec<Embedding>>, ModelError> {
        let count = texts.len();
        match self.of_loaded(CallBody::ModelEmbed { model, texts, kind }, options).await? {
            Some(AnswerBody::Embeddings(embeddings)) if embeddings.len() == count => {
                Ok(Some(embeddings))
            }
            Some(_) => Err(ModelError::Worker(None)),
            None => Ok(None),
        }
    }

    /// How well each text answers a question, as a loaded model sees it; `None` when it is not loaded.
    ///
    /// # Errors
    /// [`ModelError`].
    pub async fn rerank(
        &self,
        model: ModelHash,
        query: String,
        texts: Vec<String>,
        options: CallOptions,
    ) -> Result<Option<Vec<f32>>, ModelError> {
        let count = texts.len();
        match self.of_loaded(CallBody::Rerank { model, query, texts }, options).await? {
            Some(AnswerBody::Relevances(relevances)) if relevances.len() == count => {
                Ok(Some(relevances))
            }
            Some(_) => Err(ModelError::Worker(None)),
            None => Ok(None),
        }
    }

    async fn of_loaded(
        &self,
        body: CallBody,
        options: CallOptions,
    ) -> Result<Option<AnswerBody>, ModelError> {
        body.check_limits()
            .map_err(|error| ModelError::Invalid(Violation::new(error.field, error.reason)))?;
        match self.one(body.into(), options.priority, options.timeout).await {
            Ok(answer) => Ok(Some(answer)),
            Err(ModelError::Worker(Some(WorkerError::ModelNotLoaded))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn one(
        &self,
        request: Request,
        priority: Priority,
        timeout: Duration,
    ) -> Result<AnswerBody, ModelError> {
        let waiting = self.send_all(vec![request], priority, timeout).await?;
        let mut answers = self.collect(waiting, timeout).await?;
        answers.pop().ok_or(ModelError::Worker(None))
    }
}

/// Gives a piece to who reads, and lets go of a reader that is gone or has stopped reading.
async fn hand_on(sink: &mut Option<TextSink>, piece: String, patience: Duration) {
    if let Some(pieces) = sink {
        let sent = tokio::time::timeout(patience, pieces.send(piece)).await;
        if !matches!(sent, Ok(Ok(()))) {
            *sink = None;
        }
    }
}
