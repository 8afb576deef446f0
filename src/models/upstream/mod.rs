//! Models on other machines of the local network, behind the API that vLLM, llama-server and Ollama
//! share with OpenAI. A member of a tier like any other; reached through the one door alone.
//!
//! Never:
//! - a connection but through [`egress::Door`], to the one place that the configuration names;
//! - a shape that is believed: output that was to be JSON, or a tool call, is checked here, since the
//!   other side may not know how to hold its model to it;
//! - a text of the other side in a log.

mod standing;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use egress::{Bytes, Door, EgressError, Request, Response};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

pub use standing::UpstreamState;

use crate::error::ModelError;
use crate::language::{BoxFuture, CallOptions, LanguageModel, ModelDescription, TextSink};
use crate::protocol::{GenerateInput, Generation, ModelHash, Prompt, WorkerError};
use crate::tiers::Tier;
use standing::Standing;
use wire::Reading;

/// How often one that is down is asked whether it is back.
pub const UPSTREAM_PROBE_INTERVAL: Duration = Duration::from_secs(30);

/// When an upstream that has all the calls that it may have is worth asking again.
const BUSY_RETRY_AFTER: Duration = Duration::from_secs(2);

/// Pieces of an answer that may wait between the network and whoever reads them.
const NETWORK_PIECES: usize = 64;

/// Bytes of text that make a token, where only a guess is possible. Low, so that what is set aside for
/// a prompt is enough.
const BYTES_PER_TOKEN: usize = 3;

/// A model on another machine.
#[derive(Clone)]
pub struct UpstreamSettings {
    /// What people call it, and the end of its connector's name.
    pub name: String,
    /// Where its API is, up to and without the name of a call: `https://gpu.plant.example:8000/v1`.
    pub url: String,
    /// The model, as the other side calls it.
    pub model: String,
    /// Tokens that prompt and output may have together.
    pub context_tokens: u32,
    /// The tiers that it is a member of.
    pub tiers: Vec<Tier>,
    /// What it is shown as `Authorization: Bearer`.
    pub api_key: Option<Zeroizing<String>>,
}

impl UpstreamSettings {
    /// The entry of the door's allow-list that is meant for it.
    #[must_use]
    pub fn connector(&self) -> String {
        format!("upstream.{}", self.name)
    }
}

/// An upstream as administrators see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpstreamView {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// The model, as the other side calls it.
    pub model: String,
    /// What receipts and traces call it.
    pub hash: ModelHash,
    /// Tokens that prompt and output may have together.
    pub context_tokens: u32,
    /// The tiers that it is a member of.
    pub tiers: Vec<Tier>,
    /// Whether it answers.
    pub state: UpstreamState,
}

/// See the module. Cheap to clone.
#[derive(Clone)]
pub struct Upstream {
    inner: Arc<Inner>,
}

struct Inner {
    settings: UpstreamSettings,
    description: ModelDescription,
    door: Door,
    standing: Standing,
}

impl Upstream {
    /// The upstream of these settings, whose connector `door` allows. Asks nothing yet.
    #[must_use]
    pub fn new(settings: UpstreamSettings, door: Door) -> Self {
        let mut hasher = Sha256::new();
        for part in ["upstream", &settings.url, &settings.model] {
            hasher.update(part.as_bytes());
            hasher.update([0]);
        }
        let description = ModelDescription {
            hash: ModelHash::from_bytes(hasher.finalize().into()),
            name: settings.name.clone(),
            context_tokens: settings.context_tokens,
        };
        let standing = Standing::default();
        Self { inner: Arc::new(Inner { settings, description, door, standing }) }
    }

    /// How it is.
    #[must_use]
    pub fn view(&self) -> UpstreamView {
        let settings = &self.inner.settings;
        UpstreamView {
            name: settings.name.clone(),
            url: settings.url.clone(),
            model: settings.model.clone(),
            hash: self.inner.description.hash,
            context_tokens: settings.context_tokens,
            tiers: settings.tiers.clone(),
            state: self.inner.standing.state(),
        }
    }

    /// Asks whether it is there and knows its model.
    ///
    /// # Errors
    /// [`ModelError::Unavailable`], which its state says from now on.
    pub async fn probe(&self) -> Result<(), ModelError> {
        let asked = self.models().await;
        self.inner.standing.note(asked.as_ref().err(), Instant::now());
        asked
    }

    async fn models(&self) -> Result<(), ModelError> {
        let request = self.request("GET", "models", Bytes::new())?;
        let connector = self.inner.settings.connector();
        let answer = self.inner.door.send(&connector, request).await.map_err(from_door)?;
        refused(&answer)?;
        match wire::lists_model(answer.body(), &self.inner.settings.model) {
            Some(true) => Ok(()),
            Some(false) => Err(unavailable("it does not know the model that is configured")),
            None => Err(unavailable("its list of models can't be read")),
        }
    }

    fn request(&self, method: &str, call: &str, body: Bytes) -> Result<Request<Bytes>, ModelError> {
        let settings = &self.inner.settings;
        let url = format!("{}/{call}", settings.url.trim_end_matches('/'));
        let mut request = Request::builder().method(method).uri(url);
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        if let Some(key) = &settings.api_key {
            let bearer = Zeroizing::new(format!("Bearer {}", key.as_str()));
            request = request.header("authorization", bearer.as_str());
        }
        request.body(body).map_err(|_| unavailable("its URL or key can't be written in a request"))
    }

    async fn write(
        &self,
        input: &GenerateInput,
        options: CallOptions,
        pieces: Option<TextSink>,
    ) -> Result<Generation, ModelError> {
        input.check_limits().map_err(|error| {
            ModelError::Invalid(base::Violation::new(error.field, error.reason))
        })?;
        self.inner.standing.admit(Instant::now())?;
        let heard = AtomicBool::new(false);
        let work = self.exchange(input, pieces, &heard);
        let timeout = options.timeout;
        let outcome = tokio::time::timeout(timeout, work)
            .await
            .unwrap_or(Err(ModelError::DeadlinePassed { timeout }));
        // Whose text was under way when the time was over does answer.
        let late = matches!(outcome, Err(ModelError::DeadlinePassed { .. }));
        let answered = late && heard.load(Ordering::Relaxed);
        let fault = outcome.as_ref().err().filter(|_| !answered);
        self.inner.standing.note(fault, Instant::now());
        outcome
    }

    async fn exchange(
        &self,
        input: &GenerateInput,
        pieces: Option<TextSink>,
        heard: &AtomicBool,
    ) -> Result<Generation, ModelError> {
        let settings = &self.inner.settings;
        let body = wire::request(&settings.model, input, pieces.is_some())?;
        let call = match input.prompt {
            Prompt::Chat(_) => "chat/completions",
            Prompt::Raw(_) => "completions",
        };
        let request = self.request("POST", call, body.into())?;
        let (connector, door) = (settings.connector(), &self.inner.door);
        let begun = Instant::now();
        let mut reading = Reading::new(input);
        match pieces {
            None => {
                let answer = door.send(&connector, request).await.map_err(from_door)?;
                refused(&answer)?;
                reading.whole(answer.body())?;
            }
            Some(sink) => {
                let (network, mut arriving) = mpsc::channel(NETWORK_PIECES);
                let sending = door.stream(&connector, request, network);
                tokio::pin!(sending);
                let mut answer = None;
                let mut over = false;
                while answer.is_none() || !over {
                    tokio::select! {
                        biased;
                        piece = arriving.recv(), if !over => match piece {
                            Some(bytes) => {
                                heard.store(true, Ordering::Relaxed);
                                reading.piece(&bytes, &sink).await?;
                            }
                            None => over = true,
                        },
                        done = &mut sending, if answer.is_none() => {
                            answer = Some(done.map_err(from_door)?);
                        }
                    }
                }
                if let Some(answer) = &answer {
                    refused(answer)?;
                }
            }
        }
        reading.finish(self.inner.description.hash, begun)
    }
}

impl LanguageModel for Upstream {
    fn describe(&self) -> ModelDescription {
        self.inner.description.clone()
    }

    fn generate<'a>(
        &'a self,
        input: &'a GenerateInput,
        options: CallOptions,
        pieces: Option<TextSink>,
    ) -> BoxFuture<'a, Result<Generation, ModelError>> {
        Box::pin(self.write(input, options, pieces))
    }

    fn gave_no_sign(&self) {
        self.inner.standing.silent(Instant::now());
    }

    /// An estimate: the servers have no call for it that all of them share.
    fn count_tokens<'a>(
        &'a self,
        texts: Vec<String>,
        _options: CallOptions,
    ) -> BoxFuture<'a, Result<Vec<u32>, ModelError>> {
        Box::pin(async move { Ok(texts.iter().map(|text| estimate(text.len())).collect()) })
    }
}

/// Looks after those that are down, for as long as it is run. Ends at once when there are none at all.
pub async fn upstreams_watch(upstreams: Vec<Upstream>) {
    if upstreams.is_empty() {
        return;
    }
    loop {
        for upstream in &upstreams {
            if !matches!(upstream.view().state, UpstreamState::Answers) {
                // Its state keeps what came of it.
                let _ = upstream.probe().await;
            }
        }
        tokio::time::sleep(UPSTREAM_PROBE_INTERVAL).await;
    }
}

fn estimate(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX)
}

fn unavailable(reason: &str) -> ModelError {
    ModelError::Unavailable { reason: reason.to_owned(), retry_after: UPSTREAM_PROBE_INTERVAL }
}

fn unusable(reason: &str) -> ModelError {
    ModelError::Worker(Some(WorkerError::Failed { reason: reason.to_owned() }))
}

fn from_door(error: EgressError) -> ModelError {
    match error {
        EgressError::Busy { .. } => ModelError::Busy { retry_after: BUSY_RETRY_AFTER },
        EgressError::RequestTooLarge { .. } | EgressError::ResponseTooLarge { .. } => {
            unusable("the prompt or the answer is larger than goes through the door")
        }
        EgressError::Closed => ModelError::ShutDown,
        other => unavailable(&format!("it can't be reached: {}", other.code())),
    }
}

/// What an answer without success means.
fn refused(answer: &Response<Bytes>) -> Result<(), ModelError> {
    match answer.status().as_u16() {
        200..=299 => Ok(()),
        400 | 413 | 422 => Err(unusable("the upstream refused the prompt or its shape")),
        401 | 403 => Err(unavailable("it refuses the key that is configured")),
        404 => Err(unavailable("it does not know the call or the model that is configured")),
        429 | 503 => Err(ModelError::Busy { retry_after: BUSY_RETRY_AFTER }),
        status => Err(unavailable(&format!("it answers with status {status}"))),
    }
}
