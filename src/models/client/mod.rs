//! The handle that the rest of the house holds.

mod admission;
mod calls;
mod generate;
mod process;
mod supervisor;

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base::{Clock, Timestamp, Violation};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::embedding::Embedding;
use crate::error::ModelError;
use crate::protocol::{
    AnswerBody, CALL_MAX_TEXT_BYTES, CallBody, CallId, Hello, LimitError, Priority, TextKind,
    TokenSpan,
};
use crate::worker_builds::{BuildChoice, WorkerBuilds};
use admission::Admission;
use calls::PendingCall;
use supervisor::{Command, Supervisor};

/// Texts that one frame carries when a long list is cut up: small enough that the worker can
/// answer a person between two of them, large enough to keep all its threads busy.
const SPLIT_TEXTS: usize = 32;

/// Most texts that one call of [`ModelWorker::embed`] and its like accepts.
const BATCH_MAX_TEXTS: usize = 4096;

/// How the worker is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerCommand {
    /// The executable; the product passes itself.
    pub exe: PathBuf,
    /// Its arguments, `["worker", "model"]` in the product. The socket is the child's standard
    /// input; the child's environment is empty except for `RUST_LOG`.
    pub args: Vec<String>,
}

/// Limits of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerSettings {
    /// From the start of the process to its first word.
    pub start_timeout: Duration,
    /// Without calls for this long the worker is stopped; `None` keeps it.
    pub idle_timeout: Option<Duration>,
    /// With calls in its hands and silent for this long, the worker is taken for hung and killed.
    pub hang_timeout: Duration,
    /// Pause before the first restart; doubles with every further death.
    pub back_off_first: Duration,
    /// Longest pause between two starts.
    pub back_off_max: Duration,
    /// Frames that may wait or be worked on at once. Ingestion may fill half of it, agents three
    /// quarters.
    pub queue_calls: usize,
    /// Frames of one priority that are in the worker's hands at once.
    pub window_calls: usize,
    /// Texts of one priority that the worker generates, or keeps in its own queue, at once.
    pub window_texts: usize,
    /// What a refused caller is told to wait.
    pub busy_retry_after: Duration,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self {
            start_timeout: Duration::from_secs(30),
            idle_timeout: Some(Duration::from_secs(600)),
            hang_timeout: Duration::from_secs(60),
            back_off_first: Duration::from_millis(250),
            back_off_max: Duration::from_secs(60),
            queue_calls: 1024,
            window_calls: 4,
            window_texts: 32,
            busy_retry_after: Duration::from_secs(2),
        }
    }
}

/// What the worker is doing, for `/health/ready`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorkerState {
    /// Not running because nothing has been asked of it; starts with the next call.
    NotStarted,
    /// The process exists and has not spoken yet.
    Starting,
    /// It answers.
    Ready {
        /// Process id.
        pid: u32,
        /// When it became ready.
        since: Timestamp,
        /// What it said of itself.
        hello: Arc<Hello>,
        /// Which build it is, and why not a better one.
        build: Arc<BuildChoice>,
    },
    /// It died or could not be started.
    Failed {
        /// What happened.
        reason: String,
        /// When the next start may be tried.
        next_retry: Timestamp,
    },
}

/// The model worker as seen from this process. Cheap to clone; all clones share one child.
///
/// Calls may be dropped at any time: the worker is told to stop. Dropping the last clone stops the
/// child.
#[derive(Clone)]
pub struct ModelWorker {
    shared: Arc<Shared>,
}

struct Shared {
    /// What can be started, and whether language models can be trusted with it on this machine.
    builds: WorkerBuilds,
    settings: WorkerSettings,
    admission: Arc<Admission>,
    next_id: AtomicU64,
    commands: mpsc::UnboundedSender<Command>,
    state: watch::Receiver<WorkerState>,
    /// Taken by the first call, which is the first moment a runtime is certain.
    not_spawned: Mutex<Option<Supervisor>>,
}

impl ModelWorker {
    /// A client that will start a worker when it is first needed: the one of these builds that is best
    /// for this machine. Does nothing yet.
    #[must_use]
    pub fn new(
        builds: impl Into<WorkerBuilds>,
        settings: WorkerSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let builds: WorkerBuilds = builds.into();
        // Unbounded, because admission bounds what can be in it.
        let (commands, inbox) = mpsc::unbounded_channel();
        let (state_out, state) = watch::channel(WorkerState::NotStarted);
        let supervisor = Supervisor::new(builds.clone(), settings.clone(), clock, inbox, state_out);
        Self {
            shared: Arc::new(Shared {
                builds,
                admission: Arc::new(Admission::new(settings.queue_calls)),
                settings,
                next_id: AtomicU64::new(1),
                commands,
                state,
                not_spawned: Mutex::new(Some(supervisor)),
            }),
        }
    }

    /// What the worker is doing now.
    #[must_use]
    pub fn state(&self) -> WorkerState {
        self.shared.state.borrow().clone()
    }

    /// A receiver that sees every change of [`Self::state`].
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<WorkerState> {
        self.shared.state.clone()
    }

    /// The embedding of each text, in order: `[n_texts, 384] f32`, L2-normalised.
    ///
    /// Only the first 256 tokens of a text count. Safe to repeat; if the worker dies the call is
    /// tried once more. `timeout` is for all texts together.
    ///
    /// # Errors
    /// [`ModelError`]; nothing is half-answered.
    pub async fn embed(
        &self,
        texts: Vec<String>,
        kind: TextKind,
        priority: Priority,
        timeout: Duration,
    ) -> Result<Vec<Embedding>, ModelError> {
        let wrap = |texts| CallBody::Embed { texts, kind };
        self.call_split(texts, wrap, priority, timeout, |answer| match answer {
            AnswerBody::Embeddings(embeddings) => Some(embeddings),
            _ => None,
        })
        .await
    }

    /// Tokens of each text, in order, untruncated and without the two that frame a sequence.
    ///
    /// # Errors
    /// [`ModelError`].
    pub async fn count_tokens(
        &self,
        texts: Vec<String>,
        priority: Priority,
        timeout: Duration,
    ) -> Result<Vec<u32>, ModelError> {
        let wrap = |texts| CallBody::CountTokens { texts };
        self.call_split(texts, wrap, priority, timeout, |answer| match answer {
            AnswerBody::TokenCounts(counts) => Some(counts),
            _ => None,
        })
        .await
    }

    /// Where each text's tokens stand, in order: what the chunker cuts by.
    ///
    /// Tokenisation stays in the worker, so that the tokenizer and its tables are in one process;
    /// it costs about a microsecond per token there, against milliseconds for embedding.
    ///
    /// # Errors
    /// [`ModelError`].
    pub async fn token_spans(
        &self,
        texts: Vec<String>,
        priority: Priority,
        timeout: Duration,
    ) -> Result<Vec<Vec<TokenSpan>>, ModelError> {
        let wrap = |texts| CallBody::TokenSpans { texts };
        self.call_split(texts, wrap, priority, timeout, |answer| match answer {
            AnswerBody::TokenSpans(spans) => Some(spans),
            _ => None,
        })
        .await
    }

    /// Starts the worker if it is not running and waits for its turn; what it says of itself is in
    /// [`Self::state`] afterwards.
    ///
    /// # Errors
    /// [`ModelError`].
    pub async fn ping(&self, priority: Priority, timeout: Duration) -> Result<(), ModelError> {
        let waiting = self.send_all(vec![CallBody::Ping.into()], priority, timeout).await?;
        match self.collect(waiting, timeout).await?.as_slice() {
            [AnswerBody::Pong] => Ok(()),
            _ => Err(ModelError::Worker(None)),
        }
    }

    /// Stops the child and refuses further calls; calls in flight get [`ModelError::ShutDown`].
    pub async fn shut_down(&self) {
        if self.shared.not_spawned.lock().await.take().is_some() {
            return;
        }
        let (done, finished) = oneshot::channel();
        if self.shared.commands.send(Command::ShutDown(done)).is_ok() {
            // An error means that the supervisor has ended already, which is what was asked for.
            let _ = finished.await;
        }
    }

    /// Cuts `texts` into frames, sends them all, and joins the answers in order.
    async fn call_split<T>(
        &self,
        texts: Vec<String>,
        wrap: impl Fn(Vec<String>) -> CallBody,
        priority: Priority,
        timeout: Duration,
        unwrap: impl Fn(AnswerBody) -> Option<Vec<T>>,
    ) -> Result<Vec<T>, ModelError> {
        let wanted = texts.len();
        if wanted > BATCH_MAX_TEXTS {
            let reason = format!("{wanted} texts, at most {BATCH_MAX_TEXTS}");
            return Err(ModelError::Invalid(Violation::new("texts", reason)));
        }
        let mut bodies: Vec<Request> = Vec::with_capacity(wanted.div_ceil(SPLIT_TEXTS));
        let mut first = 0;
        for group in split(texts) {
            let count = group.len();
            let body = wrap(group);
            body.check_limits().map_err(|error| invalid_at(error, first))?;
            bodies.push(body.into());
            first += count;
        }
        let waiting = self.send_all(bodies, priority, timeout).await?;
        let mut results = Vec::with_capacity(wanted);
        for answer in self.collect(waiting, timeout).await? {
            results.extend(unwrap(answer).ok_or(ModelError::Worker(None))?);
        }
        if results.len() == wanted { Ok(results) } else { Err(ModelError::Worker(None)) }
    }

    async fn send_all(
        &self,
        requests: Vec<Request>,
        priority: Priority,
        timeout: Duration,
    ) -> Result<Vec<Waiting>, ModelError> {
        let settings = &self.shared.settings;
        let mut tickets = Admission::admit(&self.shared.admission, requests.len(), priority)
            .ok_or(ModelError::Busy { retry_after: settings.busy_retry_after })?;
        if let Some(supervisor) = self.shared.not_spawned.lock().await.take() {
            tokio::spawn(supervisor.run());
        }
        let deadline = Instant::now() + timeout;
        let mut waiting = Vec::with_capacity(requests.len());
        for Request { body, file, pieces } in requests {
            let id = CallId(self.shared.next_id.fetch_add(1, Ordering::Relaxed));
            let (reply, answer) = oneshot::channel();
            let (attempts, streamed) = (0, false);
            let call = PendingCall {
                id,
                priority,
                body,
                file,
                deadline,
                attempts,
                reply,
                pieces,
                streamed,
            };
            self.shared
                .commands
                .send(Command::Call(Box::new(call)))
                .map_err(|_| ModelError::ShutDown)?;
            waiting.push(Waiting {
                id,
                answer,
                abandon: self.shared.commands.clone(),
                deadline,
                _ticket: tickets.split_one(),
            });
        }
        Ok(waiting)
    }

    async fn collect(
        &self,
        waiting: Vec<Waiting>,
        timeout: Duration,
    ) -> Result<Vec<AnswerBody>, ModelError> {
        let busy = self.shared.settings.busy_retry_after;
        let mut answers = Vec::with_capacity(waiting.len());
        for mut call in waiting {
            let reply = tokio::time::timeout_at(call.deadline, &mut call.answer)
                .await
                .map_err(|_| ModelError::DeadlinePassed { timeout })?;
            match reply {
                Ok(Ok(Ok(answer))) => answers.push(answer),
                Ok(Ok(Err(refusal))) => {
                    return Err(ModelError::from_worker(refusal, timeout, busy));
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(ModelError::ShutDown),
            }
        }
        Ok(answers)
    }
}

/// What is to be done, with all that goes with it.
struct Request {
    body: CallBody,
    file: Option<Arc<OwnedFd>>,
    pieces: Option<mpsc::UnboundedSender<String>>,
}

impl From<CallBody> for Request {
    fn from(body: CallBody) -> Self {
        Self { body, file: None, pieces: None }
    }
}

/// A call whose answer is awaited; dropping it tells the supervisor that nobody wants it.
struct Waiting {
    id: CallId,
    answer: oneshot::Receiver<calls::Reply>,
    abandon: mpsc::UnboundedSender<Command>,
    deadline: Instant,
    _ticket: admission::Ticket,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        // After an answer the receiver is spent and the supervisor has forgotten the call; it
        // ignores a number that it does not know.
        let _ = self.abandon.send(Command::Abandon(self.id));
    }
}

/// Groups of at most [`SPLIT_TEXTS`] texts that a frame can carry together.
fn split(texts: Vec<String>) -> Vec<Vec<String>> {
    let mut groups = Vec::with_capacity(texts.len().div_ceil(SPLIT_TEXTS));
    let mut group: Vec<String> = Vec::new();
    let mut group_bytes = 0;
    for text in texts {
        let full = group.len() == SPLIT_TEXTS || group_bytes + text.len() > CALL_MAX_TEXT_BYTES;
        if full && !group.is_empty() {
            groups.push(std::mem::take(&mut group));
            group_bytes = 0;
        }
        group_bytes += text.len();
        group.push(text);
    }
    if !group.is_empty() {
        groups.push(group);
    }
    groups
}

/// The protocol's complaint about a group, counted from the beginning of the caller's list.
fn invalid_at(error: LimitError, first: usize) -> ModelError {
    let index = error.field.strip_prefix("texts[").and_then(|rest| rest.strip_suffix(']'));
    let field = match index.and_then(|index| index.parse::<usize>().ok()) {
        Some(index) => format!("texts[{}]", first + index),
        None => error.field,
    };
    ModelError::Invalid(Violation::new(field, error.reason))
}
